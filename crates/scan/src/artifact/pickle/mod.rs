//! Pickles: what a loader would import, call and change, without doing any of it.

mod judge;
mod machine;
#[cfg(test)]
mod oracle;
mod plain;
mod tensor;
mod text;
mod value;
pub(crate) mod words;

pub(crate) use judge::{Kind, accepted, analyse, is_pickle_start, worth_a_look};
pub(crate) use tensor::Storage;
