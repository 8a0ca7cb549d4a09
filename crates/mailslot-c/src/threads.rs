//! `CreateThread` and what belongs to it, and the handles of handles: `DuplicateHandle`.

use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex};

use crate::border::{call, lock};
use crate::code::Code;
use crate::dispatch::dispatch;
use crate::object::{self, Object};
use crate::thread::{STILL_ACTIVE, Thread};
use crate::types::{
    Bool, CURRENT_THREAD, FALSE, Handle, INVALID_HANDLE, NO_HANDLE, SecurityAttributes, TRUE,
    ThreadStart,
};
use crate::{fork, inherit, reserve, table};

const CREATE_SUSPENDED: u32 = 4;

/// Threads get at least this much stack, whatever a program written for another system asks for.
const LEAST_STACK: usize = 256 * 1024;

// Of `libc`'s declarations, these two would not let a thread's end pass through them.
unsafe extern "C-unwind" {
    fn pthread_exit(value: *mut c_void) -> !;
}
unsafe extern "C" {
    #[allow(clashing_extern_declarations)]
    fn pthread_create(
        thread: *mut libc::pthread_t,
        attributes: *const libc::pthread_attr_t,
        start: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> libc::c_int;
}

/// What a new thread begins with.
struct Start {
    thread: Arc<Thread>,
    gate: Arc<Gate>,
    function: ThreadStart,
    parameter: *mut c_void,
}

/// Holds a thread back that was created suspended.
pub(crate) struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let open = lock(&self.open);
        let _open = self.opened.wait_while(open, |open| !*open);
    }

    /// False if it was open already.
    fn open(&self) -> bool {
        let was = std::mem::replace(&mut *lock(&self.open), true);
        self.opened.notify_all();
        !was
    }
}

extern "C-unwind" fn run(start: *mut c_void) -> *mut c_void {
    let (function, parameter) = {
        // SAFETY: `create_thread` made it with `Box::into_raw`, for this thread alone.
        let start = unsafe { Box::from_raw(start.cast::<Start>()) };
        start.gate.pass();
        start.thread.adopt();
        (start.function, start.parameter)
    };
    // Nothing of ours is on the stack here: `ExitThread` may end the thread from inside.
    // SAFETY: the program gave the function with its parameter to be called so.
    let code = unsafe { function(parameter) };
    set_exit_code(code);
    std::ptr::null_mut()
}

fn set_exit_code(code: u32) {
    call((), || {
        Thread::with_current(|thread| thread.state.get(&dispatch()).exit_code = code);
        Ok(())
    });
}

#[unsafe(export_name = "mailslot_CreateThread")]
unsafe extern "C" fn create_thread(
    _security: *const SecurityAttributes,
    stack: usize,
    function: Option<ThreadStart>,
    parameter: *mut c_void,
    flags: u32,
    id: *mut u32,
) -> Handle {
    call(NO_HANDLE, || {
        let function = function.ok_or(Code::INVALID_PARAMETER)?;
        reserve::check()?;
        fork::prepare();
        let thread = Thread::new();
        let suspended = flags & CREATE_SUSPENDED != 0;
        let gate = Arc::new(Gate { open: Mutex::new(!suspended), opened: Condvar::new() });
        let _ = thread.gate.set(gate.clone());
        let handle = object::handle_for(Object::Thread(thread.clone()))?;
        let start = Start { thread: thread.clone(), gate, function, parameter };
        let start = Box::into_raw(Box::new(start));
        // Held so that nobody can join the thread before its name is known.
        let mut joinable = lock(&thread.joinable);
        match spawn(stack, start.cast()) {
            Ok(pthread) => *joinable = Some(pthread),
            Err(code) => {
                drop(joinable);
                // SAFETY: made above, and no thread has got it.
                drop(unsafe { Box::from_raw(start) });
                let _ = table::close(handle);
                return Err(code);
            }
        }
        if !id.is_null() {
            // SAFETY: not null, so the caller gives a DWORD there.
            unsafe { id.write(thread.id) };
        }
        Ok(handle)
    })
}

