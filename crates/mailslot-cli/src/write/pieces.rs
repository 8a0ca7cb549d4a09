//! Records out of a stream of bytes.

use std::io::{self, ErrorKind, Read};

const BUFFER: usize = 256 * 1024;

/// Splits what a reader gives at a delimiter, and hands out each piece as soon as its end was read.
/// The last piece may lack the delimiter.
pub(super) struct Pieces<R> {
    input: R,
    delimiter: u8,
    /// The longest piece to hand out.
    largest: u64,
    buffer: Vec<u8>,
    /// Where the piece to hand out next starts.
    start: usize,
    /// From where on the delimiter is to be looked for.
    unseen: usize,
    /// The end of what was read.
    end: usize,
    finished: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Record(&'a [u8]),
    /// The next piece is longer than allowed; how long is not known.
    TooLong,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(input: R, delimiter: u8, largest: u64) -> Self {
        let buffer = vec![0; BUFFER];
        Self { input, delimiter, largest, buffer, start: 0, unseen: 0, end: 0, finished: false }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            let found = memchr::memchr(self.delimiter, &self.buffer[self.unseen..self.end]);
            let (piece, next) = match found {
                Some(at) => (self.start..self.unseen + at, self.unseen + at + 1),
                None if self.finished && self.start == self.end => return Ok(None),
                None if self.finished => (self.start..self.end, self.end),
                None if (self.end - self.start) as u64 > self.largest => {
                    return Ok(Some(Piece::TooLong));
                }
                None => {
                    self.unseen = self.end;
                    self.read_more()?;
                    continue;
                }
            };
            if piece.len() as u64 > self.largest {
                return Ok(Some(Piece::TooLong));
            }
            self.start = next;
            self.unseen = next;
            return Ok(Some(Piece::Record(&self.buffer[piece])));
        }
    }

    fn read_more(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.unseen -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        match self.input.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.finished = true,
            Ok(n) => self.end += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes a read.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(out.len());
            let (now, later) = self.0.split_at(n);
            out[..n].copy_from_slice(now);
            self.0 = later;
            Ok(n)
        }
    }

    fn split(input: &[u8], step: usize, largest: u64) -> Vec<Option<Vec<u8>>> {
        let mut pieces = Pieces::new(Dribble(input, step), b'\n', largest);
        let mut out = Vec::new();
        while let Some(piece) = pieces.next().unwrap() {
            match piece {
                Piece::Record(bytes) => out.push(Some(bytes.to_vec())),
                Piece::TooLong => {
                    out.push(None);
                    break;
                }
            }
        }
        out
    }

    #[test]
    fn pieces_do_not_depend_on_how_the_input_arrives() {
        let inputs: [(&[u8], &[&[u8]]); 6] = [
            (b"", &[]),
            (b"\n", &[b""]),
            (b"a", &[b"a"]),
            (b"a\n", &[b"a"]),
            (b"a\n\nbc\r\n", &[b"a", b"", b"bc\r"]),
            (b"a\n\nbc", &[b"a", b"", b"bc"]),
        ];
        for (input, expected) in inputs {
            for step in 1..=input.len().max(1) {
                let got = split(input, step, 100);
                let expected: Vec<_> = expected.iter().map(|p| Some(p.to_vec())).collect();
                assert_eq!(got, expected, "{input:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn long_pieces_grow_the_buffer() {
        let mut input = vec![b'x'; 3 * BUFFER];
        input.push(b'\n');
        input.extend_from_slice(b"y\n");
        let got = split(&input, usize::MAX, 1 << 30);
        assert_eq!(got, [Some(vec![b'x'; 3 * BUFFER]), Some(b"y".to_vec())]);
    }

    #[test]
    fn a_piece_that_is_too_long_is_never_handed_out() {
        for step in 1..12 {
            assert_eq!(split(b"123\n1234\n1\n", step, 3), [Some(b"123".to_vec()), None]);
            assert_eq!(split(b"1234", step, 3), [None]);
        }
        assert_eq!(split(b"123", 1, 3), [Some(b"123".to_vec())]);
    }
}
