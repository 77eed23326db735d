//! The other surfaces: the same values in the channels of messages, responses, completions and embeddings, and in answers
//! and requests that are translated on their way.

mod ollama;
mod predict;
mod tables;
#[cfg(test)]
mod tests;

use super::answer::{Answer, Cut};
use super::request;
use super::values::{HOLE, escaped, quoted};

/// Stands for the whole text where an event says again what others said in pieces.
pub(crate) const WHOLE: &str = "@whole@";
/// Stands for the model's name.
pub(crate) const MODEL: &str = "@model@";
/// Stands for the number of a piece.
pub(crate) const NUMBER: &str = "\"@number@\"";

/// Every channel of an answer.
pub(crate) fn answers() -> impl Iterator<Item = &'static AnswerChannel> {
    tables::ANSWERS.iter().chain(ollama::ANSWERS).chain(predict::ANSWERS)
}

/// Every channel of a request.
pub(crate) fn requests() -> impl Iterator<Item = &'static RequestChannel> {
    tables::REQUESTS.iter().chain(ollama::REQUESTS).chain(predict::REQUESTS)
}

/// What is spoken, and with an upstream that speaks what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    Messages,
    Responses,
    Completions,
    Embeddings,
    MessagesOverChat,
    ResponsesOverChat,
    ChatOverMessages,
    ResponsesOverMessages,
    Ollama,
    OllamaGenerate,
    OllamaEmbed,
    OllamaOverChat,
    Predict,
}

/// Where an upstream puts the text.
#[derive(Debug)]
pub(crate) struct AnswerChannel {
    pub(crate) talk: Talk,
    pub(crate) name: &'static str,
    /// Events before, for each piece, and after; none when there is no such stream.
    pub(crate) stream: Option<Events>,
    /// The body in one piece; none when there is no such answer.
    pub(crate) whole: Option<&'static str>,
    /// The text is JSON of its own: `{"to": text}`.
    pub(crate) is_inner: bool,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) before: &'static [&'static str],
    pub(crate) piece: &'static [&'static str],
    pub(crate) after: &'static [&'static str],
    /// Whether a client joins the pieces.
    pub(crate) is_joined: bool,
    /// Where the client finds the text again; none where it is dropped.
    pub(crate) place: Option<&'static str>,
}

/// Where a client puts the text.
#[derive(Debug)]
pub(crate) struct RequestChannel {
    pub(crate) talk: Talk,
    pub(crate) name: &'static str,
    pub(crate) body: &'static str,
    /// Where the upstream reads it when nothing is wrong with it.
    pub(crate) place: Option<&'static str>,
    /// The text is JSON of its own.
    pub(crate) is_inner: bool,
}

// === impl Talk ===

