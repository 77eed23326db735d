//! Things to store.

use std::collections::BTreeMap;

use stockade_domain::{
    Audience, Effect, EndReason, Exposure, KeyId, Label, Micros, RequestId, TenantId, Workload, WorkloadId,
};
use stockade_store::{ApiKey, LabelMark, LabelledText, RequestRow, UsageCounter};

pub(crate) const NOW: Micros = Micros::from_i64(1_795_176_000_000_000);

pub(crate) fn at(seconds: i64) -> Micros {
    Micros::from_i64(NOW.as_i64() + seconds * 1_000_000)
}

pub(crate) fn workload(name: &str) -> Workload {
    let seed = name.bytes().fold(0_u8, u8::wrapping_add);
    Workload {
        id: WorkloadId::new(NOW, [seed; 10]),
        tenant: TenantId::default(),
        name: name.parse().unwrap(),
        audience: Audience::Named,
        exposure: Exposure::Internal,
        owner: "ann, \"the owner\"; Ωμέγα".to_owned(),
        label: Label::new("confidential"),
        models: vec!["gpt".to_owned(), "sand*".to_owned()],
        tools: vec![],
        traits: vec!["allows_opaque".to_owned()],
    }
}

pub(crate) fn key(number: u8, workload: WorkloadId) -> ApiKey {
    ApiKey {
        id: KeyId::new(at(i64::from(number)), [number; 10]),
        short_id: format!("short{number:05}"),
        mac: "ab".repeat(32),
        ring_version: 3,
        workload,
        note: "for tests".to_owned(),
        created: NOW,
        expires: Some(at(3_600)),
        revoked: None,
        last_used: None,
    }
}

pub(crate) fn request(second: i64, workload: WorkloadId) -> RequestRow {
    RequestRow {
        id: RequestId::new(at(second), [7; 10]),
        time: at(second),
        workload,
        key: Some(KeyId::new(NOW, [1; 10])),
        surface: "openai.chat".to_owned(),
        model: "gpt".to_owned(),
        upstream: String::new(),
        effect: if second % 2 == 0 { Effect::Permit } else { Effect::Deny },
        status: if second % 2 == 0 { 200 } else { 403 },
        end: Some(if second % 2 == 0 { EndReason::Completed } else { EndReason::Denied }),
        counts: BTreeMap::from([("secret".to_owned(), 2)]),
        intent_index: Some(u64::try_from(second).unwrap()),
        outcome_index: None,
        duration_us: 1_234,
    }
}

pub(crate) fn counter(limit: &str) -> UsageCounter {
    UsageCounter {
        limit: limit.to_owned(),
        measure: "tokens".to_owned(),
        window: "day".to_owned(),
        subject: "all".to_owned(),
        state: Some("{}".to_owned()),
    }
}

pub(crate) fn text(name: &str) -> LabelledText {
    LabelledText {
        id: "ab".repeat(16),
        name: name.to_owned(),
        label: "confidential".to_owned(),
        paragraphs: 1,
        prints: "[[1,2]]".to_owned(),
        created: NOW,
    }
}

pub(crate) fn mark(kind: &str) -> LabelMark {
    LabelMark {
        kind: kind.to_owned(),
        digest: "cd".repeat(16),
        mark: Some(("confidential".to_owned(), at(3_600))),
    }
}
