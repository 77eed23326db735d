//! How long an answer a request asks for, and how it is told to ask for no longer one.

use std::ops::Range;

use bytes::Bytes;

use super::hold::STEP;
use super::ledger::Tokens;
use super::rule::DEFAULT_ANSWER;
use crate::dialect::{Dialect, Family};
use crate::json::{Edit, Leaf, LeafKind, Limits, walk};

/// What a request says about the length of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    dialect: Dialect,
    stream: bool,
    /// Tokens of one answer, where it says so.
    limit: Option<u64>,
    /// Answers that it asks for.
    answers: u64,
    /// The field that the limit belongs into, and where its value stands.
    field: &'static str,
    at: Option<Range<usize>>,
    /// Where the object begins.
    begin: usize,
    is_empty: bool,
    /// Where the object that holds the limit stands, if it is not the whole one: Ollama's `options`.
    nest: Option<Range<usize>>,
    /// Where it says how its stream is to be, and in that whether the usage is to be told.
    options: Option<Range<usize>>,
    tells_usage: Option<Range<usize>>,
    wants_usage: bool,
}

/// What OpenAI's legacy completions answer when they are not told how long
/// (<https://platform.openai.com/docs/api-reference/completions/create>).
const DEFAULT_COMPLETION: u64 = 16;

/// Fields that limit an answer, over all dialects. Servers differ in which of two they follow: the larger one counts.
const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

impl Ask {
    /// Reads a body that was read before. `completion_limit` says which name of two the upstream knows.
    pub(crate) fn read(
        dialect: Dialect,
        body: &Bytes,
        stream: bool,
        completion_limit: bool,
        limits: Limits,
    ) -> Self {
        let field = match dialect {
            Dialect::OllamaChat | Dialect::OllamaGenerate => "num_predict",
            Dialect::Responses => "max_output_tokens",
            Dialect::Chat if completion_limit => "max_completion_tokens",
            _ => "max_tokens",
        };
        let mut ask = Self {
            dialect,
            stream,
            limit: None,
            answers: 1,
            field,
            at: None,
            begin: 0,
            is_empty: false,
            nest: None,
            options: None,
            tells_usage: None,
            wants_usage: false,
        };
        let (mut n, mut best_of, mut prompts) = (1, 1, 0_u64);
        let is_ollama = dialect.family() == Family::Ollama;
        // It was walked before: what is wrong with it was told then.
        let _walked = walk(body, limits, |leaf| {
            let Some(key) = leaf.path.strip_prefix('/') else {
                if leaf.kind == LeafKind::Container {
                    ask.begin = leaf.raw.start.saturating_add(1);
                    ask.is_empty = leaf.raw.len() <= 2;
                }
                return;
            };
            match key {
                _ if leaf.kind == LeafKind::Key => {}
                _ if is_ollama => match key {
                    "options" => ask.nest = Some(leaf.raw.clone()),
                    "options/num_predict" => {
                        ask.at = Some(leaf.raw.clone());
                        ask.limit = count(&leaf);
                    }
                    _ => {}
                },
                _ if LIMITS.contains(&key) => {
                    if key == field {
                        ask.at = Some(leaf.raw.clone());
                    }
                    ask.limit = ask.limit.max(count(&leaf));
                }
                "stream_options" => ask.options = Some(leaf.raw.clone()),
                "stream_options/include_usage" => {
                    ask.wants_usage = leaf.text == "true";
                    ask.tells_usage = Some(leaf.raw.clone());
                }
                "n" => n = count(&leaf).unwrap_or(1),
                "best_of" => best_of = count(&leaf).unwrap_or(1),
                _ if dialect == Dialect::Completions && is_prompt(key, leaf.kind) => {
                    prompts = prompts.saturating_add(1);
                }
                _ => {}
            }
        });
        if matches!(dialect, Dialect::Chat | Dialect::Completions) {
            ask.answers = n.max(best_of).max(1).saturating_mul(prompts.max(1));
        }
        ask
    }

    /// How many tokens must and can be reserved for the answer. `known` is the longest answer of the model.
    pub(crate) fn tokens(&self, known: Option<u64>) -> Tokens {
        if self.has_no_answer() {
            return Tokens { least: 0, most: 0 };
        }
        let all = |one: u64| one.saturating_mul(self.answers);
        match self.limit {
            Some(limit) => Tokens { least: all(limit), most: all(limit) },
            // A stream goes on for as long as there is room, and ends then.
            None if self.stream => Tokens { least: self.answers, most: all(STEP) },
            None if self.dialect == Dialect::Completions => {
                Tokens { least: self.answers, most: all(DEFAULT_COMPLETION) }
            }
            None => Tokens { least: self.answers, most: all(known.unwrap_or(DEFAULT_ANSWER)) },
        }
    }

