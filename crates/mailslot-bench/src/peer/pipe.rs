//! A named pipe, with a length in front of each record.
//!
//! Writes of at most `PIPE_BUF` bytes are atomic, so that writers of small records share one pipe,
//! which the reader empties in large reads. Larger ones need a pipe per writer.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::OwnedFd;

use anyhow::{Result, ensure};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::unix::wait_readable;
use super::{Address, Peer, Rx, Tx, pause};

const PIPE_BUF: usize = 4096;
const LENGTH: usize = 4;

/// As much as an ordinary user may have.
const PIPE_SIZE: usize = 1024 * 1024;

const BUFFER: usize = 256 * 1024;

pub(crate) struct Pipe;

impl Peer for Pipe {
    type Rx = PipeRx;
    type Tx = PipeTx;
}

fn is_shared(at: &Address) -> bool {
    at.size + LENGTH <= PIPE_BUF
}

struct Stream {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Stream {
    #[inline]
    fn take(&mut self, into: &mut [u8]) -> Option<usize> {
        let have = &self.buffer[self.start..self.end];
        let (length, rest) = have.split_first_chunk::<LENGTH>()?;
        let length = u32::from_ne_bytes(*length) as usize;
        into[..length].copy_from_slice(rest.get(..length)?);
        self.start += LENGTH + length;
        Some(length)
    }

    fn fill(&mut self, fd: &OwnedFd) -> rustix::io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = rustix::io::read(fd, &mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read)
    }
}

pub(crate) struct PipeRx {
    fds: Vec<OwnedFd>,
    streams: Vec<Stream>,
    ready: VecDeque<u64>,
    current: usize,
    /// Writing ends of its own, so that the pipes don't end before the first writer comes.
    _keep: Vec<OwnedFd>,
}

impl Rx for PipeRx {
    fn listen(at: &Address) -> Result<Self> {
        let count = if is_shared(at) { 1 } else { at.writers };
        let mut rx = Self {
            fds: Vec::new(),
            streams: Vec::new(),
            ready: VecDeque::new(),
            current: 0,
            _keep: Vec::new(),
        };
        for place in 0..count {
            let path = at.path(place);
            rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let fd = rustix::fs::open(&path, flags, Mode::empty())?;
            rustix::pipe::fcntl_setpipe_size(&fd, PIPE_SIZE)?;
            if count == 1 && !at.spin {
                rustix::io::ioctl_fionbio(&fd, false)?;
            }
            rx.fds.push(fd);
            rx._keep.push(rustix::fs::open(
                &path,
                OFlags::WRONLY | OFlags::CLOEXEC,
                Mode::empty(),
            )?);
            rx.streams.push(Stream { buffer: vec![0; BUFFER], start: 0, end: 0 });
        }
        Ok(rx)
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        loop {
            if let Some(length) = self.streams[self.current].take(into) {
                return Ok(length);
            }
            if self.fds.len() > 1 {
                if self.ready.is_empty() {
                    wait_readable(&self.fds, &mut self.ready)?;
                }
                self.current = self.ready.pop_front().unwrap_or_default() as usize;
            }
            match self.streams[self.current].fill(&self.fds[self.current]) {
                Ok(read) => ensure!(read > 0, "the pipe has ended"),
                Err(Errno::AGAIN) => pause(&mut looks),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

pub(crate) struct PipeTx {
    fd: OwnedFd,
    blocks: bool,
}

impl Tx for PipeTx {
    fn connect(at: &Address, writer: usize) -> Result<Self> {
        let path = at.path(if is_shared(at) { 0 } else { writer });
        let fd = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { fd, blocks: true })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        let length = (record.len() as u32).to_ne_bytes();
        let parts = [IoSlice::new(&length), IoSlice::new(record)];
        let mut written = rustix::io::writev(&self.fd, &parts)?;
        while written < LENGTH + record.len() {
            written += rustix::io::write(&self.fd, &record[written - LENGTH..])?;
        }
        Ok(())
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        if std::mem::take(&mut self.blocks) {
            rustix::io::ioctl_fionbio(&self.fd, true)?;
        }
        let length = (record.len() as u32).to_ne_bytes();
        let sent = rustix::io::writev(&self.fd, &[IoSlice::new(&length), IoSlice::new(record)]);
        match sent {
            Ok(written) => {
                ensure!(written == LENGTH + record.len(), "only part of a record went in");
                Ok(true)
            }
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
