//! Reloading: a changed file is taken whole, or refused whole and the old one stays.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use arc_swap::ArcSwap;
use stockade_authz::Pdp;
use stockade_gateway::Phase;
use stockade_gateway::ports::Catalog;
use stockade_inspect::leak::LinkHosts;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::wire::{self, EnvUpstreams};
use crate::config::{self, Config, ServerConfig};
use crate::output::say;
use crate::system::env_vars;

/// How often the file's time is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Puts changed upstreams, labels, policies and guards in place under running traffic.
pub(super) struct Reloader {
    pub(super) file: Option<PathBuf>,
    /// The file and the environment as they were read last, without flags.
    pub(super) config: Config,
    /// Where it listens really, flags included: what exists depends on it, whatever a changed file says.
    pub(super) server: ServerConfig,
    pub(super) env_upstreams: EnvUpstreams,
    pub(super) catalog: Arc<ArcSwap<Catalog>>,
    pub(super) pdp: Arc<Pdp>,
    pub(super) link_hosts: Arc<ArcSwap<LinkHosts>>,
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
                    say(format_args!("configuration not taken, the old one stays in force: {error:#}"));
                }
            }
        }
    }

    /// The newest time of the file and of the policies beside it.
    fn stamp(&self) -> Vec<(PathBuf, Option<SystemTime>)> {
        let mut files: Vec<PathBuf> = self.file.iter().cloned().collect();
        if let Some(dir) = &self.config.policies.dir {
            files.extend(std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()));
        }
        files.sort();
        files
            .into_iter()
            .map(|path| {
                let time = std::fs::metadata(&path).and_then(|m| m.modified()).ok();
                (path, time)
            })
            .collect()
    }

    fn reload(&mut self) -> Result<Vec<String>> {
        let new = config::load(self.file.as_deref(), &env_vars()).map_err(crate::report)?.config;
        // Everything that can fail comes before anything is put in place.
        let rules = wire::rules(&new)?;
        let effective = Config { server: self.server.clone(), ..new.clone() };
        let catalog = wire::catalog(&effective, &self.env_upstreams)?;
        let mut lines = vec!["upstreams, labels, policies and guards taken over".to_owned()];
        if new.server != self.config.server
            || new.limits != self.config.limits
            || new.recording != self.config.recording
            || new.rules != self.config.rules
        {
            lines.push(
                "changes in [server], [limits], [recording] and [rules] take effect at the next start"
                    .to_owned(),
            );
        }
        self.pdp.replace(rules);
        self.catalog.store(Arc::new(catalog));
        self.link_hosts.store(Arc::new(LinkHosts::new(&new.guards.link_hosts)));
        self.config = new;
        Ok(lines)
    }
}
