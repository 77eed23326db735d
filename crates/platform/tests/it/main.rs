//! The use-cases over a real directory.

mod records;
mod roster;
mod sessions;
mod support;
