use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use stockade_domain::{
    Action, AuditEvent, CallerRecord, CredentialKind, DecisionRecord, Direction, Effect, EndReason,
    FindingKind, Inspection, Intent, IntentMode, KeyId, Micros, Outcome, RequestId, Workload,
};
use stockade_egress::evidence::AuditSink as _;
use stockade_platform::Platform;
use stockade_views::{CheckResult, Ending, Mark, PayloadView, Reader, RequestFilter, Views as _};

use crate::support::Place;

fn intent(request: RequestId, workload: &Workload) -> AuditEvent {
    AuditEvent::Intent(Box::new(Intent {
        request,
        time: Micros::from_i64(1_795_176_000_000_000),
        caller: caller(workload),
        action: Action::Invoke,
        surface: "openai.chat".to_owned(),
        model: "sandbox".to_owned(),
        targets: vec!["sandbox".to_owned()],
        stream: true,
        mode: IntentMode::Overlap,
        decision: DecisionRecord {
            effect: Effect::Permit,
            policies: vec!["invoke-listed-models".to_owned()],
            policy_hash: "00".to_owned(),
            reasons: Vec::new(),
            obligations: Vec::new(),
            asked: None,
            trial: None,
        },
        inspection: Inspection {
            direction: Direction::Request,
            channels: BTreeMap::new(),
            ran: Vec::new(),
            incomplete: Vec::new(),
            findings: Vec::new(),
            counts: BTreeMap::from([(FindingKind::Pii, 2)]),
            restored: 0,
        },
    }))
}

fn caller(workload: &Workload) -> CallerRecord {
    CallerRecord {
        workload: workload.id,
        key: Some(KeyId::new(Micros::from_i64(1), [7; 10])),
        credential: CredentialKind::ApiKey,
        token: None,
        certificate: None,
        user_proof: None,
        user: None,
        chain: Vec::new(),
    }
}

fn outcome(request: RequestId, caller: Option<CallerRecord>, end: EndReason) -> AuditEvent {
    AuditEvent::Outcome(Box::new(Outcome {
        request,
        time: Micros::from_i64(1_795_176_001_000_000),
        end,
        code: None,
        status: 200,
        attempts: vec!["sandbox".to_owned()],
        caller,
        inspection: None,
        tool_decisions: Vec::new(),
        usage: None,
        charge: None,
        bytes_in: 10,
        bytes_out: 20,
        first_byte_us: 100,
        duration_us: 1_000_000,
    }))
}

fn id(n: u8) -> RequestId {
    RequestId::new(Micros::from_i64(1_795_176_000_000_000 + i64::from(n) * 1_000), [n; 10])
}

const PAYLOAD: &[u8] = br#"{"about":null,"truncated":false,"spans":[{"channel":"content","role":"user",
    "path":"/messages/0/content","pieces":[{"mark":"plain","text":"hello"},{"mark":"redacted","ty":"email"}]}]}"#;

