//! `SECURITY_ATTRIBUTES`, as far as they mean something here: who may write, and whether child
//! processes get the handle.

use std::ffi::c_void;
use std::ptr;

use mailslot_rs::Access;

use crate::border::call;
use crate::code::Code;
use crate::types::{Bool, FALSE, SecurityAttributes, SecurityDescriptor, TRUE};

const REVISION: u8 = 1;
const DACL_PRESENT: u16 = 0x4;
const DACL_DEFAULTED: u16 = 0x8;

/// Who may write, and whether the handle is inherited.
///
/// A descriptor with a NULL DACL opens the slot to everyone; without a DACL, or without a
/// descriptor, it is the library's default: the same user. Anything finer has no meaning on Linux.
///
/// # Safety
///
/// `attributes` is null or points to a `SECURITY_ATTRIBUTES` whose descriptor is null or points to
/// a `SECURITY_DESCRIPTOR`.
pub(crate) unsafe fn read(attributes: *const SecurityAttributes) -> Result<(Access, bool), Code> {
    // SAFETY: the caller's promise.
    let Some(attributes) = (unsafe { attributes.as_ref() }) else {
        return Ok((Access::SameUser, false));
    };
    let inherit = attributes.inherit != 0;
    // SAFETY: the caller's promise.
    let Some(descriptor) = (unsafe { attributes.descriptor.as_ref() }) else {
        return Ok((Access::SameUser, inherit));
    };
    if descriptor.revision != REVISION {
        return Err(Code::INVALID_SECURITY_DESCR);
    }
    let access = match (descriptor.control & DACL_PRESENT, descriptor.dacl.is_null()) {
        (0, _) => Access::SameUser,
        (_, true) => Access::Everyone,
        (_, false) => return Err(Code::INVALID_ACL),
    };
    Ok((access, inherit))
}

/// What this library makes itself of a list of who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dacl {
    /// There is none: the default.
    None,
    /// A NULL DACL: everyone.
    Null,
}

pub(crate) fn with(dacl: Dacl) -> SecurityDescriptor {
    SecurityDescriptor {
        revision: REVISION,
        reserved: 0,
        control: if dacl == Dacl::Null { DACL_PRESENT } else { 0 },
        owner: ptr::null(),
        group: ptr::null(),
        sacl: ptr::null(),
        dacl: ptr::null(),
    }
}

#[unsafe(export_name = "mailslot_InitializeSecurityDescriptor")]
unsafe extern "C" fn initialize(descriptor: *mut SecurityDescriptor, revision: u32) -> Bool {
    call(FALSE, || {
        if revision != u32::from(REVISION) {
            return Err(Code::UNKNOWN_REVISION);
        }
        if descriptor.is_null() {
            return Err(Code::NOACCESS);
        }
        // SAFETY: not null, and the caller gives room for one there.
        unsafe { descriptor.write(with(Dacl::None)) };
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_SetSecurityDescriptorDacl")]
unsafe extern "C" fn set_dacl(
    descriptor: *mut SecurityDescriptor,
    present: Bool,
    dacl: *const c_void,
    defaulted: Bool,
) -> Bool {
    call(FALSE, || {
        // SAFETY: null, or the caller gives an initialised descriptor that only it uses.
        let descriptor = unsafe { descriptor.as_mut() }.ok_or(Code::NOACCESS)?;
        if descriptor.revision != REVISION {
            return Err(Code::UNKNOWN_REVISION);
        }
        descriptor.control &= !(DACL_PRESENT | DACL_DEFAULTED);
        if present != 0 {
            descriptor.control |= DACL_PRESENT;
            descriptor.dacl = dacl;
        }
        if defaulted != 0 {
            descriptor.control |= DACL_DEFAULTED;
        }
        Ok(TRUE)
    })
}
