//! The canonical view: what a text says once hidden characters are gone and look-alike forms are folded, with the way
//! back to the original bytes.
//!
//! Everything here is done character by character, so that it does not depend on how a stream is cut. (NFKC as a whole
//! is not of that kind: it composes across characters.)

mod fold;
mod terminal;
mod unescape;
mod window;

pub(crate) use fold::{Fold, fold, other};
pub(crate) use unescape::{Piece, Unescaper};
pub(crate) use window::{EDGE, Window, ascii_run};
