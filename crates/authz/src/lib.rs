//! Authorization: who may do what with which model or tool, under which obligations.
//!
//! One engine decides for every surface, and [`Engine::explain`] tells the same story that [`Engine::decide`] acted
//! on. Policies are Cedar texts, checked against `rules/cedar/stockade.cedarschema` in strict mode when they are loaded;
//! what they may say beyond Cedar itself (obligations, the floor, waivers) is described in `docs/policies.md`.
//!
//! Everything here is pure: texts and values come in, values go out. Whatever goes wrong denies.

mod annotations;
mod cache;
mod cases;
mod engine;
mod error;
mod explain;
mod pdp;
mod policies;
mod query;
mod request;
mod sheet;
mod text;

pub use cases::{Case, CaseFile, CaseResult, Expectation};
pub use engine::{Engine, reason};
pub use error::{EngineError, PolicyError, PolicyErrors};
pub use explain::{Explanation, FloorLine, PolicyLine};
pub use pdp::{Pdp, Rules};
pub use policies::{PolicySet, SCHEMA, Scope};
pub use query::{FindingCounts, InspectionContext, Model, Query, Resource};
pub use sheet::Described;
