//! `mailslot domain`.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use mailslot_gateway::identity::store::write_private;
use mailslot_gateway::identity::{
    self, Authority, Error, Identity, Invitation, SignedList, Store, name,
};
use rustix::fs::{FileType, Mode};

use crate::exit::{Exit, Failure};
use crate::flags::{
    CreateArgs, DomainArgs, DomainCommand, InviteArgs, JoinArgs, LeaveArgs, RevokeArgs, RouterArgs,
};
use crate::stdout::Stdout;
use crate::text;

mod list;

/// No invitation is longer.
const LONGEST: u64 = 4 << 20;

pub(crate) fn run(args: DomainArgs) -> anyhow::Result<Exit> {
    let store = Store::of_this_user()?;
    match args.command {
        DomainCommand::Create(args) => create(&store, &args),
        DomainCommand::Invite(args) => invite(&store, &args),
        DomainCommand::Join(args) => join(&store, &args),
        DomainCommand::Leave(args) => leave(&store, &args),
        DomainCommand::List(args) => list::run(&store, &args),
        DomainCommand::Revoke(args) => revoke(&store, &args),
        DomainCommand::Router(args) => router(&store, &args),
    }
}

fn create(store: &Store, args: &CreateArgs) -> anyhow::Result<Exit> {
    let computer = match &args.computer {
        Some(computer) => computer.clone(),
        None => name::of_this_computer()
            .context("this computer's host name won't do; name it with --computer")?,
    };
    let (authority, identity, list) = Authority::create(&args.name, &computer, identity::now())?;
    store.add(&store.lock()?, &identity, &list, Some(&authority))?;
    say(format!(
        "created domain {}, in which this computer is {}\n\
         next: `mailslot domain invite JOE > joe.invite`, on JOE `mailslot domain join \
         joe.invite`, and `mailslot gateway` on both",
        identity.domain, identity.computer
    ))
}

fn invite(store: &Store, args: &InviteArgs) -> anyhow::Result<Exit> {
    if args.output.is_none() && io::stdout().is_terminal() {
        let message = format!(
            "an invitation holds a key and is not for the eye; write it to a file: \
             `mailslot domain invite {0} > {0}.invite`",
            args.computer
        );
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let lock = store.lock()?;
    let (_, authority, list) = authority(store, args.domain.as_deref(), "inviting")?;
    let lifetime = args.expires.as_secs();
    let (invitation, list) = authority.invite(&list, &args.computer, lifetime, identity::now())?;
    let text = invitation.text();
    match &args.output {
        Some(path) => write_private(path, text.as_bytes())
            .with_context(|| format!("cannot write the invitation to {path:?}"))?,
        None => {
            let mut stdout = Stdout::new()?;
            keep_private(&stdout)?;
            stdout.write(text.as_bytes())?;
        }
    }
    // Last: an invitation that could not be written is none.
    store.save_members(&lock, &list)?;
    Ok(Exit::Success)
}

/// The shell has made the file that standard output goes to, and doesn't know what is in it.
fn keep_private(stdout: &Stdout) -> anyhow::Result<()> {
    let stat = rustix::fs::fstat(stdout.as_fd()).context("cannot look at standard output")?;
    let is_ours = stat.st_uid == rustix::process::geteuid().as_raw();
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && is_ours {
        rustix::fs::fchmod(stdout.as_fd(), Mode::RUSR | Mode::WUSR)
            .context("cannot make the invitation readable for you only")?;
    }
    Ok(())
}

fn join(store: &Store, args: &JoinArgs) -> anyhow::Result<Exit> {
    let file = &args.file;
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => io::stdin().lock().take(LONGEST).read_to_end(&mut bytes),
        false => File::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes)),
    };
    read.with_context(|| format!("cannot read the invitation {file:?}"))?;
    let accept = || {
        let (identity, list) = Invitation::parse(&bytes)?.accept(identity::now())?;
        store.add(&store.lock()?, &identity, &list, None)?;
        Ok::<_, Error>((identity, list.list().authority.clone()))
    };
    let (identity, authority) = accept().with_context(|| format!("cannot join by {file:?}"))?;
    say(format!(
        "joined domain {}, in which this computer is {}\n\
         next: `mailslot gateway`, which must meet that of {authority} before {}",
        identity.domain,
        identity.computer,
        text::rfc3339_seconds(time(identity.expires)),
    ))
}

