//! A report in the formats of others.

mod cyclonedx;
mod html;
mod sarif;

pub use cyclonedx::{Spec, cyclonedx};
pub use html::html;
pub use sarif::sarif;
