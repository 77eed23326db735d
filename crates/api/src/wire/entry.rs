//! The two ledger entries of a request: who asked, what was decided and done, how it ended.

use std::collections::BTreeMap;

use serde::Serialize;
use stockade_domain::{
    CertificateFacts, Channel, Effect, FindingKind, Handling, IntentMode, Obligation, TokenRecord, UserProof,
};
use utoipa::ToSchema;

use super::words;

/// The entry before the answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Intent {
    /// When the decision was made (RFC 3339, UTC).
    pub time: String,
    /// The workload's id.
    pub workload: String,
    /// The key's id, if the credential was a key.
    pub key: Option<String>,
    /// The token that was used, if there was one.
    pub token: Option<Token>,
    /// The client certificate, if that was the credential.
    pub certificate: Option<Certificate>,
    /// Keyed pseudonym of the end user, where there was one.
    pub user: Option<String>,
    /// How it is known who the end user is: `asserted` by the workload, by its own `token`, or by a token that the
    /// workload `passed`.
    #[schema(schema_with = words::user_proof)]
    pub user_proof: Option<UserProof>,
    /// Workloads that the call passed through, nearest first.
    pub chain: Vec<String>,
    /// What for, for example `invoke`.
    pub action: &'static str,
    /// Surface, for example `openai.chat`.
    pub surface: String,
    /// The model as it was resolved; empty where there is none.
    pub model: String,
    /// Upstreams that the permit names, in the order in which they may be tried.
    pub targets: Vec<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// `overlap`: sent at once, no byte of an answer out before this entry is durable. `strict`: sent only after.
    #[schema(schema_with = words::mode)]
    pub mode: IntentMode,
    /// The decision.
    pub decision: Decision,
    /// What inspection saw in the request.
    pub inspection: Inspection,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decision {
    /// Permit or deny.
    #[schema(schema_with = words::effect)]
    pub effect: Effect,
    /// Ids of the policies that decided.
    pub policies: Vec<String>,
    /// SHA-256 over the policy set, lower-case hex.
    pub policy_hash: String,
    /// Stable reason codes.
    pub reasons: Vec<String>,
    /// What had to be done.
    #[schema(schema_with = words::obligations)]
    pub obligations: Vec<Obligation>,
    /// What it would have been with policies that are only observed, where they had a say.
    pub trial: Option<Trial>,
    /// The label of the text, where a model was asked for.
    pub label: Option<String>,
    /// What the label comes from.
    pub label_from: Vec<String>,
}

/// What inspection did to one direction.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspection {
    /// Bytes of text by channel.
    #[schema(schema_with = words::bytes_by_channel)]
    pub channels: BTreeMap<Channel, u64>,
    /// What ran on how much.
    pub ran: Vec<Detector>,
    /// What could not run to the end, as `detector:reason`.
    pub incomplete: Vec<String>,
    /// The first findings; `counts` has all of them.
    pub findings: Vec<Finding>,
    /// How many findings there were.
    #[schema(schema_with = words::counts_by_kind)]
    pub counts: BTreeMap<FindingKind, u64>,
    /// Pseudonyms turned back into their originals.
    pub restored: u64,
}

/// A detector that ran.
#[derive(Debug, Serialize, ToSchema)]
pub struct Detector {
    /// Its id.
    pub detector: String,
    /// On how many spans.
    pub spans: u64,
    /// On how many bytes.
    pub bytes: u64,
}

/// A finding: where and what, never the text.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// Its kind.
    #[schema(schema_with = words::kind)]
    pub kind: FindingKind,
    /// The channel that it stood in.
    #[schema(schema_with = words::channel)]
    pub channel: Channel,
    /// Its place, as a JSON Pointer; `*` for a free-form key.
    pub path: String,
    /// First byte in the span.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// What was done.
    #[schema(schema_with = words::handling)]
    pub handling: Handling,
}

/// The entry at the end.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcome {
    /// When it ended (RFC 3339, UTC).
    pub time: String,
    /// A stable code when it is an error, for example `policy_denied`.
    pub code: Option<String>,
    /// Upstreams that were tried, in order.
    pub attempts: Vec<String>,
    /// What inspection saw in the answer.
    pub inspection: Option<Inspection>,
    /// Decisions on the tool calls of the answer.
    pub tool_decisions: Vec<Decision>,
    /// Tokens, where the upstream said.
    pub usage: Option<Usage>,
    /// What it was charged, where use is limited or has a price.
    pub charge: Option<Charge>,
    /// Bytes of body received from the client.
    pub bytes_in: u64,
    /// Bytes of body sent to the client.
    pub bytes_out: u64,
    /// Microseconds to the first byte of the answer's body.
    pub first_byte_us: u64,
}

/// Tokens as the upstream reports them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
}

