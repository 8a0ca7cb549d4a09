//! Events: `CreateEvent` and what belongs to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use crate::border::{call, lock};
use crate::code::Code;
use crate::dispatch::{Dispatch, Guarded, Waiters, dispatch};
use crate::object::{self, Object};
use crate::slot::Slot;
use crate::text::{self, Unit};
use crate::types::{Bool, FALSE, Handle, NO_HANDLE, SecurityAttributes, TRUE};
use crate::{last_error, table};

pub(crate) struct Event {
    /// A wait leaves it signaled.
    manual: bool,
    name: Option<String>,
    pub(crate) handles: AtomicU32,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    signaled: bool,
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
    fn new(manual: bool, signaled: bool, name: Option<String>) -> Arc<Event> {
        let state = State { signaled, ..State::default() };
        Arc::new(Event { manual, name, handles: AtomicU32::new(0), state: Guarded::new(state) })
    }

    pub(crate) fn set(&self, dispatch: &Dispatch) {
        let mut state = self.state.get(dispatch);
        state.signaled = true;
        state.waiters.wake(dispatch);
    }

    pub(crate) fn reset(&self, dispatch: &Dispatch) {
        self.state.get(dispatch).signaled = false;
    }

    pub(crate) fn is_signaled(&self, dispatch: &Dispatch) -> bool {
        self.state.get(dispatch).signaled
    }

    /// A wait was for this event, and is over.
    pub(crate) fn consume(&self, dispatch: &Dispatch) {
        if !self.manual {
            self.reset(dispatch);
        }
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

/// The event that a handle leads to.
pub(crate) fn get(handle: Handle) -> Result<Arc<Event>, Code> {
    match &*table::get(handle)? {
        Object::Event(event) => Ok(event.clone()),
        _ => Err(Code::INVALID_HANDLE),
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
    call(NO_HANDLE, || {
        // SAFETY: the caller's promise.
        let name = unsafe { text::read(name) }?.filter(|name| !name.is_empty());
        let Some(name) = name else {
            return object::handle_for(Object::Event(Event::new(manual != 0, signaled != 0, None)));
        };
        let mut named = lock_named();
        let known = named.get(&name).and_then(Weak::upgrade).filter(|event| !event.is_closed());
        if let Some(event) = known {
            let handle = object::handle_for(Object::Event(event))?;
            last_error::set(Code::ALREADY_EXISTS);
            return Ok(handle);
        }
        let event = Event::new(manual != 0, signaled != 0, Some(name.clone()));
        let handle = object::handle_for(Object::Event(event.clone()))?;
        named.insert(name, Arc::downgrade(&event));
        Ok(handle)
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
