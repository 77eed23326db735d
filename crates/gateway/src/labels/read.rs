//! The label of a request.

use std::collections::HashMap;

use stockade_domain::{Action, Caller, Channel, Label, Role};
use stockade_egress::evidence::{Message, ParsedSpan, SpanFinding};
use stockade_inspect::excerpt::{ExcerptReader, LineReader, WordDigest, plain};

use super::{HighWater, LabelKey, LabelRules, Labels, MarkId, Sign};
use crate::joined::joined;

/// A line of an answer with fewer words or letters is a phrase that many answers have.
const FEWEST_WORDS: usize = 4;

/// See [`FEWEST_WORDS`].
const FEWEST_LETTERS: usize = 24;

/// A line with so many letters is told from whomever it comes; a shorter one, of which models say some to everybody, only
/// from the workload that got it.
const DISTINCT: usize = 80;

/// What opens a conversation is told by what a user said first; if that has fewer letters, by what was answered too.
const OPENING: usize = 24;

/// Who speaks, as far as digests go.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    tenant: String,
    workload: String,
    key: LabelKey,
}

/// A request's conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conversation(pub(crate) Option<MarkId>);

impl Text {
    pub(crate) fn of(key: &LabelKey, caller: &Caller) -> Self {
        let workload = &caller.workload;
        Self {
            tenant: workload.tenant.as_str().to_owned(),
            workload: workload.id.to_string(),
            key: key.clone(),
        }
    }

    pub(crate) fn key(&self) -> &LabelKey {
        &self.key
    }

    fn id(&self, is_line: bool, parts: &[&[u8]]) -> MarkId {
        let tag = self.key.mac.mac_parts(parts);
        let digest = tag.first_chunk().copied().unwrap_or_default();
        MarkId { is_line, digest }
    }

    /// The mark of a line, where it says enough.
    pub(crate) fn line(&self, line: WordDigest) -> Option<MarkId> {
        if line.words < FEWEST_WORDS || line.letters < FEWEST_LETTERS {
            return None;
        }
        let scope = if line.letters < DISTINCT { self.workload.as_str() } else { "" };
        let parts = [b"line", self.tenant.as_bytes(), scope.as_bytes(), &line.digest.to_be_bytes()];
        Some(self.id(true, &parts))
    }

    /// The mark of an answer by the name that its provider gave it.
    pub(crate) fn answer(&self, id: &str) -> MarkId {
        self.id(true, &[b"answer", self.tenant.as_bytes(), id.as_bytes()])
    }

    /// A conversation that its workload names.
    pub(crate) fn named(&self, name: &str) -> Conversation {
        let parts = [b"named".as_slice(), self.tenant.as_bytes(), self.workload.as_bytes(), name.as_bytes()];
        Conversation(Some(self.id(false, &parts)))
    }

    /// A conversation by how it opens, which a client sends again with every turn.
    pub(crate) fn opened(&self, caller: &Caller, message: &Message) -> Conversation {
        let spans = &message.spans;
        let said = |span: &&ParsedSpan| span.channel == Channel::Content && span.role == Role::User;
        let Some(first) = spans.iter().position(|span| said(&span)) else { return Conversation(None) };
        if message.action == Action::Embed {
            return Conversation(None);
        }
        let opening = spans.get(first).map_or("", |span| span.text.as_str());
        let mut parts: Vec<&[u8]> = vec![b"opened", self.tenant.as_bytes(), self.workload.as_bytes()];
        parts.push(caller.user.as_ref().map_or(b"", |user| user.id.as_bytes()));
        let system = spans.iter().filter(|span| span.channel == Channel::System);
        parts.extend(system.map(|span| span.text.as_bytes()));
        parts.extend([b"said".as_slice(), opening.as_bytes()]);
        if opening.chars().filter(|c| c.is_alphanumeric()).count() < OPENING {
            let answered = spans.iter().skip(first).find(|span| span.role == Role::Assistant);
            parts.push(answered.map_or(b"", |span| span.text.as_bytes()));
        }
        Conversation(Some(self.id(false, &parts)))
    }
}

/// Raises a label to that of a request.
pub(crate) fn read(
    labels: &Labels,
    text: &Text,
    message: &Message,
    findings: &[SpanFinding],
    conversation: Conversation,
    known: &mut HighWater,
) {
    let rules = labels.rules.load();
    if let Some(label) = conversation.0.and_then(|id| labels.marks.label(id)) {
        known.raise(&label, "conversation");
    }
    by_rules(&rules, message, findings, known);
    let registered = labels.registered.load();
    if !registered.is_empty() {
        // What stands in several texts one after the other is read as one: cutting a paragraph up does not hide it.
        let mut reader = ExcerptReader::default();
        for span in message.spans.iter().filter(|span| span.channel != Channel::Atom) {
            reader.push(&registered, &span.text);
            reader.finish(&registered);
        }
        let found = reader.found().iter().filter_map(|place| registered.meaning(*place));
        found.for_each(|label| known.raise(label, "registered"));
    }
    if !labels.marks.is_empty() {
        by_answers(labels, text, message, known);
    }
}

