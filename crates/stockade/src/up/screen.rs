//! The first screen: what a newcomer needs, and no more.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use stockade_platform::{KeyInfo, NewKey};

use crate::home::{Home, write_private};

/// What the screen tells.
pub(super) struct Screen {
    pub(super) took: Duration,
    pub(super) gateway: SocketAddr,
    pub(super) console: SocketAddr,
    pub(super) secure: bool,
    pub(super) models: Vec<String>,
    pub(super) announced: Vec<String>,
    pub(super) interrupted: usize,
    pub(super) first_key: Option<NewKey>,
    /// A key of the first workload that is still good, when there is no new one.
    pub(super) known_key: Option<KeyInfo>,
    pub(super) link: String,
}

impl Screen {
    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// For programs: where the listeners really are. Written when they can be used.
    pub(super) fn write_addresses(&self, home: &Home, metrics: SocketAddr) -> Result<()> {
        let addresses = serde_json::json!({
            "gateway": self.gateway.to_string(),
            "console": self.console.to_string(),
            "metrics": metrics.to_string(),
        });
        let path = home.addresses();
        let new = path.with_extension("new");
        std::fs::write(&new, format!("{addresses}\n"))?;
        Ok(std::fs::rename(new, path)?)
    }

    /// The console's base URL, with the name that its cookies are kept under.
    pub(super) fn console_url(&self) -> String {
        format!("{}://stockade.localhost:{}", self.scheme(), self.console.port())
    }

    /// The gateway's base URL, without a path.
    pub(super) fn gateway_url(&self) -> String {
        format!("{}://{}", self.scheme(), self.gateway)
    }

    /// Prints the screen. Secrets go to a terminal, else into files that only their owner reads.
    pub(super) fn print(&self, home: &Home) -> Result<()> {
        let terminal = std::io::stdout().is_terminal();
        let base = format!("{}://{}/v1", self.scheme(), self.gateway);
        let console = self.console_url();
        let mut out = String::new();
        let _ =
            writeln!(out, "Stockade {} is ready ({} ms)", env!("CARGO_PKG_VERSION"), self.took.as_millis());
        let _ = writeln!(out, "  models     {}", self.models.join(", "));
        for line in &self.announced {
            let _ = writeln!(out, "  upstream   {line}");
        }
        if self.interrupted > 0 {
            let _ = writeln!(
                out,
                "  recovered  {} requests were cut off by the last end and are recorded so",
                self.interrupted
            );
        }
        let link = format!("{console}/signin?token={}", self.link);
        if terminal {
            let _ = writeln!(out, "  console    {link}");
            let _ = writeln!(out, "             (once, within ten minutes; `stockade signin` makes another)");
        } else {
            let _ = writeln!(out, "  console    {console}  (`stockade signin` makes a link)");
        }
        let _ = writeln!(out, "  export OPENAI_BASE_URL={base}");
        match &self.first_key {
            Some(key) if terminal => {
                let _ = writeln!(out, "  export OPENAI_API_KEY={}", key.text.reveal());
            }
            Some(key) => {
                let path = home.playground_key();
                let _ = std::fs::remove_file(&path);
                write_private(&path, format!("{}\n", key.text.reveal()).as_bytes())
                    .context("writing the first key")?;
                let _ = writeln!(out, "  export OPENAI_API_KEY=$(cat {})", path.display());
            }
            None => {
                let make = "stockade keys create --workload playground";
                let prefix = stockade_platform::PREFIX;
                let known = match &self.known_key {
                    Some(key) => format!("{prefix}{}... is good; another: {make}", key.short_id),
                    None => format!("none is good any more: {make}"),
                };
                let _ = writeln!(out, "  key        {known}");
            }
        }
        let _ = writeln!(out, "  Ctrl-C stops. `stockade tour` shows in twenty seconds what this is for.");
        let mut stdout = std::io::stdout();
        // Nobody may be reading: a server does not die of that.
        let _ = stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush());
        Ok(())
    }
}
