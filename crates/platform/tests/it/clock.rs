//! A clock that jumps, behind the whole gateway: answers stay right, records stay whole, keys fail closed.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use stockade_authz::{Engine as PolicyEngine, Model, Pdp, PolicySet, Rules};
use stockade_crypto::{MacKey, SystemRandom};
use stockade_domain::{Label, LabelOrder, RequestId};
use stockade_egress::{Egress, EgressOptions, Target, TargetId};
use stockade_gateway::limits::Limits;
use stockade_gateway::ports::{Apis, Catalog, CatalogEntry};
use stockade_gateway::{Gateway, Hosts, Leaks, Options, Parts, Phase, Sandbox};
use stockade_inspect::leak::{Canaries, GuardRules, LinkHosts};
use stockade_inspect::{Engine, Pseudonymiser};
use stockade_platform::Platform;
use stockade_rulebook::Rulebook;
use stockade_views::{RequestFilter, Views as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::Place;

/// The gateway over a platform, with the sandbox model.
fn parts(place: &Place, platform: &Platform) -> Parts {
    let (egress, minter) = Egress::new(EgressOptions::default()).unwrap();
    let policies = PolicySet::load(stockade_rules::POLICIES).unwrap();
    let rules = Rules { engine: PolicyEngine::new(policies).unwrap(), labels: LabelOrder::default() };
    let entry = CatalogEntry {
        models: vec!["sandbox".to_owned()],
        model: Model {
            name: String::new(),
            upstream: "sandbox".to_owned(),
            region: None,
            sandbox: true,
            observe: false,
            label_max: Label::default(),
        },
        target: Arc::new(Target::local(TargetId::new("sandbox"), Arc::new(Sandbox))),
        apis: Apis { chat: true, ..Apis::NONE },
    };
    Parts {
        keys: platform.roster.directory(),
        tokens: Arc::new(stockade_gateway::ports::NoIssuers),
        audit: Arc::new(platform.recorder()),
        pdp: Arc::new(Pdp::new(rules, minter)),
        engine: Arc::new(ArcSwap::from_pointee(Engine::new(&Rulebook::new(stockade_rules::FILES)).unwrap())),
        leaks: Leaks {
            rules: GuardRules::default(),
            canaries: Canaries::new(MacKey::new(&[3; 32])),
            hosts: Arc::new(ArcSwap::from_pointee(LinkHosts::default())),
        },
        egress,
        limits: Limits {
            set: Arc::default(),
            ledger: Arc::<stockade_gateway::limits::Meters>::clone(platform.usage.meters()),
        },
        labels: platform.labels.gateway(Arc::default()),
        catalog: Arc::new(ArcSwap::from_pointee(Catalog { entries: vec![entry], routes: Vec::new() })),
        prompts: Arc::<stockade_platform::Roster>::clone(&platform.roster),
        pseudonymiser: Arc::new(Pseudonymiser::new(MacKey::new(&[1; 32]))),
        people: MacKey::new(&[2; 32]),
        tracer: None,
        hosts: Hosts::new([]),
        clock: place.environment().clock,
        random: Arc::new(SystemRandom),
    }
}

/// Status and request id of a chat completion.
async fn chat(address: std::net::SocketAddr, key: &str) -> (u16, RequestId) {
    let body = r#"{"model":"sandbox","messages":[{"role":"user","content":"hello"}]}"#;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let id = answer.split("x-request-id: ").nth(1).unwrap().split("\r\n").next().unwrap();
    (status, id.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_neither_stops_the_gateway_nor_harms_a_record() {
    const DAY: i64 = 86_400;
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap().name;
    let key = |lifetime| platform.roster.create_key(&workload, lifetime, "", "cli").unwrap().text;
    let (lasting, short) = (key(None), key(Some(Duration::from_secs(3_600))));
    let (running, phase) = watch::channel(Phase::Running);
    let gateway = Gateway::new(parts(&place, &platform), Options::default(), phase.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(gateway.serve(listener, None, phase));

    let mut ids = Vec::new();
    // On a step of a second, back an hour, ahead past the short key's end, back before 1970, and home again.
    let mut offset = 0;
    for (to, short_holds) in
        [(0, true), (1, true), (-3_600, true), (7_200, false), (-57 * 366 * DAY, true), (0, true)]
    {
        place.clock.advance(to - offset);
        offset = to;
        for (key, expected) in [(&lasting, 200), (&short, if short_holds { 200 } else { 401 })] {
            let (status, id) = chat(address, key.reveal()).await;
            assert_eq!(status, expected, "at {to} seconds");
            assert!(!ids.contains(&id), "an id came twice");
            if status == 200 {
                ids.push(id);
            }
        }
        platform.journal.ledger().sign_now().unwrap();
    }
    running.send(Phase::Stopping).unwrap();
    served.await.unwrap();

    // The record of how a request ended comes after its answer.
    let ended = |id: &RequestId| platform.journal.ledger().find(*id).unwrap().outcome.is_some();
    for _ in 0..1_000 {
        if ids.iter().all(ended) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let report = platform.journal.ledger().verify(2);
    assert!(report.is_good() && report.open_intents == 0, "{report:?}");
    for id in &ids {
        let places = platform.journal.ledger().find(*id).unwrap();
        assert!(places.intent.is_some() && places.outcome > places.intent, "{id}");
        assert!(platform.views.verify(*id).await.unwrap().passed(), "{id}");
    }
    platform.close().unwrap();
    drop(platform);
    // What a process with such a clock left opens, with all of it in the index.
    let platform = place.open();
    let page = platform.views.requests(RequestFilter::default()).await.unwrap();
    assert_eq!(page.rows.len(), ids.len());
}
