//! From a file to [`Metadata`].

use super::{Access, FIRST_LINE, MetaError, Metadata};
use crate::computer::{NetworkAccess, is_computer_name};
use crate::limits::Limits;
use crate::name::SlotName;
use crate::text::{decimal, shown};

pub(super) fn file(file: &[u8]) -> Result<Metadata, MetaError> {
    if file.len() > Metadata::MAX_BYTES {
        let found = file.len();
        return Err(MetaError::TooLarge { found });
    }
    let text = str::from_utf8(file)
        .map_err(|error| MetaError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if first != FIRST_LINE {
        let found = shown(first);
        return Err(MetaError::Version { found });
    }
    if !text.ends_with('\n') {
        return Err(MetaError::Truncated);
    }
    let mut fields = Fields::default();
    for line in rest.split_terminator('\n') {
        fields.set(line)?;
    }
    fields.finish()
}

/// The fields' values as they stand in the file.
#[derive(Default)]
struct Fields<'a> {
    name: Option<&'a str>,
    max_record: Option<&'a str>,
    quota: Option<&'a str>,
    access: Option<&'a str>,
    network: Option<&'a str>,
    uid: Option<&'a str>,
    pid: Option<&'a str>,
    created: Option<&'a str>,
    inheritable: Option<&'a str>,
    computer: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn set(&mut self, line: &'a str) -> Result<(), MetaError> {
        let Some((key, value)) = line.split_once('=') else {
            let found = shown(line);
            return Err(MetaError::NotAField { found });
        };
        let (field, slot) = match key {
            "name" => ("name", &mut self.name),
            "max-record" => ("max-record", &mut self.max_record),
            "quota" => ("quota", &mut self.quota),
            "access" => ("access", &mut self.access),
            "network" => ("network", &mut self.network),
            "uid" => ("uid", &mut self.uid),
            "pid" => ("pid", &mut self.pid),
            "created" => ("created", &mut self.created),
            "inheritable" => ("inheritable", &mut self.inheritable),
            "computer" => ("computer", &mut self.computer),
            _ => {
                let found = shown(key);
                return Err(MetaError::Unknown { found });
            }
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(MetaError::Doubled { field }),
        }
    }

    fn finish(self) -> Result<Metadata, MetaError> {
        Ok(Metadata {
            name: name(present("name", self.name)?)?,
            limits: Limits {
                max_record: number_32("max-record", self.max_record)?,
                quota: number_64("quota", self.quota)?,
            },
            access: access(present("access", self.access)?)?,
            network: network(present("network", self.network)?)?,
            uid: number_32("uid", self.uid)?,
            pid: number_32("pid", self.pid)?,
            created: number_64("created", self.created)?,
            inheritable: yes_or_no("inheritable", self.inheritable)?,
            computer: self.computer.map(computer).transpose()?,
        })
    }
}

fn present<'a>(field: &'static str, value: Option<&'a str>) -> Result<&'a str, MetaError> {
    value.ok_or(MetaError::Missing { field })
}

fn name(value: &str) -> Result<SlotName, MetaError> {
    let name = SlotName::parse(value).map_err(MetaError::Name)?;
    // One spelling only, so that whoever compares the text compares the slot.
    if !name.is_local() || name.to_string() != value {
        let expected = r"the full name of a local slot, like \\.\mailslot\taxes\sue";
        return Err(MetaError::value("name", expected, value));
    }
    Ok(name)
}

fn number_32(field: &'static str, value: Option<&str>) -> Result<u32, MetaError> {
    let value = present(field, value)?;
    decimal_32(value)
        .ok_or_else(|| MetaError::value(field, "a decimal number below 4294967296", value))
}

fn number_64(field: &'static str, value: Option<&str>) -> Result<u64, MetaError> {
    let value = present(field, value)?;
    decimal(value).ok_or_else(|| {
        MetaError::value(field, "a decimal number below 18446744073709551616", value)
    })
}

fn yes_or_no(field: &'static str, value: Option<&str>) -> Result<bool, MetaError> {
    match present(field, value)? {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(MetaError::value(field, "yes or no", other)),
    }
}

fn access(value: &str) -> Result<Access, MetaError> {
    let parsed = match value.split_once(':') {
        None if value == "user" => Some(Access::SameUser),
        None if value == "everyone" => Some(Access::Everyone),
        Some(("group", gid)) => decimal_32(gid).map(Access::Group),
        Some(("users", uids)) => users(uids).map(Access::Users),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let expected = "user, everyone, group:GID or users:UID,… with at most 256";
        MetaError::value("access", expected, value)
    })
}

fn network(value: &str) -> Result<NetworkAccess, MetaError> {
    NetworkAccess::parse(value).ok_or_else(|| {
        let expected = "domains, none or computers:NAME,… with 1 to 64";
        MetaError::value("network", expected, value)
    })
}

fn computer(value: &str) -> Result<String, MetaError> {
    if is_computer_name(value) {
        Ok(value.to_owned())
    } else {
        Err(MetaError::value("computer", "the name of a computer", value))
    }
}

fn users(list: &str) -> Option<Vec<u32>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    if list.split(',').count() > Metadata::MAX_USERS {
        return None;
    }
    list.split(',').map(decimal_32).collect()
}

fn decimal_32(text: &str) -> Option<u32> {
    decimal(text).and_then(|n| u32::try_from(n).ok())
}
