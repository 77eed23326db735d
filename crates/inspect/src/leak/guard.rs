//! The guards together: rules from files, and one scanner that runs those that a request asks for.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use stockade_crypto::MacKey;
use stockade_domain::{Confidence, Finding, FindingKind, Micros, Ran, Severity, WorkloadId};
use stockade_rulebook::{Rule, Rulebook, Status};

use super::canary::{Canaries, Canary, CanaryWatch};
use super::links::{LinkHosts, LinkWatch};
use super::overlap::{PromptWatch, PromptWords};
use crate::engine::EngineError;
use crate::examples::ExampleFailure;
use crate::report::Report;
use crate::scanner::Step;

/// What a guard looks for. The word is the type of its findings, as in `redact:canary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// A word that was planted in the system prompt.
    Canary,
    /// Eight words in a row that stand in the system prompt.
    PromptOverlap,
    /// A link or image to a host that nobody allowed.
    ForeignLink,
}

/// The table of a rule file below `rules/leaks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    kind: GuardKind,
    /// What the examples are judged by: hosts that are allowed, or prompts. In an example `{{canary}}` is the canary.
    #[serde(default)]
    fixture: Vec<String>,
}

/// The rules of leaks, as their files say.
#[derive(Debug, Clone, Default)]
pub struct GuardRules(Arc<Vec<Rule<Guard>>>);

/// The guards of one answer.
#[derive(Debug, Clone, Default)]
pub struct Guards {
    rules: GuardRules,
    canary: Option<Canary>,
    prompt: Option<PromptWords>,
    links: Option<Arc<LinkHosts>>,
}

/// Runs guards over a text that may come in pieces. What is found does not depend on the pieces.
#[derive(Debug, Default)]
pub struct GuardScanner {
    rules: GuardRules,
    canary: Option<CanaryWatch>,
    prompt: Option<PromptWatch>,
    links: Option<LinkWatch>,
    taken: usize,
}

impl GuardKind {
    /// The word of `redact:<type>`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::PromptOverlap => "prompt_overlap",
            Self::ForeignLink => "foreign_link",
        }
    }
}

