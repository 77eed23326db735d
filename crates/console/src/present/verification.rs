//! A verification, step by step.

use serde::Serialize;
use stockade_views::Verification;

use super::{text, words};

#[derive(Debug, Serialize)]
pub(crate) struct VerificationView {
    /// The result: `passed`, `failed` or `pending`.
    pub(crate) result: &'static str,
    /// The result in a sentence.
    pub(crate) sentence: &'static str,
    pub(crate) steps: Vec<StepView>,
}

/// A step. Field names are the `data-f` names of `parts/step.html`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct StepView {
    pub(crate) result: &'static str,
    pub(crate) result_text: &'static str,
    pub(crate) entry: &'static str,
    pub(crate) check: &'static str,
    pub(crate) detail: String,
}

impl VerificationView {
    pub(crate) fn new(verification: &Verification) -> Self {
        let (result, sentence) = if verification.failed() {
            (
                "failed",
                "A check does not hold: this record is not what was written. Keep the data directory as it is.",
            )
        } else if verification.passed() {
            ("passed", "Every check holds: the record is what was written, where it was written.")
        } else {
            (
                "pending",
                "Not everything can be checked yet. A checkpoint is signed about once a second; try again.",
            )
        };
        let step = |s: &stockade_views::CheckStep| StepView {
            result: s.result.as_str(),
            result_text: words::check_result(s.result),
            entry: words::entry(s.entry),
            check: words::check(s.check),
            detail: text::line(&s.detail),
        };
        Self { result, sentence, steps: verification.steps.iter().map(step).collect() }
    }
}