fn leave(store: &Store, args: &LeaveArgs) -> anyhow::Result<Exit> {
    let lock = store.lock()?;
    let identity = membership(store, args.name.as_deref())?;
    if !args.destroy && store.authority(&identity)?.is_some() {
        let others = store.members(&identity)?.list().members.len().saturating_sub(1);
        if others > 0 {
            return Err(Error::HoldsAuthority { domain: identity.domain, others }.into());
        }
    }
    let list = store.members(&identity).ok();
    store.remove(&lock, &identity.domain)?;
    let Identity { domain, computer, .. } = &identity;
    let mut said = format!("left domain {domain}");
    if let Some(list) = list.as_ref().map(SignedList::list)
        && list.find(computer).is_some()
        && !name::is_same(&list.authority, computer)
    {
        said += &format!(
            "\nnext: `mailslot domain revoke {computer}` on {}, or the others go on writing to it \
             in vain",
            list.authority
        );
    }
    say(said)
}

fn revoke(store: &Store, args: &RevokeArgs) -> anyhow::Result<Exit> {
    let lock = store.lock()?;
    let (identity, authority, list) = authority(store, args.domain.as_deref(), "revoking")?;
    if name::is_same(&identity.computer, &args.computer) {
        let message = format!(
            "{} is this computer, which runs domain {}; to give the domain up, use `mailslot \
             domain leave --destroy {1}`",
            identity.computer, identity.domain
        );
        return Err(Failure::new(Exit::Failure, message).into());
    }
    let list = authority.revoke(&list, &args.computer, identity::now())?;
    store.save_members(&lock, &list)?;
    say(format!("revoked {} in domain {}", args.computer, identity.domain))
}

fn router(store: &Store, args: &RouterArgs) -> anyhow::Result<Exit> {
    let (identity, authority, _) = authority(store, args.domain.as_deref(), "making a router")?;
    let lifetime = args.expires.as_secs();
    let (certificate, key) = authority.router(&args.router, lifetime, identity::now())?;
    let dir = std::path::absolute(&args.dir)
        .with_context(|| format!("there is no path {:?}", args.dir))?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {dir:?}"))?;
    let config = router_config(&dir);
    for (file, text) in [
        ("ca.pem", &identity.authority_certificate),
        ("router.pem", &certificate),
        ("router.key", &key),
        ("zenohd.json5", &config),
    ] {
        let path = dir.join(file);
        write_private(&path, text.as_bytes()).with_context(|| format!("cannot write {path:?}"))?;
    }
    say(format!("start the router with `zenohd -c {}`", dir.join("zenohd.json5").display()))
}

fn router_config(dir: &Path) -> String {
    let path = |file: &str| dir.join(file).to_string_lossy().into_owned();
    let config = serde_json::json!({
        "mode": "router",
        "listen": { "endpoints": ["tls/[::]:7447"] },
        "scouting": { "multicast": { "enabled": false } },
        "transport": { "link": {
            "protocols": ["tls"],
            // As gateways have it: who is cut off shall be found again soon.
            "tx": { "lease": 3000 },
            "tls": {
                "root_ca_certificate": path("ca.pem"),
                "enable_mtls": true,
                "listen_private_key": path("router.key"),
                "listen_certificate": path("router.pem"),
                "connect_private_key": path("router.key"),
                "connect_certificate": path("router.pem"),
                "verify_name_on_connect": false,
                "close_link_on_expiration": true,
            },
        } },
    });
    format!("{config:#}\n")
}

/// This computer's identity in `domain`, or in the only one there is.
fn membership(store: &Store, domain: Option<&str>) -> anyhow::Result<Identity> {
    if let Some(domain) = domain {
        return Ok(store.identity(domain)?);
    }
    let mut all = store.identities()?;
    match all.len() {
        0 => Err(Error::NoDomain.into()),
        1 => Ok(all.remove(0)),
        _ => Err(which(&all).into()),
    }
}

/// What runs `domain`, or the only one that is run from this computer.
fn authority(
    store: &Store,
    domain: Option<&str>,
    what: &'static str,
) -> anyhow::Result<(Identity, Authority, SignedList)> {
    let candidates = match domain {
        Some(domain) => vec![store.identity(domain)?],
        None => store.identities()?,
    };
    let Some(first) = candidates.first().map(|identity| identity.domain.clone()) else {
        return Err(Error::NoDomain.into());
    };
    let mut found = Vec::new();
    for identity in candidates {
        if let Some(authority) = store.authority(&identity)? {
            found.push((identity, authority));
        }
    }
    if found.len() > 1 {
        let all: Vec<_> = found.into_iter().map(|(identity, _)| identity).collect();
        return Err(which(&all).into());
    }
    let Some((identity, authority)) = found.pop() else {
        return Err(Error::NotAuthority { domain: first, what }.into());
    };
    let list = store.members(&identity)?;
    Ok((identity, authority, list))
}

fn which(all: &[Identity]) -> Failure {
    let names: Vec<_> = all.iter().map(|identity| identity.domain.as_str()).collect();
    Failure::new(Exit::Usage, format!("say which domain is meant: {}", names.join(" or ")))
}

/// Says what was done.
fn say(message: String) -> anyhow::Result<Exit> {
    Stdout::new()?.line(message)?;
    Ok(Exit::Success)
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::now())
}
