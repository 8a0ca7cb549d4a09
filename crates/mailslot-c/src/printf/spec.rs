//! Reading a format.

use crate::text::Unit;

/// How C must fetch an argument.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub(super) enum Kind {
    Int = b'i',
    /// A `long`: of which 32 bits count.
    Long = b'l',
    LongLong = b'q',
    Size = b'z',
    Double = b'd',
    LongDouble = b'D',
    Pointer = b'p',
}

/// A piece of a format.
pub(super) enum Piece<'a, U> {
    Text(&'a [U]),
    Spec(Spec),
}

#[derive(Default)]
pub(super) struct Spec {
    pub(super) flags: Vec<u8>,
    pub(super) width: Option<Number>,
    pub(super) precision: Option<Number>,
    /// `h`, `hh`, `l` (and `w`), `ll` (and `I64`), `z` (and `I`, `t`), `L`; or none.
    pub(super) length: Length,
    pub(super) conversion: u8,
}

pub(super) enum Number {
    Given(i32),
    /// `*`: the next argument.
    Argument,
}

#[derive(Default, Clone, Copy, PartialEq)]
pub(super) enum Length {
    #[default]
    None,
    Char,
    Short,
    Long,
    LongLong,
    Size,
    LongDouble,
}

impl Spec {
    fn kind(&self) -> Option<Kind> {
        Some(match (self.conversion, self.length) {
            (b'd' | b'i' | b'u' | b'x' | b'X' | b'o', length) => match length {
                Length::Long => Kind::Long,
                Length::LongLong => Kind::LongLong,
                Length::Size => Kind::Size,
                _ => Kind::Int,
            },
            (b'c' | b'C', _) => Kind::Int,
            (b's' | b'S' | b'p' | b'n', _) => Kind::Pointer,
            (b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A', Length::LongDouble) => {
                Kind::LongDouble
            }
            (b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A', _) => Kind::Double,
            _ => return None,
        })
    }

    /// The kinds of all arguments that it takes.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        let star = |n: &Option<Number>| matches!(n, Some(Number::Argument)).then_some(Kind::Int);
        [star(&self.width), star(&self.precision), self.kind()].into_iter().flatten()
    }
}

pub(super) struct Pieces<'a, U>(pub(super) &'a [U]);

impl<'a, U: Unit> Iterator for Pieces<'a, U> {
    type Item = Piece<'a, U>;

    fn next(&mut self) -> Option<Piece<'a, U>> {
        if self.0.is_empty() {
            return None;
        }
        let percent = self.0.iter().position(|unit| unit.as_ascii() == Some(b'%'));
        let (text, rest) = self.0.split_at(percent.unwrap_or(self.0.len()));
        if !text.is_empty() {
            self.0 = rest;
            return Some(Piece::Text(text));
        }
        let (spec, used) = parse(&rest[1..]);
        let (whole, after) = rest.split_at(used + 1);
        self.0 = after;
        Some(match spec {
            Some(spec) => Piece::Spec(spec),
            // `%%`, or nothing that we know: shown as it stands.
            None => Piece::Text(&whole[..whole.len().min(if used == 1 { 1 } else { used + 1 })]),
        })
    }
}

/// Reads what follows a `%`: the specification, and the units it has.
fn parse<U: Unit>(units: &[U]) -> (Option<Spec>, usize) {
    let at = |index: usize| units.get(index).and_then(|unit| unit.as_ascii()).unwrap_or(0);
    let mut index = 0;
    let mut spec = Spec::default();
    while b"-+ #0".contains(&at(index)) {
        spec.flags.push(at(index));
        index += 1;
    }
    let number = |index: &mut usize| {
        if at(*index) == b'*' {
            *index += 1;
            return Some(Number::Argument);
        }
        let mut value = None;
        while at(*index).is_ascii_digit() {
            let digit = i32::from(at(*index) - b'0');
            value = Some(value.unwrap_or(0_i32).saturating_mul(10).saturating_add(digit));
            *index += 1;
        }
        value.map(Number::Given)
    };
    spec.width = number(&mut index);
    if at(index) == b'.' {
        index += 1;
        spec.precision = Some(number(&mut index).unwrap_or(Number::Given(0)));
    }
    let (length, used) = match [at(index), at(index + 1), at(index + 2)] {
        [b'h', b'h', _] => (Length::Char, 2),
        [b'h', ..] => (Length::Short, 1),
        [b'l', b'l', _] => (Length::LongLong, 2),
        [b'l' | b'w', ..] => (Length::Long, 1),
        [b'I', b'6', b'4'] => (Length::LongLong, 3),
        [b'I', b'3', b'2'] => (Length::None, 3),
        [b'I' | b'z' | b't', ..] => (Length::Size, 1),
        [b'j' | b'q', ..] => (Length::LongLong, 1),
        [b'L', ..] => (Length::LongDouble, 1),
        _ => (Length::None, 0),
    };
    spec.length = length;
    spec.conversion = at(index + used);
    match spec.kind() {
        Some(_) => (Some(spec), index + used + 1),
        None if at(0) == b'%' => (None, 1),
        None => (None, 0),
    }
}