async fn list(platform: &Platform, filter: RequestFilter) -> Vec<(RequestId, Ending)> {
    platform.views.requests(filter).await.unwrap().rows.into_iter().map(|row| (row.id, row.end)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_seen_while_it_runs_when_it_ended_and_after_a_restart() {
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap();
    let sink = platform.recorder();
    let mut live = platform.views.live();

    let mut slot = sink.reserve(id(1)).unwrap();
    slot.append(intent(id(1), &workload), Some(PAYLOAD.to_vec())).await.unwrap();
    assert_eq!(list(&platform, RequestFilter::default()).await, [(id(1), Ending::Open)]);
    assert_eq!(live.next().await.unwrap().end, Ending::Open);
    slot.append(outcome(id(1), None, EndReason::Completed), None).await.unwrap();
    let row = live.next().await.unwrap();
    assert_eq!((row.end, row.workload.as_str()), (Ending::Ended(EndReason::Completed), "playground"));
    assert_eq!((row.findings.get(&FindingKind::Pii), row.stream), (Some(&2), true));
    drop(slot);

    // One whose body could not be read has no intent; one is still under way when the process ends.
    let mut slot = sink.reserve(id(2)).unwrap();
    slot.append(outcome(id(2), Some(caller(&workload)), EndReason::Refused), None).await.unwrap();
    drop(slot);
    let mut slot = sink.reserve(id(3)).unwrap();
    slot.append(intent(id(3), &workload), None).await.unwrap();
    platform.close().unwrap();
    drop((slot, sink, live, platform));

    let platform = place.open();
    platform.close().unwrap();
    drop(platform);
    let platform = place.open();
    let all = list(&platform, RequestFilter::default()).await;
    let expected = [
        (id(3), Ending::Interrupted),
        (id(2), Ending::Ended(EndReason::Refused)),
        (id(1), Ending::Ended(EndReason::Completed)),
    ];
    assert_eq!(all, expected);
    let filter = RequestFilter { end: Some(Ending::Interrupted), ..RequestFilter::default() };
    assert_eq!(list(&platform, filter).await, [(id(3), Ending::Interrupted)]);
    let filter = RequestFilter { before: Some(id(2)), ..RequestFilter::default() };
    assert_eq!(list(&platform, filter).await, [(id(1), Ending::Ended(EndReason::Completed))]);
    let filter = RequestFilter { workload: Some("other".to_owned()), ..RequestFilter::default() };
    assert!(list(&platform, filter).await.is_empty());
    let page = platform.views.requests(RequestFilter { limit: 2, ..RequestFilter::default() }).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (2, Some(id(2))));
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_text_is_recorded_and_erasing_it_keeps_the_proof() {
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap();
    let mut slot = platform.recorder().reserve(id(1)).unwrap();
    let index = slot.append(intent(id(1), &workload), Some(PAYLOAD.to_vec())).await.unwrap();
    slot.append(outcome(id(1), None, EndReason::Completed), None).await.unwrap();

    let size = platform.journal.ledger().size();
    let detail = platform.views.request(id(1), Reader::console()).await.unwrap().unwrap();
    let PayloadView::Recorded { spans, cut: false } = detail.request else { panic!("the text is not there") };
    assert_eq!(spans[0].pieces[1].mark, Mark::Redacted("email".to_owned()));
    let entry = platform.journal.ledger().entry(size).unwrap().unwrap();
    let Some(AuditEvent::Admin { action, .. }) = entry.event() else { panic!("the look was not recorded") };
    assert_eq!(action, "payload.view");

    let verified = platform.views.verify(id(1)).await.unwrap();
    assert!(verified.passed(), "{verified:?}");
    platform.journal.ledger().erase(index, "cli").unwrap();
    let verified = platform.views.verify(id(1)).await.unwrap();
    assert!(verified.passed() && verified.steps.iter().any(|s| s.result == CheckResult::Erased));
    assert_eq!(
        platform.views.request(id(1), Reader::console()).await.unwrap().unwrap().request,
        PayloadView::Erased
    );
    assert!(platform.views.request(id(9), Reader::console()).await.unwrap().is_none());
    assert!(!platform.views.proof(id(1)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_counted_and_text_is_recorded_only_where_wanted() {
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap();
    let sink = Arc::new(platform.recorder());
    let before = platform.journal.ledger().size();
    for _ in 0..1_000 {
        sink.rejected("invalid_api_key");
    }
    platform.journal.write_rejections().unwrap();
    platform.journal.write_rejections().unwrap();
    assert_eq!(platform.journal.ledger().size(), before + 1);
    assert_eq!(platform.journal.counts().rejected, 1_000);

    platform.journal.record_payloads(false);
    let mut slot = sink.reserve(id(1)).unwrap();
    slot.append(intent(id(1), &workload), Some(PAYLOAD.to_vec())).await.unwrap();
    let detail = platform.views.request(id(1), Reader::console()).await.unwrap().unwrap();
    assert_eq!(detail.request, PayloadView::None);
    assert_eq!(platform.enforce_retention(Duration::from_secs(1)).unwrap(), 0);
}
