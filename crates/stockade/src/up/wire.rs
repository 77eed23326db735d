//! The one place that ties ports to implementations.

use std::sync::Arc;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use stockade_authz::Pdp;
use stockade_crypto::KeyRole;
use stockade_egress::{Egress, EgressOptions, SystemClient};
use stockade_gateway::flow::{Bounds, FlowOptions};
use stockade_gateway::labels::LabelRules;
use stockade_gateway::limits::{LimitSet, Limits, Meters};
use stockade_gateway::ports::Catalog;
use stockade_gateway::trace::{Exporter, TraceOptions, Tracer};
use stockade_gateway::{Hosts, Leaks, Options, Parts};
use stockade_inspect::leak::{Canaries, LinkHosts};
use stockade_inspect::{Engine, Pseudonymiser};
use stockade_platform::{Environment, Identities, Logins, Nonces, Platform};

use super::built::{Built, ConsoleProvider};
use crate::config::{Config, Recorded};

/// The gateway's parts, and what is replaced in them when configuration changes.
pub(super) struct Wiring {
    pub(super) parts: Parts,
    pub(super) catalog: Arc<ArcSwap<Catalog>>,
    pub(super) engine: Arc<ArcSwap<Engine>>,
    pub(super) pdp: Arc<Pdp>,
    pub(super) link_hosts: Arc<ArcSwap<LinkHosts>>,
    pub(super) limits: Arc<ArcSwap<LimitSet>>,
    pub(super) labels: Arc<ArcSwap<LabelRules>>,
    pub(super) identities: Arc<Identities>,
    pub(super) login: Option<Arc<Logins>>,
    /// What sends traces, and by what way.
    pub(super) exporter: Option<(Exporter, SystemClient)>,
    /// The names to tell on the first screen.
    pub(super) models: Vec<String>,
}

/// So many detectors are named in one entry of the record, which is bounded.
const IDS: usize = 128;

impl Wiring {
    pub(super) fn new(config: &Config, built: Built, platform: &Platform, env: &Environment) -> Result<Self> {
        let limits = &config.limits;
        let (egress, minter) = Egress::new(EgressOptions {
            connect_timeout: limits.connect_timeout.0,
            head_timeout: limits.head_timeout.0,
            idle_timeout: limits.idle_timeout.0,
        })
        .context("setting up TLS")?;
        let pdp = Arc::new(Pdp::new(built.rules, minter));
        let models = built.catalog.named().map(str::to_owned).collect();
        let catalog = Arc::new(ArcSwap::from_pointee(built.catalog));
        let link_hosts = Arc::new(ArcSwap::from_pointee(LinkHosts::new(&config.guards.link_hosts)));
        let leaks = Leaks {
            rules: built.guards,
            canaries: Canaries::new(env.ring.mac_key(KeyRole::Pseudonym, 1, b"canaries")?),
            hosts: Arc::clone(&link_hosts),
        };
        name_detectors(&built.engine, platform)?;
        let engine = Arc::new(ArcSwap::from_pointee(built.engine));
        platform.journal.record_payloads(config.recording.text == Recorded::Redacted);
        let limits = Arc::new(ArcSwap::from_pointee(config.limit_set()));
        let nonces = match config.identity.dpop_nonce {
            true => Some(Nonces::new(env.ring.mac_key(KeyRole::Session, 1, b"dpop nonce")?)),
            false => None,
        };
        let identities = Arc::new(Identities::new(
            egress.system(),
            Arc::clone(&platform.roster),
            Arc::clone(&platform.journal),
            Arc::clone(&env.clock),
            config.identity.certificates.as_ref().map(|own| own.workloads.clone()).unwrap_or_default(),
            nonces,
        ));
        identities.replace(built.issuers);
        let login = built.login.map(|ConsoleProvider { options, roles }| {
            let client = identities.login_client(options);
            let (random, clock) = (Arc::clone(&env.random), Arc::clone(&env.clock));
            Arc::new(Logins::new(client, roles, Arc::clone(&platform.sessions), random, clock))
        });
        let options =
            TraceOptions { percent: config.telemetry.sample_percent, propagates: config.telemetry.propagate };
        let (tracer, exporter) = built
            .traces
            .map(|to| Tracer::new(options, to, Arc::clone(&env.random), Arc::clone(&env.clock)))
            .unzip();
        let exporter = exporter.map(|exporter| (exporter, egress.system()));
        let labels = Arc::new(ArcSwap::from_pointee(built.labels));
        let parts = Parts {
            keys: platform.roster.directory(),
            tokens: Arc::<Identities>::clone(&identities),
            audit: Arc::new(platform.recorder()),
            pdp: Arc::clone(&pdp),
            engine: Arc::clone(&engine),
            leaks,
            egress,
            limits: Limits {
                set: Arc::clone(&limits),
                ledger: Arc::<Meters>::clone(platform.usage.meters()),
            },
            labels: platform.labels.gateway(Arc::clone(&labels)),
            catalog: Arc::clone(&catalog),
            prompts: Arc::<stockade_platform::Roster>::clone(&platform.roster),
            pseudonymiser: Arc::new(Pseudonymiser::new(env.ring.mac_key(
                KeyRole::Pseudonym,
                1,
                b"content",
            )?)),
            people: env.ring.mac_key(KeyRole::Pseudonym, 1, b"people")?,
            tracer,
            hosts: Hosts::new(config.server.hosts.iter().cloned()),
            clock: Arc::clone(&env.clock),
            random: Arc::clone(&env.random),
        };
        Ok(Self {
            parts,
            catalog,
            engine,
            pdp,
            link_hosts,
            limits,
            labels,
            identities,
            login,
            exporter,
            models,
        })
    }
}

/// Records name sets of detectors; here it is said once what is in them.
pub(super) fn name_detectors(engine: &Engine, platform: &Platform) -> Result<()> {
    for set in engine.sets() {
        for ids in set.detectors.chunks(IDS) {
            let detail = [("set", set.id.to_string()), ("detectors", ids.join(" "))];
            platform.journal.admin("rules.load", "system", detail).context("recording the rules")?;
        }
    }
    Ok(())
}

/// The gateway's bounds.
pub(super) fn options(config: &Config) -> Options {
    let limits = &config.limits;
    Options {
        body: limits.body.0,
        body_timeout: limits.body_timeout.0,
        json_depth: limits.json_depth,
        header_block: limits.header_block.0,
        event: limits.event.0,
        connections: limits.connections,
        record_limit: if config.recording.text == Recorded::Redacted { config.recording.limit.0 } else { 0 },
        flow: FlowOptions {
            bounds: Bounds { least: limits.upstream_least, most: limits.upstream_most },
            queue: limits.queue,
            patience: limits.queue_time.0,
        },
        ..Options::default()
    }
}
