//! An installation that does not change, its texts hostile where they come from outside.

use futures_util::future::BoxFuture;
use stockade_domain::{DecisionRecord, Effect, KeyId, Micros, Obligation};
use stockade_views::{
    Installation, KeyRow, KeyStanding, LedgerPage, LedgerRow, Overview, PolicyRow, PolicySheet, Question,
    ViewError, WorkloadRow,
};

use super::{HOSTILE, START, Sample, details};

fn ready<'a, T: Send + 'a>(value: Result<T, ViewError>) -> BoxFuture<'a, Result<T, ViewError>> {
    Box::pin(async move { value })
}

impl Installation for Sample {
    fn overview(&self) -> BoxFuture<'_, Result<Overview, ViewError>> {
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let base = WorkloadRow {
            name: "invoice-agent".to_owned(),
            audience: "employees".to_owned(),
            exposure: "internal".to_owned(),
            owner: format!("finance {HOSTILE}"),
            label: "confidential".to_owned(),
            models: words(&["gpt-4.1", "claude-sonnet-5"]),
            tools: words(&["*"]),
            keys: 2,
            seen: 1_204,
            attacked: 7,
            denied: 5,
            protected: 311,
            last: Some(Micros::from_i64(START)),
        };
        let idle = WorkloadRow { name: "nightly-evaluation".to_owned(), keys: 1, ..WorkloadRow::default() };
        let workloads = if self.is_empty() { vec![idle] } else { vec![base, idle] };
        ready(Ok(Overview {
            workloads,
            since: Micros::from_i64(START - 86_400_000_000),
            capped: !self.is_empty(),
        }))
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, ViewError>> {
        ready(Ok(["invoice-agent", "nightly-evaluation"].map(str::to_owned).into()))
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<KeyRow>, ViewError>> {
        let key = |n: u8, state| KeyRow {
            id: KeyId::new(Micros::from_i64(START), [n; 10]),
            short_id: format!("k3yIdent0{n}"),
            workload: "invoice-agent".to_owned(),
            note: format!("for the pilot {HOSTILE}"),
            state,
            created: Micros::from_i64(START + i64::from(n)),
            expires: (n > 1).then(|| Micros::from_i64(START + 86_400_000_000)),
            last_used: (n > 0).then(|| Micros::from_i64(START)),
        };
        ready(Ok(vec![
            key(0, KeyStanding::Good),
            key(1, KeyStanding::Good),
            key(2, KeyStanding::Expired),
            key(3, KeyStanding::Revoked),
        ]))
    }

    fn revoke(&self, key: KeyId, _: String) -> BoxFuture<'_, Result<(), ViewError>> {
        let known = key == KeyId::new(Micros::from_i64(START), [1; 10]);
        ready(if known { Ok(()) } else { Err(ViewError::NotFound) })
    }

    fn policies(&self) -> PolicySheet {
        let policy = |id: &str, kind, says: &[&str]| PolicyRow {
            id: id.to_owned(),
            title: "What it is about, in a line".to_owned(),
            why: format!("Because {HOSTILE}"),
            kind,
            says: says.iter().map(|word| (*word).to_owned()).collect(),
            file: "content.cedar".to_owned(),
            line: 12,
            text: format!("@id(\"{id}\")\n{kind} (principal, action, resource);\n// {HOSTILE}"),
        };
        PolicySheet {
            hash: "5f1c9b0e27aa41d3".repeat(4),
            policies: vec![
                policy("workload-models", "permit", &["redact:secret", "waives pseudonymise:pii"]),
                policy("no-injection", "forbid", &["injection"]),
                policy("pii-floor", "floor", &["pseudonymise:pii"]),
            ],
            labels: ["public", "internal", "confidential", "restricted"].map(str::to_owned).into(),
        }
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<DecisionRecord, ViewError>> {
        if question.workload != "invoice-agent" {
            return ready(Err(ViewError::NotFound));
        }
        let [_, _, injection, _] = question.findings;
        let denied = injection > 0;
        ready(Ok(DecisionRecord {
            effect: if denied { Effect::Deny } else { Effect::Permit },
            policies: vec![if denied { "no-injection" } else { "workload-models" }.to_owned()],
            policy_hash: "5f1c9b0e27aa41d3".repeat(4),
            reasons: if denied { vec!["injection".to_owned()] } else { Vec::new() },
            obligations: if denied { Vec::new() } else { vec![Obligation::Redact("secret".to_owned())] },
            asked: None,
            trial: None,
        }))
    }

    fn ledger(&self, before: Option<u64>) -> BoxFuture<'_, Result<LedgerPage, ViewError>> {
        let end = before.unwrap_or(1_204);
        let row = |index: u64| LedgerRow {
            index,
            time: Some(Micros::from_i64(START)),
            kind: if index.is_multiple_of(2) { "intent" } else { "outcome" },
            request: details().first().map(|detail| detail.row.id),
            text: format!("permit {HOSTILE}"),
            leaf: "9c40be1f7d20aa41".repeat(4),
        };
        let begin = end.saturating_sub(if self.is_empty() { 0 } else { 3 });
        ready(Ok(LedgerPage {
            verifier: "stockade/0k7s+8f21c3d0+AcBgQk1Iqv1S4ZpPJYXTmAxYzm0ue7iPpIsCq5QtdXMz".to_owned(),
            checkpoint: "stockade/0k7s\n1204\nnEC+H30gqkHTnEC+H30gqkHTnEC+H30gqkHTnEC+H30=\n\n— stockade/0k7s jyHD0A==".to_owned(),
            entries: (begin..end).rev().map(row).collect(),
            next: (begin > 0 && !self.is_empty()).then_some(begin),
        }))
    }
}
