//! The border to C: no panic crosses it, and an error becomes a value and a number.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::code::Code;
use crate::last_error;

/// What every exported function does its work in. On an error it sets the last error and answers
/// `failed`; success leaves the last error alone.
#[inline(always)]
pub(crate) fn call<R>(failed: R, work: impl FnOnce() -> Result<R, Code>) -> R {
    call_short(failed, || {
        let _whole = Whole::begin();
        work()
    })
}

/// The same for work that doesn't call the C library, or begins a [`Whole`] before it does.
///
/// A panic is a bug of ours, reported on standard error by the panic hook; the caller gets
/// `ERROR_GEN_FAILURE`. State that a panic may have left half changed is guarded by locks that
/// don't mind (`lock` below), so later calls work on.
#[inline(always)]
pub(crate) fn call_short<R>(failed: R, work: impl FnOnce() -> Result<R, Code>) -> R {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(code)) => {
            last_error::set(code);
            failed
        }
        Err(panic) => {
            // Dropping what was thrown could throw again.
            std::mem::forget(panic);
            last_error::set(Code::GEN_FAILURE);
            failed
        }
    }
}

/// As long as this lives, pthread_cancel doesn't end the thread: that would leave locks taken and
/// unwind what can't be unwound. It takes effect after the call.
pub(crate) struct Whole(c_int);

const PTHREAD_CANCEL_DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

impl Whole {
    pub(crate) fn begin() -> Self {
        let mut before = 0;
        // SAFETY: a state that it knows, and room for the other.
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut before) };
        Self(before)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut disabled = 0;
        // SAFETY: the state that `begin` was given, and room for the other.
        unsafe { pthread_setcancelstate(self.0, &mut disabled) };
    }
}

/// As long as this lives, no handler of a signal runs in the thread: it might call this library, and
/// wait for what the thread itself holds.
pub(crate) struct Undisturbed(libc::sigset_t);

impl Undisturbed {
    pub(crate) fn begin() -> Self {
        // SAFETY: a set of signals is plain bits, for which zero will do.
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
        // SAFETY: both sets are there, and the thread's own mask is this thread's to change.
        unsafe {
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
        }
        Self(before)
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        // SAFETY: the mask that `begin` found.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}

/// Locks, also after a panic.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
