//! From a request's spans to findings and an edited body.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use stockade_authz::{FindingCounts, InspectionContext};
use stockade_crypto::sha256;
use stockade_domain::{
    Action, Channel, Direction, FindingKind, Handling, Inspection, Micros, Obligation, SpanRef, WorkloadId,
};
use stockade_egress::evidence::{Applied, ApplyObligations, Examined, Message, SpanFinding, Unmet};
use stockade_inspect::leak::Guards;
use stockade_inspect::{Context, Engine, escape_template_tokens, strip_hidden};

use crate::course::Course;
use crate::joined::joined;
use crate::json::{Edit, Leaf, LeafKind, Limits, encode_string, splice, walk};
use crate::leaks::Leaks;
use crate::ports::PromptRegistry;
use crate::pseudonyms::Pseudonyms;
use crate::redact::{Recording, Redactor, Region};
use crate::tally::Tally;
use crate::translated::Translation;

/// An injection signal counts for policies from this confidence on, in thousandths.
const SIGNAL_THRESHOLD: u16 = 500;

/// What inspecting a request gives.
pub(crate) struct Inspected {
    pub(crate) findings: Vec<SpanFinding>,
    pub(crate) inspection: Inspection,
    pub(crate) context: InspectionContext,
}

/// Looks at every span.
pub(crate) fn inspect(
    engine: &Engine,
    message: &Message,
    workload: WorkloadId,
    prompts: &dyn PromptRegistry,
) -> Inspected {
    let mut tally = Tally::new(Direction::Request);
    let mut course = Course::default();
    let mut findings = Vec::new();
    let mut context = InspectionContext {
        opaque: !message.opaque.is_empty(),
        reference: !message.references.is_empty(),
        sealed: !message.sealed.is_empty(),
        tools: u64::try_from(message.tools).unwrap_or(u64::MAX),
        tokens: u64::try_from(message.body.len() / 3).unwrap_or(u64::MAX),
        stream: message.stream,
        registered_system: true,
        ..InspectionContext::default()
    };
    let mut has_system = false;
    for (index, span) in message.spans.iter().enumerate() {
        let system = span.channel == Channel::System;
        let registered = system && prompts.is_registered(workload, &sha256(span.text.as_bytes()));
        has_system |= system;
        context.registered_system &= registered || !system;
        let report = engine.examine(
            SpanRef { channel: span.channel, role: span.role, path: &span.path, text: &span.text },
            &Context::new(Direction::Request, span.channel, span.role),
        );
        tally.saw(span.channel, span.text.len());
        tally.ran(&report.ran, &report.incomplete);
        course.said(span, report.score);
        for finding in report.findings {
            count(&mut context, span.channel, registered, &finding);
            findings.push(SpanFinding { span: index, finding });
        }
    }
    let told = Told::new(&findings);
    for whole in joined(message) {
        let (channel, role) = (whole.channel, whole.role);
        let span = SpanRef { channel, role, path: "", text: &whole.text };
        let report = engine.examine(span, &Context::new(Direction::Request, channel, role));
        tally.ran(&[], &report.incomplete);
        for finding in report.findings {
            let mut parts = whole.in_parts(&finding);
            if parts.len() == 1 {
                // The part alone told it, or more.
                parts.retain(|(part, there)| !told.covers(*part, there));
            }
            if !parts.is_empty() {
                let registered = context.registered_system;
                count(&mut context, channel, registered, &finding);
                findings.extend(parts.into_iter().map(|(span, finding)| SpanFinding { span, finding }));
            }
        }
    }
    context.course = course.shows();
    context.registered_system &= has_system;
    context.incomplete = tally.is_incomplete();
    for found in &findings {
        if let Some(span) = message.spans.get(found.span) {
            tally.found(span.channel, &span.path, &found.finding, Handling::Noted);
        }
    }
    Inspected { findings, inspection: tally.into_record(), context }
}

/// What was found in spans by themselves: where, and how far anything of its kind reaches that begins there or before.
struct Told(HashMap<usize, BTreeMap<FindingKind, Vec<(usize, usize)>>>);

