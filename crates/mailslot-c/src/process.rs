//! What a program asks about itself: its command line, its file, its environment.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::{ptr, slice};

use crate::border::call;
use crate::code::Code;
use crate::text::{self, Unit};
use crate::types::{Bool, FALSE, Handle, INVALID_HANDLE, NO_HANDLE};

/// An argument as Windows would show it in a command line.
fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '"']) {
        return argument.to_owned();
    }
    let mut shown = String::from("\"");
    let mut backslashes = 0;
    for character in argument.chars() {
        match character {
            '\\' => backslashes += 1,
            // Backslashes count twice before a quotation mark.
            '"' => {
                shown.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        shown.push(character);
    }
    shown.extend(std::iter::repeat_n('\\', backslashes));
    shown.push('"');
    shown
}

/// One for each width of text.
static COMMAND_LINES: [AtomicPtr<u8>; 3] = [const { AtomicPtr::new(ptr::null_mut()) }; 3];

/// It lives as long as the program.
unsafe fn command_line<U: Unit>() -> *mut U {
    call(ptr::null_mut(), || {
        let place = &COMMAND_LINES[size_of::<U>() / 2];
        let known = place.load(Ordering::Acquire);
        if !known.is_null() {
            return Ok(known.cast());
        }
        // Not from std: in a library it knows the arguments only with some C libraries.
        let bytes = std::fs::read("/proc/self/cmdline").unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let arguments = text.strip_suffix('\0').unwrap_or(&text).split('\0');
        let line = arguments.map(quoted).collect::<Vec<_>>().join(" ");
        let mut line = U::encoded(&line);
        line.push(U::NUL);
        let line: *mut u8 = line.leak().as_mut_ptr().cast();
        match place.compare_exchange(known, line, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(line.cast()),
            Err(other) => Ok(other.cast()),
        }
    })
}

/// Only of the program itself, which a null pointer or `GetModuleHandle(NULL)` means.
///
/// # Safety
///
/// `size` units at `to` can be written.
unsafe fn module_file_name<U: Unit>(module: Handle, to: *mut U, size: u32) -> u32 {
    call(0, || {
        if module != NO_HANDLE && module != PROGRAM {
            return Err(Code::INVALID_HANDLE);
        }
        if to.is_null() || size == 0 {
            return Err(Code::INSUFFICIENT_BUFFER);
        }
        let path = std::env::current_exe().map_err(|error| crate::mapping::of_io(&error))?;
        // SAFETY: the caller's promise.
        let written = unsafe { text::write(&path.to_string_lossy(), to, size as usize) };
        written.map(|units| units as u32).map_err(|_| Code::INSUFFICIENT_BUFFER)
    })
}

/// What stands for the program as a module.
const PROGRAM: Handle = 0x40_0000;

/// # Safety
///
/// `name` is null or a C string.
unsafe fn module_handle<U: Unit>(name: *const U) -> Handle {
    call(NO_HANDLE, || if name.is_null() { Ok(PROGRAM) } else { Err(Code::MOD_NOT_FOUND) })
}

/// # Safety
///
/// `name` is null or a C string; `size` units at `to` can be written.
unsafe fn environment_variable<U: Unit>(name: *const U, to: *mut U, size: u32) -> u32 {
    call(0, || {
        // SAFETY: the caller's promise.
        let name = unsafe { text::read(name) }?.ok_or(Code::INVALID_PARAMETER)?;
        let found = std::env::vars_os().find(|(key, _)| *key == *name);
        let (_, value) = found.ok_or(Code::ENVVAR_NOT_FOUND)?;
        let room = if to.is_null() { 0 } else { size as usize };
        // SAFETY: the caller's promise.
        match unsafe { text::write(&value.to_string_lossy(), to, room) } {
            Ok(units) | Err(units) => Ok(u32::try_from(units).unwrap_or(u32::MAX)),
        }
    })
}

crate::text::for_each_text! {
    fn GetCommandLine() -> *mut Text = command_line;
    fn GetModuleFileName(module: Handle, to: *mut Text, size: u32) -> u32 = module_file_name;
    fn GetModuleHandle(name: *const Text) -> Handle = module_handle;
    fn GetEnvironmentVariable(name: *const Text, to: *mut Text, size: u32) -> u32 = environment_variable;
}

/// Ends the process as `exit` does.
#[unsafe(export_name = "mailslot_ExitProcess")]
extern "C-unwind" fn exit_process(code: u32) -> ! {
    // SAFETY: functions that run at exit are the program's own affair.
    unsafe { libc::exit(code as i32) }
}

/// Only this process, at once.
#[unsafe(export_name = "mailslot_TerminateProcess")]
extern "C" fn terminate_process(process: Handle, code: u32) -> Bool {
    call(FALSE, || {
        if process != INVALID_HANDLE {
            return Err(Code::INVALID_HANDLE);
        }
        // SAFETY: it ends the process, and nothing else.
        unsafe { libc::_exit(code as i32) }
    })
}

/// The arguments of a program for its `wmain`. They live as long as the program.
///
/// # Safety
///
/// `arguments` points to `count` C strings.
unsafe fn wide_arguments<U: Unit>(count: i32, arguments: *const *const u8) -> *mut *mut U {
    /// Where whoever looks for leaks finds them.
    static KEPT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    call(ptr::null_mut(), || {
        let mut wide = Vec::new();
        let count = usize::try_from(count).unwrap_or(0);
        let arguments = match count {
            0 => &[],
            // SAFETY: the caller's promise.
            count => unsafe { slice::from_raw_parts(arguments, count) },
        };
        for &argument in arguments {
            // SAFETY: the caller's promise.
            let text = unsafe { text::units(argument, i32::MAX as usize) };
            let mut text = U::encoded(&u8::decode_lossy(text.unwrap_or_default()));
            text.push(U::NUL);
            wide.push(text.leak().as_mut_ptr());
        }
        wide.push(ptr::null_mut());
        let wide = wide.leak().as_mut_ptr();
        KEPT.store(wide.cast(), Ordering::Relaxed);
        Ok(wide)
    })
}

crate::text::for_each_width! {
    fn MailslotWideArguments(count: i32, arguments: *const *const u8) -> *mut *mut Text = wide_arguments;
}
