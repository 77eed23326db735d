//! Control sequences of terminals (ECMA-48 section 5.4): colours and the like, which stand between words and in the middle of
//! values wherever a log or the output of a program is pasted. They are read over, however their first character is written
//! or where it was lost on the way.

/// The longest control sequence, in bytes: two colours of three values each are shorter.
const LONGEST: usize = 48;

/// The most bytes of a sequence, its first character however it is written.
pub(super) const MOST: usize = LONGEST + 8;

/// What stands where a sequence is read over: nothing, or a gap where text of its own begins or ends.
pub(super) const NOTHING: char = '\u{ad}';
const GAP: char = ' ';

/// What follows an escape character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequence {
    /// A sequence of so many bytes, and what stands for it.
    Whole(char, usize),
    /// The beginning of one.
    Cut,
    /// None.
    No,
}

/// Reads what follows an escape character. With `written` the character stands there as text (`\x1b`), which what is no
/// colour or title says of itself only.
pub(super) fn sequence(text: &[u8], written: bool) -> Sequence {
    match text.first() {
        None => Sequence::Cut,
        Some(b'[') => control(text.get(1..).unwrap_or_default(), 1),
        // A string: a title or an address, which a model reads. Its number says what it is.
        Some(b']') => {
            let digits = text.iter().skip(1).take(5).take_while(|b| b.is_ascii_digit()).count();
            match text.get(digits.saturating_add(1)) {
                Some(b';') => Sequence::Whole(GAP, digits.saturating_add(2)),
                None if digits < 5 => Sequence::Cut,
                _ => Sequence::Whole(GAP, 1),
            }
        }
        Some(b'\\') if !written => Sequence::Whole(GAP, 1),
        Some(b'P' | b'X' | b'^' | b'_') if !written => Sequence::Whole(GAP, 1),
        // A set of characters is chosen.
        Some(b'(' | b')') => match text.get(1) {
            None => Sequence::Cut,
            Some(b'0'..=b'~') => Sequence::Whole(NOTHING, 2),
            Some(_) => Sequence::No,
        },
        Some(b'0'..=b'~') if !written => Sequence::Whole(NOTHING, 1),
        Some(_) => Sequence::No,
    }
}

/// A colour whose escape character was lost, as when a log is copied: `[0;31m`.
pub(super) fn lost(text: &[u8]) -> Sequence {
    let inside = text.get(1..).unwrap_or_default();
    let length = inside.iter().take(LONGEST).take_while(|b| matches!(b, b'0'..=b'9' | b';')).count();
    match inside.get(length) {
        Some(b'm') if length > 0 => Sequence::Whole(NOTHING, length.saturating_add(2)),
        None if length < LONGEST => Sequence::Cut,
        _ => Sequence::No,
    }
}

/// Parameters, marks and the last character.
fn control(text: &[u8], before: usize) -> Sequence {
    let parameters = text.iter().take(LONGEST).take_while(|b| (b'0'..=b'?').contains(b)).count();
    let marks = text.iter().skip(parameters).take(4).take_while(|b| (b' '..=b'/').contains(b)).count();
    let length = parameters.saturating_add(marks);
    match text.get(length) {
        Some(b'@'..=b'~') => Sequence::Whole(NOTHING, length.saturating_add(1).saturating_add(before)),
        None if parameters < LONGEST && marks < 4 => Sequence::Cut,
        _ => Sequence::No,
    }
}
