//! What a restart of the gateway's process must not forget: how far each writer of another computer
//! has got, and each confirmed one of this computer; and by which name other computers know the
//! confirmed ones. A record is noted before it is given to its slot, so that none is given twice; if the
//! process is killed between the two, that record is lost, and nobody is told that it arrived.
//!
//! The file lies in memory beside the slots, and goes with them when the computer stops. It consists
//! of entries of 32 bytes. What a kill leaves half written can only be the last of them, which is as
//! good as none: what it would have noted has not been done.
//!
//! | kind | bytes 1 to 7 | bytes 8 to 31 |
//! |---|---|---|
//! | 1 peer | its number 4, length of its name 2, 0 | 0; its name follows in as many entries as it takes |
//! | 2 intent | peer 4, 0 | writer 16, next sequence number 8 |
//! | 3 done | peer 4, outcome 1, 0 | writer 16, sequence number 8 |
//! | 4 key | 0 | 24 random bytes |
//!
//! A peer without a name is this computer. The key makes the names of writers: see
//! [`Journal::writer`].

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mailslot_wire::answer::Outcome;
use mailslot_wire::envelope::WriterId;
use ring::hmac;
use rustix::process::{Resource, getrlimit};

use super::Log;
use crate::core::Restored;
use crate::transport::PeerId;

#[cfg(test)]
mod tests;

const ENTRY: usize = 32;
const PEER: u8 = 1;
const INTENT: u8 = 2;
const DONE: u8 = 3;
const KEY: u8 = 4;

/// From this size on, the file is written anew with what matters.
const SIZE_MAX: u64 = 4 * 1024 * 1024;

/// No journal is longer: it is written anew as soon as it has more than [`SIZE_MAX`].
const FILE_MAX: u64 = 2 * SIZE_MAX;

/// Writers that are kept then. More than the core remembers of one computer.
const WRITERS_MAX: usize = 16 * 1024;

const OUTCOMES: [Outcome; 6] = [
    Outcome::Accepted,
    Outcome::NoSuchSlot,
    Outcome::Full,
    Outcome::Denied,
    Outcome::TooLarge,
    Outcome::NoAnswer,
];

#[derive(Clone, Copy, Debug)]
struct Known {
    next: u64,
    last: Option<(u64, Outcome)>,
    used: u64,
}

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// `None`: it can't be written, which has been said.
    file: Option<File>,
    size: u64,
    key: [u8; 24],
    peers: HashMap<Option<PeerId>, u32>,
    /// No peer has this number or a higher one.
    next_peer: u32,
    writers: HashMap<(u32, WriterId), Known>,
    uses: u64,
}

