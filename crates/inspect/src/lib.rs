//! What a text holds: personal data, credentials, attempts to steer a model. Text or a stream of text in, findings out.
//!
//! There is no verdict here: findings and a score go to policy, which decides. A finding's offsets count in the
//! original UTF-8 text; what was found was found in the canonical view, in which hidden characters are gone and
//! look-alike forms are folded. `docs/inspection.md` states the semantics and the known misses.
//!
//! ```
//! use stockade_domain::{Channel, Direction, Role, SpanRef};
//! use stockade_inspect::{Context, Engine, union};
//!
//! let engine = Engine::new(&stockade_rulebook::Rulebook::new(stockade_rules::FILES))?;
//! let cx = Context::new(Direction::Request, Channel::Content, Role::User);
//! let span = SpanRef { channel: cx.channel, role: cx.role, path: "/x", text: "I am alice@example.com" };
//! let report = engine.examine(span, &cx);
//! assert_eq!(&*union(&report.findings)[0].ty, "email");
//!
//! let mut scanner = engine.stream(&cx);
//! assert_eq!(scanner.push("I am ali").safe, 5);
//! assert_eq!(scanner.push("ce@example.com, hi ").findings, report.findings);
//! # Ok::<(), stockade_inspect::EngineError>(())
//! ```

mod adversarial;
pub mod conversation;
mod decode;
mod engine;
mod examples;
pub mod excerpt;
mod fingerprint;
pub mod leak;
mod pseudonym;
mod reader;
mod report;
mod rule;
mod run;
mod scan;
mod scanner;
mod score;
mod signal;
mod strip;
pub mod tagger;
mod validate;
mod view;

pub use adversarial::{Adversarial, AdversarialFailure};
pub use engine::{Context, Detector, DetectorSet, Engine, EngineError, Reach};
pub use examples::{ExampleFailure, expand_example};
pub use fingerprint::{FingerprintError, FingerprintKey, Fingerprints};
pub use pseudonym::{
    PseudonymMap, Pseudonymiser, Restoration, RestoreStep, Restorer, Standing, has_stand_in,
};
pub use report::{Region, Report, union};
pub use scanner::{Scanner, Step};
pub use strip::{Stripper, escape_template_tokens, strip_hidden};