impl Told {
    fn new(findings: &[SpanFinding]) -> Self {
        let mut all: HashMap<usize, BTreeMap<FindingKind, Vec<(usize, usize)>>> = HashMap::new();
        for SpanFinding { span, finding } in findings {
            let of_span = all.entry(*span).or_default();
            of_span.entry(finding.kind).or_default().push((finding.start, finding.end));
        }
        for places in all.values_mut().flat_map(BTreeMap::values_mut) {
            places.sort_unstable();
            let mut reach = 0;
            for (_, end) in places {
                reach = reach.max(*end);
                *end = reach;
            }
        }
        Self(all)
    }

    /// Whether something of the kind was found at this place of a span.
    fn covers(&self, span: usize, finding: &stockade_domain::Finding) -> bool {
        let places = self.0.get(&span).and_then(|kinds| kinds.get(&finding.kind));
        let places = places.map(Vec::as_slice).unwrap_or_default();
        let before = places.partition_point(|(start, _)| *start <= finding.start);
        before
            .checked_sub(1)
            .and_then(|last| places.get(last))
            .is_some_and(|(_, reach)| *reach >= finding.end)
    }
}

fn count(
    context: &mut InspectionContext,
    channel: Channel,
    registered: bool,
    finding: &stockade_domain::Finding,
) {
    let FindingCounts { pii, secret, injection, leak } = &mut context.findings;
    let counter = match finding.kind {
        FindingKind::Pii => pii,
        FindingKind::Secret => secret,
        FindingKind::Injection => injection,
        FindingKind::Leak => leak,
    };
    *counter = counter.saturating_add(1);
    if channel == Channel::Atom && finding.kind != FindingKind::Injection {
        context.atom_findings = context.atom_findings.saturating_add(1);
    }
    if is_signal(finding) {
        if channel != Channel::System {
            context.signals.insert(finding.rule_id.as_ref().to_owned());
        } else if !registered {
            context.system_signals.insert(finding.rule_id.as_ref().to_owned());
        }
    }
}

/// Whether policies hear of a finding as a signal of an attack.
pub(crate) fn is_signal(finding: &stockade_domain::Finding) -> bool {
    finding.kind == FindingKind::Injection && finding.confidence.thousandths() >= SIGNAL_THRESHOLD
}

/// Carries out obligations on a request; what it leaves behind goes on to the answer's filter.
pub(crate) struct Apply<'a> {
    pub(crate) pseudonyms: Pseudonyms,
    /// How many bytes of text the record may hold; 0 for none.
    pub(crate) record_limit: usize,
    /// What else the record holds in readable form.
    pub(crate) about: serde_json::Value,
    pub(crate) leaks: &'a Leaks,
    pub(crate) now: Micros,
    /// What the upstream is told of the room there is for its answer.
    pub(crate) room: Vec<Edit>,
    /// What the body is put into at last, for an upstream of another API.
    pub(crate) translation: Option<Translation>,
    /// Where what the answer's filter needs goes.
    pub(crate) handover: &'a mut Option<Handover>,
}

/// What carrying out a request's obligations leaves for the answer's filter.
pub(crate) struct Handover {
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) guards: Guards,
}

