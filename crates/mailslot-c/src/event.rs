//! Events: `CreateEvent` and what belongs to it; and mutexes and semaphores, which are waited for in
//! the same way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::border::{call, lock};
use crate::code::Code;
use crate::dispatch::{Dispatch, Guarded, Waiters, dispatch};
use crate::object::{self, Object};
use crate::slot::Slot;
use crate::text::{self, Unit};
use crate::thread::Thread;
use crate::types::{Bool, FALSE, Handle, NO_HANDLE, SecurityAttributes, TRUE};
use crate::{last_error, reserve, table};

/// An event, or one of its cousins.
pub(crate) struct Event {
    kind: Kind,
    name: Option<String>,
    pub(crate) handles: AtomicU32,
    state: Guarded<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A wait leaves it signaled.
    Manual,
    Automatic,
    /// Signaled while nobody owns it; a wait makes its thread the owner.
    Mutex,
    /// Signaled while its count, at most this, isn't 0; a wait takes one off.
    Semaphore(u32),
}

#[derive(Default)]
struct State {
    /// Of an event 1 if it is signaled, of a mutex how often its owner has it.
    count: u32,
    /// Of a mutex: the owner's id, 0 for none.
    owner: u32,
    /// The last owner of a mutex has ended without letting go of it.
    abandoned: bool,
    waiters: Waiters,
    /// The slots on which reads are pending that will set this event, one entry for each read.
    pending_on: Vec<Arc<Slot>>,
}

/// The events of this process that have a name.
static NAMED: Mutex<Named> = Mutex::new(BTreeMap::new());
pub(crate) type Named = BTreeMap<String, Weak<Event>>;

pub(crate) fn lock_named() -> MutexGuard<'static, Named> {
    lock(&NAMED)
}

impl Event {
    fn new(kind: Kind, count: u32, name: Option<String>) -> Arc<Event> {
        let state = State { count, ..State::default() };
        Arc::new(Event { kind, name, handles: AtomicU32::new(0), state: Guarded::new(state) })
    }

    pub(crate) fn set(&self, dispatch: &Dispatch) {
        let mut state = self.state.get(dispatch);
        state.count = 1;
        state.waiters.wake(dispatch);
    }

    pub(crate) fn reset(&self, dispatch: &Dispatch) {
        self.state.get(dispatch).count = 0;
    }

    /// Whether a wait of this thread for it is over.
    pub(crate) fn is_signaled(&self, dispatch: &Dispatch) -> bool {
        let state = self.state.get(dispatch);
        match self.kind {
            Kind::Mutex => state.owner == 0 || state.owner == Thread::with_current(|t| t.id),
            _ => state.count > 0,
        }
    }

    /// A wait of this thread was for it, and is over. True: it got a mutex that was abandoned.
    pub(crate) fn consume(self: &Arc<Self>, dispatch: &Dispatch) -> bool {
        match self.kind {
            Kind::Manual => false,
            Kind::Automatic => {
                self.reset(dispatch);
                false
            }
            Kind::Semaphore(_) => {
                self.state.get(dispatch).count -= 1;
                false
            }
            Kind::Mutex => Thread::with_current(|thread| {
                let mut state = self.state.get(dispatch);
                if state.owner == 0 {
                    state.owner = thread.id;
                    thread.state.get(dispatch).owns.push(self.clone());
                }
                state.count += 1;
                std::mem::take(&mut state.abandoned)
            }),
        }
    }

    /// `ReleaseMutex`.
    fn let_go(self: &Arc<Self>, dispatch: &Dispatch) -> Result<(), Code> {
        Thread::with_current(|thread| {
            let mut state = self.state.get(dispatch);
            if state.owner != thread.id {
                return Err(Code::NOT_OWNER);
            }
            state.count -= 1;
            if state.count == 0 {
                state.owner = 0;
                state.waiters.wake(dispatch);
                thread.state.get(dispatch).owns.retain(|other| !Arc::ptr_eq(other, self));
            }
            Ok(())
        })
    }

