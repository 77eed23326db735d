//! The engine against its default policies, hostile policy texts, and properties that hold for every request.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test that cannot go on has failed")]

mod defaults;
mod load;
mod observe;
mod properties;
mod support;
