//! The result of checking one request against the ledger, step by step.

/// What was checked, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The steps. Without any, nothing was shown.
    pub steps: Vec<CheckStep>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStep {
    /// What is checked.
    pub check: Check,
    /// Of which entry; `None` for what concerns the whole log.
    pub entry: Option<EntryKind>,
    /// How it went.
    pub result: CheckResult,
    /// The values that were compared: indices, hashes, sizes, key ids. No text of a request.
    pub detail: String,
}

/// A thing to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// The entry's bytes hash to the leaf in the log (RFC 6962 section 2.1).
    Leaf,
    /// The leaf is in the tree of the checkpoint (RFC 6962 section 2.1.1).
    Inclusion,
    /// The checkpoint is well formed, of this log, and covers the entries (C2SP tlog-checkpoint).
    Checkpoint,
    /// The checkpoint's signature is this installation's (C2SP signed-note, Ed25519).
    Signature,
    /// The readable text matches the commitment in the entry.
    Commitment,
}

/// Which of a request's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The entry before the answer.
    Intent,
    /// The entry at the end, `interrupted` included.
    Outcome,
}

/// How a step went. Only `Passed` is good: what could not be checked is not taken for checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// Not yet: no signed checkpoint covers the entry, or the request is under way.
    Pending,
    /// It cannot be checked, because what it needs was erased.
    Erased,
}

// === impl Verification ===

impl Verification {
    /// Whether every step that can still be taken holds, and at least one was taken. Erased text is no failure: the
    /// entry's proof survives it.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.steps.iter().any(|s| s.result == CheckResult::Passed)
            && self.steps.iter().all(|s| matches!(s.result, CheckResult::Passed | CheckResult::Erased))
    }

    /// Whether a step does not hold.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.steps.iter().any(|s| s.result == CheckResult::Failed)
    }
}

// === impl Check ===

impl Check {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leaf => "leaf",
            Self::Inclusion => "inclusion",
            Self::Checkpoint => "checkpoint",
            Self::Signature => "signature",
            Self::Commitment => "commitment",
        }
    }
}

// === impl EntryKind ===

impl EntryKind {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Outcome => "outcome",
        }
    }
}

// === impl CheckResult ===

impl CheckResult {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Erased => "erased",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(results: &[CheckResult]) -> Verification {
        let step = |result: &CheckResult| CheckStep {
            check: Check::Leaf,
            entry: Some(EntryKind::Intent),
            result: *result,
            detail: String::new(),
        };
        Verification { steps: results.iter().map(step).collect() }
    }

    #[test]
    fn nothing_checked_and_anything_pending_is_not_passed() {
        use CheckResult::{Erased, Failed, Passed, Pending};
        for (results, passed, failed) in [
            (&[][..], false, false),
            (&[Erased], false, false),
            (&[Passed, Erased], true, false),
            (&[Passed, Pending], false, false),
            (&[Passed, Failed], false, true),
        ] {
            assert_eq!((of(results).passed(), of(results).failed()), (passed, failed), "{results:?}");
        }
    }
}