impl ApplyObligations for Apply<'_> {
    fn apply(self, obligations: &[Obligation], examined: &Examined) -> Result<Applied, Unmet> {
        let message = examined.message();
        // Only what is predicted has scores.
        let scores =
            |o: &&Obligation| matches!(o, Obligation::Round(_) | Obligation::TopK(_) | Obligation::LabelOnly);
        if let Some(unmet) = obligations.iter().find(scores).filter(|_| message.action != Action::Predict) {
            return Err(Unmet(unmet.clone()));
        }
        let mut redactor = Redactor::new(obligations, self.pseudonyms);
        let mut recording = Recording::new(self.record_limit);
        let mut tally = Tally::new(Direction::Request);
        let mut edits = Vec::new();
        let mut setup = self.leaks.setup(obligations);
        let strips = obligations.contains(&Obligation::Strip);
        let last_prompt = message.spans.iter().rposition(|span| span.channel == Channel::System);
        let mut by_span: HashMap<usize, Vec<&stockade_domain::Finding>> = HashMap::new();
        for found in examined.findings() {
            by_span.entry(found.span).or_default().push(&found.finding);
        }
        for (index, span) in message.spans.iter().enumerate() {
            let found = by_span.remove(&index).unwrap_or_default();
            let regions = redactor.regions(found.iter().copied());
            for finding in &found {
                tally.found(span.channel, &span.path, finding, redactor.handling(finding));
            }
            let (mut text, pieces) = redactor.edit(&span.text, &regions);
            if !regions.is_empty() && span.channel == Channel::ToolArgs {
                text = mend_numbers(&mut redactor, &span.text, &regions, text);
            }
            if strips {
                text = strip(span.channel, text);
            }
            if span.channel == Channel::System {
                setup.prompt(&text);
                let workload = &examined.caller().workload.id;
                let line = (Some(index) == last_prompt).then(|| setup.plant(workload, self.now)).flatten();
                text.extend(line);
            }
            if text != span.text {
                edits.push(Edit { raw: span.raw.clone(), with: encode_string(&text) });
            }
            if !regions.is_empty() || is_said(span.channel) {
                recording.add(span.channel, span.role, &span.path, pieces);
            }
        }
        edits.extend(self.room);
        let body = if edits.is_empty() {
            message.body.clone()
        } else {
            Bytes::from(
                splice(&message.body, &mut edits).ok_or(Unmet(Obligation::Redact("overlap".to_owned())))?,
            )
        };
        let body = match &self.translation {
            // It was tried before anything was taken out: what cannot be said any more is not sent.
            Some(translation) => {
                translation.request(&body).map_err(|_| Unmet(Obligation::Redact("translation".to_owned())))?
            }
            None => body,
        };
        *self.handover =
            Some(Handover { pseudonyms: redactor.into_pseudonyms().sent(), guards: setup.into_guards() });
        let payload = (self.record_limit > 0).then(|| recording.into_payload(self.about));
        // `strict` and `annotate` are carried out by the stack, the others here and on the answer.
        let met = obligations.to_vec();
        Ok(Applied { body, met, findings: tally.into_record().findings, payload })
    }
}

/// What `strip` leaves of a text: nothing hidden, and outside system prompts no tokens of chat templates.
fn strip(channel: Channel, text: String) -> String {
    let seen = strip_hidden(&text);
    let escaped = if channel == Channel::System {
        seen
    } else {
        Cow::Owned(escape_template_tokens(&seen).into_owned())
    };
    escaped.into_owned()
}

/// Texts that people read in a record; definitions, ids and keys only when something was found in them.
fn is_said(channel: Channel) -> bool {
    matches!(
        channel,
        Channel::Content
            | Channel::System
            | Channel::ToolResult
            | Channel::ToolArgs
            | Channel::Reasoning
            | Channel::Refusal
    )
}

/// Arguments that were JSON stay JSON: a mark inside a number would break it, so the number becomes a string.
pub(crate) fn mend_numbers(
    redactor: &mut Redactor,
    text: &str,
    regions: &[Region],
    edited: String,
) -> String {
    // One value of an object is no JSON of its own, whatever it looks like.
    if !text.trim_start().starts_with(['{', '[']) {
        return edited;
    }
    let limits = Limits { depth: 128, leaves: 100_000 };
    let mut numbers = Vec::new();
    let collect = |leaf: Leaf<'_, '_>| {
        if leaf.kind == LeafKind::Number
            && regions.iter().any(|r| r.start < leaf.raw.end && leaf.raw.start < r.end)
        {
            numbers.push(leaf.raw);
        }
    };
    if walk(text.as_bytes(), limits, collect).is_err() || numbers.is_empty() {
        return edited;
    }
    let mut edits: Vec<Edit> = Vec::new();
    for region in regions {
        let number = numbers.iter().find(|n| region.start < n.end && n.start < region.end);
        let original = text.get(region.start..region.end).unwrap_or_default();
        let (with, _) = redactor.replace(region, original);
        let (raw, with) = match number {
            Some(number) => {
                (number.start.min(region.start)..number.end.max(region.end), encode_string(&with))
            }
            None => (region.start..region.end, with.into_bytes()),
        };
        match edits.last_mut() {
            // Two findings in one number: it goes once, and whole.
            Some(last) if raw.start < last.raw.end => last.raw.end = last.raw.end.max(raw.end),
            _ => edits.push(Edit { raw, with }),
        }
    }
    splice(text.as_bytes(), &mut edits).and_then(|b| String::from_utf8(b).ok()).unwrap_or(edited)
}
