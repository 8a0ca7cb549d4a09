//! ipc-channel: one channel of bytes, of which each writer gets a sender.

use std::fs;

use anyhow::{Context, Result, bail};
use ipc_channel::ipc::{
    self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender,
};

use super::{Address, Peer, Rx, Tx};

pub(crate) struct Channel;

impl Peer for Channel {
    type Rx = ChannelRx;
    type Tx = ChannelTx;
}

/// Where a writer says how it gets its sender.
type Server = IpcOneShotServer<IpcSender<IpcBytesSender>>;

pub(crate) struct ChannelRx {
    /// Writers that have not got their sender yet.
    servers: Vec<Server>,
    sender: IpcBytesSender,
    receiver: IpcBytesReceiver,
    spin: bool,
}

impl Rx for ChannelRx {
    fn listen(at: &Address) -> Result<Self> {
        let mut servers = Vec::new();
        for writer in 0..at.writers {
            let (server, name) = Server::new()?;
            fs::write(at.path(writer), name)?;
            servers.push(server);
        }
        let (sender, receiver) = ipc::bytes_channel()?;
        Ok(Self { servers, sender, receiver, spin: at.spin })
    }

    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        for server in self.servers.drain(..) {
            let (_, reply) = server.accept().map_err(|e| anyhow::anyhow!("{e:?}"))?;
            reply.send(self.sender.clone()).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        }
        let bytes = if self.spin {
            loop {
                if let Ok(bytes) = self.receiver.try_recv() {
                    break bytes;
                }
            }
        } else {
            self.receiver.recv().map_err(|e| anyhow::anyhow!("{e:?}"))?
        };
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

pub(crate) struct ChannelTx {
    reply: IpcReceiver<IpcBytesSender>,
    sender: Option<IpcBytesSender>,
}

impl Tx for ChannelTx {
    fn connect(at: &Address, writer: usize) -> Result<Self> {
        let (sender, reply) = ipc::channel()?;
        let server = IpcSender::connect(fs::read_to_string(at.path(writer))?)?;
        server.send(sender).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        Ok(Self { reply, sender: None })
    }

    fn send(&mut self, record: &[u8]) -> Result<()> {
        if self.sender.is_none() {
            self.sender = Some(self.reply.recv().map_err(|e| anyhow::anyhow!("{e:?}"))?);
        }
        Ok(self.sender.as_ref().context("no sender")?.send(record)?)
    }

    fn try_send(&mut self, _: &[u8]) -> Result<bool> {
        bail!("ipc-channel always waits for room")
    }
}
