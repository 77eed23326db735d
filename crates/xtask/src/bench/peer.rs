//! Other gateways in the same run, on the same core, before the same upstream, so that a ratio means something.

use std::net::SocketAddr;

use anyhow::Result;
use clap::ValueEnum;

use super::client::Target;
use super::mock;
use super::tier::{SERVER_CORE, Server};
use crate::litellm;

/// A gateway to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// LiteLLM's proxy from PyPI, with its guardrails off.
    Litellm,
}

impl Peer {
    /// Installs it if need be, starts it, waits until it answers.
    pub(crate) fn start(self, upstream: SocketAddr) -> Result<Server> {
        match self {
            Self::Litellm => litellm(upstream),
        }
    }
}

fn litellm(upstream: SocketAddr) -> Result<Server> {
    let models: String = [mock::MODEL, mock::PACED_MODEL]
        .iter()
        .map(|model| {
            format!(
                "  - model_name: {model}\n    litellm_params:\n      model: openai/{model}\n      \
                 api_base: http://{upstream}/v1\n      api_key: none\n"
            )
        })
        .collect();
    let config = format!("model_list:\n{models}{}", litellm::SETTINGS);
    let (address, running) = litellm::start(&config, Some(SERVER_CORE))?;
    let key = Some(litellm::KEY.to_owned());
    let target = Target { name: litellm::name(), address, key, pid: Some(running.pid()) };
    Ok(Server::own(target, running))
}

/// The words for a note below the tables.
pub(crate) fn remark(peers: &[Peer]) -> Option<&'static str> {
    peers.contains(&Peer::Litellm).then_some("LiteLLM runs with its guardrails off, one worker, no database.")
}
