//! Stand-ins for personal data, and the way back.
//!
//! A stand-in depends on a key, the workload, a scope and the value alone, so a conversation keeps its stand-ins from
//! turn to turn although nothing is stored. Turning them back is a way to carry data out, so it is refused wherever an
//! address is written.

mod fake;
mod map;
mod restore;
mod surroundings;
mod tag;
mod trie;

pub use fake::{Pseudonymiser, has_stand_in};
pub use map::{PseudonymMap, Standing};
pub use restore::{Restoration, RestoreStep, Restorer};
