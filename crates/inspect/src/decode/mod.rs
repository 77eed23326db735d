//! What a text says once it is decoded.
//!
//! There are two kinds. A *run* of base64 or hexadecimal digits is found while the text goes by; it is withheld until
//! its end is known, then decoded, and everything that recognizers and word lists find in it is a finding of the whole
//! run. A *view* is a second reading of a stretch of the text (backwards, thirteen letters on, digits for letters,
//! spaced letters); it is made only where words tell that it is worth while, and only signs of attacks are looked for
//! in it, at the end of the stretch.
//!
//! Both are bounded: by depth, and by the bytes that all decoding of one text may give. A text that wants more is
//! examined incompletely, and says so.

mod ciphers;
mod run;
mod view;

pub(crate) use run::{Run, Runs};
pub(crate) use view::{Stretch, readings};

/// How often something decoded is decoded again.
pub(crate) const DEPTH: u8 = 2;

/// How many bytes all decoding of one text may give.
pub(crate) const BUDGET: usize = 64 * 1024;
