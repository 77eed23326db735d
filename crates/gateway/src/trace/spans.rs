//! The spans of a request, in the words of OpenTelemetry's semantic conventions for generative AI
//! (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/>, in development; the names stand here and nowhere else). What
//! those conventions do not speak of begins with `stockade.`.

use stockade_domain::{Effect, EndReason, Outcome};

use super::{Draft, Stage};

/// A span as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Microseconds since 1970.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) failed: bool,
}

/// Which side of a call a span is (opentelemetry.proto.trace.v1.Span.SpanKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    Count(u64),
    List(Vec<String>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The spans of a request that has ended: the whole, and its steps.
pub(super) fn of(draft: &Draft, outcome: &Outcome) -> Vec<Span> {
    let begun = u64::try_from(draft.begun.as_i64()).unwrap_or_default();
    let at = |offset: u64| begun.saturating_add(offset);
    let span = |id, parent, name: String, kind, from, to| Span {
        trace: draft.parent.trace,
        id,
        parent,
        name,
        kind,
        start: at(from),
        end: at(to).max(at(from)),
        attributes: Vec::new(),
        failed: false,
    };
    let took = outcome.duration_us;
    let mut root = span(draft.root, draft.parent.span, name(draft), Kind::Server, 0, took);
    root.attributes = attributes(draft, outcome);
    root.failed = !matches!(outcome.end, EndReason::Completed | EndReason::ClientAborted);
    let mut spans = vec![root];
    let mut answered = None;
    for (number, (step, from, to)) in (1_u8..).zip(&draft.steps) {
        let (id, name, kind) = match step {
            Stage::Inspect => (child(draft, number), "inspect", Kind::Internal),
            Stage::Decide => (child(draft, number), "decide", Kind::Internal),
            Stage::Upstream => {
                answered = Some(*to);
                (draft.upstream, "upstream", Kind::Client)
            }
        };
        let mut made = span(id, Some(draft.root), name.to_owned(), kind, *from, *to);
        if *step == Stage::Upstream {
            made.attributes.push(("stockade.upstream.attempts", Value::List(outcome.attempts.clone())));
            made.failed = outcome.end == EndReason::UpstreamFailed;
        }
        spans.push(made);
    }
    if let Some(from) = answered.filter(|from| outcome.inspection.is_some() && *from < took) {
        spans.push(span(child(draft, 0), Some(draft.root), "filter".to_owned(), Kind::Internal, from, took));
    }
    spans
}

/// A name for a step: the root's, with the step's number in it.
fn child(draft: &Draft, number: u8) -> [u8; 8] {
    let mut id = draft.root;
    if let Some(last) = id.last_mut() {
        *last = last.wrapping_add(number).wrapping_add(1);
    }
    id
}

/// What is done, in the conventions' words, and the model.
fn name(draft: &Draft) -> String {
    match &draft.intent {
        Some(intent) if intent.model.is_empty() => operation(&intent.surface).to_owned(),
        Some(intent) => format!("{} {}", operation(&intent.surface), intent.model),
        None => "request".to_owned(),
    }
}

fn operation(surface: &str) -> &'static str {
    match surface {
        "openai.chat" | "openai.responses" | "anthropic.messages" => "chat",
        "openai.completions" => "text_completion",
        "openai.embeddings" => "embeddings",
        "anthropic.count_tokens" => "count_tokens",
        _ => "request",
    }
}

fn attributes(draft: &Draft, outcome: &Outcome) -> Vec<(&'static str, Value)> {
    let mut all: Vec<(&'static str, Value)> = vec![
        ("stockade.request.id", Value::Text(outcome.request.to_string())),
        ("stockade.end", Value::Text(word(outcome.end))),
        ("http.response.status_code", Value::Count(u64::from(outcome.status))),
        ("stockade.first_byte_us", Value::Count(outcome.first_byte_us)),
    ];
    if let Some(code) = &outcome.code {
        all.push(("error.type", Value::Text(code.clone())));
    }
    if let Some(usage) = outcome.usage {
        all.push(("gen_ai.usage.input_tokens", Value::Count(usage.prompt_tokens)));
        all.push(("gen_ai.usage.output_tokens", Value::Count(usage.completion_tokens)));
        all.push(("gen_ai.usage.cache_read.input_tokens", Value::Count(usage.cached_tokens)));
    }
    let found = outcome.inspection.iter().flat_map(|inspection| inspection.counts.values()).sum::<u64>();
    all.push(("stockade.answer.findings", Value::Count(found)));
    let Some(intent) = &draft.intent else {
        all.extend(
            outcome
                .caller
                .iter()
                .map(|caller| ("stockade.workload.id", caller.workload.to_string().as_str().into())),
        );
        return all;
    };
    let decision = &intent.decision;
    let effect = if decision.effect == Effect::Permit { "permit" } else { "deny" };
    all.extend([
        ("gen_ai.operation.name", operation(&intent.surface).into()),
        ("gen_ai.request.model", intent.model.as_str().into()),
        ("stockade.workload.id", intent.caller.workload.to_string().as_str().into()),
        ("stockade.surface", intent.surface.as_str().into()),
        ("stockade.stream", Value::Flag(intent.stream)),
        ("stockade.decision", effect.into()),
        ("stockade.policies", Value::List(decision.policies.clone())),
        ("stockade.reasons", Value::List(decision.reasons.clone())),
        ("stockade.request.findings", Value::Count(intent.inspection.counts.values().sum())),
    ]);
    if let Some(provider) = outcome.attempts.last() {
        all.push(("gen_ai.provider.name", provider.as_str().into()));
    }
    if let Some(asked) = &decision.asked {
        all.push(("stockade.label", asked.label.as_str().into()));
    }
    all
}

/// The word that the record has for an end.
fn word(end: EndReason) -> String {
    serde_json::to_value(end).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