impl GuardRules {
    /// Reads the rules below `rules/leaks`.
    ///
    /// # Errors
    /// [`EngineError`] when a file is no rule of leaks, or two are of one kind.
    pub fn load(book: &Rulebook) -> Result<Self, EngineError> {
        let rules: Vec<Rule<Guard>> = book.load("leaks")?;
        for (at, rule) in rules.iter().enumerate() {
            if rules.iter().take(at).any(|other| other.body.kind == rule.body.kind) {
                return Err(EngineError::Rule {
                    id: rule.header.id.clone(),
                    what: format!("there is already a rule of the kind `{}`", rule.body.kind.as_str()),
                });
            }
        }
        Ok(Self(Arc::new(rules)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a rule that runs this guard.
    #[must_use]
    pub fn runs(&self, kind: GuardKind) -> bool {
        self.rule(kind).is_some()
    }

    fn rule(&self, kind: GuardKind) -> Option<&Rule<Guard>> {
        self.0.iter().find(|rule| rule.body.kind == kind && rule.header.status != Status::Removed)
    }

    /// Runs the examples of the rules.
    #[must_use]
    pub fn examples(&self) -> Vec<ExampleFailure> {
        let canary = Canaries::new(MacKey::new(&[0; 32]))
            .canary(&WorkloadId::new(Micros::from_i64(0), [0; 10]), Micros::from_i64(0));
        let mut failures = Vec::new();
        for rule in self.0.iter().filter(|rule| rule.header.status != Status::Removed) {
            let mut guards = Guards::new(self.clone());
            let fixture = rule.body.fixture.iter().map(String::as_str);
            match rule.body.kind {
                GuardKind::Canary => guards = guards.canary(canary.clone()),
                GuardKind::PromptOverlap => guards = guards.prompt(PromptWords::new(fixture)),
                GuardKind::ForeignLink => guards = guards.links(Arc::new(LinkHosts::new(fixture))),
            }
            let examples = &rule.header.examples;
            let both = [(&examples.matching, true), (&examples.no_match, false)];
            for (text, expected) in both.iter().flat_map(|(texts, is)| texts.iter().map(|t| (t, *is))) {
                if guards.examine(&text.replace("{{canary}}", canary.as_str())).findings.is_empty()
                    == expected
                {
                    let id = Arc::from(rule.header.id.as_str());
                    failures.push(ExampleFailure { id, text: text.clone(), expected });
                }
            }
        }
        failures
    }
}

impl Guards {
    /// No guard yet.
    #[must_use]
    pub fn new(rules: GuardRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Looks for this canary.
    #[must_use]
    pub fn canary(mut self, canary: Canary) -> Self {
        self.canary = self.rules.runs(GuardKind::Canary).then_some(canary);
        self
    }

    /// Looks for what these prompts say.
    #[must_use]
    pub fn prompt(mut self, words: Option<PromptWords>) -> Self {
        self.prompt = words.filter(|_| self.rules.runs(GuardKind::PromptOverlap));
        self
    }

    /// Looks for links to other hosts than these.
    #[must_use]
    pub fn links(mut self, hosts: Arc<LinkHosts>) -> Self {
        self.links = self.rules.runs(GuardKind::ForeignLink).then_some(hosts);
        self
    }

    /// Without the guard of links: in the arguments of a tool an address is a value like others.
    #[must_use]
    pub fn without_links(&self) -> Self {
        Self { links: None, ..self.clone() }
    }

    /// Begins to look; nothing where there is no guard.
    #[must_use]
    pub fn watch(&self) -> Option<GuardScanner> {
        let scanner = GuardScanner {
            rules: self.rules.clone(),
            canary: self.canary.as_ref().map(Canary::watch),
            prompt: self.prompt.as_ref().map(PromptWords::watch),
            links: self.links.clone().map(LinkWatch::new),
            taken: 0,
        };
        (scanner.canary.is_some() || scanner.prompt.is_some() || scanner.links.is_some()).then_some(scanner)
    }

    /// Looks at a whole text.
    #[must_use]
    pub fn examine(&self, text: &str) -> Report {
        let Some(mut scanner) = self.watch() else { return Report::default() };
        let mut step = scanner.push(text);
        let mut report = scanner.finish();
        step.findings.append(&mut report.findings);
        step.findings.sort_by(|a, b| (a.start, a.end, &a.rule_id).cmp(&(b.start, b.end, &b.rule_id)));
        report.findings = step.findings;
        report
    }
}

impl GuardScanner {
    /// Takes in a piece. Gives findings that are final, and how much of the text may leave.
    pub fn push(&mut self, piece: &str) -> Step {
        let mut findings = Vec::new();
        let mut found = Vec::new();
        self.taken = self.taken.saturating_add(piece.len());
        let mut safe = self.taken;
        if let Some(watch) = &mut self.canary {
            watch.push(piece, &mut found);
            safe = safe.min(watch.hold());
            self.rules.add(GuardKind::Canary, &mut found, &mut findings);
        }
        if let Some(watch) = &mut self.prompt {
            watch.push(piece, &mut found);
            safe = safe.min(watch.hold());
            self.rules.add(GuardKind::PromptOverlap, &mut found, &mut findings);
        }
        if let Some(watch) = &mut self.links {
            watch.push(piece, &mut found);
            safe = safe.min(watch.hold());
            self.rules.add(GuardKind::ForeignLink, &mut found, &mut findings);
        }
        Step { findings, safe }
    }

    /// The text is complete. Gives the findings that no step gave, and what ran.
    #[must_use]
    pub fn finish(self) -> Report {
        let mut report = Report::default();
        let mut found = Vec::new();
        let mut end = |kind, found: &mut Vec<Range<usize>>, is_whole: bool| {
            self.rules.add(kind, found, &mut report.findings);
            if let Some(rule) = self.rules.rule(kind).filter(|_| is_whole) {
                report.ran.push(Ran { detector: Arc::from(rule.header.id.as_str()), bytes: self.taken });
            }
        };
        if let Some(watch) = self.canary {
            watch.finish(&mut found);
            end(GuardKind::Canary, &mut found, true);
        }
        if let Some(watch) = self.prompt {
            let is_whole = watch.is_whole();
            watch.finish(&mut found);
            end(GuardKind::PromptOverlap, &mut found, is_whole);
        }
        if let Some(watch) = self.links {
            watch.finish(&mut found);
            end(GuardKind::ForeignLink, &mut found, true);
        }
        report
    }
}

impl GuardRules {
    fn add(&self, kind: GuardKind, found: &mut Vec<Range<usize>>, findings: &mut Vec<Finding>) {
        let severity = self.rule(kind).map_or(Severity::High, |rule| rule.header.severity);
        let id = self.rule(kind).map_or(kind.as_str(), |rule| rule.header.id.as_str());
        findings.extend(found.drain(..).map(|place| Finding {
            rule_id: Arc::from(id),
            kind: FindingKind::Leak,
            ty: Arc::from(kind.as_str()),
            start: place.start,
            end: place.end,
            confidence: Confidence::FULL,
            severity,
        }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> GuardRules {
        GuardRules::load(&Rulebook::new(stockade_rules::FILES)).unwrap()
    }

    fn canary() -> Canary {
        Canaries::new(MacKey::new(&[7; 32]))
            .canary(&WorkloadId::new(Micros::from_i64(0), [1; 10]), Micros::from_i64(0))
    }

    fn guards() -> Guards {
        Guards::new(rules())
            .canary(canary())
            .prompt(PromptWords::new(["the cat sat on the mat and the cat saw the dog on the mat"]))
            .links(Arc::new(LinkHosts::new(["ok.example"])))
    }

    #[test]
    fn every_kind_has_a_rule_and_its_examples_come_out() {
        for kind in [GuardKind::Canary, GuardKind::PromptOverlap, GuardKind::ForeignLink] {
            assert!(rules().runs(kind), "{}", kind.as_str());
        }
        assert_eq!(rules().examples(), []);
    }

    #[test]
    fn what_may_become_a_link_waits_and_nothing_else_does() {
        let mut scanner =
            Guards::new(rules()).links(Arc::new(LinkHosts::new(["ok.example"]))).watch().unwrap();
        for (piece, safe) in
            [("see ht", 4), ("is or http", 12), ("s:", 12), ("//ok.example/a", 12), (" b", 34)]
        {
            assert_eq!(scanner.push(piece).safe, safe, "{piece}");
        }
        assert_eq!(scanner.push(" https://evil.example ").findings.len(), 1);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "the ", "cat ", "sat ", "on ", "the mat", " and", " dog ", "saw ", "https:", "//", "ok.example",
                    "/a ", "evil.example", "](", "![x", "<img src=", "é", "\u{3000}", "CANARY", "canary", " ", ")",
                ]),
                0..40,
            ),
            cuts in prop::collection::vec(1_usize..7, 1..8),
        ) {
            let word = canary().as_str().to_owned();
            let text = words.concat().replace("CANARY", &word.to_uppercase()).replace("canary", word.get(..13).unwrap());
            let whole = guards().examine(&text);
            let mut scanner = guards().watch().unwrap();
            let mut found = Vec::new();
            let (mut rest, mut safe, mut cuts) = (text.as_str(), 0, cuts.iter().cycle());
            while !rest.is_empty() {
                let at = rest.ceil_char_boundary((*cuts.next().unwrap()).min(rest.len()));
                let (piece, after) = rest.split_at(at);
                let step = scanner.push(piece);
                prop_assert!(step.safe >= safe && text.is_char_boundary(step.safe));
                // Nothing is found in what was let go, but for what overlaps what was found already.
                for finding in &step.findings {
                    let known = found.iter().any(|f: &Finding| f.start < finding.end && finding.start < f.end);
                    prop_assert!(finding.start >= safe || known, "{:?} after {}", finding, safe);
                }
                safe = step.safe;
                found.extend(step.findings);
                rest = after;
            }
            let report = scanner.finish();
            prop_assert!(report.findings.iter().all(|f| f.start >= safe));
            prop_assert_eq!(&report.ran, &whole.ran);
            found.extend(report.findings);
            found.sort_by(|a, b| (a.start, a.end, &a.rule_id).cmp(&(b.start, b.end, &b.rule_id)));
            prop_assert_eq!(found, whole.findings);
        }
    }
}
