//! Reloading: a changed file is taken whole, or refused whole and the old one stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use arc_swap::ArcSwap;
use stockade_authz::Pdp;
use stockade_gateway::Phase;
use stockade_gateway::labels::LabelRules;
use stockade_gateway::limits::LimitSet;
use stockade_gateway::ports::Catalog;
use stockade_inspect::Engine;
use stockade_inspect::leak::LinkHosts;
use stockade_platform::{Identities, Platform};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::wire::name_detectors;
use super::{Built, EnvUpstreams, tls};
use crate::config::{self, Config, LimitsConfig, ServerConfig};
use crate::home::Home;
use crate::output::{chain, say};
use crate::system::env_vars;

/// How often the file's time is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Puts changed upstreams, labels, policies, rules, guards and issuers in place under running traffic.
pub(super) struct Reloader {
    pub(super) file: Option<PathBuf>,
    /// The file and the environment as they were read last, without flags.
    pub(super) config: Config,
    /// Where it listens really, flags included: what exists depends on it, whatever a changed file says.
    pub(super) server: ServerConfig,
    /// Made again of the files that the start took.
    pub(super) tls: Option<Arc<tls::InForce>>,
    pub(super) env_upstreams: EnvUpstreams,
    pub(super) catalog: Arc<ArcSwap<Catalog>>,
    pub(super) engine: Arc<ArcSwap<Engine>>,
    pub(super) pdp: Arc<Pdp>,
    pub(super) link_hosts: Arc<ArcSwap<LinkHosts>>,
    pub(super) limits: Arc<ArcSwap<LimitSet>>,
    pub(super) labels: Arc<ArcSwap<LabelRules>>,
    pub(super) identities: Arc<Identities>,
    pub(super) platform: Arc<Platform>,
    pub(super) home: Home,
}

impl Reloader {
    /// Watches the file's time and SIGHUP.
    pub(super) async fn watch(mut self, mut phase: watch::Receiver<Phase>) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        let mut seen = self.stamp();
        while *phase.borrow() == Phase::Running {
            let asked = tokio::select! {
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
                _ = phase.changed() => continue,
            };
            let stamp = self.stamp();
            if !asked && stamp == seen {
                continue;
            }
            seen = stamp;
            match self.reload() {
                Ok(lines) => lines.iter().for_each(|line| say(format_args!("configuration: {line}"))),
                Err(error) => {
                    let why = chain(&error);
                    say(format_args!("configuration not taken, the old one stays in force: {why}"));
                }
            }
        }
    }

    /// The newest times of the file, and of the policies and rules beside it.
    fn stamp(&self) -> Vec<(PathBuf, Option<SystemTime>)> {
        let inside = |dir: &Path| {
            std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>()
        };
        let mut files: Vec<PathBuf> = self.file.iter().cloned().collect();
        if let Some(dir) = &self.config.policies.dir {
            files.extend(inside(dir));
        }
        if let Some(dir) = &self.config.rules.dir {
            files.extend(inside(dir).iter().flat_map(|folder| inside(folder)));
        }
        files.extend(tls::files(&self.started()));
        files.sort();
        files
            .into_iter()
            .map(|path| {
                let time = std::fs::metadata(&path).and_then(|m| m.modified()).ok();
                (path, time)
            })
            .collect()
    }

    /// The configuration with what only a start changes as the start took it.
    fn started(&self) -> Config {
        Config { server: self.server.clone(), ..self.config.clone() }
    }

    fn reload(&mut self) -> Result<Vec<String>> {
        let loaded = config::load(self.file.as_deref(), &env_vars()).map_err(crate::report)?;
        let new = &loaded.config;
        // Everything that can fail comes before anything is put in place.
        let effective = Config { server: self.server.clone(), ..new.clone() };
        let built = Built::new(&effective, &self.env_upstreams, &self.home)
            .map_err(|error| crate::report(loaded.refuse(&error)))?;
        let renewed = match &self.tls {
            Some(_) => tls(&self.started()).map_err(|error| crate::report(loaded.refuse(&error)))?,
            None => None,
        };
        let rules = built.engine.sets().iter().map(|set| &set.id);
        let other_rules = !self.engine.load().sets().iter().map(|set| &set.id).eq(rules);
        // Whether streams wait for the end of their texts is settled at the start.
        let names = new.rules.names == self.config.rules.names;
        if other_rules && names {
            name_detectors(&built.engine, &self.platform)?;
            self.engine.store(Arc::new(built.engine));
        }
        if let (Some(tls), Some(renewed)) = (&self.tls, renewed) {
            tls.replace(renewed);
        }
        self.pdp.replace(built.rules);
        self.labels.store(Arc::new(built.labels));
        self.catalog.store(Arc::new(built.catalog));
        self.link_hosts.store(Arc::new(LinkHosts::new(&new.guards.link_hosts)));
        self.limits.store(Arc::new(new.limit_set()));
        self.identities.replace(built.issuers);
        let identities = Arc::clone(&self.identities);
        drop(tokio::spawn(async move { identities.warm().await }));
        let lines = told(&self.config, new, other_rules && names);
        // What waits for a start is compared with what the start took, not with what the file said last.
        self.config = Config {
            server: self.config.server.clone(),
            limits: LimitsConfig { usage: new.limits.usage.clone(), ..self.config.limits.clone() },
            recording: self.config.recording.clone(),
            telemetry: self.config.telemetry.clone(),
            identity: config::IdentityConfig {
                console: self.config.identity.console.clone(),
                certificates: self.config.identity.certificates.clone(),
                dpop_nonce: self.config.identity.dpop_nonce,
                ..new.identity.clone()
            },
            rules: config::RulesConfig { names: self.config.rules.names, ..new.rules.clone() },
            ..new.clone()
        };
        Ok(lines)
    }
}

