//! What does not count: inline ignores with a reason, acceptances with an owner and an end, a baseline. Whatever is put
//! aside stays in the report and says by whom.

use std::io::ErrorKind;
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
    /// What is wrong with it: what it meant to accept is not.
    pub(crate) faults: Vec<String>,
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

const FILE: &str = "stockade.toml";

const MAX_FILE: u64 = 1 << 20;

impl Policy {
    /// Reads the file at the root of a tree; without one nothing is accepted, and nothing by an entry that is not as it
    /// should be. `known` says whether a rule exists.
    pub(crate) fn of(root: &Path, known: impl Fn(&str) -> bool) -> Self {
        let read = crate::input::open(&root.join(FILE)).and_then(|file| crate::input::all(&file, MAX_FILE));
        let text = match read {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Self::default();
            }
            Err(error) => return Self { faults: vec![error.to_string()], ..Self::default() },
        };
        let mut policy = Self::default();
        let document: toml::Table = match toml::from_str(&text) {
            Ok(document) => document,
            Err(error) => {
                let line = error.span().map_or(1, |span| Lines::new(&text).line(span.start));
                policy.faults.push(format!("line {line}: {}", error.message()));
                return policy;
            }
        };
        let name = document.get("workload").and_then(|table| table.get("name"));
        policy.workload =
            name.and_then(toml::Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned);
        let entries = match document.get("accept") {
            Some(toml::Value::Array(entries)) => entries.as_slice(),
            Some(_) => {
                policy.faults.push("`accept` is no list of tables: write [[accept]]".to_owned());
                &[]
            }
            None => &[],
        };
        for (number, entry) in entries.iter().enumerate() {
            let read = entry.clone().try_into::<Acceptance>().map_err(|error| error.message().to_owned());
            match read.and_then(|one| one.check(&known).map(|()| one)) {
                Ok(one) => policy.accept.push(one),
                Err(why) => policy.faults.push(format!("[[accept]] {}: {why}", number.saturating_add(1))),
            }
        }
        policy
    }

    /// What has run out by a day, for people.
    pub(crate) fn over(&self, today: Option<&str>) -> Vec<String> {
        let over = self.accept.iter().filter(|one| today.is_none_or(|today| today > one.expires.as_str()));
        over.map(|one| {
            let place = one.path.as_deref().unwrap_or("every file");
            format!("the acceptance of {} in {place} by {} ended on {}", one.rule, one.owner, one.expires)
        })
        .collect()
    }

    /// Puts findings aside.
    pub(crate) fn apply(&self, findings: &mut [Finding], options: &Options) {
        for finding in findings.iter_mut().filter(|finding| finding.suppressed.is_none()) {
            let accepted = self.accept.iter().find(|one| {
                one.rule == finding.rule_id
                    && one.path.as_deref().is_none_or(|pattern| matches_path(pattern, &finding.path))
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

impl Acceptance {
    fn check(&self, known: impl Fn(&str) -> bool) -> Result<(), String> {
        let empty = [("rule", &self.rule), ("reason", &self.reason), ("owner", &self.owner)]
            .into_iter()
            .find(|(_, text)| text.trim().is_empty());
        match empty {
            Some((field, _)) => Err(format!("`{field}` is empty")),
            None if !known(&self.rule) => {
                Err(format!("there is no rule `{}`; `stockade rules list` names them", self.rule))
            }
            None if !is_date(&self.expires) => {
                Err(format!("`expires` is no day, as 2027-01-31 is one: {}", self.expires))
            }
            None => Ok(()),
        }
    }
}

/// Whether a text is a day of the calendar, `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let shape =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return false;
    }
    let number = |range: std::ops::Range<usize>| {
        text.get(range).and_then(|part: &str| part.parse::<u32>().ok()).unwrap_or(0)
    };
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
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
        if !in_comment(lead) {
            return None;
        }
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

/// Whether what stands before a mark opens a comment, and the comment does not stand in a string: what a program is given
/// must not silence what is said about it.
fn in_comment(lead: &str) -> bool {
    let lead = lead.trim_end();
    let opener =
        ["<!--", "//", "/*", "--", "#", ";", "%", "*"].into_iter().find_map(|o| lead.strip_suffix(o));
    let Some(before) = opener else { return false };
    let mut quote = None;
    let mut escaped = false;
    for c in before.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            _ => {}
        }
    }
    quote.is_none()
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
        let text = "s = \"# stockade:ignore c: x\"; z()\ns = 'a' # stockade:ignore c: fine\n";
        let lines = Lines::new(text);
        assert!(inline(text, &lines, 1, "c").is_none());
        assert!(inline(text, &lines, 2, "c").is_some());
    }

    #[test]
    fn an_acceptance_that_is_not_whole_accepts_nothing_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let good = "[[accept]]\nrule = \"a-b\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2027-02-28\"\n";
        let write = |text: &str| std::fs::write(dir.path().join(FILE), text).unwrap();
        let of = || Policy::of(dir.path(), |rule| rule == "a-b");
        assert!(of().faults.is_empty());
        write(good);
        assert_eq!((of().accept.len(), of().faults.len()), (1, 0));
        assert_eq!(of().over(Some("2027-02-28")).len(), 0);
        assert_eq!(of().over(Some("2027-03-01")).len(), 1);
        for (from, to, fault) in [
            ("2027-02-28", "2027-02-30", "no day"),
            ("\"o\"", "\" \"", "`owner` is empty"),
            ("owner = \"o\"\n", "", "missing field `owner`"),
            ("a-b", "a-c", "there is no rule `a-c`"),
            ("owner", "owners", "unknown field `owners`"),
            ("[[accept]]", "[accept]", "no list"),
            ("rule =", "rule", "line 7"),
        ] {
            write(&format!("{good}{}", good.replace(from, to)));
            if from == "[[accept]]" {
                write(&good.replace(from, to));
            }
            let policy = of();
            assert!(policy.faults.iter().any(|known| known.contains(fault)), "{fault}: {:?}", policy.faults);
            assert!(policy.accept.len() < 2);
        }
    }
}