impl Journal {
    /// Opens the journal in the registry, or begins one, with this key, and tells what it says.
    pub(super) fn open(
        root: &Path,
        key: [u8; 24],
        log: &Log,
    ) -> (Journal, Vec<(Option<PeerId>, Restored)>) {
        let path = root.join(format!("gateway-journal-{}", rustix::process::geteuid().as_raw()));
        let mut journal = Journal {
            path,
            file: None,
            size: 0,
            key,
            peers: HashMap::new(),
            next_peer: 0,
            writers: HashMap::new(),
            uses: 0,
        };
        // Writing past this limit would kill the process with SIGXFSZ.
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < FILE_MAX) {
            let error = io::Error::other(format!("files may have less than {FILE_MAX} bytes"));
            journal.complain(&error, log);
            return (journal, Vec::new());
        }
        let mut bytes = Vec::new();
        let read = journal.open_file(false);
        let read = read.and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
        if let Err(error) = read
            && error.kind() != io::ErrorKind::NotFound
        {
            // Others may put something there, too. Root's gateway can take it away.
            bytes.clear();
            log(&format!("the journal {} can't be used: {error}", journal.path.display()));
        }
        let restored = journal.replay(&bytes);
        if let Err(error) = journal.rewrite() {
            journal.complain(&error, log);
        }
        (journal, restored)
    }

    /// Others may write to the directory, so it must be a file of this user.
    fn open_file(&self, anew: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
        if anew {
            options.append(true).create_new(true);
        } else {
            options.read(true).append(true);
        }
        let file = options.open(&self.path)?;
        let stat = file.metadata()?;
        if !stat.is_file() || stat.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("it is no file of this user"));
        }
        Ok(file)
    }

    fn complain(&mut self, error: &io::Error, log: &Log) {
        self.file = None;
        log(&format!(
            "cannot keep the journal {}: {error}; records that arrive around a restart of the \
             gateway may arrive twice",
            self.path.display()
        ));
    }

    fn replay(&mut self, bytes: &[u8]) -> Vec<(Option<PeerId>, Restored)> {
        let mut names: HashMap<u32, Option<PeerId>> = HashMap::new();
        let mut entries = bytes.chunks_exact(ENTRY);
        while let Some(entry) = entries.next() {
            let peer = u32::from_le_bytes([entry[1], entry[2], entry[3], entry[4]]);
            let writer = WriterId(std::array::from_fn(|at| entry[8 + at]));
            let number = u64::from_le_bytes(std::array::from_fn(|at| entry[24 + at]));
            let key = (peer, writer);
            self.uses += 1;
            let used = self.uses;
            match entry[0] {
                PEER => {
                    let len = usize::from(u16::from_le_bytes([entry[5], entry[6]]));
                    let name: Vec<u8> = entries
                        .by_ref()
                        .take(len.div_ceil(ENTRY))
                        .flatten()
                        .copied()
                        .take(len)
                        .collect();
                    let Ok(name) = String::from_utf8(name) else { continue };
                    if name.len() < len {
                        break;
                    }
                    let id = name
                        .split_once('\n')
                        .map(|(computer, domain)| PeerId::new(domain, computer));
                    if id.is_some() || name.is_empty() {
                        names.insert(peer, id);
                    }
                }
                INTENT => {
                    let known =
                        self.writers.entry(key).or_insert(Known { next: 0, last: None, used });
                    *known = Known { next: number, used, ..*known };
                }
                DONE => {
                    let outcome = OUTCOMES.get(usize::from(entry[5]));
                    if let (Some(known), Some(outcome)) = (self.writers.get_mut(&key), outcome) {
                        known.last = Some((number, *outcome));
                    }
                }
                KEY => self.key.copy_from_slice(&entry[8..]),
                _ => {}
            }
        }
        self.writers.retain(|(peer, _), _| names.contains_key(peer));
        self.next_peer = names.keys().max().map_or(0, |highest| highest.wrapping_add(1));
        self.peers = names.iter().map(|(number, peer)| (peer.clone(), *number)).collect();
        let restored = self.writers.iter().map(|((peer, writer), known)| {
            let restored = Restored { writer: *writer, next: known.next, last: known.last };
            (known.used, names[peer].clone(), restored)
        });
        let mut restored: Vec<_> = restored.collect();
        restored.sort_unstable_by_key(|(used, ..)| *used);
        restored.into_iter().map(|(_, peer, restored)| (peer, restored)).collect()
    }

    /// How other computers know a handle for confirmed writes, also after it has come back to a new
    /// start of this gateway. The handle is the writer's word, user and process are the kernel's: so
    /// nobody can take the name of another, neither to have its records taken for repeated ones nor
    /// to hear what became of them; nor can a process and what it has forked mix up their numbers.
    pub(super) fn writer(&self, uid: u32, pid: u32, handle: [u8; 16]) -> WriterId {
        let words = [&uid.to_le_bytes()[..], &pid.to_le_bytes(), &handle].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), &words);
        WriterId(std::array::from_fn(|at| tag.as_ref()[at]))
    }

    /// Writes the file anew with what matters.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut order: Vec<_> =
            self.writers.iter().map(|(key, known)| (known.used, *key)).collect();
        order.sort_unstable();
        let surplus = order.len().saturating_sub(WRITERS_MAX);
        for (_, key) in order.drain(..surplus) {
            self.writers.remove(&key);
        }
        let used: HashSet<u32> = self.writers.keys().map(|(peer, _)| *peer).collect();
        self.peers.retain(|_, number| used.contains(number));
        let mut bytes = vec![0; ENTRY];
        bytes[0] = KEY;
        bytes[8..].copy_from_slice(&self.key);
        for (peer, number) in &self.peers {
            bytes.extend(peer_entry(peer.as_ref(), *number));
        }
        for (_, key) in order {
            let known = &self.writers[&key];
            bytes.extend(entry(INTENT, key, None, known.next));
            if let Some((sequence, outcome)) = known.last {
                bytes.extend(entry(DONE, key, Some(outcome), sequence));
            }
        }
        let path = self.path.clone();
        self.path = path.with_extension("new");
        let _ = std::fs::remove_file(&self.path);
        let file = self.open_file(true);
        let new = std::mem::replace(&mut self.path, path);
        let mut file = file?;
        let written = file.write_all(&bytes).and_then(|()| std::fs::rename(&new, &self.path));
        if let Err(error) = written {
            let _ = std::fs::remove_file(new);
            return Err(error);
        }
        self.file = Some(file);
        self.size = bytes.len() as u64;
        Ok(())
    }

    /// Records of a writer below `next` are about to be given to their slot.
    pub(super) fn intend(&mut self, peer: &Option<PeerId>, writer: WriterId, next: u64, log: &Log) {
        if self.file.is_none() {
            return;
        }
        let number = match self.peers.get(peer) {
            Some(number) => *number,
            None => {
                let number = self.next_peer;
                self.next_peer = number.wrapping_add(1);
                self.peers.insert(peer.clone(), number);
                self.append(&peer_entry(peer.as_ref(), number), log);
                number
            }
        };
        let key = (number, writer);
        self.uses += 1;
        let used = self.uses;
        let known = self.writers.entry(key).or_insert(Known { next, last: None, used });
        *known = Known { next: known.next.max(next), used, ..*known };
        let next = known.next;
        self.append(&entry(INTENT, key, None, next), log);
    }

    /// What became of the last of them.
    pub(super) fn done(
        &mut self,
        peer: &Option<PeerId>,
        writer: WriterId,
        sequence: u64,
        outcome: Outcome,
        log: &Log,
    ) {
        let Some(number) = self.peers.get(peer).filter(|_| self.file.is_some()) else { return };
        let key = (*number, writer);
        if let Some(known) = self.writers.get_mut(&key) {
            known.last = Some((sequence, outcome));
        }
        self.append(&entry(DONE, key, Some(outcome), sequence), log);
    }

    fn append(&mut self, bytes: &[u8], log: &Log) {
        let Some(file) = &mut self.file else { return };
        let mut result = file.write_all(bytes);
        self.size += bytes.len() as u64;
        if result.is_ok() && self.size > SIZE_MAX {
            result = self.rewrite();
        }
        if let Err(error) = result {
            self.complain(&error, log);
            // It would tell the next start what is long past, and takes room where there is none.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn entry(kind: u8, key: (u32, WriterId), outcome: Option<Outcome>, number: u64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[0] = kind;
    entry[1..5].copy_from_slice(&key.0.to_le_bytes());
    let position = OUTCOMES.iter().position(|known| Some(*known) == outcome);
    entry[5] = position.unwrap_or(OUTCOMES.len() - 1) as u8;
    entry[8..24].copy_from_slice(&key.1.0);
    entry[24..].copy_from_slice(&number.to_le_bytes());
    entry
}

fn peer_entry(peer: Option<&PeerId>, number: u32) -> Vec<u8> {
    let name = peer.map_or_else(String::new, |p| format!("{}\n{}", p.computer(), p.domain()));
    let mut bytes = vec![0; ENTRY];
    bytes[0] = PEER;
    bytes[1..5].copy_from_slice(&number.to_le_bytes());
    // Names have at most 255 bytes each.
    bytes[5..7].copy_from_slice(&(name.len() as u16).to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(ENTRY), 0);
    bytes
}
