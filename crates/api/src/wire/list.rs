//! The list of requests.

use std::collections::BTreeMap;

use serde::Serialize;
use stockade_domain::{Effect, FindingKind};
use utoipa::ToSchema;

use super::words;

/// A page of requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestPage {
    /// The requests.
    pub requests: Vec<RequestRow>,
    /// The value of `before` for the next (older) page; absent on the last.
    pub next: Option<String>,
}

/// One request in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestRow {
    /// Its id, `req_` and 26 characters.
    pub id: String,
    /// When its first byte arrived (RFC 3339, UTC, microseconds).
    pub time: String,
    /// The workload's name.
    pub workload: String,
    /// The model that was asked for, as the client wrote it.
    pub model: String,
    /// Surface, for example `openai.chat`.
    pub surface: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The decision; absent when it was refused before one was made.
    #[schema(schema_with = words::effect_or_null)]
    pub effect: Option<Effect>,
    /// Where it stands.
    #[schema(schema_with = words::ending)]
    pub end: &'static str,
    /// The HTTP status that the client got; 0 when it got none, or none yet.
    pub status: u16,
    /// Findings of both directions.
    #[schema(schema_with = words::counts_by_kind)]
    pub findings: BTreeMap<FindingKind, u64>,
    /// How many of them were replaced by a mark or a pseudonym.
    pub redactions: u64,
    /// Microseconds from the first byte to the end; 0 while it is under way.
    pub duration_us: u64,
    /// The ledger index of the entry before the answer.
    pub intent: Option<u64>,
    /// The ledger index of the entry at the end.
    pub outcome: Option<u64>,
}

impl From<stockade_views::Page<stockade_views::RequestRow>> for RequestPage {
    fn from(page: stockade_views::Page<stockade_views::RequestRow>) -> Self {
        Self {
            requests: page.rows.into_iter().map(RequestRow::from).collect(),
            next: page.next.map(|id| id.to_string()),
        }
    }
}

impl From<stockade_views::RequestRow> for RequestRow {
    fn from(row: stockade_views::RequestRow) -> Self {
        Self {
            id: row.id.to_string(),
            time: row.time.to_string(),
            workload: row.workload,
            model: row.model,
            surface: row.surface,
            stream: row.stream,
            effect: row.effect,
            end: row.end.as_str(),
            status: row.status,
            findings: row.findings,
            redactions: row.redactions,
            duration_us: row.duration_us,
            intent: row.intent,
            outcome: row.outcome,
        }
    }
}
