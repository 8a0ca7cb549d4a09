//! What a handle can lead to, and the end of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::border::call;
use crate::client::Client;
use crate::code::Code;
use crate::dispatch::Dispatch;
use crate::event::Event;
use crate::slot::Slot;
use crate::streams::Stream;
use crate::table::Ref;
use crate::thread::Thread;
use crate::types::{Bool, CURRENT_THREAD, FALSE, Handle, INVALID_HANDLE, TRUE};
use crate::wait::patiently;
use crate::{client, fork, inherit, table};

#[derive(Clone)]
pub(crate) enum Object {
    /// The read handle of a mailslot.
    Slot(Arc<Slot>),
    /// A write handle.
    Client(Arc<Client>),
    Event(Arc<Event>),
    Thread(Arc<Thread>),
    /// Standard input or output.
    Stream(Arc<Stream>),
}

impl Object {
    fn handles(&self) -> &AtomicU32 {
        match self {
            Object::Slot(slot) => &slot.handles,
            Object::Client(client) => &client.handles,
            Object::Event(event) => &event.handles,
            Object::Thread(thread) => &thread.handles,
            Object::Stream(stream) => &stream.handles,
        }
    }

    /// Whether its last handle was closed. (A thread goes on without.)
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Object::Slot(slot) => slot.is_closed(),
            Object::Event(event) => event.is_closed(),
            Object::Client(_) | Object::Thread(_) | Object::Stream(_) => false,
        }
    }

    /// The slots on which the object depends: a wait for it must look after them.
    pub(crate) fn sources(&self, dispatch: &Dispatch, slots: &mut Vec<Arc<Slot>>) {
        match self {
            Object::Slot(slot) => slots.push(slot.clone()),
            Object::Event(event) => event.sources(dispatch, slots),
            Object::Client(_) | Object::Thread(_) | Object::Stream(_) => {}
        }
    }

    /// Whether a wait for it is over.
    pub(crate) fn is_signaled(&self, dispatch: &Dispatch) -> Result<bool, Code> {
        match self {
            Object::Slot(slot) => slot.is_signaled(dispatch),
            // Writes are done when they return.
            Object::Client(_) => Ok(true),
            Object::Event(event) => Ok(event.is_signaled(dispatch)),
            Object::Thread(thread) => Ok(thread.has_ended(dispatch)),
            Object::Stream(stream) => Ok(stream.is_ready()),
        }
    }

    /// A wait that was for it is over. True: it is a mutex whose owner had ended.
    pub(crate) fn consume(&self, dispatch: &Dispatch) -> bool {
        match self {
            Object::Event(event) => event.consume(dispatch),
            _ => false,
        }
    }

    /// Has `thread` woken when the answers above may change, or no longer.
    pub(crate) fn keep_posted(&self, dispatch: &Dispatch, thread: &Arc<Thread>, yes: bool) {
        let change = |waiters: &mut crate::dispatch::Waiters| match yes {
            true => waiters.add(thread),
            false => waiters.remove(thread),
        };
        match self {
            Object::Slot(slot) => slot.with_waiters(dispatch, change),
            Object::Event(event) => event.with_waiters(dispatch, change),
            Object::Thread(thread) => change(&mut thread.state.get(dispatch).waiters),
            Object::Client(_) | Object::Stream(_) => {}
        }
    }
}

/// Makes a handle for an object.
pub(crate) fn handle_for(object: Object) -> Result<Handle, Code> {
    fork::prepare();
    let handle = table::insert(object.clone())?;
    // Nobody knows the handle yet, so nobody can close it before it counts.
    object.handles().fetch_add(1, Ordering::AcqRel);
    Ok(handle)
}

/// After a handle was closed.
fn let_go(entry: Ref) {
    let object = (*entry).clone();
    if object.handles().fetch_sub(1, Ordering::AcqRel) == 1 {
        end(object, entry);
    }
}

/// The last handle of an object is gone.
fn end(object: Object, entry: Ref) {
    match object {
        Object::Slot(slot) => {
            slot.close();
            entry.wait_for_others(|| slot.close());
            drop(entry);
            // When the caller goes on, the name is free: whoever still holds the slot was told to
            // let go of it.
            patiently(|| Arc::strong_count(&slot) == 1);
            drop(slot);
            client::slot_closed();
        }
        Object::Event(event) => event.close(),
        Object::Thread(thread) => thread.detach(),
        Object::Client(_) | Object::Stream(_) => {}
    }
}

/// Closes a handle, and what it leads to if it was the last one.
pub(crate) fn close(handle: Handle) -> Result<(), Code> {
    let entry = match handle & table::FOREIGN {
        0 => table::close(handle)?,
        _ => inherit::close(handle)?,
    };
    let_go(entry);
    Ok(())
}

#[unsafe(export_name = "mailslot_CloseHandle")]
extern "C" fn close_handle(handle: Handle) -> Bool {
    call(FALSE, || match handle {
        // The pseudo-handles of this process and thread. Closing the latter has no effect; the
        // former is also INVALID_HANDLE_VALUE, and closing that is a mistake.
        CURRENT_THREAD => Ok(TRUE),
        INVALID_HANDLE => Err(Code::INVALID_HANDLE),
        _ => close(handle).map(|()| TRUE),
    })
}

/// At exit: closes the slots that this process made and that no thread is using. (A thread that
/// uses one shall not see an error just because the process ends.)
pub(crate) fn close_idle_slots() {
    for handle in table::open_handles() {
        let Ok(found) = table::get(handle) else {
            continue;
        };
        let idle = match &*found {
            Object::Slot(slot) => {
                let ours = slot.born == fork::generation() || slot.inheritable;
                ours && table::is_idle(&found) && Arc::strong_count(slot) == 1
            }
            _ => false,
        };
        if idle {
            found.protect(false);
            let _ = table::close(handle);
        }
    }
}

/// All slots that are open in this process.
pub(crate) fn slots() -> impl Iterator<Item = Arc<Slot>> {
    table::open_handles().into_iter().filter_map(|handle| match &*table::get(handle).ok()? {
        Object::Slot(slot) => Some(slot.clone()),
        _ => None,
    })
}
