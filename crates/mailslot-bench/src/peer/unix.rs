//! Unix sockets that keep record boundaries.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, epoll, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

use super::{Address, Peer, Rx, Tx, pause};

/// As much as the kernel grants without privileges.
const BUFFER: usize = 1024 * 1024;

/// Records taken from one socket before the others get their turn.
const TURN: u32 = 256;

fn socket(kind: SocketType) -> Result<OwnedFd> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_send_buffer_size(&socket, BUFFER)?;
    Ok(socket)
}

fn connect(path: &Path, kind: SocketType) -> Result<OwnedFd> {
    let socket = socket(kind)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn send(socket: &OwnedFd, record: &[u8]) -> Result<()> {
    rustix::net::send(socket, record, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn try_send(socket: &OwnedFd, record: &[u8]) -> Result<bool> {
    match rustix::net::send(socket, record, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Ok(_) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) struct Datagram;

impl Peer for Datagram {
    type Rx = DatagramRx;
    type Tx = DatagramTx;
}

pub(crate) struct DatagramRx {
    socket: OwnedFd,
    flags: RecvFlags,
}

impl Rx for DatagramRx {
    fn listen(at: &Address) -> Result<Self> {
        let socket = socket(SocketType::DGRAM)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(at.path(""))?)?;
        let flags = if at.spin { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
        Ok(Self { socket, flags })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        loop {
            match rustix::net::recv(&self.socket, &mut *into, self.flags) {
                Ok((_, len)) => return Ok(len),
                Err(Errno::AGAIN) => pause(&mut looks),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

pub(crate) struct DatagramTx(OwnedFd);

impl Tx for DatagramTx {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        Ok(Self(connect(&at.path(""), SocketType::DGRAM)?))
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        send(&self.0, record)
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        try_send(&self.0, record)
    }
}

pub(crate) struct Seqpacket;

impl Peer for Seqpacket {
    type Rx = SeqpacketRx;
    type Tx = SeqpacketTx;
}

/// One writer: plain blocking reads. Several: epoll, and a turn of reads for each that is ready.
/// Writers of one record: accept, read, close.
pub(crate) struct SeqpacketRx {
    listener: OwnedFd,
    at: Address,
    sockets: Vec<OwnedFd>,
    epoll: OwnedFd,
    ready: VecDeque<u64>,
    turn: u32,
}

impl Rx for SeqpacketRx {
    fn listen(at: &Address) -> Result<Self> {
        let listener = socket(SocketType::SEQPACKET)?;
        rustix::net::bind(&listener, &SocketAddrUnix::new(at.path(""))?)?;
        rustix::net::listen(&listener, 4096)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (sockets, ready) = (Vec::new(), VecDeque::new());
        Ok(Self { listener, at: at.clone(), sockets, epoll, ready, turn: 0 })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.at.one_shot {
            return self.recv_one_shot(into);
        }
        if self.sockets.is_empty() {
            self.accept_all()?;
        }
        if self.sockets.len() > 1 {
            return self.recv_ready(into);
        }
        let flags = if self.at.spin { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
        let mut looks = 0;
        loop {
            match rustix::net::recv(&self.sockets[0], &mut *into, flags) {
                Ok((_, len)) => return Ok(len),
                Err(Errno::AGAIN) => pause(&mut looks),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl SeqpacketRx {
    fn accept_all(&mut self) -> Result<()> {
        for place in 0..self.at.writers as u64 {
            let socket = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC)?;
            let data = epoll::EventData::new_u64(place);
            epoll::add(&self.epoll, &socket, data, epoll::EventFlags::IN)?;
            self.sockets.push(socket);
        }
        Ok(())
    }

    fn recv_one_shot(&mut self, into: &mut [u8]) -> Result<usize> {
        let socket = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC)?;
        Ok(rustix::net::recv(&socket, into, RecvFlags::empty())?.1)
    }

    #[inline]
    fn recv_ready(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            while let Some(&place) = self.ready.front() {
                self.turn += 1;
                let socket = &self.sockets[place as usize];
                match rustix::net::recv(socket, &mut *into, RecvFlags::DONTWAIT) {
                    Ok((_, len)) if len > 0 && self.turn < TURN => return Ok(len),
                    Ok((_, len)) => {
                        self.turn = 0;
                        self.ready.pop_front();
                        if len > 0 {
                            return Ok(len);
                        }
                        epoll::delete(&self.epoll, socket).context("a writer has left")?;
                    }
                    Err(Errno::AGAIN) => {
                        self.turn = 0;
                        self.ready.pop_front();
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            let mut events = Vec::with_capacity(64);
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), None)?;
            self.ready.extend(events.iter().map(|event: &epoll::Event| event.data.u64()));
        }
    }
}

pub(crate) struct SeqpacketTx(OwnedFd);

impl Tx for SeqpacketTx {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        if at.one_shot {
            // Nobody would enlarge a buffer for one record.
            let flags = SocketFlags::CLOEXEC;
            let kind = SocketType::SEQPACKET;
            let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
            rustix::net::connect(&socket, &SocketAddrUnix::new(at.path(""))?)?;
            return Ok(Self(socket));
        }
        Ok(Self(connect(&at.path(""), SocketType::SEQPACKET)?))
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        send(&self.0, record)
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        try_send(&self.0, record)
    }
}

/// Waits until something can be read.
pub(crate) fn wait_readable(fds: &[OwnedFd], found: &mut VecDeque<u64>) -> Result<()> {
    let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    poll(&mut polled, None)?;
    let ready = polled.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
    found.extend(ready.map(|(place, _)| place as u64));
    Ok(())
}
