//! A POSIX message queue, as deep as the system allows: by default ten records. Where an
//! administrator allows more (`fs.mqueue.msg_max`), it is about a tenth faster.

use std::ffi::CString;
use std::io;

use anyhow::{Result, ensure};

use super::{Address, Peer, Rx, Tx, pause};

/// Deeper queues were no faster.
const DEEPEST: i64 = 1024;

pub(crate) struct Queue {
    descriptor: libc::mqd_t,
    /// Kept by the reader, who removes it.
    name: Option<CString>,
    spin: bool,
}

impl Peer for Queue {
    type Rx = Queue;
    type Tx = Queue;
}

impl Queue {
    fn name(at: &Address) -> Result<CString> {
        let dir = at.dir.file_name().unwrap_or_default().to_string_lossy();
        Ok(CString::new(format!("/{dir}-{}", at.name))?)
    }
}

/// The largest record that the system lets an ordinary user queue.
pub(crate) fn largest() -> usize {
    limit("msgsize_max") as usize
}

fn limit(name: &str) -> i64 {
    let text = std::fs::read_to_string(format!("/proc/sys/fs/mqueue/{name}"));
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(10)
}

impl Rx for Queue {
    fn listen(at: &Address) -> Result<Self> {
        let name = Self::name(at)?;
        // SAFETY: all fields are integers, for which zero is valid.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        attributes.mq_maxmsg = limit("msg_max").min(DEEPEST);
        attributes.mq_msgsize = at.size as i64;
        let flags = libc::O_RDONLY | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
        let flags = if at.spin { flags | libc::O_NONBLOCK } else { flags };
        // SAFETY: a terminated name and a whole `mq_attr`, both alive during the call.
        let descriptor = unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, &raw mut attributes) };
        ensure!(descriptor >= 0, io::Error::last_os_error());
        Ok(Self { descriptor, name: Some(name), spin: at.spin })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        loop {
            // SAFETY: pointer and length are those of a buffer borrowed exclusively.
            let len = unsafe {
                let no_priority = std::ptr::null_mut();
                libc::mq_receive(self.descriptor, into.as_mut_ptr().cast(), into.len(), no_priority)
            };
            if len >= 0 {
                return Ok(len as usize);
            }
            let error = io::Error::last_os_error();
            ensure!(self.spin && error.kind() == io::ErrorKind::WouldBlock, error);
            pause(&mut looks);
        }
    }
}

impl Tx for Queue {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        let name = Self::name(at)?;
        // SAFETY: a terminated name.
        let descriptor = unsafe { libc::mq_open(name.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) };
        ensure!(descriptor >= 0, io::Error::last_os_error());
        Ok(Self { descriptor, name: None, spin: at.spin })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        // SAFETY: pointer and length are those of a borrowed slice.
        let code =
            unsafe { libc::mq_send(self.descriptor, record.as_ptr().cast(), record.len(), 0) };
        ensure!(code == 0, io::Error::last_os_error());
        Ok(())
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        let past = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: pointer and length are those of a borrowed slice; the time lives on this stack.
        let code = unsafe {
            let from = record.as_ptr().cast();
            libc::mq_timedsend(self.descriptor, from, record.len(), 0, &raw const past)
        };
        match code {
            0 => Ok(true),
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT) => Ok(false),
            _ => Err(io::Error::last_os_error().into()),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's own, the name terminated.
        unsafe {
            libc::mq_close(self.descriptor);
            if let Some(name) = &self.name {
                libc::mq_unlink(name.as_ptr());
            }
        }
    }
}
