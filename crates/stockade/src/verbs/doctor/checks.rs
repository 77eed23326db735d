//! The checks, one function each. None changes anything but a scratch file.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use stockade_domain::{AuditEvent, Clock as _, Micros};
use stockade_egress::{Target, TargetId};
use stockade_ledger::verify::verify_directory;

use super::Check;
use crate::config::{Config, Loaded};
use crate::home::{Home, RootKeyFile, check_directory, check_file, holder};
use crate::output;
use crate::system::SystemClock;
use crate::verbs::config::try_out;

/// How long an upstream's connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How many writes the disk is timed by.
const WRITES: usize = 20;

/// A sync that takes longer makes every strict request wait noticeably.
const SLOW_SYNC: Duration = Duration::from_millis(20);

/// Fewer free bytes than this are few.
const LITTLE_SPACE: u64 = 1 << 30;

/// Version 7 ids and expiry need a clock that is about right; this program is younger than this (2025-01-01).
const LATEST_PAST: i64 = 1_735_689_600_000_000;

pub(super) fn data(home: &Home) -> Check {
    let shown = home.data().display();
    if !home.exists() {
        return Check::warn(
            "data",
            format!("nothing in {shown} yet"),
            "`stockade up` begins an installation",
        );
    }
    match check_directory(home.data()).and_then(|()| check_directory(&home.run())) {
        Ok(()) => Check::ok("data", format!("{shown} is yours and closed to others")),
        Err(error) => Check::fail("data", error.to_string(), "only its owner may use a data directory"),
    }
}

pub(super) fn root_key(home: &Home) -> Check {
    let name = "root key";
    let file = match RootKeyFile::locate() {
        Ok(file) => file,
        Err(error) => return Check::fail(name, error.to_string(), "set STOCKADE_ROOT_KEY_FILE"),
    };
    let path = file.path().display();
    if let Err(error) = file.must_be_outside(home) {
        return Check::fail(name, error.to_string(), "move it, and set STOCKADE_ROOT_KEY_FILE");
    }
    match check_file(file.path()).and_then(|()| belongs(&file, home)) {
        Ok(()) => {
            let protects =
                "seals recorded text, signs the ledger, and is what API keys and sessions are checked by";
            Check::ok(name, format!("{path}: {protects}. Keep a copy of it apart from backups of the data"))
        }
        Err(_) if !file.path().exists() && !home.exists() => {
            Check::warn(name, format!("{path} is not there yet"), "the first `stockade up` makes it")
        }
        Err(error) => {
            let fix = "put the key of this installation back, closed to others, or name it with STOCKADE_ROOT_KEY_FILE";
            Check::fail(name, output::chain(&error), fix)
        }
    }
}

/// Whether the ledger that is there was written with this key; nothing is recorded and nothing opened with another.
fn belongs(file: &RootKeyFile, home: &Home) -> anyhow::Result<()> {
    let ring = file.open(home)?;
    let ledger = home.layout().ledger();
    if ledger.is_dir() && !stockade_ledger::is_signed_by(&ledger, &ring)? {
        anyhow::bail!(
            "{} is the root key of another installation: the ledger in {} was written with another one",
            file.path().display(),
            home.data().display()
        );
    }
    Ok(())
}

pub(super) fn server(home: &Home) -> Check {
    let name = "server";
    match (crate::control::connect(home), holder(home)) {
        (Ok(Some(_)), pid) => {
            let pid = pid.map_or_else(String::new, |pid| format!(" as process {pid}"));
            Check::ok(name, format!("runs{pid} and answers"))
        }
        (Ok(None), Some(pid)) => {
            let fix = "it is starting or stopping; if it stays so, end it";
            Check::warn(name, format!("process {pid} has the data directory but does not answer"), fix)
        }
        (Ok(None), None) => Check::ok(name, "does not run"),
        (Err(error), _) => {
            Check::fail(name, output::chain(&error), "run this as the user that runs the server")
        }
    }
}