fn spawn(stack: usize, argument: *mut c_void) -> Result<libc::pthread_t, Code> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: `init` makes the attributes that the calls between it and `destroy` use; a stack size
    // that the system doesn't like is refused and leaves the default. `run` takes the argument.
    unsafe {
        if libc::pthread_attr_init(attributes) != 0 {
            return Err(Code::NOT_ENOUGH_MEMORY);
        }
        if stack > 0 {
            let page = 4096;
            let stack = stack.max(LEAST_STACK).div_ceil(page).saturating_mul(page);
            libc::pthread_attr_setstacksize(attributes, stack);
        }
        let mut pthread = std::mem::zeroed();
        let result = pthread_create(&mut pthread, attributes, run, argument);
        libc::pthread_attr_destroy(attributes);
        if result == 0 { Ok(pthread) } else { Err(Code::NOT_ENOUGH_MEMORY) }
    }
}

fn thread(handle: Handle) -> Result<Arc<Thread>, Code> {
    if handle == CURRENT_THREAD {
        return Ok(Thread::current());
    }
    match &*table::get(handle)? {
        Object::Thread(thread) => Ok(thread.clone()),
        _ => Err(Code::INVALID_HANDLE),
    }
}

#[unsafe(export_name = "mailslot_ResumeThread")]
extern "C" fn resume_thread(handle: Handle) -> u32 {
    call(u32::MAX, || Ok(thread(handle)?.gate.get().is_some_and(|gate| gate.open()).into()))
}

#[unsafe(export_name = "mailslot_ExitThread")]
extern "C-unwind" fn exit_thread(code: u32) -> ! {
    set_exit_code(code);
    // SAFETY: the frames above this one are the program's, which asked for it, and those of `run`,
    // which hold nothing.
    unsafe { pthread_exit(std::ptr::null_mut()) }
}

#[unsafe(export_name = "mailslot_GetExitCodeThread")]
unsafe extern "C" fn get_exit_code_thread(handle: Handle, code: *mut u32) -> Bool {
    call(FALSE, || {
        let thread = thread(handle)?;
        if code.is_null() {
            return Err(Code::NOACCESS);
        }
        let dispatch = dispatch();
        let state = thread.state.get(&dispatch);
        let answer = if state.ended { state.exit_code } else { STILL_ACTIVE };
        // SAFETY: not null, so the caller gives a DWORD there.
        unsafe { code.write(answer) };
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_GetCurrentThreadId")]
extern "C" fn get_current_thread_id() -> u32 {
    call(0, || Ok(Thread::with_current(|thread| thread.id)))
}

#[unsafe(export_name = "mailslot_GetThreadId")]
extern "C" fn get_thread_id(handle: Handle) -> u32 {
    call(0, || Ok(thread(handle)?.id))
}

const CLOSE_SOURCE: u32 = 1;

#[unsafe(export_name = "mailslot_DuplicateHandle")]
unsafe extern "C" fn duplicate_handle(
    source_process: Handle,
    source: Handle,
    target_process: Handle,
    target: *mut Handle,
    _access: u32,
    inherit: Bool,
    options: u32,
) -> Bool {
    call(FALSE, || {
        // Handles of other processes are out of reach; see `MailslotSendHandle` for those.
        if source_process != INVALID_HANDLE || target_process != INVALID_HANDLE {
            return Err(Code::INVALID_HANDLE);
        }
        reserve::check()?;
        let object = match source {
            CURRENT_THREAD => Object::Thread(Thread::current()),
            _ => (*table::get(source)?).clone(),
        };
        let close_source = options & CLOSE_SOURCE != 0 && source != CURRENT_THREAD;
        if target.is_null() && !close_source {
            return Err(Code::INVALID_PARAMETER);
        }
        if !target.is_null() {
            let inheritable = matches!(object, Object::Slot(_) | Object::Client(_));
            let handle = match inherit != 0 && inheritable {
                true => inherit::share(object)?,
                false => object::handle_for(object)?,
            };
            // SAFETY: not null, so the caller gives room for a HANDLE there.
            unsafe { target.write(handle) };
        }
        // As on Windows, a protected one stays, and that is no error.
        if close_source && !table::get(source)?.is_protected() {
            object::close(source)?;
        }
        Ok(TRUE)
    })
}
