//! The stations of a request's way that are neither text nor inspection: who, what was decided, where it went.

use stockade_domain::{CallerRecord, Charge, DecisionRecord, Effect, Intent, Outcome, TokenRecord, Trial};
use stockade_views::{Ending, RequestRow};

use super::{text, units, words};

pub(crate) struct IdentityView {
    pub(crate) workload_id: String,
    pub(crate) key: Option<String>,
    /// Issuer, program and signing key of a token.
    pub(crate) token: Option<TokenView>,
    /// Name and thumbprint of a client certificate.
    pub(crate) certificate: Option<(String, String)>,
    pub(crate) credential: &'static str,
    pub(crate) user: Option<String>,
    pub(crate) user_proof: &'static str,
    pub(crate) chain: Vec<String>,
}

pub(crate) struct TokenView {
    pub(crate) issuer: String,
    pub(crate) client: Option<String>,
    pub(crate) signed_by: String,
}

pub(crate) struct DecisionView {
    pub(crate) effect: &'static str,
    pub(crate) effect_text: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) policies: Vec<String>,
    pub(crate) reasons: Vec<String>,
    /// As policies write it, and what it means.
    pub(crate) obligations: Vec<(String, String)>,
    pub(crate) hash: String,
    /// The label of the text, and what it comes from.
    pub(crate) label: Option<(String, Vec<String>)>,
    /// What policies that are only observed would have made of it.
    pub(crate) trial: Option<TrialView>,
}

pub(crate) struct TrialView {
    pub(crate) effect: &'static str,
    pub(crate) effect_text: &'static str,
    /// The observed policies change what is decided.
    pub(crate) differs: bool,
    pub(crate) policies: Vec<String>,
    pub(crate) reasons: Vec<String>,
    pub(crate) obligations: Vec<String>,
}

/// What was reserved under limits of use and what was charged in the end.
pub(crate) struct ChargeView {
    pub(crate) reserved: Option<String>,
    pub(crate) tokens: String,
    pub(crate) money: Option<String>,
    pub(crate) counted: bool,
    pub(crate) reached: Option<String>,
}

pub(crate) struct UpstreamView {
    pub(crate) sentence: String,
    pub(crate) tone: &'static str,
    pub(crate) targets: Vec<String>,
    pub(crate) attempts: Vec<String>,
    pub(crate) tokens: Option<(String, String)>,
    pub(crate) sizes: Option<(String, String)>,
    pub(crate) charge: Option<ChargeView>,
}

/// When a station was passed, counted from the request's first byte.
#[derive(Default)]
pub(crate) struct Offsets {
    pub(crate) decided: Option<String>,
    pub(crate) first_byte: Option<String>,
    pub(crate) ended: Option<String>,
}

// === impl IdentityView ===