/// Answers of labelled conversations, in whatever conversation they come again.
fn by_answers(labels: &Labels, text: &Text, message: &Message, known: &mut HighWater) {
    for span in message.spans.iter().filter(|span| span.channel != Channel::Atom) {
        let mut raise = |line: WordDigest| {
            if let Some(label) = text.line(line).and_then(|id| labels.marks.label(id)) {
                known.raise(&label, "answer");
            }
        };
        let key = &text.key.excerpts;
        let mut reader = LineReader::default();
        reader.push(key, &span.text, &mut raise);
        reader.finish(key, &mut raise);
    }
    let stored = ["/previous_response_id", "/conversation", "/conversation/id"];
    for span in message.spans.iter().filter(|span| stored.contains(&span.path.as_str())) {
        if let Some(label) = labels.marks.label(text.answer(&span.text)) {
            known.raise(&label, "answer");
        }
    }
}

fn by_rules(rules: &LabelRules, message: &Message, findings: &[SpanFinding], known: &mut HighWater) {
    if rules.rules.is_empty() {
        return;
    }
    let mut raise = |is: &dyn Fn(&Sign) -> bool| {
        let fitting: Vec<(&Label, &String)> =
            rules.rules.iter().filter(|rule| rule.has(is)).map(|rule| (&rule.label, &rule.name)).collect();
        fitting.into_iter().for_each(|(label, name)| known.raise(label, &format!("rule:{name}")));
    };
    for found in findings {
        raise(&|sign| sign.is_finding(&found.finding));
    }
    let unread = [&message.opaque, &message.references, &message.sealed];
    if unread.iter().any(|list| !list.is_empty()) {
        raise(&|sign| matches!(sign, Sign::Unread));
    }
    if rules.has(|sign| matches!(sign, Sign::Tool(_))) {
        let texts = message.spans.iter().map(|span| (span.path.as_str(), span.text.as_str())).collect();
        let calls = calls(message, &texts);
        for span in message.spans.iter().filter(|span| is_result(span)) {
            let tool = tool_of(span, &texts, &calls);
            raise(&|sign| sign.is_result(tool.as_deref()));
        }
    }
    if rules.has(|sign| matches!(sign, Sign::Pattern(_))) {
        let alone = message.spans.iter().filter(|span| span.channel != Channel::Atom);
        let texts =
            alone.map(|span| span.text.clone()).chain(joined(message).into_iter().map(|whole| whole.text));
        for text in texts {
            let text = plain(&text);
            raise(&|sign| matches!(sign, Sign::Pattern(pattern) if pattern.is_in(&text)));
        }
    }
}

/// Texts by their places.
type Texts<'m> = HashMap<&'m str, &'m str>;

fn is_result(span: &ParsedSpan) -> bool {
    span.channel == Channel::ToolResult
}

/// Names of the tools that were called, by the names of the calls: `id` or `call_id` beside `name` or `function.name`.
fn calls<'m>(message: &'m Message, texts: &Texts<'m>) -> HashMap<&'m str, &'m str> {
    let mut calls = HashMap::new();
    for span in &message.spans {
        let object = ["/id", "/call_id"].iter().find_map(|end| span.path.strip_suffix(end));
        let Some(object) = object else { continue };
        let name =
            ["/name", "/function/name"].iter().find_map(|end| texts.get(format!("{object}{end}").as_str()));
        if let Some(name) = name {
            calls.insert(span.text.as_str(), *name);
        }
    }
    calls
}

/// The tool whose result a text is: what the objects around it call the call, or the tool.
fn tool_of(span: &ParsedSpan, texts: &Texts<'_>, calls: &HashMap<&str, &str>) -> Option<String> {
    let mut object = span.path.as_str();
    while let Some((outer, _)) = object.rsplit_once('/') {
        let beside = |end: &str| texts.get(format!("{outer}{end}").as_str()).copied();
        let call = beside("/tool_call_id").or_else(|| beside("/tool_use_id")).or_else(|| beside("/call_id"));
        if let Some(call) = call {
            return calls.get(call).map(|name| (*name).to_owned());
        }
        // A function's result as it was called before there were tools.
        if outer.matches('/').count() == 2
            && let Some(name) = beside("/name")
        {
            return Some(name.to_owned());
        }
        object = outer;
    }
    None
}
