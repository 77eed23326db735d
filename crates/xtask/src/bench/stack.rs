//! Tiers T1 to T3: the gateway's own stack with parts left out, so that each part's cost can be told from the next.
//!
//! T1 checks the key and reads the body; its one policy permits everything and there are no rules to inspect by. T2 decides
//! by the default policies. T3 also inspects and filters by the built-in rules. None of them writes a record: that is T4,
//! the real server.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use stockade_authz::{Model, Pdp, PolicySet, Rules};
use stockade_crypto::{MacKey, SystemRandom, sha256};
use stockade_domain::{
    Audience, AuditEvent, Caller, Clock, CredentialKind, Exposure, KeyId, Label, LabelOrder, Micros,
    RequestId, TenantId, Workload, WorkloadId,
};
use stockade_egress::evidence::Lease;
use stockade_egress::{Egress, EgressOptions, Target, TargetId};
use stockade_gateway::ports::{
    Apis, AuditSink, AuditSlot, AuthError, Catalog, CatalogEntry, Durable, Grant, KeyDirectory, Payload,
    PromptRegistry, Unavailable,
};
use stockade_gateway::{Gateway, Hosts, Leaks, Options, Parts, Phase};
use stockade_inspect::Engine;
use stockade_inspect::Pseudonymiser;
use stockade_inspect::leak::{Canaries, GuardRules, LinkHosts};
use stockade_rulebook::Rulebook;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Permits everything: a set of policies must not be empty to decide anything.
const PERMIT_ALL: &str = "@id(\"all\") @title(\"Everything\") @why(\"Measured without policies.\")\n\
    permit (principal, action, resource);";

macro_rules! policies {
    ($($name:literal),+) => {
        /// The policies that an installation begins with.
        const DEFAULT_POLICIES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../../rules/cedar/", $name)))),+];
    };
}

policies!["access.cedar", "content.cedar", "floor.cedar", "labels.cedar", "sandbox.cedar"];

const MODELS: &str = "*";

/// What a tier has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Has {
    /// The default policies.
    pub(crate) policies: bool,
    /// The built-in recognizers and signals.
    pub(crate) rules: bool,
}

/// Serves for ever; prints the address and the key.
pub(crate) fn serve(has: Has, upstream: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let key = format!("stk_{}_{}", "0".repeat(10), "0".repeat(49));
        let (running, phase) = watch::channel(Phase::Running);
        let gateway = Gateway::new(parts(has, upstream, &key)?, Options::default(), phase.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot bind")?;
        println!("{} {key}", listener.local_addr()?);
        gateway.serve(listener, None, phase).await;
        drop(running);
        Ok(())
    })
}

fn parts(has: Has, upstream: SocketAddr, key: &str) -> Result<Parts> {
    let (egress, minter) = Egress::new(EgressOptions::default())?;
    let policies = if has.policies {
        PolicySet::load(DEFAULT_POLICIES)?
    } else {
        PolicySet::load(&[("all.cedar", PERMIT_ALL)])?
    };
    let rules = Rules { engine: stockade_authz::Engine::new(policies)?, labels: LabelOrder::default() };
    let book = Rulebook::new(if has.rules { stockade_rules::FILES } else { &[] });
    let target = Target::http(TargetId::new("mock"), &format!("http://{upstream}/v1"), None)?;
    let model = Model {
        name: String::new(),
        upstream: "mock".to_owned(),
        region: None,
        sandbox: false,
        observe: false,
        label_max: Label::default(),
    };
    let (models, target) = (vec![MODELS.to_owned()], Arc::new(target));
    let entry = CatalogEntry { models, model, target, apis: Apis::OPENAI };
    let mac = MacKey::new(&[0x5A; 32]);
    Ok(Parts {
        limits: stockade_gateway::limits::Limits {
            set: Arc::default(),
            ledger: Arc::new(stockade_gateway::limits::Meters::new(Arc::new(SystemClock))),
        },
        labels: stockade_gateway::labels::Labels::none(mac.clone(), Arc::new(SystemClock)),
        keys: Arc::new(OneKey { tag: mac.mac(key.as_bytes()), mac, workload: Arc::new(workload()?) }),
        tokens: Arc::new(stockade_gateway::ports::NoIssuers),
        audit: Arc::new(Nowhere),
        pdp: Arc::new(Pdp::new(rules, minter)),
        engine: Arc::new(arc_swap::ArcSwap::from_pointee(Engine::new(&book)?)),
        leaks: Leaks {
            rules: GuardRules::load(&book)?,
            canaries: Canaries::new(MacKey::new(&sha256(b"canaries"))),
            hosts: Arc::new(arc_swap::ArcSwap::from_pointee(LinkHosts::default())),
        },
        egress,
        catalog: Arc::new(arc_swap::ArcSwap::from_pointee(Catalog {
            entries: vec![entry],
            routes: Vec::new(),
        })),
        prompts: Arc::new(NoPrompts),
        pseudonymiser: Arc::new(Pseudonymiser::new(MacKey::new(&sha256(b"pseudonyms")))),
        people: MacKey::new(&sha256(b"people")),
        tracer: None,
        hosts: Hosts::new([]),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    })
}

fn workload() -> Result<Workload> {
    Ok(Workload {
        id: WorkloadId::new(SystemClock.now(), [1; 10]),
        tenant: TenantId::new("default"),
        name: "bench".parse()?,
        audience: Audience::Team,
        exposure: Exposure::Internal,
        owner: "bench".to_owned(),
        label: Label::default(),
        models: vec![MODELS.to_owned()],
        tools: vec!["demo_*".to_owned()],
        traits: Vec::new(),
    })
}

/// A key directory with one key, checked as a real one is: by its MAC.
struct OneKey {
    mac: MacKey,
    tag: [u8; 32],
    workload: Arc<Workload>,
}

impl KeyDirectory for OneKey {
    fn authenticate(&self, presented: &str) -> Result<Grant, AuthError> {
        if !self.mac.verify(presented.as_bytes(), &self.tag) {
            return Err(AuthError::Unknown);
        }
        let caller = Caller {
            workload: Arc::clone(&self.workload),
            key: Some(KeyId::new(Micros::from_i64(0), [2; 10])),
            credential: CredentialKind::ApiKey,
            token: None,
            certificate: None,
            user: None,
            chain: Vec::new(),
        };
        Ok(Grant { caller, lease: Lease { expires: None, ended: std::future::pending().boxed() } })
    }
}

/// Takes every record and keeps none.
struct Nowhere;

impl AuditSink for Nowhere {
    fn reserve(&self, _: RequestId) -> Result<Box<dyn AuditSlot>, Unavailable> {
        Ok(Box::new(Self))
    }

    fn rejected(&self, _: &'static str) {}
}

impl AuditSlot for Nowhere {
    fn append(&mut self, _: AuditEvent, _: Option<Payload>) -> Durable {
        std::future::ready(Ok(0)).boxed()
    }
}

struct NoPrompts;

impl PromptRegistry for NoPrompts {
    fn is_registered(&self, _: WorkloadId, _: &[u8; 32]) -> bool {
        false
    }
}

pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Micros {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Micros::from_i64(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
