//! What does not count: inline ignores with a reason, acceptances with an owner and an end, a baseline. Whatever is put
//! aside stays in the report and says by whom.

use std::path::Path;

use serde::Deserialize;

use crate::asset::{Finding, Suppression};
use crate::glob::matches_path;
use crate::lines::Lines;
use crate::scan::Options;

/// What `stockade.toml` at the root says to a scan. Other tables are for others.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) workload: Option<String>,
    accept: Vec<Acceptance>,
}

/// One acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    rule: String,
    /// A pattern of paths; all when it is not said.
    #[serde(default)]
    path: Option<String>,
    reason: String,
    owner: String,
    /// The last day, `YYYY-MM-DD`.
    expires: String,
}

#[derive(Debug, Default, Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Document {
    #[serde(default)]
    workload: Named,
    #[serde(default)]
    accept: Vec<Acceptance>,
}

const MAX_FILE: u64 = 1 << 20;

impl Policy {
    /// Reads the file at the root of a tree; without one, or with one that is not for us, nothing is accepted.
    pub(crate) fn of(root: &Path) -> Self {
        let read = crate::input::open(&root.join("stockade.toml"))
            .and_then(|file| crate::input::all(&file, MAX_FILE));
        let text = read.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let document: Document = toml::from_str(&text).unwrap_or_default();
        Self { workload: document.workload.name.filter(|name| !name.is_empty()), accept: document.accept }
    }

    /// Puts findings aside.
    pub(crate) fn apply(&self, findings: &mut [Finding], options: &Options) {
        for finding in findings.iter_mut().filter(|finding| finding.suppressed.is_none()) {
            let accepted = self.accept.iter().find(|one| {
                one.rule == finding.rule_id
                    && one.path.as_deref().is_none_or(|pattern| matches_path(pattern, &finding.path))
                    && !one.reason.trim().is_empty()
                    && !one.owner.trim().is_empty()
                    && is_date(&one.expires)
                    && options.today.as_deref().is_some_and(|today| today <= one.expires.as_str())
            });
            finding.suppressed = match accepted {
                Some(one) => Some(Suppression {
                    by: "accepted".to_owned(),
                    reason: one.reason.clone(),
                    owner: Some(one.owner.clone()),
                    expires: Some(one.expires.clone()),
                }),
                None if options.baseline.contains(&finding.fingerprint) => Some(Suppression {
                    by: "baseline".to_owned(),
                    reason: "known before".to_owned(),
                    owner: None,
                    expires: None,
                }),
                None => None,
            };
        }
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

/// The mark of an inline ignore: `stockade:ignore RULE[,RULE]: reason`, on the line or alone on the one before.
const MARK: &str = "stockade:ignore";

/// What a comment at a finding says.
pub(crate) fn inline(text: &str, lines: &Lines, line: usize, rule: &str) -> Option<Suppression> {
    let here = lines.text(text, line);
    let before = line.checked_sub(1).map(|line| lines.text(text, line)).unwrap_or_default();
    // Nobody writes a comment into a line of such length; looking for one at each finding would take its square.
    const LONG: usize = 10_000;
    [here, before].into_iter().filter(|line| line.len() <= LONG).find_map(|line| {
        let (lead, rest) = line.split_once(MARK)?;
        // On the line before only as a comment of its own.
        if line != here
            && !lead.trim().trim_start_matches(['#', '/', '*', '-', '<', '!', ';', '"']).trim().is_empty()
        {
            return None;
        }
        let (rules, reason) = rest.split_once(':')?;
        let reason = reason.trim().trim_end_matches(['*', '/', '-', '>', '"']).trim();
        let named = rules.split(',').any(|one| one.trim() == rule);
        (named && !reason.is_empty()).then(|| Suppression {
            by: "inline".to_owned(),
            reason: reason.to_owned(),
            owner: None,
            expires: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_need_a_rule_and_a_reason() {
        let text =
            "# stockade:ignore a-b: ours\nx()\ny() # stockade:ignore c: fine\nz() # stockade:ignore c\n";
        let lines = Lines::new(text);
        assert_eq!(inline(text, &lines, 2, "a-b").unwrap().reason, "ours");
        assert!(inline(text, &lines, 3, "c").is_some());
        assert!(inline(text, &lines, 4, "c").is_none());
        assert!(inline(text, &lines, 2, "c").is_none());
    }
}
