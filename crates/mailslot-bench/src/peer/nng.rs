//! nng PUSH and PULL over ipc.

use anyhow::Result;
use nng::options::{Options, RecvBufferSize, SendBufferSize};
use nng::{Error, Protocol, Socket};

use super::{Address, Peer, Rx, Tx, pause};

/// Records in each socket's queue, the most that nng allows.
const QUEUE: i32 = 8192;

pub(crate) struct PushPull;

impl Peer for PushPull {
    type Rx = End;
    type Tx = End;
}

pub(crate) struct End {
    socket: Socket,
    spin: bool,
}

fn url(at: &Address) -> String {
    format!("ipc://{}", at.path("").display())
}

impl Rx for End {
    fn listen(at: &Address) -> Result<Self> {
        let socket = Socket::new(Protocol::Pull0)?;
        socket.set_opt::<RecvBufferSize>(QUEUE)?;
        socket.listen(&url(at))?;
        Ok(Self { socket, spin: at.spin })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        let message = loop {
            let received = if self.spin { self.socket.try_recv() } else { self.socket.recv() };
            match received {
                Err(Error::TryAgain) => pause(&mut looks),
                other => break other?,
            }
        };
        into[..message.len()].copy_from_slice(&message);
        Ok(message.len())
    }
}

impl Tx for End {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        let socket = Socket::new(Protocol::Push0)?;
        socket.set_opt::<SendBufferSize>(QUEUE)?;
        socket.dial(&url(at))?;
        Ok(Self { socket, spin: at.spin })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        self.socket.send(record).map_err(|(_, error)| error.into())
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        match self.socket.try_send(record) {
            Ok(()) => Ok(true),
            Err((_, Error::TryAgain)) => Ok(false),
            Err((_, error)) => Err(error.into()),
        }
    }
}
