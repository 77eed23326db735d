//! Patterns that an operator knows labelled texts by, such as the marking that an office suite puts into a header.

use std::borrow::Cow;

use regex_automata::meta::Regex;
use unicode_normalization::UnicodeNormalization as _;

use crate::strip::strip_hidden;

/// The largest compiled pattern, in bytes.
const LARGEST: usize = 1 << 20;

/// A pattern, searched in time linear in the text.
#[derive(Debug, Clone)]
pub struct Marking(Regex);

impl Marking {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let config = Regex::config().nfa_size_limit(Some(LARGEST)).onepass_size_limit(Some(LARGEST));
        let built = Regex::builder().configure(config).build(pattern);
        let regex = built.map_err(|error| match error.syntax_error() {
            Some(syntax) => syntax.to_string(),
            None => error.to_string(),
        })?;
        if regex.is_match("") { Err("it fits every text".to_owned()) } else { Ok(Self(regex)) }
    }

    /// Whether it stands in a text as [`plain`] gives it.
    #[must_use]
    pub fn is_in(&self, plain: &str) -> bool {
        self.0.is_match(plain)
    }
}

/// A text without hidden characters, in the forms of NFKC (Unicode Standard Annex 15).
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(strip_hidden(text).nfkc().collect())
}