impl Talk {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Responses => "responses",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::MessagesOverChat => "messages over chat",
            Self::ResponsesOverChat => "responses over chat",
            Self::ChatOverMessages => "chat over messages",
            Self::ResponsesOverMessages => "responses over messages",
            Self::Ollama => "ollama",
            Self::OllamaGenerate => "ollama generate",
            Self::OllamaEmbed => "ollama embed",
            Self::OllamaOverChat => "ollama over chat",
            Self::Predict => "predict",
        }
    }

    /// The path that a client asks.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Messages | Self::MessagesOverChat => "/v1/messages",
            Self::Responses | Self::ResponsesOverChat | Self::ResponsesOverMessages => "/v1/responses",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::ChatOverMessages => "/v1/chat/completions",
            Self::Ollama | Self::OllamaOverChat => "/ollama/api/chat",
            Self::OllamaGenerate => "/ollama/api/generate",
            Self::OllamaEmbed => "/ollama/api/embed",
            Self::Predict => "/predict/leap/invocations",
        }
    }

    /// What the names of its models begin with: that says which upstream they belong to.
    pub(crate) const fn models(self) -> &'static str {
        match self {
            Self::Messages | Self::ChatOverMessages | Self::ResponsesOverMessages => super::wire::MESSAGES,
            Self::MessagesOverChat | Self::ResponsesOverChat | Self::OllamaOverChat => super::wire::CHAT_ONLY,
            Self::Ollama | Self::OllamaGenerate | Self::OllamaEmbed => super::wire::OLLAMA,
            Self::Predict => super::wire::PREDICT,
            Self::Responses | Self::Completions | Self::Embeddings => super::wire::MODELS,
        }
    }

    /// Whether the upstream's events have an `event` line.
    const fn is_typed(self) -> bool {
        matches!(
            self,
            Self::Messages | Self::Responses | Self::ChatOverMessages | Self::ResponsesOverMessages
        )
    }

    /// Whether the upstream's streams are lines.
    const fn is_lines(self) -> bool {
        matches!(self, Self::Ollama | Self::OllamaGenerate | Self::OllamaEmbed)
    }

    /// A request for an answer.
    pub(crate) fn ask(self, model: &str, stream: bool) -> String {
        let body = match self {
            Self::Messages | Self::MessagesOverChat => {
                r#"{"model":"@model@","stream":@stream@,"max_tokens":99,"messages":[{"role":"user","content":"Please answer."}],"tools":[{"name":"demo_mail","input_schema":{"type":"object"}}]}"#
            }
            Self::Responses | Self::ResponsesOverChat | Self::ResponsesOverMessages => {
                r#"{"model":"@model@","stream":@stream@,"input":"Please answer.","tools":[{"type":"function","name":"demo_mail","parameters":{"type":"object"}}]}"#
            }
            Self::Completions | Self::OllamaGenerate => {
                r#"{"model":"@model@","stream":@stream@,"prompt":"Please answer."}"#
            }
            Self::Predict => r#"{"note":"@model@","instances":["Please answer."]}"#,
            Self::Embeddings | Self::OllamaEmbed => r#"{"model":"@model@","input":"Please answer."}"#,
            Self::ChatOverMessages | Self::Ollama | Self::OllamaOverChat => {
                r#"{"model":"@model@","stream":@stream@,"messages":[{"role":"user","content":"Please answer."}],"tools":[{"type":"function","function":{"name":"demo_mail","parameters":{"type":"object"}}}]}"#
            }
        };
        body.replace(MODEL, model).replace("@stream@", if stream { "true" } else { "false" })
    }
}

// === impl AnswerChannel ===

