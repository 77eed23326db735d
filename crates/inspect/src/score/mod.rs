//! A second opinion: how much the words of a text look like those of attacks, whichever rule they meet or not.
//!
//! It is triage. It moves the score of a report; it makes no finding, so it never blocks. A second model looks for orders
//! among data: see `orders`.

mod meter;
mod model;
mod orders;
mod structure;

pub(crate) use meter::Meter;
pub(crate) use orders::Orders;

/// How much of what rules leave open the second opinion can add, in hundredths: by itself it stays below the confidence
/// from which a finding blocks.
const SAY: u64 = 49;

/// What signs and the second opinion come to together: never less than signs alone.
pub(crate) fn together(signs: u16, opinion: u16) -> u16 {
    let open = u64::from(1_000_u16.saturating_sub(signs));
    let more = open.saturating_mul(u64::from(opinion)).saturating_mul(SAY) / 100_000;
    signs.saturating_add(u16::try_from(more).unwrap_or(0))
}
