//! Signs that a text tries to steer a model: words of certain classes close together, delimiters of chat templates,
//! addresses that carry data away, text that people do not see.
//!
//! There are no regular expressions here: a pass over the words with a filter, and a look back over the few words that
//! mean something. It runs piece by piece in bounded memory, but it speaks at the end: a sign is worth less when its
//! quotation mark closes. Signs weigh; policy decides.

mod address;
mod clue;
mod code;
mod fold;
mod hidden;
mod hits;
mod lexicon;
mod object;
mod pasted;
mod proximity;
mod rule;
mod shape;
mod suffix;
mod tracker;
mod word;

pub(crate) use clue::{Disguised, stands_for, upside};
pub(crate) use code::is_code;
pub(crate) use fold::{Unit, units};
pub(crate) use hits::{Hit, score};
pub(crate) use lexicon::Lexicon;
pub(crate) use rule::Signal;
pub(crate) use tracker::{Source, Tracker};
