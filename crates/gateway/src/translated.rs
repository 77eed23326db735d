//! Callers of one API, upstreams of another: the request is translated when its obligations are carried out, the answer
//! before it is filtered. So policy, inspection and records see what the caller says and hears.

use bytes::Bytes;
use stockade_domain::{EndReason, Micros, RequestId};
use stockade_egress::evidence::{Cut, FilterStats, Held, Message, ResponseFilter};

use crate::answer::{AnswerFilter, AnswerLimits};
use crate::dialect::Dialect;
use crate::error::Refusal;
use crate::ports::Apis;
use crate::translate::{self, Answer, Api, Caps, ChatLimit, Facts, Malformed, Terms, Thinking};

/// What is translated into what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Translation {
    from: Api,
    to: Api,
    terms: Terms,
}

/// How an upstream can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// The path at the upstream, below its base URL.
    pub(crate) path: &'static str,
    /// None when it speaks what the caller speaks.
    pub(crate) translation: Option<Translation>,
}

/// Of an answer, where its asker sets no limit and the upstream must have one.
const MAX_TOKENS: u64 = 4_096;

impl Way {
    /// The way to an upstream; none when it offers nothing that the caller's words can be put into.
    pub(crate) fn to(apis: Apis, dialect: Dialect) -> Option<Self> {
        // A server of Ollama's has its OpenAI protocols below a version.
        let path = |dialect: Dialect| if apis.ollama { dialect.versioned_path() } else { dialect.path() };
        if apis.speaks(dialect) {
            return Some(Self { path: path(dialect), translation: None });
        }
        let from = match dialect {
            Dialect::Chat => Api::Chat,
            Dialect::Messages => Api::Messages,
            Dialect::Responses => Api::Responses,
            Dialect::OllamaChat => Api::OllamaChat,
            Dialect::OllamaGenerate => Api::OllamaGenerate,
            Dialect::OllamaEmbed => Api::OllamaEmbed,
            Dialect::OllamaEmbedding => Api::OllamaEmbedding,
            Dialect::Completions
            | Dialect::Embeddings
            | Dialect::CountTokens
            | Dialect::Predict
            | Dialect::PredictAbout => return None,
        };
        let (to, there) = if dialect.is_embedding() {
            if !apis.embeddings {
                return None;
            }
            (Api::Embeddings, Dialect::Embeddings)
        } else if apis.chat {
            (Api::Chat, Dialect::Chat)
        } else if apis.messages {
            (Api::Messages, Dialect::Messages)
        } else {
            return None;
        };
        let limit = if apis.completion_limit { ChatLimit::MaxCompletionTokens } else { ChatLimit::MaxTokens };
        let thinking = if apis.thinks_in_budget { Thinking::Budget } else { Thinking::Adaptive };
        let terms = Terms { max_tokens: MAX_TOKENS, limit, thinking };
        Some(Self { path: path(there), translation: Some(Translation { from, to, terms }) })
    }
}

impl Translation {
    /// The upstream's body for a caller's.
    pub(crate) fn request(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        translate::request(self.from, self.to, body, &self.terms).map(Bytes::from).map_err(|error| {
            let at: String = error.pointer.chars().take(200).collect();
            let refusal = Refusal::new("untranslatable").with_message(format!(
                "the model's upstream speaks another API, in which this cannot be said: {} (at `{at}`)",
                error.what
            ));
            Refusal { detail: error.code, ..refusal }
        })
    }
}

/// What the answer to a request will say of itself.
pub(crate) fn facts(message: &Message, request: RequestId, now: Micros) -> Facts {
    Facts {
        model: message.model.clone(),
        include_usage: message.stream_usage,
        seed: request.to_string().chars().filter(char::is_ascii_alphanumeric).collect(),
        created: u64::try_from(now.as_i64() / 1_000_000).unwrap_or(0),
    }
}

/// An answer in another API than the caller's, translated and then filtered like any other.
pub(crate) struct TranslatedFilter {
    answer: Answer,
    inner: AnswerFilter,
}

impl TranslatedFilter {
    pub(crate) fn new(
        translation: &Translation,
        stream: bool,
        facts: Facts,
        limits: AnswerLimits,
        inner: AnswerFilter,
    ) -> Self {
        let caps = Caps { event: limits.event, whole: limits.held };
        let answer = Answer::new(translation.to, translation.from, stream, facts, caps);
        Self { answer, inner }
    }

    fn broken(&mut self, malformed: Malformed) -> Cut {
        let code = match malformed {
            Malformed::TooLarge => "upstream_too_large",
            Malformed::Failed | Malformed::Truncated => "upstream_failed",
            Malformed::NotJson | Malformed::Shape(_) => "upstream_malformed",
        };
        self.inner.cut(code, EndReason::UpstreamFailed)
    }
}

impl ResponseFilter for TranslatedFilter {
    fn push(&mut self, piece: Bytes) -> Result<Held, Cut> {
        match self.answer.push(&piece) {
            Ok(told) => self.inner.push(Bytes::from(told)),
            Err(malformed) => Err(self.broken(malformed)),
        }
    }

    fn finish(&mut self) -> Result<Bytes, Cut> {
        let told = self.answer.finish().map_err(|malformed| self.broken(malformed))?;
        let held = self.inner.push(Bytes::from(told))?;
        if held.done {
            return Ok(held.out);
        }
        let rest = self.inner.finish()?;
        Ok(Bytes::from([held.out, rest].concat()))
    }

    fn cut(&mut self, code: &'static str, end: EndReason) -> Cut {
        self.inner.cut(code, end)
    }

    fn heartbeat(&self) -> Option<&'static [u8]> {
        self.inner.heartbeat()
    }

    fn stats(&mut self) -> FilterStats {
        if let Some(usage) = self.answer.usage() {
            self.inner.count(usage);
        }
        self.inner.stats()
    }
}