    /// Asks for the usage of a stream whose client does not: what it used is then known and not guessed. OpenAI's chat alone
    /// has to be asked (<https://platform.openai.com/docs/api-reference/chat/create>).
    pub(crate) fn usage_edit(&self, body: &[u8]) -> Option<Edit> {
        if self.dialect != Dialect::Chat || !self.stream || self.wants_usage {
            return None;
        }
        const ASKED: &[u8] = b"{\"include_usage\":true}";
        Some(match (&self.tells_usage, &self.options) {
            (Some(raw), _) => Edit { raw: raw.clone(), with: b"true".to_vec() },
            (None, Some(raw)) => {
                let inner = body.get(raw.clone()).and_then(|object| object.strip_prefix(b"{"));
                match inner.map(<[u8]>::trim_ascii) {
                    Some(inner) if inner != b"}" => {
                        let at = raw.start.saturating_add(1);
                        Edit { raw: at..at, with: b"\"include_usage\":true,".to_vec() }
                    }
                    // Empty, or null.
                    _ => Edit { raw: raw.clone(), with: ASKED.to_vec() },
                }
            }
            (None, None) => {
                let comma: &[u8] = if self.is_empty { b"" } else { b"," };
                let with = [b"\"stream_options\":", ASKED, comma].concat();
                Edit { raw: self.begin..self.begin, with }
            }
        })
    }

    /// Tells the upstream that an answer in one piece has only so many tokens of room, where the request leaves it open.
    pub(crate) fn edit(&self, body: &[u8], answer: u64) -> Option<Edit> {
        let is_open = self.limit.is_none() && !self.stream && !self.has_no_answer();
        let one = answer.checked_div(self.answers).filter(|one| is_open && *one > 0)?;
        Some(match &self.at {
            Some(raw) => Edit { raw: raw.clone(), with: one.to_string().into_bytes() },
            None if self.dialect.family() == Family::Ollama => self.nested(body, one),
            None => {
                let comma = if self.is_empty { "" } else { "," };
                let with = format!("\"{}\":{one}{comma}", self.field).into_bytes();
                Edit { raw: self.begin..self.begin, with }
            }
        })
    }

    /// Vectors and counts have no length.
    fn has_no_answer(&self) -> bool {
        self.dialect.is_embedding() || self.dialect.is_predict() || self.dialect == Dialect::CountTokens
    }

    /// The limit inside of the object that holds it, which may not be there, or be empty.
    fn nested(&self, body: &[u8], one: u64) -> Edit {
        let limit = format!("\"{}\":{one}", self.field);
        match &self.nest {
            Some(raw) => {
                let inner = body.get(raw.clone()).and_then(|object| object.strip_prefix(b"{"));
                match inner.map(<[u8]>::trim_ascii) {
                    Some(inner) if inner != b"}" => {
                        let at = raw.start.saturating_add(1);
                        Edit { raw: at..at, with: format!("{limit},").into_bytes() }
                    }
                    _ => Edit { raw: raw.clone(), with: format!("{{{limit}}}").into_bytes() },
                }
            }
            None => {
                let comma = if self.is_empty { "" } else { "," };
                let with = format!("\"options\":{{{limit}}}{comma}").into_bytes();
                Edit { raw: self.begin..self.begin, with }
            }
        }
    }
}

/// A positive number; anything else says nothing.
fn count(leaf: &Leaf<'_, '_>) -> Option<u64> {
    if leaf.kind != LeafKind::Number {
        return None;
    }
    let text = leaf.text.as_ref();
    text.parse().ok().or_else(|| {
        let float: f64 = text.parse().ok().filter(|n: &f64| *n > 0.0)?;
        // Whoever writes so many means all there are.
        if float >= 1e15 { Some(u64::MAX) } else { format!("{:.0}", float.ceil()).parse().ok() }
    })
}