/// Whether the configured ports are free; they are not to be while the server runs.
pub(super) fn ports(home: &Home, config: &Config) -> Check {
    let name = "ports";
    if holder(home).is_some() {
        return Check::ok(name, "the server has them");
    }
    let server = &config.server;
    let all = [("gateway", server.gateway), ("console", server.console), ("metrics", server.metrics)];
    let taken: Vec<_> = all
        .iter()
        .filter_map(|(flag, address)| {
            let error = TcpListener::bind(address).err()?;
            Some(format!("{address} (--{flag}): {error}"))
        })
        .collect();
    if taken.is_empty() {
        Check::ok(name, "all three can be bound")
    } else {
        Check::fail(name, taken.join("; "), "end what holds them, or choose others with these flags")
    }
}

/// Limits of use, and models whose use nobody could put a price on.
pub(super) fn limits(config: &Config) -> Option<Check> {
    let (name, set) = ("limits", config.limit_set());
    if set.rules.is_empty() {
        return None;
    }
    let fits = |pattern: &str, model: &str| match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => pattern == model,
    };
    let models = config.upstreams.values().flat_map(|upstream| &upstream.models);
    let priced = |model: &str| set.prices.iter().any(|p| p.models.iter().any(|pattern| fits(pattern, model)));
    let unpriced: Vec<&str> = models.map(String::as_str).filter(|model| !priced(model)).collect();
    let limits = set.rules.iter().map(|rule| rule.name.as_ref()).collect::<Vec<_>>().join(", ");
    if set.rules.iter().any(|rule| rule.money.is_some()) && !unpriced.is_empty() {
        let detail = format!("money is limited, and there is no price for {}", unpriced.join(", "));
        return Some(Check::warn(name, detail, "requests for them are refused: add them to `[[prices]]`"));
    }
    Some(Check::ok(name, format!("use is limited by {limits}; `stockade limits` shows what is left")))
}

/// What `up` would make of the configuration: policies, rules, upstreams and their keys, certificates.
pub(super) fn configuration(loaded: &Loaded, home: &Home) -> Vec<Check> {
    let name = "configuration";
    match try_out(loaded, false, home) {
        Ok(built) => {
            let file = match &loaded.file {
                Some(file) => format!("{} is good", file.display()),
                None => "no file: the defaults".to_owned(),
            };
            let set = built.rules.engine.policies();
            let hash = set.hash().get(..16).unwrap_or_default().to_owned();
            vec![
                Check::ok(name, file),
                Check::ok("policies", format!("{} policies, set {hash}…", set.len())),
                Check::ok("rules", format!("{} detectors", built.engine.detectors().len())),
            ]
        }
        Err(error) => {
            let said = format!("{}: {}", error.at, error.message);
            let first = said.lines().next().unwrap_or_default();
            vec![Check::fail(name, first, "`stockade config check` shows the place")]
        }
    }
}

