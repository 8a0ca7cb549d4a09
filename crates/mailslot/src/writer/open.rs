//! Opening: which socket a name means, and what is said there first.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mailslot_ring::peer_credentials;
use mailslot_wire::message::Confirmed;
use mailslot_wire::meta::Metadata;
use rustix::rand::{GetRandomFlags, getrandom};

use super::hello::Purpose;
use super::link::Link;
use super::{MailslotWriter, WriterOptions};
use crate::computer::as_local;
use crate::record::describe_user;
use crate::registry::{self, ConnectError, connect, gateway_dir, may_be_gateway, registry_root};
use crate::{OpenError, Origin, SlotName};

impl WriterOptions {
    /// Opens a slot of this computer for the records of a writer on another.
    pub(crate) fn open_for(
        &self,
        name: SlotName,
        origin: &Origin,
    ) -> Result<MailslotWriter, OpenError> {
        let local = if name.is_local() { Some(name.clone()) } else { as_local(&name) };
        let name = Arc::new(name);
        let Some(local) = local else {
            return Err(io_error(&name, "forwarding", "it is not a name on this computer"));
        };
        MailslotWriter::open_as(*self, local, Purpose::Forward(Arc::new(origin.clone())))
    }
}

impl MailslotWriter {
    /// Opens what `name` means: a slot here, or one elsewhere by way of the gateway.
    pub(super) fn resolve(options: WriterOptions, name: SlotName) -> Result<Self, OpenError> {
        let local = if name.is_local() { None } else { as_local(&name) };
        if name.is_local() || local.is_some() {
            Self::open_as(options, local.unwrap_or(name), Purpose::Local)
        } else {
            Self::open_as(options, name, Purpose::Remote)
        }
    }

    fn open_as(
        options: WriterOptions,
        name: SlotName,
        purpose: Purpose,
    ) -> Result<Self, OpenError> {
        let socket = match purpose {
            Purpose::Remote => gateway_dir().join(registry::SOCKET),
            _ => registry::socket_of(&name),
        };
        let mut writer = Self {
            name: Arc::new(name),
            socket: Arc::new(socket),
            purpose,
            options,
            limits: mailslot_wire::limits::Limits { max_record: 0, quota: 0 },
            link: None,
            connections: 0,
            parked: None,
            handle: None,
            confirmed: 0,
            lost: 0,
        };
        writer.connect(options.patience)?;
        if options.confirmed {
            writer.parked = writer.link.take();
        }
        Ok(writer)
    }

    /// Lets go of the connection, if there is one.
    pub(super) fn disconnect(&mut self) {
        if let Some(mut link) = self.link.take() {
            self.lost += link.lost();
        }
    }

    /// Makes a new connection.
    pub(super) fn connect(&mut self, patience: Duration) -> Result<(), OpenError> {
        let before = self.policy()?;
        let connection =
            connect(&self.socket, patience).map_err(|error| self.unconnected(error))?;
        match &self.purpose {
            Purpose::Remote => {
                // Whoever listens there, not whoever owns the directory: nobody can fake that.
                let found = peer_credentials(connection.socket.as_fd())
                    .map_err(|source| self.io("asking whose the gateway is", source))?;
                if !may_be_gateway(found.uid, rustix::process::geteuid().as_raw()) {
                    let owner = describe_user(found.uid);
                    return Err(OpenError::GatewayNotTrusted { name: self.name.clone(), owner });
                }
            }
            Purpose::Local | Purpose::Forward(_) if self.name.file_name_is_hashed() => {
                let found = self.metadata()?;
                if found.name != *self.name {
                    let other = format!(
                        "the slot {} lies where this one would; choose another name",
                        found.name
                    );
                    return Err(io_error(&self.name, "telling it from others", other));
                }
            }
            Purpose::Local | Purpose::Forward(_) => {}
        }
        if before != self.policy()? {
            // Another slot has the name now, and nobody knows which of them this is.
            return Err(OpenError::NoSuchSlot(self.name.clone()));
        }
        self.limits = connection.limits;
        let confirmed = self.number_records()?;
        let hello = self.purpose.hello(&self.name, confirmed);
        if hello.is_none() && self.purpose != Purpose::Local {
            let reason = "the names of its computer, domain or user can't be such";
            return Err(io_error(&self.name, "stating the origin", reason));
        }
        let link = Link::open(connection, hello.as_deref(), self.purpose.is_remote())
            .map_err(|source| self.io("saying what it is for", source))?;
        self.link = Some(link);
        self.connections += 1;
        Ok(())
    }

