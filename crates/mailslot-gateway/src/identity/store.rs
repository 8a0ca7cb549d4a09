//! Identities in files: of each domain `NAME.identity`, `NAME.members` and, on the authority's
//! computer, `NAME.authority`, in `domains` below the configuration directory. `NAME` is folded.
//!
//! A file is replaced whole or not at all, and only its owner may read it. Whoever changes one holds
//! the lock of the directory, since the command and the gateway both do.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use mailslot_wire::name::fold_case;
use rustix::fs::FlockOperation;

use super::{Authority, Error, Identity, SignedList, keys};

/// No file of ours is longer.
const MAX_BYTES: u64 = 4 << 20;
const IDENTITY: &str = "identity";
const MEMBERS: &str = "members";
const AUTHORITY: &str = "authority";

/// The configuration directory.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

/// Held while something changes.
pub struct Lock {
    _file: File,
}

impl Store {
    /// The directory that this user's gateway uses: `$MAILSLOT_CONFIG_DIR` if set, `/etc/mailslot`
    /// for root, `$XDG_CONFIG_HOME/mailslot` or `~/.config/mailslot` for others.
    pub fn of_this_user() -> Result<Self, Error> {
        let set =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let dir = if let Some(dir) = set("MAILSLOT_CONFIG_DIR") {
            dir
        } else if rustix::process::geteuid().is_root() {
            PathBuf::from("/etc/mailslot")
        } else if let Some(dir) = set("XDG_CONFIG_HOME") {
            dir.join("mailslot")
        } else {
            set("HOME").ok_or(Error::NoDirectory)?.join(".config/mailslot")
        };
        Ok(Self::at(dir))
    }

    /// A directory of the caller's choice.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where the configuration lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the identities lie.
    pub fn domains_dir(&self) -> PathBuf {
        self.dir.join("domains")
    }

    /// Waits until nobody else changes anything. Makes the directory if need be.
    pub fn lock(&self) -> Result<Lock, Error> {
        let dir = self.domains_dir();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(io_error("create", &dir))?;
        let path = dir.join("lock");
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = file.map_err(io_error("open", &path))?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive)
            .map_err(|e| io_error("lock", &path)(e.into()))?;
        Ok(Lock { _file: file })
    }

    /// The domains that this computer belongs to, the one it joined first at the front.
    pub fn identities(&self) -> Result<Vec<Identity>, Error> {
        let dir = self.domains_dir();
        let entries = match fs::read_dir(&dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io_error("list", &dir))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(io_error("list", &dir))?.path();
            if path.extension().is_some_and(|extension| extension == IDENTITY) {
                found.extend(read_identity(&path)?);
            }
        }
        found.sort_by(|a: &Identity, b| (a.joined, &a.domain).cmp(&(b.joined, &b.domain)));
        Ok(found)
    }

    /// This computer's identity in `domain`.
    pub fn identity(&self, domain: &str) -> Result<Identity, Error> {
        super::name::check_domain(domain)?;
        read_identity(&self.path(domain, IDENTITY))?
            .ok_or_else(|| Error::NotMember(domain.to_owned()))
    }

    /// The newest member list that this computer knows.
    pub fn members(&self, identity: &Identity) -> Result<SignedList, Error> {
        let path = self.path(&identity.domain, MEMBERS);
        let damaged = |why: String| Error::Damaged { path: path.clone(), why };
        let text = read(&path)?.ok_or_else(|| damaged("it is missing".into()))?;
        SignedList::parse(text.as_bytes(), &identity.domain, &identity.authority_public)
            .map_err(damaged)
    }

    /// The authority of that domain, if this is its computer.
    pub fn authority(&self, identity: &Identity) -> Result<Option<Authority>, Error> {
        let path = self.path(&identity.domain, AUTHORITY);
        let Some(key) = read_secret(&path)? else { return Ok(None) };
        Authority::from_key(identity, &key).map(Some)
    }

    /// Keeps a domain that was created or joined just now.
    pub fn add(
        &self,
        _: &Lock,
        identity: &Identity,
        list: &SignedList,
        authority: Option<&Authority>,
    ) -> Result<(), Error> {
        if read_identity(&self.path(&identity.domain, IDENTITY))?.is_some() {
            return Err(Error::AlreadyMember(identity.domain.clone()));
        }
        // Which came first must not hang on how soon one follows the other, nor on clocks.
        let others = self.identities()?;
        let last = others.iter().map(|other| other.joined.saturating_add(1)).max().unwrap_or(0);
        let identity = &Identity { joined: identity.joined.max(last), ..identity.clone() };
        if let Some(authority) = authority {
            self.write(&self.path(&identity.domain, AUTHORITY), &authority.key())?;
        }
        self.write(&self.path(&identity.domain, MEMBERS), list.text())?;
        // Last, since it is what makes this computer a member.
        self.write(&self.path(&identity.domain, IDENTITY), &identity_text(identity)?)
    }

    /// Keeps a changed identity, unless this computer has left the domain meanwhile.
    pub fn save_identity(&self, _: &Lock, identity: &Identity) -> Result<(), Error> {
        let path = self.path(&identity.domain, IDENTITY);
        if path.exists() { self.write(&path, &identity_text(identity)?) } else { Ok(()) }
    }

    /// Keeps a newer list, unless this computer has left the domain meanwhile.
    pub fn save_members(&self, _: &Lock, list: &SignedList) -> Result<(), Error> {
        let domain = &list.list().domain;
        let path = self.path(domain, MEMBERS);
        if !self.path(domain, IDENTITY).exists() {
            return Ok(());
        }
        self.write(&path, list.text())
    }

    /// Forgets a domain, and its authority's key if it is here.
    pub fn remove(&self, _: &Lock, domain: &str) -> Result<(), Error> {
        for kind in [IDENTITY, MEMBERS, AUTHORITY] {
            let path = self.path(domain, kind);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(io_error("remove", &path)(e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, domain: &str, kind: &str) -> PathBuf {
        self.domains_dir().join(format!("{}.{kind}", fold_case(domain)))
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        write_private(path, text.as_bytes()).map_err(io_error("write", path))
    }
}

/// Replaces a file by one that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let write = || {
        // One that was left behind by a kill would keep its mode.
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&new)))
}

fn identity_text(identity: &Identity) -> Result<String, Error> {
    let text =
        serde_json::to_string_pretty(identity).map_err(keys::because("write the identity"))?;
    Ok(text + "\n")
}

fn read_identity(path: &Path) -> Result<Option<Identity>, Error> {
    let Some(text) = read_secret(path)? else { return Ok(None) };
    let identity: Identity = serde_json::from_str(&text)
        .map_err(|e| Error::Damaged { path: path.to_owned(), why: e.to_string() })?;
    super::name::check_domain(&identity.domain)?;
    super::name::check_computer(&identity.computer)?;
    Ok(Some(identity))
}

fn read_secret(path: &Path) -> Result<Option<String>, Error> {
    match fs::metadata(path) {
        Ok(stat) if stat.permissions().mode() & 0o077 != 0 => {
            let mode = stat.permissions().mode() & 0o777;
            Err(Error::Exposed { path: path.to_owned(), mode })
        }
        _ => read(path),
    }
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) => Ok(Some(text)),
        Err(e) if ErrorKind::NotFound == io::Error::kind(&e) => Ok(None),
        Err(e) => Err(io_error("read", path)(e)),
    }
}

fn io_error(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io { what, path: path.to_owned(), source }
}