impl IdentityView {
    pub(crate) fn new(caller: &CallerRecord) -> Self {
        Self {
            workload_id: caller.workload.to_string(),
            key: caller.key.map(|key| key.to_string()),
            token: caller.token.as_ref().map(TokenView::new),
            certificate: caller
                .certificate
                .as_ref()
                .map(|own| (text::line(&own.name), text::line(&own.thumbprint))),
            credential: words::credential(caller.credential),
            user: caller.user.as_deref().map(text::line),
            user_proof: words::user_proof(caller.user_proof),
            chain: caller.chain.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TokenView {
    fn new(token: &TokenRecord) -> Self {
        Self {
            issuer: text::line(&token.issuer),
            client: token.client.as_deref().map(text::line),
            signed_by: text::line(&token.signed_by),
        }
    }
}

// === impl DecisionView ===

impl DecisionView {
    pub(crate) fn new(decision: &DecisionRecord) -> Self {
        let (effect, effect_text) = words::effect(Some(decision.effect));
        let lines = |texts: &[String]| texts.iter().map(|t| text::line(t)).collect();
        Self {
            effect,
            effect_text,
            tone: if decision.effect == Effect::Permit { "good" } else { "bad" },
            policies: lines(&decision.policies),
            reasons: lines(&decision.reasons),
            obligations: decision
                .obligations
                .iter()
                .map(|o| (text::line(&o.to_string()), text::line(&words::obligation(o))))
                .collect(),
            hash: text::line(&decision.policy_hash),
            label: decision.asked.as_deref().map(|asked| {
                let from = asked.label_from.iter().map(|word| words::label_from(word)).collect();
                (text::line(asked.label.as_str()), from)
            }),
            trial: decision.trial.as_deref().map(|trial| TrialView::new(trial, decision)),
        }
    }
}

// === impl TrialView ===

impl TrialView {
    fn new(trial: &Trial, decision: &DecisionRecord) -> Self {
        let (effect, effect_text) = words::effect(Some(trial.effect));
        let lines = |texts: &[String]| texts.iter().map(|t| text::line(t)).collect();
        Self {
            effect,
            effect_text,
            differs: trial.effect != decision.effect || trial.obligations != decision.obligations,
            policies: lines(&trial.policies),
            reasons: lines(&trial.reasons),
            obligations: trial.obligations.iter().map(|o| text::line(&o.to_string())).collect(),
        }
    }
}

// === impl ChargeView ===

impl ChargeView {
    fn new(charge: &Charge) -> Self {
        Self {
            reserved: (charge.reserved > 0).then(|| units::count(charge.reserved)),
            tokens: units::count(charge.tokens),
            money: (charge.money > 0).then(|| units::money(charge.money)),
            counted: charge.counted,
            reached: charge.reached.as_deref().map(text::line),
        }
    }
}

// === impl UpstreamView ===

impl UpstreamView {
    pub(crate) fn new(end: Ending, intent: Option<&Intent>, outcome: Option<&Outcome>) -> Self {
        let lines = |texts: &[String]| texts.iter().map(|t| text::line(t)).collect::<Vec<_>>();
        let attempts = outcome.map(|o| lines(&o.attempts)).unwrap_or_default();
        let permitted = intent.filter(|i| i.decision.effect == Effect::Permit);
        let (sentence, tone) = match (attempts.as_slice(), end) {
            ([], _) if permitted.is_none() => ("Nothing was sent to any upstream.".to_owned(), "quiet"),
            ([], Ending::Open) => ("No answer is complete yet.".to_owned(), "live"),
            ([], Ending::Interrupted) => ("Whether it was sent is not known.".to_owned(), "warn"),
            ([], _) => ("Nothing was sent to any upstream.".to_owned(), "quiet"),
            ([one], _) => (format!("Sent to {one}."), "good"),
            ([.., last], _) => {
                let tries = units::count(u64::try_from(attempts.len()).unwrap_or(u64::MAX));
                (format!("Tried {tries} times, at last {last}."), "warn")
            }
        };
        Self {
            sentence,
            tone,
            targets: permitted.map(|i| lines(&i.targets)).unwrap_or_default(),
            attempts,
            tokens: outcome
                .and_then(|o| o.usage)
                .map(|u| (units::count(u.prompt_tokens), units::count(u.completion_tokens))),
            sizes: outcome.map(|o| (units::size(o.bytes_in), units::size(o.bytes_out))),
            charge: outcome.and_then(|o| o.charge.as_ref()).map(ChargeView::new),
        }
    }
}

// === impl Offsets ===

impl Offsets {
    pub(crate) fn new(row: &RequestRow, intent: Option<&Intent>, outcome: Option<&Outcome>) -> Self {
        let after = |us: u64| format!("+{}", units::duration(us));
        let known = |us: u64| (us > 0).then(|| after(us));
        Self {
            decided: intent.map(|i| after(i.time.since(row.time))),
            first_byte: outcome.and_then(|o| known(o.first_byte_us)),
            ended: outcome.and_then(|o| known(o.duration_us)),
        }
    }
}