/// What a request was charged.
#[derive(Debug, Serialize, ToSchema)]
pub struct Charge {
    /// Tokens, of prompt and answer.
    pub tokens: u64,
    /// Tokens that were reserved for it.
    pub reserved: u64,
    /// Money, in billionths of the unit of the prices.
    pub money: u64,
    /// The tokens were counted by the gateway because the upstream did not say.
    pub counted: bool,
    /// The limit that it came up against.
    pub reached: Option<String>,
}

/// What would have been decided if policies that are only observed were in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trial {
    /// The observed policies that had a say.
    pub policies: Vec<String>,
    /// Permit or deny.
    #[schema(schema_with = words::effect)]
    pub effect: Effect,
    /// Stable reason codes.
    pub reasons: Vec<String>,
}

/// A token that an issuer signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// The issuer's name in the configuration.
    pub issuer: String,
    /// The program that it was issued to.
    pub client: Option<String>,
    /// Thumbprint of the key that it is signed with (RFC 7638).
    pub signed_by: String,
    /// Keyed pseudonym of the token's own identifier.
    pub id: Option<String>,
}

/// A client certificate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Certificate {
    /// The name in it that stands for the workload.
    pub name: String,
    /// Its SHA-256 thumbprint (RFC 8705).
    pub thumbprint: String,
}

impl From<CertificateFacts> for Certificate {
    fn from(certificate: CertificateFacts) -> Self {
        Self { name: certificate.name, thumbprint: certificate.thumbprint }
    }
}

impl From<TokenRecord> for Token {
    fn from(token: TokenRecord) -> Self {
        Self { issuer: token.issuer, client: token.client, signed_by: token.signed_by, id: token.id }
    }
}

impl From<stockade_domain::Intent> for Intent {
    fn from(intent: stockade_domain::Intent) -> Self {
        Self {
            time: intent.time.to_string(),
            workload: intent.caller.workload.to_string(),
            key: intent.caller.key.map(|key| key.to_string()),
            token: intent.caller.token.map(Token::from),
            certificate: intent.caller.certificate.map(Certificate::from),
            user: intent.caller.user,
            user_proof: intent.caller.user_proof,
            chain: intent.caller.chain.iter().map(ToString::to_string).collect(),
            action: intent.action.as_str(),
            surface: intent.surface,
            model: intent.model,
            targets: intent.targets,
            stream: intent.stream,
            mode: intent.mode,
            decision: intent.decision.into(),
            inspection: intent.inspection.into(),
        }
    }
}

impl From<stockade_domain::Outcome> for Outcome {
    fn from(outcome: stockade_domain::Outcome) -> Self {
        Self {
            time: outcome.time.to_string(),
            code: outcome.code,
            attempts: outcome.attempts,
            inspection: outcome.inspection.map(Inspection::from),
            tool_decisions: outcome.tool_decisions.into_iter().map(Decision::from).collect(),
            usage: outcome
                .usage
                .map(|u| Usage { prompt_tokens: u.prompt_tokens, completion_tokens: u.completion_tokens }),
            charge: outcome.charge.map(|c| Charge {
                tokens: c.tokens,
                reserved: c.reserved,
                money: c.money,
                counted: c.counted,
                reached: c.reached,
            }),
            bytes_in: outcome.bytes_in,
            bytes_out: outcome.bytes_out,
            first_byte_us: outcome.first_byte_us,
        }
    }
}

impl From<stockade_domain::DecisionRecord> for Decision {
    fn from(decision: stockade_domain::DecisionRecord) -> Self {
        Self {
            effect: decision.effect,
            policies: decision.policies,
            policy_hash: decision.policy_hash,
            reasons: decision.reasons,
            obligations: decision.obligations,
            label: decision.asked.as_ref().map(|asked| asked.label.to_string()),
            label_from: decision.asked.iter().flat_map(|asked| asked.label_from.iter().cloned()).collect(),
            trial: decision.trial.map(|trial| Trial {
                policies: trial.policies,
                effect: trial.effect,
                reasons: trial.reasons,
            }),
        }
    }
}

impl From<stockade_domain::Inspection> for Inspection {
    fn from(seen: stockade_domain::Inspection) -> Self {
        let detector = |run: stockade_domain::DetectorRun| Detector {
            detector: run.detector,
            spans: run.spans,
            bytes: run.bytes,
        };
        let finding = |f: stockade_domain::FindingRecord| Finding {
            rule: f.rule,
            kind: f.kind,
            channel: f.channel,
            path: f.path,
            start: f.start,
            end: f.end,
            handling: f.handling,
        };
        Self {
            channels: seen.channels,
            ran: seen.ran.into_iter().map(detector).collect(),
            incomplete: seen.incomplete,
            findings: seen.findings.into_iter().map(finding).collect(),
            counts: seen.counts,
            restored: seen.restored,
        }
    }
}
