//! Lines of the list: the index's, with what is still under way on top.

use std::collections::BTreeMap;

use stockade_domain::{Effect, FindingKind, Intent, Outcome, TenantId};
use stockade_ledger::Places;
use stockade_store::RequestFilter as StoreFilter;
use stockade_store::RequestRow as Stored;
use stockade_views::{Ending, Page, RequestFilter, RequestRow};

use super::Inner;
use crate::audit::{self, INTERRUPTED, REDACTED, STREAM, UNDECIDED};
use crate::error::PlatformError;
use crate::roster::Roster;

/// How many rows of the index are looked at for one page, where the index cannot filter by itself.
const MAX_LOOKED_AT: usize = 5_000;

/// A page, newest first.
pub(super) fn page(inner: &Inner, filter: &RequestFilter) -> Result<Page<RequestRow>, PlatformError> {
    let Some(asked) = store_filter(inner, filter)? else {
        return Ok(Page { rows: Vec::new(), next: None });
    };
    let size = filter.page_size();
    let older = |row: &RequestRow| filter.before.is_none_or(|before| row.id < before);
    let open = inner.journal.feed().open().into_iter().map(|row| view(&inner.roster, &row));
    let mut rows: Vec<RequestRow> = open.filter(|row| filter.admits(row) && older(row)).collect();
    if filter.end != Some(Ending::Open) {
        rows.extend(ended(inner, filter, asked, size.saturating_add(1))?);
    }
    // One that ended between the two looks is there twice: the later state stays.
    rows.sort_by(|a, b| b.id.cmp(&a.id).then(b.outcome.cmp(&a.outcome)));
    rows.dedup_by(|later, earlier| later.id == earlier.id);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = if more { rows.last().map(|row| row.id) } else { None };
    Ok(Page { rows, next })
}

/// Rows of the index that the filter admits, at most `wanted`.
fn ended(
    inner: &Inner,
    filter: &RequestFilter,
    mut asked: StoreFilter,
    wanted: usize,
) -> Result<Vec<RequestRow>, PlatformError> {
    let batch = u32::try_from(wanted.max(100)).unwrap_or(100);
    let mut rows = Vec::new();
    let mut looked_at = 0_usize;
    loop {
        let found = inner.store.requests().list(&asked, batch)?;
        let last = found.last().map(|row| row.id);
        let all = found.len() < usize::try_from(batch).unwrap_or(usize::MAX);
        looked_at = looked_at.saturating_add(found.len());
        rows.extend(found.iter().map(|row| view(&inner.roster, row)).filter(|row| filter.admits(row)));
        if rows.len() >= wanted || all || looked_at >= MAX_LOOKED_AT {
            rows.truncate(wanted);
            return Ok(rows);
        }
        asked.before = last;
    }
}

/// What the index can filter by; `None` when nothing can fit.
fn store_filter(inner: &Inner, filter: &RequestFilter) -> Result<Option<StoreFilter>, PlatformError> {
    let mut out = StoreFilter { effect: filter.effect, before: filter.before, ..StoreFilter::default() };
    if let Some(name) = &filter.workload {
        let Ok(name) = name.parse() else { return Ok(None) };
        match inner.store.workloads().by_name(&TenantId::default(), &name)? {
            Some(found) => out.workload = Some(found.workload.id),
            None => return Ok(None),
        }
    }
    if let Some(Ending::Ended(reason)) = filter.end {
        out.end = Some(reason);
    }
    Ok(Some(out))
}

/// A row as people see it.
pub(super) fn view(roster: &Roster, row: &Stored) -> RequestRow {
    let has = |name: &str| row.counts.contains_key(name);
    let end = match row.end {
        Some(reason) => Ending::Ended(reason),
        None if has(INTERRUPTED) => Ending::Interrupted,
        None => Ending::Open,
    };
    let kinds = [FindingKind::Pii, FindingKind::Secret, FindingKind::Injection, FindingKind::Leak];
    let count = |kind: FindingKind| row.counts.get(kind.as_str()).map(|n| (kind, *n)).filter(|(_, n)| *n > 0);
    RequestRow {
        id: row.id,
        time: row.time,
        workload: roster.name_of(row.workload),
        model: row.model.clone(),
        surface: row.surface.clone(),
        stream: has(STREAM),
        effect: (!has(UNDECIDED)).then_some(row.effect),
        end,
        status: row.status,
        findings: kinds.into_iter().filter_map(count).collect::<BTreeMap<_, _>>(),
        redactions: row.counts.get(REDACTED).copied().unwrap_or(0),
        duration_us: row.duration_us,
        intent: row.intent_index,
        outcome: row.outcome_index,
    }
}

/// The row of a request that is not in the index, from its entries.
pub(super) fn from_entries(
    roster: &Roster,
    intent: Option<&Intent>,
    outcome: Option<&Outcome>,
    interrupted: bool,
    places: Places,
) -> Option<RequestRow> {
    let row = audit::row_of(intent, outcome)?;
    let mut row = view(roster, &row);
    if interrupted {
        row.end = Ending::Interrupted;
    }
    row.effect = intent.map(|intent| -> Effect { intent.decision.effect });
    (row.intent, row.outcome) = (places.intent, places.outcome);
    Some(row)
}
