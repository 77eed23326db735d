//! The words that a page uses for the words of the records.

use stockade_domain::{CredentialKind, Effect, EndReason, Handling, IntentMode, Obligation, Role, UserProof};
use stockade_views::{Check, CheckResult, Ending, EntryKind};

/// The decision: the key that the style sheet knows, and the word.
pub(crate) const fn effect(effect: Option<Effect>) -> (&'static str, &'static str) {
    match effect {
        Some(Effect::Permit) => ("permit", "Permitted"),
        Some(Effect::Deny) => ("deny", "Denied"),
        None => ("none", "No decision"),
    }
}

/// Where a request stands, in a word or two.
pub(crate) const fn ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Open => "Under way",
        Ending::Ended(EndReason::Completed) => "Completed",
        Ending::Ended(EndReason::Denied) => "Denied",
        Ending::Ended(EndReason::Refused) => "Malformed",
        Ending::Ended(EndReason::ClientAborted) => "Client left",
        Ending::Ended(EndReason::UpstreamFailed) => "Upstream failed",
        Ending::Ended(EndReason::Cut) => "Answer cut",
        Ending::Ended(EndReason::Limited) => "Limit reached",
        Ending::Ended(EndReason::Revoked) => "Key revoked",
        Ending::Ended(EndReason::Expired) => "Key ran out",
        Ending::Ended(EndReason::Shutdown) => "Server stopped",
        Ending::Ended(EndReason::Internal) => "Internal error",
        Ending::Interrupted => "Interrupted",
    }
}

/// What that means, in a sentence.
pub(crate) const fn ending_sentence(ending: Ending) -> &'static str {
    match ending {
        Ending::Open => "The request is under way. Load the page again to see how it ends.",
        Ending::Ended(EndReason::Completed) => "The answer went out whole.",
        Ending::Ended(EndReason::Denied) => {
            "Policy said no; the client was told the category and the id only."
        }
        Ending::Ended(EndReason::Refused) => "The request was malformed, too large or not decodable.",
        Ending::Ended(EndReason::ClientAborted) => "The client left before the answer was complete.",
        Ending::Ended(EndReason::UpstreamFailed) => {
            "The upstream failed, or its answer could not be understood."
        }
        Ending::Ended(EndReason::Cut) => "The answer was cut because of what was in it.",
        Ending::Ended(EndReason::Limited) => "The answer was ended because a limit of use was reached.",
        Ending::Ended(EndReason::Revoked) => "The key was revoked while the answer was under way.",
        Ending::Ended(EndReason::Expired) => "The key ran out while the answer was under way.",
        Ending::Ended(EndReason::Shutdown) => "The server was stopped while the answer was under way.",
        Ending::Ended(EndReason::Internal) => "A part that must work did not, so the request was ended.",
        Ending::Interrupted => {
            "The server's process ended before the request did, so its outcome is unknown."
        }
    }
}

/// How the eye should take it: `good`, `bad`, `warn`, `live` or `quiet`.
pub(crate) const fn tone(ending: Ending) -> &'static str {
    match ending {
        Ending::Open => "live",
        Ending::Ended(EndReason::Completed) => "good",
        Ending::Ended(EndReason::Denied) => "bad",
        Ending::Ended(EndReason::Cut | EndReason::UpstreamFailed | EndReason::Internal)
        | Ending::Interrupted => "warn",
        Ending::Ended(
            EndReason::Refused
            | EndReason::ClientAborted
            | EndReason::Limited
            | EndReason::Revoked
            | EndReason::Expired
            | EndReason::Shutdown,
        ) => "quiet",
    }
}

pub(crate) const fn credential(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::ApiKey => "API key",
        CredentialKind::Token => "token of an issuer",
        CredentialKind::Certificate => "client certificate",
    }
}

/// Entries without this word are older than tokens.
pub(crate) const fn user_proof(proof: Option<UserProof>) -> &'static str {
    match proof {
        None | Some(UserProof::Asserted) => "asserted by the workload",
        Some(UserProof::Token) => "known by the person's own token",
        Some(UserProof::Passed) => "known by a token that the workload passed",
    }
}

pub(crate) const fn mode(mode: IntentMode) -> &'static str {
    match mode {
        IntentMode::Overlap => {
            "overlap: sent at once; no byte of an answer left before this decision was on disk"
        }
        IntentMode::Strict => "strict: sent only after this decision was on disk",
    }
}

pub(crate) fn obligation(obligation: &Obligation) -> String {
    match obligation {
        Obligation::Redact(what) => format!("replace every {what} finding by a mark"),
        Obligation::Pseudonymise(what) => format!("replace every {what} finding by a stable pseudonym"),
        Obligation::Strip => "remove hidden characters".to_owned(),
        Obligation::Annotate => "let it pass, and say what was found".to_owned(),
        Obligation::Round(digits) => format!("leave {digits} digits of each score"),
        Obligation::TopK(count) => format!("leave the {count} largest scores"),
        Obligation::LabelOnly => "leave the label and no score".to_owned(),
        Obligation::Strict => "put the decision on disk before anything is sent".to_owned(),
    }
}

/// What a label comes from.
pub(crate) fn label_from(word: &str) -> String {
    match word {
        "registered" => "a registered text".to_owned(),
        "workload" => "the workload says so".to_owned(),
        "conversation" => "its conversation had it before".to_owned(),
        "answer" => "an answer of a labelled conversation".to_owned(),
        other => match other.strip_prefix("rule:") {
            Some(rule) => super::text::line(&format!("rule {rule}")),
            None => super::text::line(other),
        },
    }
}

pub(crate) const fn handling(handling: Handling) -> &'static str {
    match handling {
        Handling::Noted => "noted",
        Handling::Redacted => "redacted",
        Handling::Pseudonymised => "pseudonymised",
        Handling::Blocked => "blocked",
    }
}

pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
        Role::None => "",
    }
}

/// What a step checks, as a sentence that holds when it passes.
pub(crate) const fn check(check: Check) -> &'static str {
    match check {
        Check::Leaf => "The entry hashes to its leaf in the log",
        Check::Inclusion => "The leaf is part of the signed tree",
        Check::Checkpoint => "The checkpoint is of this log and covers the entry",
        Check::Signature => "The checkpoint is signed by this installation's key",
        Check::Commitment => "The recorded text is the text that the entry commits to",
    }
}

pub(crate) const fn entry(kind: Option<EntryKind>) -> &'static str {
    match kind {
        Some(EntryKind::Intent) => "intent",
        Some(EntryKind::Outcome) => "outcome",
        None => "log",
    }
}

pub(crate) const fn check_result(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Passed => "holds",
        CheckResult::Failed => "does not hold",
        CheckResult::Pending => "not yet",
        CheckResult::Erased => "erased",
    }
}
