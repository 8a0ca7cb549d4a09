//! What comes on a direct connection, cut into frames. No I/O.

use super::super::domain::LARGEST_FRAME;

/// The length, and the counter that is part of it.
const HEAD: usize = 4 + 8;
const COUNTER: usize = 8;
const TAG: usize = 16;

/// The length that stands before the largest frame, with its last byte and what sealing adds.
pub(in crate::transport::zenoh) const LARGEST: usize = COUNTER + LARGEST_FRAME + 1 + TAG;

/// What goes before a sealed frame of this length.
pub(in crate::transport::zenoh) fn head(counter: u64, sealed: usize) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    // Far below 4 GiB.
    head[..4].copy_from_slice(&((COUNTER + sealed) as u32).to_be_bytes());
    head[4..].copy_from_slice(&counter.to_be_bytes());
    head
}

/// A length that no frame has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit;

/// A frame that is coming.
#[derive(Default)]
pub(super) struct Intake {
    head: [u8; HEAD],
    /// How much of the head is there.
    have: usize,
    body: Vec<u8>,
}

impl Intake {
    /// Takes in `bytes`, up to the end of a frame. Gives its counter and what was sealed, if that is whole.
    /// No frame may be longer than `most`.
    pub(super) fn next(
        &mut self,
        bytes: &mut &[u8],
        most: usize,
    ) -> Result<Option<(u64, Vec<u8>)>, Misfit> {
        if self.have < HEAD {
            let n = bytes.len().min(HEAD - self.have);
            self.head[self.have..self.have + n].copy_from_slice(&bytes[..n]);
            self.have += n;
            *bytes = &bytes[n..];
            if self.have < HEAD {
                return Ok(None);
            }
            if !(COUNTER + 1 + TAG..=most).contains(&self.len()) {
                return Err(Misfit);
            }
            self.body = Vec::with_capacity(self.len() - COUNTER);
        }
        let n = bytes.len().min(self.len() - COUNTER - self.body.len());
        self.body.extend(&bytes[..n]);
        *bytes = &bytes[n..];
        if self.body.len() < self.len() - COUNTER {
            return Ok(None);
        }
        self.have = 0;
        let [_, _, _, _, counter @ ..] = self.head;
        Ok(Some((u64::from_be_bytes(counter), std::mem::take(&mut self.body))))
    }

    /// What the head says of what follows the length.
    fn len(&self) -> usize {
        let [a, b, c, d, ..] = self.head;
        u32::from_be_bytes([a, b, c, d]) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_in_any_pieces() {
        let frames: Vec<(u64, Vec<u8>)> =
            [17usize, 100, 18].iter().map(|&n| (n as u64 * 3, vec![n as u8; n])).collect();
        let parts = frames.iter().map(|(n, f)| [&head(*n, f.len())[..], f].concat());
        let stream: Vec<u8> = parts.flatten().collect();
        for piece in 1..=stream.len() {
            let (mut intake, mut came) = (Intake::default(), Vec::new());
            for mut bytes in stream.chunks(piece) {
                while !bytes.is_empty() {
                    came.extend(intake.next(&mut bytes, LARGEST).unwrap());
                }
            }
            assert_eq!(came, frames, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_length_that_no_frame_has_is_refused_at_once() {
        for len in [0, 8, COUNTER + TAG, LARGEST + 1, u32::MAX as usize] {
            let mut bytes = &[&(len as u32).to_be_bytes()[..], &[0; 8]].concat()[..];
            assert_eq!(Intake::default().next(&mut bytes, LARGEST), Err(Misfit), "{len}");
        }
    }
}
