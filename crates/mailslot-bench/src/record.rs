//! What is written, and how the reader knows that it is what was written.
//!
//! Every record carries its writer and its number, and ends with a word made of both. In between
//! stands a pattern of the writer, of which the reader compares two words per record, chosen by the
//! number, and now and then all. So checking costs every peer the same few nanoseconds, and neither
//! a torn nor a shifted record stays unseen for long.

use anyhow::{Result, bail, ensure};

/// The smallest record that holds a head and an end.
pub(crate) const MIN_SIZE: usize = 32;

const HEAD: usize = 16;
const END: usize = 8;
const WHOLE_EVERY: u64 = 256;

/// Makes the records of one writer.
pub(crate) struct Maker {
    bytes: Vec<u8>,
    writer: u32,
    number: u64,
}

impl Maker {
    pub(crate) fn new(writer: u32, size: usize) -> Self {
        assert!(size >= MIN_SIZE && size.is_multiple_of(8));
        let mut bytes = vec![0; size];
        for at in (HEAD..size - END).step_by(8) {
            bytes[at..at + 8].copy_from_slice(&mix(u64::from(writer), at as u64).to_ne_bytes());
        }
        bytes[..4].copy_from_slice(&writer.to_ne_bytes());
        bytes[4..8].copy_from_slice(&(size as u32).to_ne_bytes());
        Self { bytes, writer, number: 0 }
    }

    /// The next record.
    #[inline]
    pub(crate) fn next(&mut self) -> &[u8] {
        let end = mix(u64::from(self.writer), !self.number).to_ne_bytes();
        let at = self.bytes.len() - END;
        self.bytes[8..16].copy_from_slice(&self.number.to_ne_bytes());
        self.bytes[at..].copy_from_slice(&end);
        self.number += 1;
        &self.bytes
    }
}

/// Checks what arrives: each writer's records once, whole and in order.
pub(crate) struct Checker {
    size: usize,
    next: Vec<u64>,
}

impl Checker {
    pub(crate) fn new(writers: usize, size: usize) -> Self {
        Self { size, next: vec![0; writers] }
    }

    #[inline]
    pub(crate) fn check(&mut self, record: &[u8]) -> Result<()> {
        if record.len() != self.size {
            bail!("a record of {} bytes arrived instead of {}", record.len(), self.size);
        }
        let writer = word(record, 0) as u32;
        let number = word(record, 8);
        let Some(next) = self.next.get_mut(writer as usize) else {
            bail!("a record of writer {writer} arrived, which there isn't");
        };
        if number != *next {
            bail!("record {number} of writer {writer} arrived instead of {next}");
        }
        *next += 1;
        let words = (self.size - HEAD - END) / 8;
        let at = |n: u64| HEAD + (n as usize % words) * 8;
        let same = |at: usize| word(record, at) == mix(u64::from(writer), at as u64);
        let good = word(record, self.size - END) == mix(u64::from(writer), !number)
            && same(at(number))
            && same(at(number.wrapping_mul(0x9e37_79b9)));
        let good =
            good && (!number.is_multiple_of(WHOLE_EVERY) || (0..words).all(|n| same(HEAD + n * 8)));
        if !good {
            bail!("record {number} of writer {writer} arrived altered");
        }
        Ok(())
    }

    /// How many have arrived.
    pub(crate) fn arrived(&self) -> u64 {
        self.next.iter().sum()
    }

    /// Says whether every writer's `each` records have arrived.
    pub(crate) fn finish(&self, each: u64) -> Result<()> {
        for (writer, &found) in self.next.iter().enumerate() {
            ensure!(found == each, "{found} records of writer {writer} arrived instead of {each}");
        }
        Ok(())
    }
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    (a ^ b.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b
}
