//! What a trace says, and what happens to it when nobody takes it.

use std::sync::atomic::{AtomicI64, Ordering};

use http::HeaderValue;
use stockade_crypto::SystemRandom;
use stockade_domain::{EndReason, Usage};
use stockade_egress::SystemTarget;

use super::otlp::{Resource, encode};
use super::spans::{Kind, Value};
use super::*;

struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Micros {
        Micros::from_i64(self.0.load(Ordering::Relaxed))
    }
}

fn tracer(percent: u8) -> (Arc<Tracer>, Exporter) {
    let exporter = ExporterOptions {
        target: SystemTarget::new("http://127.0.0.1:1/v1/traces").unwrap(),
        fields: Vec::new(),
        service: "stockade".to_owned(),
        version: "0",
    };
    let clock = Arc::new(Still(AtomicI64::new(1_000_000)));
    Tracer::new(TraceOptions { percent, propagates: true }, exporter, Arc::new(SystemRandom), clock)
}

fn id(n: u8) -> RequestId {
    RequestId::new(Micros::from_i64(0), [n; 10])
}

fn outcome(request: RequestId) -> Outcome {
    Outcome {
        request,
        time: Micros::from_i64(0),
        end: EndReason::UpstreamFailed,
        code: Some("upstream_failed".to_owned()),
        status: 502,
        attempts: vec!["one".to_owned()],
        caller: None,
        inspection: None,
        tool_decisions: Vec::new(),
        usage: Some(Usage { prompt_tokens: 7, completion_tokens: 3, cached_tokens: 0 }),
        charge: None,
        bytes_in: 0,
        bytes_out: 0,
        first_byte_us: 0,
        duration_us: 900,
    }
}

fn under(parent: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), HeaderValue::from_static(parent))])
}

#[test]
fn a_request_goes_on_with_the_trace_it_came_in() {
    let (tracer, mut exporter) = tracer(0);
    tracer.begin(id(1), &under("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    let told = tracer.outgoing(id(1)).unwrap();
    assert!(told.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && told.ends_with("-01"));
    tracer.step(id(1), Stage::Inspect, Instant::now());
    tracer.step(id(1), Stage::Upstream, Instant::now());
    tracer.ended(&outcome(id(1)));
    let spans = exporter.next().unwrap();
    let names: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span.kind, span.failed)).collect();
    let expected = [
        ("request", Kind::Server, true),
        ("inspect", Kind::Internal, false),
        ("upstream", Kind::Client, true),
    ];
    assert_eq!(names, expected);
    let root = spans.first().unwrap();
    assert_eq!(root.parent, Some(0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()));
    assert!(spans.iter().skip(1).all(|span| span.parent == Some(root.id) && span.trace == root.trace));
    assert!(root.attributes.contains(&("gen_ai.usage.input_tokens", Value::Count(7))));
    assert!(root.attributes.contains(&("error.type", Value::Text("upstream_failed".to_owned()))));
    assert_eq!((root.start, root.end), (1_000_000, 1_000_900));
    let resource = Resource { service: "stockade".to_owned(), version: "0" };
    assert!(encode(&resource, &spans).starts_with(&[0x0a]));
}

#[test]
fn who_is_not_sampled_has_no_trace() {
    let (tracer, mut exporter) = tracer(0);
    tracer.begin(id(1), &HeaderMap::new());
    tracer.begin(id(2), &under("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
    for request in [id(1), id(2)] {
        assert!(!tracer.has(request) && tracer.outgoing(request).is_none());
        tracer.ended(&outcome(request));
    }
    assert!(exporter.next().is_none());
}

#[test]
fn when_nobody_takes_traces_they_are_dropped_and_counted() {
    let (tracer, _exporter) = tracer(100);
    for n in 0..2_100_u32 {
        let mut tail = [0; 10];
        tail[..4].copy_from_slice(&n.to_be_bytes());
        let request = RequestId::new(Micros::from_i64(0), tail);
        tracer.begin(request, &HeaderMap::new());
        tracer.ended(&outcome(request));
    }
    assert_eq!(tracer.counts(), [("exported", 0), ("dropped", 52), ("failed", 0)]);
    assert!(tracer.drafts.lock().is_empty());
}
