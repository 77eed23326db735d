//! Long runs of characters of a class, found without looking at every character.

/// A set of bytes.
pub(crate) type Set = [bool; 256];

/// The set of bytes that are alphanumeric in ASCII or among some others.
pub(crate) const fn alphanumeric_and(others: &[u8]) -> Set {
    let mut set = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let mut at = 0;
        let mut member = byte.is_ascii_alphanumeric();
        while at < others.len() {
            #[expect(clippy::indexing_slicing, reason = "below the length, and this runs at build time")]
            {
                member |= others[at] == byte;
            }
            at += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "a byte is a place in a table of 256")]
        {
            set[byte as usize] = member;
        }
        byte += 1;
    }
    set
}

/// The first run in `text[from..]` of at least `least` bytes of a set, or the one that reaches the end of the text,
/// however short: where it begins (at `from` at the earliest) and where it ends. Where there is none both are the end.
///
/// Only every `least`th byte must be looked at where there is no such run: if that one is no member, no run of that length
/// ends before it.
pub(crate) fn next_run(text: &[u8], from: usize, least: usize, set: &Set) -> (usize, usize) {
    let member = |at: usize| text.get(at).is_some_and(|byte| set.get(usize::from(*byte)) == Some(&true));
    let mut place = from;
    loop {
        let probe = place.saturating_add(least.saturating_sub(1)).min(text.len().saturating_sub(1));
        if probe < place {
            return (text.len(), text.len());
        }
        if !member(probe) {
            place = probe.saturating_add(1);
            continue;
        }
        let before = text.get(place..probe).unwrap_or_default().iter().rev();
        let start =
            probe.saturating_sub(before.take_while(|b| set.get(usize::from(**b)) == Some(&true)).count());
        let after = text.get(probe..).unwrap_or_default().iter();
        let end =
            probe.saturating_add(after.take_while(|b| set.get(usize::from(**b)) == Some(&true)).count());
        if end >= text.len() || end.saturating_sub(start) >= least {
            return (start, end);
        }
        place = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_look_at_every_byte_finds(text in "[a ]{0,40}|[ab]{0,9} ?[ab]{0,20}[ ,]{0,2}[ab]{0,9}", from in 0usize..20, least in 1usize..8) {
            let set = alphanumeric_and(b"");
            let bytes = text.as_bytes();
            let mut expected = (bytes.len(), bytes.len());
            let mut at = from.min(bytes.len());
            while at < bytes.len() {
                let run = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                if run > 0 && (run >= least || at + run == bytes.len()) {
                    expected = (at, at + run);
                    break;
                }
                at += run.max(1);
            }
            let found = next_run(bytes, from.min(bytes.len()), least, &set);
            prop_assert_eq!(found, expected);
        }
    }
}
