//! The policies of a set, for people to read.

use cedar_policy::PolicyId;

use crate::annotations::Kind;
use crate::policies::PolicySet;

/// One policy, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its id.
    pub id: String,
    /// One line for people; may be empty.
    pub title: String,
    /// Why it exists; may be empty.
    pub why: String,
    /// `permit`, `forbid` or `floor`.
    pub kind: &'static str,
    /// What it demands or waives, or the reason that it refuses with.
    pub says: Vec<String>,
    /// The name of its file.
    pub file: String,
    /// Its line there, from 1.
    pub line: usize,
    /// Its text in Cedar.
    pub text: String,
}

impl PolicySet {
    /// Every policy, by file and line.
    #[must_use]
    pub fn sheet(&self) -> Vec<Described> {
        let mut found: Vec<_> = self.infos.iter().collect();
        found.sort_by_key(|(_, info)| (info.file, info.line));
        let all = found.into_iter();
        all.map(|(policy, info)| {
            let (kind, mut says): (_, Vec<String>) = match &info.kind {
                Kind::Permit { obligations, waives } => {
                    let must = obligations.iter().map(ToString::to_string);
                    ("permit", must.chain(waives.iter().map(|waived| format!("waives {waived}"))).collect())
                }
                Kind::Forbid { reason } => ("forbid", vec![reason.clone()]),
                Kind::Floor { obligations } => {
                    ("floor", obligations.iter().map(ToString::to_string).collect())
                }
            };
            if info.is_observed {
                says.insert(0, "observed only".to_owned());
            }
            Described {
                id: info.id.clone(),
                title: info.title.clone(),
                why: info.why.clone(),
                kind,
                says,
                file: self.files.get(info.file).cloned().unwrap_or_default(),
                line: info.line,
                text: self.text_of(policy),
            }
        })
        .collect()
    }

    fn text_of(&self, policy: &PolicyId) -> String {
        let sets = [&self.deciding, &self.floor, &self.observed];
        let found = sets.into_iter().find_map(|set| set.policy(policy));
        found.map(ToString::to_string).unwrap_or_default()
    }
}
