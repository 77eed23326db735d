//! Which AI assets a tree holds and what is dangerous in them. Bytes or a tree in, assets and findings out.

mod agents;
pub mod artifact;
mod asset;
mod cache;
mod catalog;
mod code;
mod config;
mod deps;
mod doc;
mod glob;
mod hosts;
mod infra;
mod input;
mod lines;
mod mcp;
mod merge;
mod node;
pub mod output;
mod policy;
mod report;
mod route;
mod rule;
mod scan;
mod secrets;
mod subject;
mod text;
mod walk;
mod weights;

pub use asset::{Asset, Finding, Kind, Occurrence, Scope, Suppression};
pub use report::{Coverage, Difference, Gateway, Lack, Report, SCHEMA, Seen, Summary, Unseen, severity_word};
pub use rule::ExampleFailure;
pub use scan::{Options, ScanError, Scanner};