    /// Its owner, a mutex's, has ended.
    pub(crate) fn abandon(&self, dispatch: &Dispatch) {
        let mut state = self.state.get(dispatch);
        state.owner = 0;
        state.count = 0;
        state.abandoned = true;
        state.waiters.wake(dispatch);
    }

    /// `ReleaseSemaphore`: answers what the count was.
    fn add(&self, dispatch: &Dispatch, more: i32) -> Result<u32, Code> {
        let Kind::Semaphore(most) = self.kind else {
            return Err(Code::INVALID_HANDLE);
        };
        let more = u32::try_from(more).ok().filter(|&more| more > 0);
        let more = more.ok_or(Code::INVALID_PARAMETER)?;
        let mut state = self.state.get(dispatch);
        let before = state.count;
        let after = before.checked_add(more).filter(|&after| after <= most);
        state.count = after.ok_or(Code::TOO_MANY_POSTS)?;
        state.waiters.wake(dispatch);
        Ok(before)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.handles.load(Ordering::Acquire) == 0
    }

    /// The last handle was closed.
    pub(crate) fn close(&self) {
        if let Some(name) = &self.name {
            let mut named = lock_named();
            if named.get(name).is_some_and(|event| std::ptr::eq(event.as_ptr(), self)) {
                named.remove(name);
            }
        }
        let dispatch = dispatch();
        self.state.get(&dispatch).waiters.wake(&dispatch);
    }

    pub(crate) fn add_pending(&self, dispatch: &Dispatch, slot: &Arc<Slot>) {
        let mut state = self.state.get(dispatch);
        state.pending_on.push(slot.clone());
        // Those that wait for the event depend on the slot now.
        state.waiters.wake(dispatch);
    }

    pub(crate) fn remove_pending(&self, dispatch: &Dispatch, slot: &Arc<Slot>) {
        let mut state = self.state.get(dispatch);
        if let Some(at) = state.pending_on.iter().position(|other| Arc::ptr_eq(other, slot)) {
            state.pending_on.swap_remove(at);
        }
    }

    /// The slots whose reads may set this event.
    pub(crate) fn sources(&self, dispatch: &Dispatch, slots: &mut Vec<Arc<Slot>>) {
        slots.extend(self.state.get(dispatch).pending_on.iter().cloned());
    }

    pub(crate) fn with_waiters(&self, dispatch: &Dispatch, change: impl FnOnce(&mut Waiters)) {
        change(&mut self.state.get(dispatch).waiters);
    }
}

fn find(handle: Handle, is_it: impl Fn(Kind) -> bool) -> Result<Arc<Event>, Code> {
    match &*table::get(handle)? {
        Object::Event(event) if is_it(event.kind) => Ok(event.clone()),
        _ => Err(Code::INVALID_HANDLE),
    }
}

/// The event that a handle leads to.
pub(crate) fn get(handle: Handle) -> Result<Arc<Event>, Code> {
    find(handle, |kind| matches!(kind, Kind::Manual | Kind::Automatic))
}

/// Makes one, or finds the one of that name.
///
/// # Safety
///
/// `name` is null or a C string.
unsafe fn make<U: Unit>(kind: Kind, count: u32, name: *const U) -> Result<Handle, Code> {
    reserve::check()?;
    // SAFETY: the caller's promise.
    let name = unsafe { text::read(name) }?.filter(|name| !name.is_empty());
    let Some(name) = name else {
        return object::handle_for(Object::Event(Event::new(kind, count, None)));
    };
    let mut named = lock_named();
    let known = named.get(&name).and_then(Weak::upgrade).filter(|event| !event.is_closed());
    if let Some(event) = known {
        // Those of all kinds share the names.
        if std::mem::discriminant(&event.kind.family()) != std::mem::discriminant(&kind.family()) {
            return Err(Code::INVALID_HANDLE);
        }
        let handle = object::handle_for(Object::Event(event))?;
        last_error::set(Code::ALREADY_EXISTS);
        return Ok(handle);
    }
    let event = Event::new(kind, count, Some(name.clone()));
    let handle = object::handle_for(Object::Event(event.clone()))?;
    named.insert(name, Arc::downgrade(&event));
    Ok(handle)
}