    /// How a gateway is to know this handle's records, if they are confirmed.
    fn number_records(&mut self) -> Result<Option<Confirmed>, OpenError> {
        if !self.options.confirmed || !self.purpose.is_remote() {
            return Ok(None);
        }
        let handle = match self.handle {
            Some(handle) => handle,
            None => {
                let mut handle = [0; 16];
                getrandom(&mut handle, GetRandomFlags::empty())
                    .map_err(|error| self.io("choosing a number", error.into()))?;
                *self.handle.insert(handle)
            }
        };
        Ok(Some(Confirmed { handle, first: self.confirmed }))
    }

    /// What a slot says about itself that takes records from where these come from. `None` where
    /// that does not matter.
    fn policy(&self) -> Result<Option<Metadata>, OpenError> {
        let Purpose::Forward(origin) = &self.purpose else {
            return Ok(None);
        };
        let found = self.metadata()?;
        if found.network.allows(&origin.computer, &origin.domain) {
            return Ok(Some(found));
        }
        Err(OpenError::NetworkRefused {
            name: self.name.clone(),
            computer: origin.computer.clone(),
            domain: origin.domain.clone(),
        })
    }

    fn dir(&self) -> &Path {
        self.socket.parent().unwrap_or(&self.socket)
    }

    fn metadata(&self) -> Result<Metadata, OpenError> {
        registry::metadata(self.dir()).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => OpenError::NoSuchSlot(self.name.clone()),
            _ => self.io("reading its metadata", source),
        })
    }

    fn unconnected(&self, error: ConnectError) -> OpenError {
        let name = self.name.clone();
        let owner = || {
            let found = registry::metadata(self.dir());
            found.map_or_else(|_| "another user".to_owned(), |found| describe_user(found.uid))
        };
        let remote = self.purpose.is_remote();
        match error {
            ConnectError::Absent | ConnectError::Refused if remote => OpenError::NoGateway(name),
            // Where there is nothing at all a reader may come and make it.
            ConnectError::Absent if registry_root().metadata().is_ok_and(|root| !root.is_dir()) => {
                let reason = format!(
                    "{:?} is no directory that could hold slots (MAILSLOT_DIR sets another)",
                    registry_root()
                );
                io_error(&self.name, "looking for it", reason)
            }
            ConnectError::Absent | ConnectError::Refused => OpenError::NoSuchSlot(name),
            ConnectError::Full => OpenError::Full(name),
            // It is not the slot that is closed to this user.
            ConnectError::Denied if is_closed(&registry_root()) => {
                let reason = format!(
                    "no permission to look into {:?}; set MAILSLOT_DIR to the directory of its reader",
                    registry_root()
                );
                self.io("looking for it", io::Error::new(io::ErrorKind::PermissionDenied, reason))
            }
            ConnectError::Denied if remote => OpenError::GatewayDenied { name, owner: owner() },
            ConnectError::Denied => OpenError::AccessDenied { name, owner: owner() },
            ConnectError::Foreign => {
                io_error(&self.name, "connecting", "something that is no mailslot listens there")
            }
            ConnectError::Io(source) => self.io("connecting", source),
        }
    }

    fn io(&self, action: &'static str, source: io::Error) -> OpenError {
        OpenError::Io { name: self.name.clone(), action, source }
    }
}

/// Whether this user may not even look for what lies in `dir`.
fn is_closed(dir: &Path) -> bool {
    let inside = dir.join(".").metadata();
    inside.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn io_error(name: &Arc<SlotName>, action: &'static str, reason: impl Into<String>) -> OpenError {
    OpenError::Io { name: name.clone(), action, source: io::Error::other(reason.into()) }
}
