//! The rules' own examples, run by the engine that runs the rules.

use std::sync::Arc;

use stockade_domain::{Channel, Direction, Finding, Role, SpanRef};
use stockade_rulebook::Header;

use crate::engine::{Context, Engine};

/// An example that does not come out as its rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleFailure {
    /// The rule.
    pub id: Arc<str>,
    /// The example's text.
    pub text: String,
    /// Whether the rule should have found something.
    pub expected: bool,
}

impl Engine {
    /// Runs the examples of all rules. Those of a word list count when any rule of its family finds something.
    #[must_use]
    pub fn examples(&self) -> Vec<ExampleFailure> {
        let rules = self.inner.rules.iter();
        let lists = self.inner.word_lists.iter();
        rules
            .flat_map(|rule| self.run_examples(&rule.id, &rule.header, |f| f.rule_id == rule.id))
            .chain(lists.flat_map(|list| {
                self.run_examples(&Arc::from(list.header.id.as_str()), &list.header, |f| f.ty == list.family)
            }))
            .collect()
    }

    fn run_examples(
        &self,
        id: &Arc<str>,
        header: &Header,
        is: impl Fn(&Finding) -> bool,
    ) -> Vec<ExampleFailure> {
        let cx = Context::new(Direction::Request, Channel::Content, Role::User);
        let finds = |text: &str| {
            let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text };
            self.examine(span, &cx).findings.iter().any(&is)
        };
        let examples = &header.examples;
        let both =
            examples.matching.iter().map(|t| (t, true)).chain(examples.no_match.iter().map(|t| (t, false)));
        both.filter(|(text, expected)| finds(text) != *expected)
            .map(|(text, expected)| ExampleFailure { id: Arc::clone(id), text: text.clone(), expected })
            .collect()
    }
}