impl Kind {
    /// Both kinds of events are one.
    fn family(self) -> Kind {
        if self == Kind::Automatic { Kind::Manual } else { self }
    }
}

/// # Safety
///
/// `name` is null or a C string.
unsafe fn create<U: Unit>(
    _security: *const SecurityAttributes,
    manual: Bool,
    signaled: Bool,
    name: *const U,
) -> Handle {
    let kind = if manual != 0 { Kind::Manual } else { Kind::Automatic };
    // SAFETY: the caller's promise.
    call(NO_HANDLE, || unsafe { make(kind, (signaled != 0).into(), name) })
}

/// # Safety
///
/// `name` is null or a C string.
unsafe fn create_mutex<U: Unit>(
    _security: *const SecurityAttributes,
    owned: Bool,
    name: *const U,
) -> Handle {
    call(NO_HANDLE, || {
        let before = last_error::number();
        last_error::set(Code::SUCCESS);
        // SAFETY: the caller's promise.
        let handle = unsafe { make(Kind::Mutex, 0, name) }?;
        // One that is there already keeps its owner.
        if last_error::number() == Code::SUCCESS {
            last_error::set(before);
            if owned != 0 {
                find(handle, |kind| kind == Kind::Mutex)?.consume(&dispatch());
            }
        }
        Ok(handle)
    })
}

/// # Safety
///
/// `name` is null or a C string.
unsafe fn create_semaphore<U: Unit>(
    _security: *const SecurityAttributes,
    count: i32,
    most: i32,
    name: *const U,
) -> Handle {
    call(NO_HANDLE, || {
        match (u32::try_from(count), u32::try_from(most)) {
            // SAFETY: the caller's promise.
            (Ok(count), Ok(most @ 1..)) if count <= most => unsafe {
                make(Kind::Semaphore(most), count, name)
            },
            _ => Err(Code::INVALID_PARAMETER),
        }
    })
}

/// # Safety
///
/// `name` is null or a C string.
unsafe fn open<U: Unit>(_access: u32, _inherit: Bool, name: *const U) -> Handle {
    call(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let name = unsafe { text::read(name) }?.ok_or(Code::INVALID_PARAMETER)?;
        let named = lock_named();
        let known = named.get(&name).and_then(Weak::upgrade);
        let event = known.filter(|event| !event.is_closed()).ok_or(Code::FILE_NOT_FOUND)?;
        object::handle_for(Object::Event(event))
    })
}

crate::text::for_each_text! {
    fn CreateEvent(security: *const SecurityAttributes, manual: Bool, signaled: Bool, name: *const Text) -> Handle = create;
    fn OpenEvent(access: u32, inherit: Bool, name: *const Text) -> Handle = open;
    fn CreateMutex(security: *const SecurityAttributes, owned: Bool, name: *const Text) -> Handle = create_mutex;
    fn OpenMutex(access: u32, inherit: Bool, name: *const Text) -> Handle = open;
    fn CreateSemaphore(security: *const SecurityAttributes, count: i32, most: i32, name: *const Text) -> Handle = create_semaphore;
}

#[unsafe(export_name = "mailslot_SetEvent")]
extern "C" fn set_event(event: Handle) -> Bool {
    call(FALSE, || {
        get(event)?.set(&dispatch());
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_ResetEvent")]
extern "C" fn reset_event(event: Handle) -> Bool {
    call(FALSE, || {
        get(event)?.reset(&dispatch());
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_ReleaseMutex")]
extern "C" fn release_mutex(mutex: Handle) -> Bool {
    call(FALSE, || {
        find(mutex, |kind| kind == Kind::Mutex)?.let_go(&dispatch())?;
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_ReleaseSemaphore")]
unsafe extern "C" fn release_semaphore(semaphore: Handle, more: i32, before: *mut i32) -> Bool {
    call(FALSE, || {
        let semaphore = find(semaphore, |kind| matches!(kind, Kind::Semaphore(_)))?;
        let count = semaphore.add(&dispatch(), more)?;
        if !before.is_null() {
            // SAFETY: not null, so the caller gives a LONG there. No count is larger.
            unsafe { before.write(count as i32) };
        }
        Ok(TRUE)
    })
}