/// What of `[limits]` waits for a start: bounds, but not limits of use.
fn bounds(limits: &LimitsConfig) -> LimitsConfig {
    LimitsConfig { usage: Vec::new(), ..limits.clone() }
}

/// What a reload says: each part that has changed, and whether it is in force.
fn told(old: &Config, new: &Config, other_rules: bool) -> Vec<String> {
    let mut now = Vec::new();
    for (part, changed) in [
        ("upstreams", old.upstreams != new.upstreams),
        ("routes", old.routes != new.routes),
        ("labels", old.labels != new.labels),
        ("rules", other_rules),
        ("guards", old.guards != new.guards),
        ("limits of use", old.limits.usage != new.limits.usage),
        ("prices", old.prices != new.prices),
        ("issuers", old.identity.issuers != new.identity.issuers),
    ] {
        if changed {
            now.push(part);
        }
    }
    let mut later = Vec::new();
    for (part, changed) in [
        ("[server]", old.server != new.server),
        ("[limits]", bounds(&old.limits) != bounds(&new.limits)),
        ("[recording]", old.recording != new.recording),
        ("[telemetry]", old.telemetry != new.telemetry),
        ("rules.names", old.rules.names != new.rules.names),
        ("identity.dpop_nonce", old.identity.dpop_nonce != new.identity.dpop_nonce),
        ("[identity.console]", old.identity.console != new.identity.console),
        ("[identity.certificates]", old.identity.certificates != new.identity.certificates),
    ] {
        if changed {
            later.push(part);
        }
    }
    let mut lines = Vec::new();
    if !now.is_empty() || later.is_empty() {
        // Secrets and policies are read again in any case: whether they differ is not compared.
        now.push("policies, certificates and keys of upstreams");
        lines.push(format!("taken over: {}", now.join(", ")));
    }
    if !later.is_empty() {
        lines.push(format!("changes in {} take effect at the next start", later.join(", ")));
    }
    lines
}
