//! Workloads, keys and the ledger, for people who look.

use std::collections::HashMap;
use std::time::Duration;

use stockade_crypto::to_hex;
use stockade_domain::{AuditEvent, Effect, FindingKind, Micros, RequestId, WorkloadId};
use stockade_ledger::Entry;
use stockade_store::Recent;
use stockade_views::{
    KeyRow, KeyStanding, LEDGER_PAGE, LedgerPage, LedgerRow, Overview, ViewError, WorkloadRow,
};

use super::{Inner, Views, unavailable};
use crate::audit::{REDACTED, UNDECIDED};
use crate::error::PlatformError;
use crate::keys::{KeyInfo, KeyState};

/// Requests are counted so far back.
const BACK: Duration = Duration::from_secs(24 * 3_600);

/// The most requests that are counted.
const COUNTED: u32 = 10_000;

impl Views {
    /// Every workload with what it did in the last day. Blocks.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn overview(&self) -> Result<Overview, ViewError> {
        self.0.overview().map_err(unavailable)
    }

    /// The names of the workloads. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn names(&self) -> Result<Vec<String>, ViewError> {
        let workloads = self.0.roster.list_workloads().map_err(unavailable)?;
        Ok(workloads.into_iter().map(|workload| workload.name.to_string()).collect())
    }

    /// Every key. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(&self) -> Result<Vec<KeyRow>, ViewError> {
        Ok(self.0.roster.list_keys().map_err(unavailable)?.into_iter().map(key).collect())
    }

    /// A page of the ledger, newest first, below an index. Blocks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn ledger(&self, before: Option<u64>) -> Result<LedgerPage, ViewError> {
        let ledger = self.0.journal.ledger();
        let end = before.map_or(ledger.size(), |before| before.min(ledger.size()));
        let begin = end.saturating_sub(LEDGER_PAGE);
        let wanted = usize::try_from(end.saturating_sub(begin)).unwrap_or(0);
        let mut entries = ledger
            .export(begin)
            .take(wanted)
            .map(|entry| entry.map(|entry| line(&entry)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(unavailable)?;
        entries.reverse();
        Ok(LedgerPage {
            verifier: ledger.verifier_key(),
            checkpoint: ledger.checkpoint().to_string(),
            entries,
            next: (begin > 0).then_some(begin),
        })
    }
}

impl Inner {
    fn overview(&self) -> Result<Overview, PlatformError> {
        let now = self.roster.clock.now();
        let since = now.minus(BACK);
        let requests = self.store.requests();
        let recent = requests.recent(since, COUNTED)?;
        let counted = recent.iter().map(|some| some.requests).fold(0, u64::saturating_add);
        let capped = counted >= u64::from(COUNTED);
        let mut rows: HashMap<WorkloadId, WorkloadRow> = HashMap::new();
        for workload in self.roster.list_workloads()? {
            let row = WorkloadRow {
                name: workload.name.to_string(),
                audience: word(&workload.audience),
                exposure: word(&workload.exposure),
                owner: workload.owner,
                label: workload.label.to_string(),
                models: workload.models,
                tools: workload.tools,
                ..WorkloadRow::default()
            };
            rows.insert(workload.id, row);
        }
        for key in self.store.keys().list(None)?.iter().filter(|key| key.is_valid(now)) {
            if let Some(row) = rows.get_mut(&key.workload) {
                row.keys = row.keys.saturating_add(1);
            }
        }
        for some in &recent {
            let row = rows.entry(some.workload).or_insert_with(|| WorkloadRow {
                name: self.roster.name_of(some.workload),
                ..WorkloadRow::default()
            });
            count(row, some);
        }
        let mut workloads: Vec<_> = rows.into_values().collect();
        workloads.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Overview { workloads, since, capped })
    }
}

fn count(row: &mut WorkloadRow, some: &Recent) {
    let has = |name: &str| some.counts.get(name).is_some_and(|count| *count > 0);
    let add = |number: &mut u64, is: bool| {
        *number = number.saturating_add(if is { some.requests } else { 0 });
    };
    add(&mut row.seen, true);
    add(&mut row.attacked, has(FindingKind::Injection.as_str()));
    add(&mut row.denied, some.effect == Effect::Deny && !has(UNDECIDED));
    add(&mut row.protected, has(REDACTED));
    row.last = row.last.max(Some(some.last));
}

/// The word that a value has in the API.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn key(info: KeyInfo) -> KeyRow {
    KeyRow {
        id: info.id,
        short_id: info.short_id,
        workload: info.workload,
        note: info.note,
        state: match info.state {
            KeyState::Good => KeyStanding::Good,
            KeyState::Expired => KeyStanding::Expired,
            KeyState::Revoked => KeyStanding::Revoked,
        },
        created: info.created,
        expires: info.expires,
        last_used: info.last_used,
    }
}

fn line(entry: &Entry) -> LedgerRow {
    let said = |kind, time: Micros, request: Option<RequestId>, text: String| LedgerRow {
        index: entry.index,
        time: Some(time),
        kind,
        request,
        text,
        leaf: to_hex(&entry.leaf()),
    };
    match entry.event() {
        Some(AuditEvent::Intent(intent)) => {
            let why = if intent.decision.reasons.is_empty() {
                &intent.decision.policies
            } else {
                &intent.decision.reasons
            };
            let text = format!("{} {}: {}", word(&intent.decision.effect), intent.model, why.join(", "));
            said("intent", intent.time, Some(intent.request), text)
        }
        Some(AuditEvent::Outcome(outcome)) => {
            let code = outcome.code.as_deref().map_or_else(String::new, |code| format!(" ({code})"));
            let text = format!("{} {}{code}", word(&outcome.end), outcome.status);
            said("outcome", outcome.time, Some(outcome.request), text)
        }
        Some(AuditEvent::Interrupted(cut)) => said(
            "interrupted",
            cut.time,
            Some(cut.request),
            "the process ended before the request did".to_owned(),
        ),
        Some(AuditEvent::Rejections(rejections)) => {
            let counts: Vec<_> =
                rejections.counts.iter().map(|one| format!("{} x {}", one.count, one.code)).collect();
            said("refused", rejections.to, None, counts.join(", "))
        }
        Some(AuditEvent::Admin { time, action, actor, detail }) => {
            let detail: Vec<_> = detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
            said("admin", time, None, format!("{action} by {actor} {}", detail.join(" ")))
        }
        None => LedgerRow {
            index: entry.index,
            time: None,
            kind: "unknown",
            request: None,
            text: "of a form that this version does not know".to_owned(),
            leaf: to_hex(&entry.leaf()),
        },
    }
}
