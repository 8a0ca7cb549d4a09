//! The border to C: no panic crosses it, and an error becomes a value and a number.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::code::Code;
use crate::last_error;

/// What every exported function does its work in. On an error it sets the last error and answers
/// `failed`; success leaves the last error alone.
///
/// A panic is a bug of ours, reported on standard error by the panic hook; the caller gets
/// `ERROR_GEN_FAILURE`. State that a panic may have left half changed is guarded by locks that
/// don't mind (`lock` below), so later calls work on.
#[inline(always)]
pub(crate) fn call<R>(failed: R, work: impl FnOnce() -> Result<R, Code>) -> R {
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

/// Locks, also after a panic.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
