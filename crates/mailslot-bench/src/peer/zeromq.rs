//! ZeroMQ PUSH and PULL over ipc: nothing is dropped, a full queue makes the sender wait.

use std::sync::LazyLock;

use anyhow::Result;
use zmq::{Context, Socket, SocketType};

use super::{Address, Peer, Rx, Tx, pause};

pub(crate) struct PushPull;

impl Peer for PushPull {
    type Rx = End;
    type Tx = End;
}

pub(crate) struct End {
    socket: Socket,
    flags: i32,
}

/// One for the process, as its guide says.
static CONTEXT: LazyLock<Context> = LazyLock::new(Context::new);

fn url(at: &Address) -> String {
    format!("ipc://{}", at.path("").display())
}

/// Records queued at most. A quota says that bursts are to be held: no limit then.
fn high_water_mark(at: &Address) -> i32 {
    if at.quota > 64 << 20 { 0 } else { 10_000 }
}

impl Rx for End {
    fn listen(at: &Address) -> Result<Self> {
        let socket = CONTEXT.socket(SocketType::PULL)?;
        socket.set_rcvhwm(high_water_mark(at))?;
        socket.bind(&url(at))?;
        Ok(Self { socket, flags: if at.spin { zmq::DONTWAIT } else { 0 } })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        loop {
            match self.socket.recv_into(into, self.flags) {
                Ok(len) => return Ok(len),
                Err(zmq::Error::EAGAIN | zmq::Error::EINTR) => pause(&mut looks),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Tx for End {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        let socket = CONTEXT.socket(SocketType::PUSH)?;
        socket.set_sndhwm(high_water_mark(at))?;
        socket.connect(&url(at))?;
        Ok(Self { socket, flags: 0 })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.socket.send(record, 0)?)
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        match self.socket.send(record, zmq::DONTWAIT) {
            Ok(()) => Ok(true),
            Err(zmq::Error::EAGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
