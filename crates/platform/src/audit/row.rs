//! From ledger entries to a line of the request index.

use std::collections::BTreeMap;

use stockade_domain::{Effect, Handling, Inspection, Intent, Outcome};
use stockade_store::RequestRow;

/// Counts in a row that are no findings. The names are stored, so they never change.
pub(crate) const REDACTED: &str = "redacted";
/// 1 when a stream was asked for.
pub(crate) const STREAM: &str = "stream";
/// 1 when the request was refused before a decision; the effect then says nothing.
pub(crate) const UNDECIDED: &str = "undecided";
/// 1 when the process ended before the request did.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// The row of a request that has begun.
pub(super) fn begun(intent: &Intent) -> RequestRow {
    let mut counts = BTreeMap::new();
    add(&mut counts, &intent.inspection);
    if intent.stream {
        counts.insert(STREAM.to_owned(), 1);
    }
    RequestRow {
        id: intent.request,
        time: intent.time,
        workload: intent.caller.workload,
        key: intent.caller.key,
        surface: intent.surface.clone(),
        model: intent.model.clone(),
        upstream: String::new(),
        effect: intent.decision.effect,
        status: 0,
        end: None,
        counts,
        intent_index: None,
        outcome_index: None,
        duration_us: 0,
    }
}

/// The row of a request that has ended; `None` when nobody knows whose it was.
pub(super) fn ended(intent: Option<RequestRow>, outcome: &Outcome) -> Option<RequestRow> {
    let mut row = match intent {
        Some(row) => row,
        None => refused(outcome)?,
    };
    row.upstream = outcome.attempts.last().cloned().unwrap_or_default();
    row.status = outcome.status;
    row.end = Some(outcome.end);
    row.duration_us = outcome.duration_us;
    if let Some(inspection) = &outcome.inspection {
        add(&mut row.counts, inspection);
    }
    Some(row)
}

/// A request that never came to a decision.
fn refused(outcome: &Outcome) -> Option<RequestRow> {
    let caller = outcome.caller.as_ref()?;
    let begun = outcome.time.as_i64().saturating_sub(i64::try_from(outcome.duration_us).unwrap_or(0));
    Some(RequestRow {
        id: outcome.request,
        time: stockade_domain::Micros::from_i64(begun),
        workload: caller.workload,
        key: caller.key,
        surface: String::new(),
        model: String::new(),
        upstream: String::new(),
        effect: Effect::Deny,
        status: 0,
        end: None,
        counts: BTreeMap::from([(UNDECIDED.to_owned(), 1)]),
        intent_index: None,
        outcome_index: None,
        duration_us: 0,
    })
}

fn add(counts: &mut BTreeMap<String, u64>, inspection: &Inspection) {
    for (kind, count) in &inspection.counts {
        let sum = counts.entry(kind.as_str().to_owned()).or_default();
        *sum = sum.saturating_add(*count);
    }
    let replaced = |h| matches!(h, Handling::Redacted | Handling::Pseudonymised);
    let redacted = inspection.findings.iter().filter(|f| replaced(f.handling)).count();
    if redacted > 0 {
        let sum = counts.entry(REDACTED.to_owned()).or_default();
        *sum = sum.saturating_add(u64::try_from(redacted).unwrap_or(0));
    }
}

/// The row of a request as far as its entries tell; `None` when they do not say whose it was.
pub(crate) fn of(intent: Option<&Intent>, outcome: Option<&Outcome>) -> Option<RequestRow> {
    let row = intent.map(begun);
    match outcome {
        Some(outcome) => ended(row, outcome),
        None => row,
    }
}
