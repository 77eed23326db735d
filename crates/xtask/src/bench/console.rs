//! How long pages of the console take when very many requests are stored.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use stockade_crypto::{Random as _, SystemRandom};
use stockade_domain::{Clock as _, Effect, EndReason, KeyId, Micros, RequestId, WorkloadId};
use stockade_store::{RequestRow, Store};

use crate::bench::stack::SystemClock;
use crate::server::Stockade;
use crate::table::Table;
use crate::workspace;

/// What to store, and how often to look.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How many requests are stored
    #[arg(long, default_value_t = 1_000_000)]
    requests: u32,
    /// How often each page is asked for
    #[arg(long, default_value_t = 50)]
    looks: usize,
}

/// So many requests go into the database at one time.
const BATCH: u32 = 10_000;

/// Requests are stored this far apart, so that a million fill a day.
const APART: i64 = 86_400;

/// The longest wait for a page.
const PATIENCE: Duration = Duration::from_secs(30);

const PAGES: [(&str, &str); 11] = [
    ("overview", "/"),
    ("requests", "/requests"),
    ("denied", "/requests?effect=deny"),
    ("ended in a way that is rare", "/requests?end=upstream_failed"),
    ("ended in a way that none did", "/requests?end=internal"),
    ("what cannot be", "/requests?effect=deny&end=completed"),
    ("of a workload", "/requests?workload=playground"),
    ("of a workload, denied", "/requests?workload=playground&effect=deny"),
    ("keys", "/keys"),
    ("policies", "/policies"),
    ("ledger", "/ledger"),
];

pub(crate) fn run(options: &Options, binary: &Path) -> Result<()> {
    let scratch = workspace::root()?.join("target").join("bench-console");
    let server = Stockade::start(binary, "", &scratch, None)?;
    let begun = Instant::now();
    fill(&server.data().join("store.db"), options.requests)?;
    println!("{} requests stored in {:.0} s\n", options.requests, begun.elapsed().as_secs_f64());
    let browser = Browser::sign_in(&server)?;
    let mut table = Table::new(["page", "bytes", "p50 ms", "p99 ms"]);
    for (name, path) in PAGES {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..options.looks.max(1) {
            let begun = Instant::now();
            let (head, body) = browser.ask("GET", path, "")?;
            times.push(begun.elapsed());
            if !head.starts_with("HTTP/1.1 200") {
                bail!("{path} was answered with {}", head.lines().next().unwrap_or_default());
            }
            bytes = body.len();
        }
        times.sort_unstable();
        let at = |share: usize| {
            let time = times.get(times.len().saturating_sub(1) * share / 100).copied().unwrap_or_default();
            format!("{:.1}", time.as_secs_f64() * 1e3)
        };
        table.row(vec![format!("{name} `{path}`"), bytes.to_string(), at(50), at(99)]);
    }
    print!("{}", table.render());
    Ok(())
}

/// Requests of a day: two of a hundred denied, two ended badly, a few workloads.
fn fill(database: &Path, requests: u32) -> Result<()> {
    let now = SystemClock.now();
    let store = Store::open(database, now)?;
    let known = store.workloads().list()?;
    let own = known.first().context("there is no workload")?.workload.id;
    let workloads: Vec<WorkloadId> = (0..5_u8).map(|n| WorkloadId::new(now, [n; 10])).collect();
    let key = KeyId::new(now, [9; 10]);
    let mut rows = Vec::new();
    for n in 0..requests {
        let time = Micros::from_i64(now.as_i64() - i64::from(requests - n) * APART);
        let mut tail = [0; 10];
        SystemRandom.fill(&mut tail)?;
        let (effect, end, status) = match n % 100 {
            0 | 1 => (Effect::Deny, EndReason::Denied, 403),
            2 => (Effect::Permit, EndReason::ClientAborted, 200),
            3 => (Effect::Permit, EndReason::UpstreamFailed, 502),
            _ => (Effect::Permit, EndReason::Completed, 200),
        };
        let other = workloads.get(usize::try_from(n % 5)?).copied().unwrap_or(own);
        let counts = if n % 7 == 0 { &[("pii", 2), ("redacted", 2)][..] } else { &[] };
        rows.push(RequestRow {
            id: RequestId::new(time, tail),
            time,
            workload: if n % 3 == 0 { other } else { own },
            key: Some(key),
            surface: "openai.chat".to_owned(),
            model: if n % 2 == 0 { "gpt-4.1" } else { "sandbox" }.to_owned(),
            upstream: "sandbox".to_owned(),
            effect,
            status,
            end: Some(end),
            counts: counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect::<BTreeMap<_, _>>(),
            intent_index: None,
            outcome_index: None,
            duration_us: 41_000,
        });
        if rows.len() >= usize::try_from(BATCH)? || n + 1 == requests {
            store.requests().write(&std::mem::take(&mut rows), None)?;
        }
    }
    Ok(())
}

/// Somebody who is signed in.
struct Browser {
    address: SocketAddr,
    cookie: String,
}

impl Browser {
    fn sign_in(server: &Stockade) -> Result<Self> {
        let output = server.command(&["signin"])?;
        if !output.status.success() {
            bail!("no sign-in link: {}", String::from_utf8_lossy(&output.stderr));
        }
        // Where there is no terminal the link goes into a file.
        let link = std::fs::read_to_string(server.data().join("run").join("signin.url"))?;
        let token = link.trim().rsplit_once("token=").context("the link has no token")?.1.to_owned();
        let stranger = Self { address: server.console(), cookie: String::new() };
        let (head, _) = stranger.ask("POST", "/signin", &format!("token={token}"))?;
        let cookie = head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .context("nobody was signed in")?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { cookie, ..stranger })
    }

    /// One request on a connection of its own: head and body.
    fn ask(&self, method: &str, path: &str, form: &str) -> Result<(String, String)> {
        let Self { address, cookie } = self;
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let host = format!("stockade.localhost:{}", address.port());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\n\
             cookie: {cookie}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            form.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
        Ok((head.to_owned(), body.to_owned()))
    }
}