pub(super) fn upstreams(config: &Config) -> Vec<Check> {
    let reach = |(name, upstream): (&String, &crate::config::UpstreamConfig)| {
        let target = match Target::http(TargetId::new(name), &upstream.base_url, None) {
            Ok(target) => target,
            Err(error) => return Check::fail("upstream", format!("{name}: {error}"), "correct its base_url"),
        };
        let Some((host, port)) = target.authority() else {
            return Check::ok("upstream", format!("{name} is in this process"));
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let begun = Instant::now();
        let tried = (bare, port).to_socket_addrs().and_then(|mut addresses| {
            let address = addresses.next().ok_or(std::io::ErrorKind::NotFound)?;
            TcpStream::connect_timeout(&address, CONNECT)
        });
        match tried {
            Ok(_) => Check::ok(
                "upstream",
                format!("{name}: {host}:{port} answers in {} ms", begun.elapsed().as_millis()),
            ),
            Err(error) => {
                let fix = "requests to its models get `upstream_failed` until it can be reached";
                Check::warn("upstream", format!("{name}: {host}:{port}: {error}"), fix)
            }
        }
    };
    config.upstreams.iter().map(reach).collect()
}

/// Where traces go, and whether anything listens there.
pub(super) fn telemetry(config: &Config, offline: bool) -> Check {
    let name = "telemetry";
    let Ok(Some(target)) = config.telemetry.target() else {
        return Check::ok(name, "no traces are sent: `telemetry.endpoint` names no collector");
    };
    let Some((host, port)) = target.authority().filter(|_| !offline) else {
        return Check::ok(name, format!("traces go to {target}"));
    };
    let tried = (host.trim_matches(['[', ']']), port).to_socket_addrs().and_then(|mut addresses| {
        let address = addresses.next().ok_or(std::io::ErrorKind::NotFound)?;
        TcpStream::connect_timeout(&address, CONNECT)
    });
    match tried {
        Ok(_) => Check::ok(name, format!("traces go to {target}, which can be reached")),
        Err(error) => {
            let fix = "requests go on without; traces are dropped and counted until it can be reached";
            Check::warn(name, format!("{target}: {error}"), fix)
        }
    }
}

/// The time of a small durable write, as every record needs one.
pub(super) fn disk(home: &Home) -> Check {
    let name = "disk";
    let run = home.run();
    if !run.is_dir() {
        return Check::ok(name, "not measured before the first run");
    }
    let space = rustix::fs::statvfs(&run).map(|vfs| vfs.f_bavail.saturating_mul(vfs.f_frsize));
    let mut times = match time_writes(&run.join(".doctor")) {
        Ok(times) => times,
        Err(error) => return Check::fail(name, error.to_string(), "records cannot be written"),
    };
    times.sort_unstable();
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    let (median, worst) = (at(WRITES / 2), at(WRITES.saturating_sub(1)));
    let detail = format!(
        "a durable write takes {:.1} ms, at worst {:.1} ms of {WRITES}; {} MiB free",
        median.as_secs_f64() * 1_000.0,
        worst.as_secs_f64() * 1_000.0,
        space.map_or(0, |bytes| bytes >> 20)
    );
    if space.is_ok_and(|bytes| bytes < LITTLE_SPACE) {
        return Check::warn(
            name,
            detail,
            "make room: when the disk is full, nothing is recorded and nothing answered",
        );
    }
    if median > SLOW_SYNC {
        return Check::warn(
            name,
            detail,
            "a disk with a write cache that survives power loss would be quicker",
        );
    }
    Check::ok(name, detail)
}

fn time_writes(path: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[0; 1_024])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    drop(file);
    fs::remove_file(path)?;
    Ok(times)
}

pub(super) fn clock(home: &Home) -> Check {
    let name = "clock";
    let now = SystemClock.now();
    let fix = "set the machine's clock: ids, expiry and records depend on it";
    if now.as_i64() < LATEST_PAST {
        return Check::fail(name, format!("it says {now}"), fix);
    }
    match last_entry(home).filter(|last| *last > now) {
        Some(last) => {
            Check::fail(name, format!("it says {now}, but the ledger's last entry is of {last}"), fix)
        }
        None => Check::ok(name, format!("it says {now}, no record is younger")),
    }
}

fn last_entry(home: &Home) -> Option<Micros> {
    let ledger = home.layout().ledger();
    let from = crate::verbs::audit::signed_size(&ledger).saturating_sub(1);
    let entries =
        stockade_ledger::export_directory(std::sync::Arc::new(stockade_ledger::RealVfs), &ledger, from)
            .ok()?;
    let event = entries.filter_map(Result::ok).last()?.event()?;
    Some(match event {
        AuditEvent::Intent(intent) => intent.time,
        AuditEvent::Outcome(outcome) => outcome.time,
        AuditEvent::Interrupted(cut) => cut.time,
        AuditEvent::Rejections(rejections) => rejections.to,
        AuditEvent::Admin { time, .. } => time,
    })
}

pub(super) fn ledger(home: &Home) -> Check {
    let name = "ledger";
    let directory = home.layout().ledger();
    if !directory.is_dir() {
        return Check::ok(name, "none yet");
    }
    let begun = Instant::now();
    let report = verify_directory(&directory, None);
    match report.first_bad() {
        None => Check::ok(
            name,
            format!(
                "{} entries verified in {} ms, {} not yet signed; no witness, so the key's holder could rewrite it",
                report.signed,
                begun.elapsed().as_millis(),
                report.unsigned
            ),
        ),
        Some(bad) => {
            Check::fail(name, bad.to_string(), "keep the directory as it is; restore a backup elsewhere")
        }
    }
}