/// Whether a value of `prompt` is one prompt of several: a text, or a list of token ids.
fn is_prompt(key: &str, kind: LeafKind) -> bool {
    let element = key.strip_prefix("prompt/");
    element.is_some_and(|rest| !rest.contains('/')) && matches!(kind, LeafKind::String | LeafKind::Container)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::splice;

    const ALL: Limits = Limits { depth: 16, leaves: 1_000 };

    fn ask(dialect: Dialect, body: &'static str) -> Ask {
        let body = Bytes::from_static(body.as_bytes());
        Ask::read(dialect, &body, body.windows(6).any(|w| w == b"stream"), false, ALL)
    }

    #[test]
    fn the_larger_of_two_limits_counts_for_each_answer() {
        let most = |dialect, body| ask(dialect, body).tokens(None).most;
        assert_eq!(most(Dialect::Chat, r#"{"max_tokens":5,"max_completion_tokens":9,"n":3}"#), 27);
        assert_eq!(most(Dialect::Completions, r#"{"prompt":["a","b"],"max_tokens":7,"best_of":2}"#), 28);
        assert_eq!(most(Dialect::Completions, r#"{"prompt":[1,2,3],"max_tokens":7}"#), 7);
        assert_eq!(most(Dialect::Completions, r#"{"prompt":"a"}"#), DEFAULT_COMPLETION);
        assert_eq!(most(Dialect::Messages, r#"{"max_tokens":1e2,"n":9}"#), 100);
        assert_eq!(most(Dialect::Responses, r#"{"input":"a"}"#), DEFAULT_ANSWER);
        assert_eq!(most(Dialect::Embeddings, r#"{"input":"a","max_tokens":5}"#), 0);
        assert_eq!(ask(Dialect::Chat, r#"{"stream":true}"#).tokens(None), Tokens { least: 1, most: STEP });
    }

    #[test]
    fn the_usage_of_a_stream_is_asked_for_once() {
        let asked = |body: &'static str| {
            let edit = ask(Dialect::Chat, body).usage_edit(body.as_bytes())?;
            splice(body.as_bytes(), &mut [edit]).and_then(|b| String::from_utf8(b).ok())
        };
        let whole = r#"{"stream_options":{"include_usage":true},"stream":true}"#;
        assert_eq!(asked(r#"{"stream":true}"#).as_deref(), Some(whole));
        assert_eq!(asked(r#"{"stream_options":null,"stream":true}"#).as_deref(), Some(whole));
        assert_eq!(asked(r#"{"stream_options":{ },"stream":true}"#).as_deref(), Some(whole));
        assert_eq!(
            asked(r#"{"stream_options":{"include_usage":false},"stream":true}"#).as_deref(),
            Some(whole)
        );
        assert_eq!(
            asked(r#"{"stream_options":{"x":1},"stream":true}"#).as_deref(),
            Some(r#"{"stream_options":{"include_usage":true,"x":1},"stream":true}"#)
        );
        assert_eq!(asked(whole), None);
        assert_eq!(asked("{}"), None);
    }

    #[test]
    fn what_is_left_open_is_told() {
        let told = |dialect, body: &'static str| {
            let edit = ask(dialect, body).edit(body.as_bytes(), 40)?;
            splice(body.as_bytes(), &mut [edit]).and_then(|b| String::from_utf8(b).ok())
        };
        assert_eq!(told(Dialect::Chat, r#"{"n":2}"#).as_deref(), Some(r#"{"max_tokens":20,"n":2}"#));
        assert_eq!(told(Dialect::Chat, "{}").as_deref(), Some(r#"{"max_tokens":40}"#));
        assert_eq!(told(Dialect::Chat, r#"{"max_tokens":-1}"#).as_deref(), Some(r#"{"max_tokens":40}"#));
        assert_eq!(
            told(Dialect::Responses, r#"{"max_output_tokens":null}"#).as_deref(),
            Some(r#"{"max_output_tokens":40}"#)
        );
        assert_eq!(told(Dialect::Chat, r#"{"max_tokens":3}"#), None);
        assert_eq!(told(Dialect::Chat, r#"{"stream":true}"#), None);
        assert_eq!(told(Dialect::Embeddings, "{}"), None);
        let ollama = |body: &'static str| told(Dialect::OllamaChat, body);
        for open in [r#"{"options":{}}"#, r#"{"options":null}"#, r#"{"options":{"num_predict":-1}}"#] {
            assert_eq!(ollama(open).as_deref(), Some(r#"{"options":{"num_predict":40}}"#));
        }
        assert_eq!(ollama(r#"{"n":2}"#).as_deref(), Some(r#"{"options":{"num_predict":40},"n":2}"#));
        assert_eq!(
            ollama(r#"{"options":{"seed":1}}"#).as_deref(),
            Some(r#"{"options":{"num_predict":40,"seed":1}}"#)
        );
        assert_eq!(ollama(r#"{"options":{"num_predict":3}}"#), None);
        assert_eq!(told(Dialect::OllamaEmbed, "{}"), None);
    }
}
