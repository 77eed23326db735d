//! From what is known to what is shown: plain words, units, and text whose hidden characters can be seen. Pure.

pub(crate) mod inspection;
pub(crate) mod row;
pub(crate) mod station;
pub(crate) mod text;
pub(crate) mod units;
pub(crate) mod verification;
pub(crate) mod words;
