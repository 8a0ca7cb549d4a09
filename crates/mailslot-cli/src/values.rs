//! Values as people type them.

use std::time::Duration;

use mailslot::{Access, Host, NetworkAccess, SlotName};

/// `taxes/sue`, `\\.\mailslot\taxes\sue`, `//JOE/mailslot/taxes/sue`.
pub(crate) fn slot(typed: &str) -> Result<SlotName, String> {
    SlotName::parse_short(typed).map_err(|e| e.to_string())
}

/// A slot of this computer.
pub(crate) fn local_slot(typed: &str) -> Result<SlotName, String> {
    let name = slot(typed)?;
    match name.host() {
        Host::Local => Ok(name),
        _ => Err(format!(
            "it is on another computer; the one on this computer is {}",
            name.path().replace('\\', "/"),
        )),
    }
}

/// Bytes: `1000`, `64K`, `1M`, `4GiB`; the units are powers of 1024.
pub(crate) fn size(typed: &str) -> Result<u64, String> {
    const UNITS: [(char, u32); 4] = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let bad = || format!("{typed:?} is no size; sizes look like 1000, 64K, 1M or 4G");
    let digits = typed.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = typed.split_at(digits);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let unit = unit.strip_suffix("iB").unwrap_or(unit);
    let shift = match unit.to_ascii_uppercase().chars().next() {
        None if typed.ends_with("iB") => return Err(bad()),
        None => 0,
        Some(c) => match UNITS.iter().find(|(letter, _)| *letter == c && unit.len() == 1) {
            Some((_, shift)) => *shift,
            None => return Err(bad()),
        },
    };
    number.checked_mul(1 << shift).ok_or_else(|| format!("{typed} is more than 2^64 bytes"))
}

/// The largest record: a [`size`] that a slot can keep as its limit.
pub(crate) fn max_size(typed: &str) -> Result<u32, String> {
    let bytes = size(typed)?;
    // u32::MAX means no limit.
    match u32::try_from(bytes) {
        Ok(bytes) if bytes != u32::MAX => Ok(bytes),
        _ => Err("the largest limit is 4294967294; 0 means no limit but the quota".into()),
    }
}

/// `500ms`, `5s`, `1h 30m`.
pub(crate) fn duration(typed: &str) -> Result<Duration, String> {
    if typed == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(typed).map_err(|e| {
        if typed.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            format!("it has no unit; durations look like {typed}s or {typed}ms")
        } else {
            format!("{e}; durations look like 500ms, 5s or 2min")
        }
    })
}

/// How long something is valid: a [`duration`].
#[cfg(feature = "gateway")]
pub(crate) fn lifetime(typed: &str) -> Result<Duration, String> {
    match duration(typed)? {
        short if short < Duration::from_secs(1) => Err("it would have expired at once".into()),
        lifetime => Ok(lifetime),
    }
}

/// Who may write: `user`, `group:NAME`, `everyone`, `users:a,b`. Names and numbers alike.
pub(crate) fn access(typed: &str) -> Result<Access, String> {
    let (kind, who) = match typed.split_once(':') {
        Some((kind, who)) => (kind, Some(who)),
        None => (typed, None),
    };
    match (kind, who) {
        ("user", None) => Ok(Access::SameUser),
        ("everyone", None) => Ok(Access::Everyone),
        ("group", Some(group)) => group_id(group).map(Access::Group),
        ("users", Some(users)) => {
            users.split(',').map(user_id).collect::<Result<_, _>>().map(Access::Users)
        }
        _ => Err("give one of: user, everyone, group:NAME, users:NAME,NAME".into()),
    }
}

/// What [`access`] reads back.
pub(crate) fn show_access(access: &Access) -> String {
    match access {
        Access::SameUser => "user".into(),
        Access::Everyone => "everyone".into(),
        Access::Group(gid) => {
            let group = uzers::get_group_by_gid(*gid);
            let name = group.map(|g| g.name().to_string_lossy().into_owned());
            format!("group:{}", name.unwrap_or_else(|| gid.to_string()))
        }
        Access::Users(uids) => {
            let mut users = crate::text::Users::default();
            let names: Vec<_> = uids.iter().map(|uid| users.show(*uid)).collect();
            format!("users:{}", names.join(","))
        }
    }
}

