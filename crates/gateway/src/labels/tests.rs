//! No order of requests lets a labelled text reach what is cleared for less.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::{Value, json};
use stockade_crypto::MacKey;
use stockade_domain::{
    Audience, Caller, Clock, CredentialKind, Exposure, Label, LabelOrder, Micros, TenantId, Workload,
    WorkloadId,
};
use stockade_egress::evidence::Message;
use stockade_inspect::excerpt::{Excerpts, Marking, split};

use super::*;
use crate::dialect::Dialect;
use crate::json::Limits;
use crate::read::parse;

const SECRET: &str = "The settlement with Harrow and Vance was signed on the fourteenth: nine instalments, the first due \
                      before the audit, and no party may speak of the amount.";

struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Micros {
        Micros::from_i64(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    labels: Labels,
    clock: Arc<Still>,
    caller: Caller,
}

fn caller(n: u8) -> Caller {
    let workload = Workload {
        id: WorkloadId::new(Micros::from_i64(0), [n; 10]),
        tenant: TenantId::new("default"),
        name: "app".parse().unwrap(),
        audience: Audience::Team,
        exposure: Exposure::Internal,
        owner: String::new(),
        label: Label::new("restricted"),
        models: Vec::new(),
        tools: Vec::new(),
        traits: Vec::new(),
    };
    Caller {
        workload: Arc::new(workload),
        key: None,
        credential: CredentialKind::ApiKey,
        certificate: None,
        token: None,
        user: None,
        chain: Vec::new(),
    }
}

impl World {
    fn new(rules: LabelRules) -> Self {
        let clock = Arc::new(Still(AtomicI64::new(1_000_000)));
        let mac = MacKey::new(b"a key of tests, thirty-two bytes");
        let labels = Labels::none(mac, Arc::<Still>::clone(&clock));
        let key = &labels.key.excerpts;
        let mut known = Excerpts::new(key.clone());
        for print in &split(key, SECRET).prints {
            known.insert(print, Label::new("confidential"));
        }
        labels.registered.store(Arc::new(known));
        labels.rules.store(Arc::new(rules));
        Self { labels, clock, caller: caller(1) }
    }

    fn label_of(&self, message: &Message, named: Option<&str>) -> (HighWater, Conversation, Text) {
        let text = Text::of(&self.labels.key, &self.caller);
        let conversation = named.map_or_else(|| text.opened(&self.caller, message), |name| text.named(name));
        let mut known = HighWater::new(self.labels.rules.load().order.clone());
        read(&self.labels, &text, message, &[], conversation, &mut known);
        (known, conversation, text)
    }

    fn label(&self, messages: &Value) -> (String, Vec<String>) {
        let (known, ..) = self.label_of(&message(messages), None);
        (known.label().to_string(), known.from().iter().cloned().collect())
    }

    /// Asks a model; `None` when its clearance is too low, else the answer's label and what was sent.
    fn ask(&self, messages: &Value, clearance: &str, answer: &str) -> bool {
        let message = message(messages);
        let (known, conversation, text) = self.label_of(&message, None);
        let order = LabelOrder::default();
        if rank(&order, known.label()) > rank(&order, &Label::new(clearance)) {
            return false;
        }
        let rules = self.labels.rules.load();
        if known.is_raised() {
            let ids: Vec<MarkId> = conversation.0.into_iter().collect();
            self.labels.marks.raise(&ids, known.label(), &rules.order, rules.remember);
        }
        let mut hearing = Hearing::new(&self.labels, text, conversation, Arc::new(Mutex::new(known)));
        for piece in answer.as_bytes().chunks(3) {
            hearing.hear(0, std::str::from_utf8(piece).unwrap());
        }
        hearing.end(Some("resp_1"));
        true
    }
}

/// Ears for the tests of answers.
pub(crate) fn hearing() -> Hearing {
    let world = World::new(LabelRules::default());
    let text = Text::of(&world.labels.key, &world.caller);
    Hearing::new(
        &world.labels,
        text,
        Conversation(None),
        Arc::new(Mutex::new(HighWater::new(LabelOrder::default()))),
    )
}

fn message(messages: &Value) -> Message {
    let body = json!({"model": "m", "messages": messages}).to_string();
    parse(Dialect::Chat, Bytes::from(body), Limits { depth: 32, leaves: 10_000 }).unwrap()
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn assistant(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn rule(label: &str, sign: Sign) -> LabelRules {
    let rule = LabelRule { name: "own".to_owned(), label: Label::new(label), signs: vec![sign] };
    LabelRules { rules: vec![rule], ..LabelRules::default() }
}

#[test]
fn a_conversation_keeps_its_label_when_the_text_is_dropped() {
    let world = World::new(LabelRules::default());
    let opening = user("Help me to draft a letter to the board, please.");
    let answer = "They owe the rest in nine parts, and nobody may say how much it is.";
    assert!(world.ask(&json!([opening, user(SECRET)]), "confidential", answer));
    let again = json!([opening, user("And now in French?")]);
    assert_eq!(world.label(&again), ("confidential".to_owned(), vec!["conversation".to_owned()]));
    // The opening is gone too, and the answer is there, put into another conversation and another role.
    let elsewhere = json!([user("Translate this for me into French, please:"), user(answer)]);
    assert_eq!(world.label(&elsewhere).1, ["answer"]);
    // Time goes by.
    world.clock.0.fetch_add(25 * 3_600 * 1_000_000, Ordering::Relaxed);
    assert_eq!(world.label(&again).0, "public");
}

#[test]
fn what_was_denied_leaves_no_mark() {
    let world = World::new(LabelRules::default());
    let opening = user("Help me to draft a letter to the board, please.");
    assert!(!world.ask(&json!([opening, user(SECRET)]), "internal", ""));
    assert!(world.labels.marks.is_empty());
    assert_eq!(world.label(&json!([opening])).0, "public");
}

#[test]
fn a_paragraph_cut_into_messages_is_found() {
    let world = World::new(LabelRules::default());
    let words: Vec<&str> = SECRET.split(' ').collect();
    let parts: Vec<Value> = words.chunks(4).map(|part| user(&part.join(" "))).collect();
    assert_eq!(world.label(&Value::Array(parts)).0, "confidential");
}

#[test]
fn a_registered_paragraph_in_an_answer_labels_the_conversation() {
    let world = World::new(LabelRules::default());
    let asked = json!([user("What did we agree on with Harrow and Vance?")]);
    assert!(world.ask(&asked, "internal", SECRET));
    assert_eq!(world.label(&asked).1, ["conversation"]);
}

#[test]
fn answers_are_known_by_their_providers_name_too() {
    let world = World::new(LabelRules::default());
    assert!(world.ask(&json!([user(SECRET)]), "confidential", "ok"));
    let body = json!({"model": "m", "input": "go on", "previous_response_id": "resp_1"}).to_string();
    let limits = Limits { depth: 32, leaves: 10_000 };
    let message = parse(Dialect::Responses, Bytes::from(body), limits).unwrap();
    assert_eq!(world.label_of(&message, None).0.label().as_str(), "confidential");
}

#[test]
fn results_of_tools_have_the_label_of_their_rule() {
    let world = World::new(rule("restricted", Sign::Tool("hr_*".to_owned())));
    let call = |name: &str| {
        json!([
            user("How much does she earn?"),
            {"role": "assistant", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a lot"},
        ])
    };
    assert_eq!(world.label(&call("hr_salary")), ("restricted".to_owned(), vec!["rule:own".to_owned()]));
    assert_eq!(world.label(&call("weather")).0, "public");
    // A result whose call was left out may be any tool's.
    let orphan = json!([user("x"), {"role": "tool", "tool_call_id": "call_1", "content": "a lot"}]);
    assert_eq!(world.label(&orphan).0, "restricted");
}

#[test]
fn patterns_are_found_over_parts() {
    let world = World::new(rule("internal", Sign::Pattern(Marking::new("NIGHT-JAR").unwrap())));
    let parts = json!([{"role": "user", "content": [
        {"type": "text", "text": "about NIGHT-"}, {"type": "text", "text": "JAR"}]}]);
    assert_eq!(world.label(&parts).0, "internal");
    assert_eq!(world.label(&json!([user("about nightjars")])).0, "public");
}

#[test]
fn clearances_of_models_and_tools() {
    let rules = LabelRules {
        models: vec![("gpt-*".to_owned(), Label::new("internal"))],
        tools: vec![("*".to_owned(), Label::new("confidential")), ("web_*".to_owned(), Label::new("public"))],
        ..LabelRules::default()
    };
    assert_eq!((rules.tool("web_search").as_str(), rules.tool("mail").as_str()), ("public", "confidential"));
    let mut model = stockade_authz::Model {
        name: "gpt-x".to_owned(),
        upstream: "u".to_owned(),
        region: None,
        sandbox: false,
        observe: false,
        label_max: Label::new("restricted"),
    };
    rules.cap(&mut model);
    assert_eq!(model.label_max.as_str(), "internal");
    model.name = "other".to_owned();
    model.label_max = Label::new("public");
    rules.cap(&mut model);
    assert_eq!(model.label_max.as_str(), "public");
}

#[test]
fn marks_are_bounded_and_come_back() {
    let world = World::new(LabelRules::default());
    let marks = &world.labels.marks;
    let id = |is_line, n: u32| {
        let mut digest = [0; 16];
        digest[..4].copy_from_slice(&n.to_be_bytes());
        MarkId { is_line, digest }
    };
    let order = LabelOrder::default();
    let raise = |ids: &[MarkId], label: &str| {
        marks.raise(ids, &Label::new(label), &order, Duration::from_secs(60));
    };
    raise(&[id(false, 1)], "confidential");
    raise(&[id(false, 1)], "internal");
    assert_eq!(marks.label(id(false, 1)).unwrap().as_str(), "confidential");
    let lines: Vec<MarkId> = (0..600_000).map(|n| id(true, n)).collect();
    raise(&lines, "internal");
    assert!(marks.len().1 <= 524_288 && marks.label(id(false, 1)).is_some());
    let many: Vec<MarkId> = (0..262_144).map(|n| id(false, n)).collect();
    raise(&many, "internal");
    assert!(marks.has_room(id(false, 1)).is_ok() && marks.has_room(id(false, 999_999)).is_err());
    let other = Marks::new(Arc::<Still>::clone(&world.clock));
    other.restore(marks.take_changes());
    assert_eq!(other.label(id(false, 1)).unwrap().as_str(), "confidential");
    world.clock.0.fetch_add(61_000_000, Ordering::Relaxed);
    assert!(marks.has_room(id(false, 999_999)).is_ok() && other.label(id(false, 1)).is_none());
}

/// One request of a conversation.
#[derive(Debug, Clone)]
struct Turn {
    conversation: usize,
    secret: bool,
    drops: bool,
    quotes: Option<usize>,
    clearance: &'static str,
}

fn turn() -> impl Strategy<Value = Turn> {
    let clearance = prop::sample::select(vec!["public", "internal", "confidential", "restricted"]);
    (0..3_usize, any::<bool>(), any::<bool>(), prop::option::of(0..6_usize), clearance).prop_map(
        |(conversation, secret, drops, quotes, clearance)| Turn {
            conversation,
            secret,
            drops,
            quotes,
            clearance,
        },
    )
}

proptest! {
    #[test]
    fn no_order_of_requests_takes_a_label_down(turns in prop::collection::vec(turn(), 1..24)) {
        let world = World::new(LabelRules::default());
        let low = |clearance: &str| matches!(clearance, "public" | "internal");
        let openings = ["Let us talk about the letter to the board.", "What is the weather like in Lisbon today?",
                        "Write a poem about the harbour at night."];
        let mut histories: [Vec<Value>; 3] = Default::default();
        let mut tainted = [false; 3];
        let mut answers: Vec<(String, bool)> = Vec::new();
        for (n, turn) in turns.into_iter().enumerate() {
            let at = turn.conversation;
            let mut messages = vec![user(openings[at])];
            if !turn.drops {
                messages.extend(histories[at].iter().cloned());
            }
            let quoted = turn.quotes.and_then(|which| answers.get(which)).cloned();
            messages.extend(quoted.iter().map(|(text, _)| user(text)));
            if turn.secret {
                messages.push(user(&format!("Number {n}. {SECRET}")));
            }
            messages.push(user(&format!("Question {n}?")));
            let carries = turn.secret || tainted[at] || quoted.is_some_and(|(_, tainted)| tainted);
            let answer = format!("This is what I have to say to question {n} of conversation {at}.");
            let sent = world.ask(&Value::Array(messages.clone()), turn.clearance, &answer);
            // Never down; and nothing is denied that carries no label.
            prop_assert_eq!(sent, !(carries && low(turn.clearance)));
            if sent {
                tainted[at] |= carries;
                histories[at] = messages.split_off(1);
                histories[at].push(assistant(&answer));
                answers.push((answer, carries));
            }
        }
    }
}
