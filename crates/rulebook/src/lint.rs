//! What the loader cannot refuse but a good rule does not do.

use std::fmt;

use stockade_domain::Framework;

use crate::header::{Header, Status};

/// How many examples of each sort a rule has at least.
const EXAMPLES: usize = 3;

/// The longest title, in characters.
const TITLE: usize = 80;

/// One complaint about one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The rule's id.
    pub id: String,
    /// What is wrong.
    pub message: String,
}

/// Checks a header. `stem` is the name of its file without the ending.
#[must_use]
pub fn lint(header: &Header, stem: &str) -> Vec<Lint> {
    let mut found = Vec::new();
    let mut say = |bad: bool, message: &str| {
        if bad {
            found.push(Lint { id: header.id.clone(), message: message.to_owned() });
        }
    };
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    say(!header.id.split('-').all(word), "an id is lower-case words and digits joined by `-`");
    say(header.id != stem, "the id is not the file's name");
    say(
        header.title.trim().is_empty() || header.title.chars().count() > TITLE,
        "a title has 1 to 80 characters",
    );
    say(header.why.trim().is_empty(), "`why` is empty");
    say(header.fix.trim().is_empty(), "`fix` is empty");
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    say(
        header.since.split('.').count() != 3 || !header.since.split('.').all(number),
        "`since` is not `major.minor.patch`",
    );
    say(header.references.iter().any(|r| !r.starts_with("https://")), "a reference is not an https URL");
    say(
        header.atlas.iter().any(|r| r.framework() != Framework::Atlas),
        "`atlas` holds an id of another framework",
    );
    say(
        header.owasp.iter().any(|r| r.framework() != Framework::OwaspLlm),
        "`owasp` holds an id of another framework",
    );
    if header.status != Status::Removed {
        say(header.examples.matching.len() < EXAMPLES, "fewer than three examples under `match`");
        say(header.examples.no_match.len() < EXAMPLES, "fewer than three examples under `no_match`");
    }
    found
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.message)
    }
}