impl AnswerChannel {
    /// The cuts that mean something here.
    pub(crate) fn cuts(&self, stream: bool) -> &'static [Cut] {
        match (&self.stream, stream) {
            (Some(events), true) if events.is_joined => {
                &[Cut::None, Cut::Delta, Cut::Drip, Cut::Write, Cut::Escape]
            }
            (Some(_), true) => &[Cut::None, Cut::Write, Cut::Escape],
            (_, false) if self.whole.is_some() => &[Cut::None, Cut::Write, Cut::Escape],
            _ => &[],
        }
    }

    /// Where the client finds the text again.
    pub(crate) fn place(&self, stream: bool) -> Option<&'static str> {
        self.stream.as_ref().filter(|_| stream).and_then(|events| events.place)
    }

    /// Builds an answer; none when there are no more places to cut.
    pub(crate) fn build(&self, stream: bool, cut: Cut, text: &str, at: usize) -> Option<Answer> {
        let spell = |text: &str| if cut == Cut::Escape { escaped(text) } else { quoted(text) };
        let held = if self.is_inner { format!("{{\"to\":\"{}\"}}", spell(text)) } else { text.to_owned() };
        if at > if matches!(cut, Cut::None | Cut::Drip) { 0 } else { held.len() } {
            return None;
        }
        let bytes = if stream {
            self.streamed(&pieces(&held, cut, at), &held, cut)?
        } else {
            // An object that a tool is called with is no text in a whole message.
            let text = if self.whole?.contains("\"input\":{") { text } else { &held };
            self.whole?.replace(HOLE, &spell(text))
        };
        let bytes = bytes.into_bytes();
        let writes = match cut {
            Cut::Write | Cut::Escape => {
                let needle = spell(&held);
                let start = bytes
                    .windows(needle.len().max(1))
                    .position(|window| window == needle.as_bytes())
                    .unwrap_or(bytes.len() / 2);
                let place = start + if cut == Cut::Escape { at * 6 + at % 6 } else { at };
                match bytes.split_at_checked(place) {
                    Some((head, tail)) => vec![head.to_vec(), tail.to_vec()],
                    None => vec![bytes],
                }
            }
            _ => vec![bytes],
        };
        let kind = match (stream, self.talk.is_lines()) {
            (true, true) => "application/x-ndjson",
            (true, false) => "text/event-stream",
            (false, _) => "application/json",
        };
        Some(Answer { status: 200, kind, header: None, writes })
    }

    fn streamed(&self, pieces: &[String], held: &str, cut: Cut) -> Option<String> {
        let events = self.stream.as_ref()?;
        let spell = |text: &str| if cut == Cut::Escape { escaped(text) } else { quoted(text) };
        let mut out = String::new();
        let is_lines = self.talk.is_lines();
        let mut say = |event: &str| {
            if is_lines {
                return out.push_str(&format!("{event}\n"));
            }
            if self.talk.is_typed()
                && let Some(kind) = event.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next())
            {
                out.push_str(&format!("event: {kind}\n"));
            }
            out.push_str(&format!("data: {event}\n\n"));
        };
        let count = pieces.len().to_string();
        let said = |event: &str, piece: &str, number: &str| {
            event.replace(HOLE, &spell(piece)).replace(WHOLE, &spell(held)).replace(NUMBER, number)
        };
        events.before.iter().for_each(|event| say(&said(event, "", "0")));
        for (number, piece) in pieces.iter().enumerate() {
            events.piece.iter().for_each(|event| say(&said(event, piece, &number.to_string())));
        }
        events.after.iter().for_each(|event| say(&said(event, "", &count)));
        if !self.talk.is_typed() && !is_lines {
            out.push_str("data: [DONE]\n\n");
        }
        Some(out)
    }
}

fn pieces(held: &str, cut: Cut, at: usize) -> Vec<String> {
    match cut {
        Cut::Drip => held.chars().map(String::from).collect(),
        Cut::Delta => {
            let place = (at..=held.len()).find(|place| held.is_char_boundary(*place)).unwrap_or(held.len());
            let (head, tail) = held.split_at(place);
            vec![head.to_owned(), tail.to_owned()]
        }
        _ => vec![held.to_owned()],
    }
}

// === impl RequestChannel ===

impl RequestChannel {
    /// Builds a request; none when there are no more places to cut.
    pub(crate) fn build(
        &self,
        cut: request::Cut,
        text: &str,
        model: &str,
        at: usize,
    ) -> Option<request::Request> {
        if at > if cut == request::Cut::None { 0 } else { text.len() } {
            return None;
        }
        let spelled = if cut == request::Cut::Escape { escaped(text) } else { quoted(text) };
        let spelled = if self.is_inner { quoted(&spelled) } else { spelled };
        let start = self.body.replace(MODEL, model).find(HOLE).unwrap_or(0);
        let body = self.body.replace(MODEL, model).replace(HOLE, &spelled).into_bytes();
        let place = match cut {
            request::Cut::None => 0,
            request::Cut::Write => start + at,
            request::Cut::Escape => start + at * 6 + at % 6,
        };
        let writes = match body.split_at_checked(place) {
            Some((head, tail)) if place > 0 => vec![head.to_vec(), tail.to_vec()],
            _ => vec![body],
        };
        Some(request::Request { path: Some(self.talk.path()), header: None, query: None, writes })
    }
}
