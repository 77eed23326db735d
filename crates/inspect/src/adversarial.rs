//! The rules' examples, changed as somebody would change them who wants a rule to miss, or to see what is not there.

use std::sync::Arc;

use stockade_domain::{Channel, Direction, Finding, FindingKind, Role, SpanRef};

use crate::engine::{Context, Engine, Reach};
use crate::examples::expand_example;

/// A changed example that does not come out as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdversarialFailure {
    /// The rule.
    pub id: Arc<str>,
    /// What was done to its example.
    pub change: &'static str,
    /// The changed text.
    pub text: String,
    /// Whether the rule should have found the same as before.
    pub expected: bool,
}

/// How many changes were tried, and which went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adversarial {
    /// Changed examples that were examined.
    pub tried: usize,
    /// Those that did not come out as they should.
    pub failures: Vec<AdversarialFailure>,
}

/// An example, and the first thing that its rule finds in it.
struct Subject<'a> {
    engine: &'a Engine,
    id: &'a Arc<str>,
    before: &'a str,
    found: &'a str,
    after: &'a str,
}

impl Engine {
    /// Changes every matching example of every recognizer and examines it again: hidden characters, other forms of
    /// digits and letters, other neighbours and other case around it must change nothing; a letter or digit glued to it,
    /// and another check digit, must end the match.
    #[must_use]
    pub fn adversarial(&self) -> Adversarial {
        let mut outcome = Adversarial::default();
        for (number, rule) in self.inner.rules.iter().enumerate() {
            if rule.kind == FindingKind::Injection || rule.reach == Reach::Whole {
                continue;
            }
            let bounds = self.inner.patterns.bounds(number);
            for example in &rule.header.examples.matching {
                let text = expand_example(example);
                let Some(finding) = self.first(&rule.id, &text) else { continue };
                let (before, rest) = text.split_at_checked(finding.start).unwrap_or_default();
                let length = finding.end.saturating_sub(finding.start);
                let (found, after) = rest.split_at_checked(length).unwrap_or_default();
                let subject = Subject { engine: self, id: &rule.id, before, found, after };
                subject.disguises(&mut outcome);
                if bounds.glued {
                    subject.glued(&mut outcome);
                }
                if bounds.checked {
                    subject.miscounted(&mut outcome);
                }
            }
        }
        outcome
    }

    fn first(&self, id: &Arc<str>, text: &str) -> Option<Finding> {
        self.found(id, text).into_iter().next()
    }

    fn found(&self, id: &Arc<str>, text: &str) -> Vec<Finding> {
        let cx = Context::new(Direction::Request, Channel::Content, Role::User);
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text };
        let mut findings = self.examine(span, &cx).findings;
        findings.retain(|finding| finding.rule_id == *id);
        findings
    }
}

impl Subject<'_> {
    /// Changes that a reader does not see, or that change nothing about what is there.
    fn disguises(&self, outcome: &mut Adversarial) {
        let Self { before, found, after, .. } = self;
        let each = |between: &str| {
            let mut out = String::new();
            for c in found.chars() {
                out.push(c);
                out.push_str(between);
            }
            out.truncate(out.len().saturating_sub(between.len()));
            out
        };
        let wide = |c: char| match u32::from(c) {
            code @ 0x21..=0x7e => char::from_u32(code.saturating_add(0xfee0)).unwrap_or(c),
            _ => c,
        };
        let digits = |c: char| match c.to_digit(10) {
            Some(digit) => char::from_u32(digit.saturating_add(0x0660)).unwrap_or(c),
            None => c,
        };
        let forms: [(&'static str, String); 5] = [
            ("zero-width spaces between the characters", each("\u{200b}")),
            ("soft hyphens between the characters", each("\u{ad}")),
            ("variation selectors behind the characters", each("\u{fe0f}")),
            ("fullwidth characters", found.chars().map(wide).collect()),
            ("Arabic digits", found.chars().map(digits).collect()),
        ];
        for (change, form) in forms {
            self.must_find(outcome, change, &format!("{before}{form}{after}"), before.len(), form.len());
        }
        let whole = format!("{before}{found}{after}");
        for (change, left, right) in [
            ("a sentence around it", "Please note: ", " , and thank you."),
            ("lines around it", "\n", "\n"),
            ("quotation marks around it", "\"", "\""),
            ("words of another script around it", "密码 ", " 谢谢"),
        ] {
            let text = format!("{left}{whole}{right}");
            let start = left.len().saturating_add(before.len());
            self.must_find(outcome, change, &text, start, found.len());
        }
    }

    /// A letter or digit before or after it: it is part of something longer.
    fn glued(&self, outcome: &mut Adversarial) {
        let Self { before, found, after, .. } = self;
        self.must_miss(
            outcome,
            "a letter glued before it",
            &format!("{before}q{found}{after}"),
            before.len() + 1,
        );
        self.must_miss(outcome, "a digit glued behind it", &format!("{before}{found}7{after}"), before.len());
    }

    /// Another last digit: no check of one digit holds any more.
    fn miscounted(&self, outcome: &mut Adversarial) {
        let Self { before, found, after, .. } = self;
        let Some(at) = found.rfind(|c: char| c.is_ascii_digit()) else { return };
        let (front, back) = found.split_at_checked(at).unwrap_or_default();
        let mut rest = back.chars();
        let digit = rest.next().and_then(|c| c.to_digit(10)).unwrap_or(0);
        let other = char::from_digit((digit + 1) % 10, 10).unwrap_or('0');
        let text = format!("{before}{front}{other}{}{after}", rest.as_str());
        self.must_miss(outcome, "another check digit", &text, before.len());
    }

    fn must_find(
        &self,
        outcome: &mut Adversarial,
        change: &'static str,
        text: &str,
        start: usize,
        length: usize,
    ) {
        let end = start.saturating_add(length);
        let covers = |finding: &Finding| finding.start <= start && finding.end >= end;
        let good = self.engine.found(self.id, text).iter().any(covers);
        self.count(outcome, change, text, true, good);
    }

    fn must_miss(&self, outcome: &mut Adversarial, change: &'static str, text: &str, start: usize) {
        let end = start.saturating_add(self.found.len());
        let same = |finding: &Finding| finding.start == start && finding.end == end;
        let good = !self.engine.found(self.id, text).iter().any(same);
        self.count(outcome, change, text, false, good);
    }

    fn count(&self, outcome: &mut Adversarial, change: &'static str, text: &str, expected: bool, good: bool) {
        outcome.tried = outcome.tried.saturating_add(1);
        if !good {
            let (id, text) = (Arc::clone(self.id), text.to_owned());
            outcome.failures.push(AdversarialFailure { id, change, text, expected });
        }
    }
}
