//! What the annotations of a policy mean. Cedar hands them through unread, so a misspelt one would be no error there;
//! here every unknown word is one, because an obligation that is not understood must not be skipped.

use std::ops::Range;

use cedar_policy::{Effect, Policy};
use stockade_domain::Obligation;

use crate::error::PolicyError;
use crate::text;

const KNOWN: [&str; 8] = ["id", "title", "why", "reason", "obligation", "floor", "waive", "mode"];

/// The reason code of a `forbid` without `@reason`.
const FORBIDDEN: &str = "forbidden";

/// The modes of a policy.
const ENFORCE: &str = "enforce";
const OBSERVE: &str = "observe";

/// What a policy is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Grants, asks for its obligations, and lowers the floor by its waivers.
    Permit { obligations: Vec<Obligation>, waives: Vec<Obligation> },
    /// Refuses, with a stable reason code.
    Forbid { reason: String },
    /// Grants nothing; its obligations hold for every permit that it matches.
    Floor { obligations: Vec<Obligation> },
}

/// A policy as its annotations describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    /// Stable name.
    pub(crate) id: String,
    /// One line for people; may be empty in an operator's own policies.
    pub(crate) title: String,
    /// Why it exists; may be empty as well.
    pub(crate) why: String,
    /// What it does.
    pub(crate) kind: Kind,
    /// It is evaluated and recorded, and decides nothing.
    pub(crate) is_observed: bool,
    /// Index of its file.
    pub(crate) file: usize,
    /// Line of the file, from 1.
    pub(crate) line: usize,
}

/// A policy within its file.
pub(crate) struct Source<'a> {
    pub(crate) file: usize,
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) span: Range<usize>,
}

/// Reads the annotations of one policy. Mistakes are added to `errors`; with any, the policy is not to be used.
pub(crate) fn read(policy: &Policy, source: &Source<'_>, errors: &mut Vec<PolicyError>) -> Option<Info> {
    let before = errors.len();
    let mut fail = |key: &str, message: String, help: Option<String>| {
        let error = PolicyError::at(source.name, text::annotation(source.text, &source.span, key), message);
        errors.push(match help {
            Some(help) => error.help(help),
            None => error,
        });
    };

    for (key, _) in policy.annotations() {
        if !KNOWN.contains(&key) {
            fail(
                key,
                format!("`@{key}` is not an annotation that means anything here"),
                Some(known_help(key)),
            );
        }
    }
    let get = |key: &str| policy.annotation(key);
    let id = get("id").unwrap_or_default();
    if !is_word(id, b'-') {
        let help = "give every policy `@id(\"...\")`: 1 to 64 of a-z, 0-9 and `-`, beginning with a letter";
        fail("id", "the policy has no id, or not a valid one".to_owned(), Some(help.to_owned()));
    }

    let mut list = |key: &'static str| -> Option<Vec<Obligation>> {
        let written = get(key)?;
        let mut out = Vec::new();
        for word in written.split('|').map(str::trim) {
            match word.parse() {
                Ok(obligation) => out.push(obligation),
                Err(error) => fail(key, format!("{error}"), Some(OBLIGATION_HELP.to_owned())),
            }
        }
        Some(out)
    };
    let obligations = list("obligation");
    let waives = list("waive");
    let reason = get("reason");
    let floor = get("floor");

    let mut misplaced = |key: &str, only: &str| {
        fail(key, format!("`@{key}` has no meaning here: it belongs to {only}"), None)
    };
    let kind = match (policy.effect(), floor) {
        (Effect::Forbid, _) => {
            if obligations.is_some() {
                misplaced("obligation", "a `permit`, as a `forbid` lets nothing happen");
            }
            if waives.is_some() {
                misplaced("waive", "a `permit`, as a `forbid` lets nothing happen");
            }
            if floor.is_some() {
                misplaced("floor", "a `permit` with `@obligation`");
            }
            Kind::Forbid { reason: reason.unwrap_or(FORBIDDEN).to_owned() }
        }
        (Effect::Permit, Some(value)) => {
            if waives.is_some() {
                misplaced("waive", "a `permit` that grants, not to the floor itself");
            }
            if obligations.is_none() {
                misplaced("floor", "a `permit` with `@obligation`");
            }
            if !value.is_empty() {
                fail("floor", "`@floor` takes no value".to_owned(), None);
            }
            Kind::Floor { obligations: obligations.unwrap_or_default() }
        }
        (Effect::Permit, None) => {
            Kind::Permit { obligations: obligations.unwrap_or_default(), waives: waives.unwrap_or_default() }
        }
    };
    if let Some(reason) = reason {
        if policy.effect() == Effect::Permit {
            fail("reason", "`@reason` has no meaning here: it belongs to a `forbid`".to_owned(), None);
        } else if !is_word(reason, b'_') {
            let help = "use 1 to 64 of a-z, 0-9 and `_`, beginning with a letter";
            fail("reason", format!("`{reason}` is not a reason code"), Some(help.to_owned()));
        }
    }

    let mode = get("mode").unwrap_or(ENFORCE);
    if ![ENFORCE, OBSERVE].contains(&mode) {
        let help = "`@mode(\"observe\")` evaluates and records a policy without enforcing it; without it a policy is enforced";
        fail("mode", format!("`{mode}` is not a mode"), Some(help.to_owned()));
    }

    (errors.len() == before).then(|| Info {
        id: id.to_owned(),
        title: get("title").unwrap_or_default().to_owned(),
        why: get("why").unwrap_or_default().to_owned(),
        kind,
        is_observed: mode == OBSERVE,
        file: source.file,
        line: text::line(source.text, source.span.start),
    })
}

const OBLIGATION_HELP: &str = "obligations are `redact:<kind>`, `pseudonymise:<kind>`, `strip`, `annotate` and `strict`, \
                               with `|` between several";

fn known_help(key: &str) -> String {
    let all = KNOWN.map(|k| format!("`@{k}`")).join(", ");
    let shared = |known: &str| known.bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
    match KNOWN.into_iter().max_by_key(|known| shared(known)) {
        Some(near) if shared(near) >= 2 => format!("did you mean `@{near}`? the annotations are {all}"),
        _ => format!("the annotations are {all}"),
    }
}

fn is_word(text: &str, joint: u8) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == joint)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}
