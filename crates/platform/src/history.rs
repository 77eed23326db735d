//! What was decided before, read back from the ledger: for policies that are to be tried on it, and for what was never used.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stockade_domain::{Action, AuditEvent, CallerRecord, DecisionRecord, Micros, RequestId};

use crate::error::PlatformError;
use crate::platform::Platform;

/// A request as it was decided.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    /// The request.
    pub request: RequestId,
    /// When.
    pub time: Micros,
    /// Who asked.
    pub caller: CallerRecord,
    /// What for.
    pub action: Action,
    /// The model; empty where there is none.
    pub model: String,
    /// Its upstream; empty where there is none.
    pub upstream: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The decision, with what it was made on.
    pub decision: DecisionRecord,
}

/// A part of what was decided, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DecidedPage {
    /// Requests.
    pub rows: Vec<Decided>,
    /// Tool calls of answers that were decided meanwhile.
    pub tool_calls: u64,
    /// Where the next, older part begins; `None` when there is none.
    pub next: Option<u64>,
}

/// Which policies had a say, and how often.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PolicyUse {
    /// The oldest decision that was looked at.
    pub from: Option<Micros>,
    /// Decisions.
    pub decisions: u64,
    /// Policies that decided, by id.
    pub decided: BTreeMap<String, u64>,
    /// Policies that are only observed and would have had a say, by id.
    pub observed: BTreeMap<String, u64>,
}

/// Requests of one page, and entries that are read for it.
const PAGE: usize = 200;
const READ: u64 = 20_000;

impl Platform {
    /// What was decided, newest first, from below an entry on and not before a time. Blocks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn decided(&self, below: Option<u64>, since: Option<Micros>) -> Result<DecidedPage, PlatformError> {
        let ledger = self.journal.ledger();
        let mut at = below.unwrap_or_else(|| ledger.size()).min(ledger.size());
        let lowest = at.saturating_sub(READ);
        let mut page = DecidedPage { rows: Vec::new(), tool_calls: 0, next: None };
        while at > lowest && page.rows.len() < PAGE {
            at = at.saturating_sub(1);
            match ledger.entry(at)?.and_then(|entry| entry.event()) {
                Some(AuditEvent::Intent(intent)) => {
                    if since.is_some_and(|since| intent.time < since) {
                        return Ok(page);
                    }
                    page.rows.push(Decided {
                        request: intent.request,
                        time: intent.time,
                        caller: intent.caller,
                        action: intent.action,
                        model: intent.model,
                        upstream: intent.targets.into_iter().next().unwrap_or_default(),
                        stream: intent.stream,
                        decision: intent.decision,
                    });
                }
                Some(AuditEvent::Outcome(outcome)) => {
                    let calls = u64::try_from(outcome.tool_decisions.len()).unwrap_or(u64::MAX);
                    page.tool_calls = page.tool_calls.saturating_add(calls);
                }
                _ => {}
            }
        }
        page.next = Some(at).filter(|at| *at > 0);
        Ok(page)
    }

    /// Which policies had a say since a time. Reads the whole ledger from there on. Blocks.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn policy_use(&self, since: Option<Micros>) -> Result<PolicyUse, PlatformError> {
        let ledger = self.journal.ledger();
        let mut used = PolicyUse::default();
        for index in (0..ledger.size()).rev() {
            let Some(event) = ledger.entry(index)?.and_then(|entry| entry.event()) else { continue };
            let (time, decisions) = match event {
                AuditEvent::Intent(intent) => (intent.time, vec![intent.decision]),
                AuditEvent::Outcome(outcome) => (outcome.time, outcome.tool_decisions),
                _ => continue,
            };
            if since.is_some_and(|since| time < since) {
                break;
            }
            for decision in decisions {
                used.from = Some(time);
                used.decisions = used.decisions.saturating_add(1);
                let trial = decision.trial.map(|trial| trial.policies).unwrap_or_default();
                for (ids, counts) in [(decision.policies, &mut used.decided), (trial, &mut used.observed)] {
                    for id in ids {
                        let count = counts.entry(id).or_default();
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        Ok(used)
    }
}
