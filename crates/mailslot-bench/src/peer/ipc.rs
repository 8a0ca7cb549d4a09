//! ipc-channel: a channel of bytes per writer, gathered in a set if there are several.

use std::collections::VecDeque;
use std::fs;

use anyhow::{Context, Result, bail};
use ipc_channel::ipc::{
    self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiverSet, IpcSelectionResult,
    IpcSender,
};

use super::{Address, Peer, Rx, Tx};

pub(crate) struct Channel;

impl Peer for Channel {
    type Rx = ChannelRx;
    type Tx = ChannelTx;
}

type Server = IpcOneShotServer<IpcBytesReceiver>;

pub(crate) struct ChannelRx {
    servers: Vec<Server>,
    spin: bool,
    one: Option<IpcBytesReceiver>,
    set: Option<IpcReceiverSet>,
    ready: VecDeque<Vec<u8>>,
}

impl ChannelRx {
    fn accept_all(&mut self) -> Result<()> {
        let mut receivers = Vec::new();
        for server in self.servers.drain(..) {
            receivers.push(server.accept().map_err(|e| anyhow::anyhow!("{e:?}"))?.1);
        }
        if receivers.len() == 1 {
            self.one = receivers.pop();
            return Ok(());
        }
        let mut set = IpcReceiverSet::new()?;
        for receiver in receivers {
            set.add_opaque(receiver.to_opaque())?;
        }
        self.set = Some(set);
        Ok(())
    }
}

impl Rx for ChannelRx {
    fn listen(at: &Address) -> Result<Self> {
        let mut servers = Vec::new();
        for writer in 0..at.writers {
            let (server, name) = Server::new()?;
            fs::write(at.path(writer), name)?;
            servers.push(server);
        }
        Ok(Self { servers, spin: at.spin, one: None, set: None, ready: VecDeque::new() })
    }

    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        if !self.servers.is_empty() {
            self.accept_all()?;
        }
        let bytes = if let Some(one) = &self.one {
            if self.spin {
                loop {
                    if let Ok(bytes) = one.try_recv() {
                        break bytes;
                    }
                }
            } else {
                one.recv().map_err(|e| anyhow::anyhow!("{e:?}"))?
            }
        } else {
            loop {
                if let Some(bytes) = self.ready.pop_front() {
                    break bytes;
                }
                for result in self.set.as_mut().context("no writers")?.select()? {
                    if let IpcSelectionResult::MessageReceived(_, message) = result {
                        self.ready.push_back(message.data.to_vec());
                    }
                }
            }
        };
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

pub(crate) struct ChannelTx(IpcBytesSender);

impl Tx for ChannelTx {
    fn connect(at: &Address, writer: usize) -> Result<Self> {
        let (sender, receiver) = ipc::bytes_channel()?;
        IpcSender::connect(fs::read_to_string(at.path(writer))?)?.send(receiver)?;
        Ok(Self(sender))
    }

    fn send(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.0.send(record)?)
    }

    fn try_send(&mut self, _: &[u8]) -> Result<bool> {
        bail!("ipc-channel always waits for room")
    }
}