/// Which other computers may write: `domains`, `none`, `computers:JOE,ANN.WORKGROUP`.
pub(crate) fn network(typed: &str) -> Result<NetworkAccess, String> {
    let network = match typed.split_once(':') {
        None if typed == "domains" => NetworkAccess::Domains,
        None if typed == "none" => NetworkAccess::ThisComputer,
        Some(("computers", list)) => {
            NetworkAccess::Computers(list.split(',').map(str::to_owned).collect())
        }
        _ => return Err("give one of: domains, none, computers:NAME,NAME".into()),
    };
    network.check().map(|()| network)
}

/// What [`network`] reads back.
pub(crate) fn show_network(network: &NetworkAccess) -> String {
    match network {
        NetworkAccess::Domains => "domains".into(),
        NetworkAccess::ThisComputer => "none".into(),
        NetworkAccess::Computers(listed) => {
            crate::text::harmless(&format!("computers:{}", listed.join(","))).into_owned()
        }
    }
}

fn user_id(typed: &str) -> Result<u32, String> {
    if let Ok(uid) = typed.parse() {
        return Ok(uid);
    }
    let user = uzers::get_user_by_name(typed);
    user.map(|u| u.uid()).ok_or_else(|| format!("there is no user {typed:?}"))
}

fn group_id(typed: &str) -> Result<u32, String> {
    if let Ok(gid) = typed.parse() {
        return Ok(gid);
    }
    let group = uzers::get_group_by_name(typed);
    group.map(|g| g.gid()).ok_or_else(|| format!("there is no group {typed:?}"))
}

/// `64M`, or `1000` where no unit fits.
pub(crate) fn show_size(bytes: u64) -> String {
    for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let good = [
            ("0", 0),
            ("1000", 1000),
            ("64K", 65536),
            ("64k", 65536),
            ("1M", 1 << 20),
            ("4GiB", 4 << 30),
            ("2T", 2 << 40),
        ];
        for (typed, bytes) in good {
            assert_eq!(size(typed), Ok(bytes), "{typed}");
        }
        for typed in ["", "K", "-1", "1.5M", "1KB", "1KK", "iB", "1iB", "1 K", "99999999T", "é"] {
            assert!(size(typed).is_err(), "{typed}");
        }
        let shown = [0, 1000, 1024, 65536, 1 << 20, 3 << 30, (1 << 20) + 1].map(show_size);
        assert_eq!(shown, ["0", "1000", "1K", "64K", "1M", "3G", "1048577"]);
    }

    #[test]
    fn limits_on_records() {
        assert_eq!(max_size("4294967294"), Ok(u32::MAX - 1));
        assert!(max_size("4294967295").is_err());
        assert!(max_size("4G").is_err());
    }

    #[test]
    fn durations() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("5").unwrap_err(), "it has no unit; durations look like 5s or 5ms");
        assert!(duration("soon").is_err());
        assert!(duration("").is_err());
    }

    #[test]
    fn who_may_write() {
        let read_back = ["user", "everyone", "group:4000000001", "users:4000000001,4000000002"];
        for typed in read_back {
            assert_eq!(show_access(&access(typed).unwrap()), typed);
        }
        assert_eq!(access("users:root"), Ok(Access::Users(vec![0])));
        assert_eq!(access("group:root"), Ok(Access::Group(0)));
        for typed in ["", "users", "users:", "group:", "user:root", "group:no-such-group"] {
            assert!(access(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn a_reader_is_told_the_local_name() {
        let error = local_slot("//JOE/mailslot/taxes/sue").unwrap_err();
        assert_eq!(error, "it is on another computer; the one on this computer is taxes/sue");
    }
}
