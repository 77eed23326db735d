//! API keys: made, listed, revoked, and checked on every request.

mod directory;
mod text;

pub use directory::Directory;
pub use text::{KeyText, PREFIX, ShortId};
