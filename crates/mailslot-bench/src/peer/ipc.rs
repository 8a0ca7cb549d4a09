//! ipc-channel: one channel of bytes, of which each writer gets a sender.

use std::fs;

use anyhow::{Result, bail};
use ipc_channel::TryRecvError;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};

use super::{Address, Peer, Rx, Tx, pause};

pub(crate) struct Channel;

impl Peer for Channel {
    type Rx = ChannelRx;
    type Tx = ChannelTx;
}

/// Where a writer says how it gets its sender.
type Server = IpcOneShotServer<IpcSender<IpcBytesSender>>;

pub(crate) struct ChannelRx {
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
        // Gives each writer its sender, and ends.
        std::thread::spawn(move || {
            for server in servers {
                let (_, reply) = server.accept().expect("a writer introduces itself");
                reply.send(sender.clone()).expect("a writer waits for its sender");
            }
        });
        Ok(Self { receiver, spin: at.spin })
    }

    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let bytes = if self.spin {
            let mut looks = 0;
            loop {
                match self.receiver.try_recv() {
                    Ok(bytes) => break bytes,
                    Err(TryRecvError::Empty) => pause(&mut looks),
                    Err(error) => bail!("{error:?}"),
                }
            }
        } else {
            self.receiver.recv().map_err(|e| anyhow::anyhow!("{e:?}"))?
        };
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

pub(crate) struct ChannelTx(IpcBytesSender);

impl Tx for ChannelTx {
    fn connect(at: &Address, writer: usize) -> Result<Self> {
        let (sender, reply) = ipc::channel()?;
        let server = IpcSender::connect(fs::read_to_string(at.path(writer))?)?;
        server.send(sender).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        Ok(Self(reply.recv().map_err(|e| anyhow::anyhow!("{e:?}"))?))
    }

    fn send(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.0.send(record)?)
    }

    fn try_send(&mut self, _: &[u8]) -> Result<bool> {
        bail!("ipc-channel always waits for room")
    }
}
