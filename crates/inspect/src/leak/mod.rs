//! Guards against leaking that need no classifier: what was planted, what was said before, and where links lead.
//!
//! All three look at a model's answer. A canary in it proves that the system prompt left; an overlap with the system
//! prompt suggests it; a link or image to a host that nobody allowed is a way out for data, because a client that shows
//! the image fetches it. None depends on how the answer was cut into pieces, and each holds back exactly what may still
//! become a finding.

mod canary;
mod guard;
mod links;
mod overlap;
mod substring;

pub use canary::{Canaries, Canary};
pub use guard::{GuardKind, GuardRules, GuardScanner, Guards};
pub use links::{Link, LinkHosts};
pub use overlap::PromptWords;
