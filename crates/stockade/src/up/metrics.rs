//! What the program itself adds to the gateway's metrics: requests by how they ended, the ledger, the process. Prometheus'
//! text exposition format (<https://prometheus.io/docs/instrumenting/exposition_formats/>); labels come from closed sets
//! only, never from a request.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use stockade_domain::EndReason;
use stockade_gateway::Gateway;
use stockade_gateway::flow::GateLevel;
use stockade_identity::IssuerStatus;
use stockade_ledger::Latency;
use stockade_platform::{Identities, Platform};

/// Ticks a second of the times in `/proc/self/stat`: `USER_HZ`, which is 100 in the interface of every Linux that this
/// program is built for (proc(5)).
const USER_HZ: u64 = 100;

/// The metrics as text.
pub(super) fn render(platform: &Platform, gateway: &Gateway) -> String {
    let mut out = String::new();
    requests(&mut out, platform);
    ledger(&mut out, platform);
    limits(&mut out, platform);
    labels(&mut out, platform);
    flows(&mut out, gateway);
    traces(&mut out, gateway);
    process(&mut out);
    out
}

/// Issuers and their tokens. Names come from the configuration, reasons from a closed set.
pub(super) fn issuers(identities: &Identities) -> String {
    let mut out = String::new();
    let status = identities.status();
    let name = "stockade_identity_tokens_total";
    head(
        &mut out,
        name,
        "counter",
        "Tokens that were presented, by issuer and what became of them; no issuer is nobody's.",
    );
    let known = status.iter().flat_map(|issuer| {
        issuer
            .tokens
            .iter()
            .map(|(word, count)| (issuer.issuer.as_str(), issuer.name.as_str(), *word, *count))
    });
    let strangers = identities.strangers();
    let unknown =
        strangers.iter().filter(|(word, _)| *word != "accepted").map(|(word, count)| ("", "", *word, *count));
    for (iss, issuer, word, count) in known.chain(unknown) {
        let _ =
            writeln!(out, "{name}{{issuer=\"{issuer}\",iss=\"{}\",result=\"{word}\"}} {count}", escaped(iss));
    }
    let name = "stockade_identity_certificates_total";
    head(
        &mut out,
        name,
        "counter",
        "Client certificates that were the credential of a request, by what became of them.",
    );
    for (word, count) in identities.certificates() {
        labelled(&mut out, name, "result", word, count);
    }
    let name = "stockade_identity_keys";
    head(&mut out, name, "gauge", "Keys of an issuer that are in force.");
    for issuer in &status {
        let _ = writeln!(out, "{name}{{{}}} {}", of(issuer), issuer.keys.keys);
    }
    let name = "stockade_identity_keys_age_seconds";
    head(&mut out, name, "gauge", "Time since they were fetched.");
    for (issuer, age) in status.iter().filter_map(|issuer| Some((issuer, issuer.keys.age?))) {
        let _ = writeln!(out, "{name}{{{}}} {}", of(issuer), age.as_secs());
    }
    let name = "stockade_identity_key_fetches_total";
    head(&mut out, name, "counter", "Fetches of an issuer's keys, by how they went.");
    for issuer in &status {
        for (word, count) in [("ok", issuer.keys.fetched), ("failed", issuer.keys.failed)] {
            let _ = writeln!(out, "{name}{{{},result=\"{word}\"}} {count}", of(issuer));
        }
    }
    out
}

fn of(issuer: &IssuerStatus) -> String {
    format!("issuer=\"{}\",iss=\"{}\"", issuer.name, escaped(&issuer.issuer))
}

/// A label's value, which may come with anything that a URL may hold.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn requests(out: &mut String, platform: &Platform) {
    let counts = platform.journal.counts();
    let decisions = [("permit", counts.permitted), ("deny", counts.denied), ("none", counts.undecided)];
    let name = "stockade_requests_total";
    head(out, name, "counter", "Requests of known callers that have ended, by the decision on them.");
    for (effect, count) in decisions {
        labelled(out, name, "effect", effect, count);
    }
    let name = "stockade_request_ends_total";
    head(out, name, "counter", "Requests of known callers, by how they ended.");
    for (end, count) in &counts.ends {
        labelled(out, name, "end", word(*end), count);
    }
    let name = "stockade_findings_total";
    head(out, name, "counter", "Findings of inspection in requests and answers, by kind.");
    for (kind, count) in &counts.findings {
        labelled(out, name, "kind", kind.as_str(), count);
    }
    for (name, kind, help, value) in [
        ("stockade_redactions_total", "counter", "Findings that were replaced.", counts.redacted),
        (
            "stockade_rejections_total",
            "counter",
            "Requests refused before their caller was known.",
            counts.rejected,
        ),
        ("stockade_requests_open", "gauge", "Requests under way.", counts.open),
    ] {
        single(out, name, kind, help, value);
    }
}

/// Names of limits are the operator's; whose use it is would be a label without bounds, so the fullest is told.
fn limits(out: &mut String, platform: &Platform) {
    let mut fullest: BTreeMap<(String, &'static str), f64> = BTreeMap::new();
    for level in platform.usage.meters().levels().iter().filter(|level| level.most > 0) {
        let taken = level.most.saturating_sub(level.left());
        let share = (taken.saturating_mul(1_000).checked_div(level.most).unwrap_or(0)) as f64 / 1_000.0;
        let at = fullest.entry((level.key.limit.to_string(), level.key.measure.as_str())).or_default();
        *at = at.max(share);
    }
    let name = "stockade_limit_fullest_ratio";
    head(out, name, "gauge", "How much of a limit is used or reserved, for whom it is most.");
    for ((limit, measure), share) in fullest {
        let _ = writeln!(out, "{name}{{limit=\"{limit}\",measure=\"{measure}\"}} {share}");
    }
}

/// What is remembered of labelled conversations.
fn labels(out: &mut String, platform: &Platform) {
    let (conversations, lines) = platform.labels.marks().len();
    for (name, help, value) in [
        ("stockade_label_paragraphs", "Registered paragraphs.", platform.labels.paragraphs()),
        ("stockade_label_conversations", "Labelled conversations that are remembered.", conversations),
        ("stockade_label_answer_lines", "Lines of their answers that are remembered.", lines),
    ] {
        single(out, name, "gauge", help, value);
    }
}

/// What became of traces, where there are any.
fn traces(out: &mut String, gateway: &Gateway) {
    let Some(tracer) = gateway.tracer() else { return };
    let name = "stockade_trace_spans_total";
    head(out, name, "counter", "Spans that were sent, found no room in the queue, or were not taken.");
    for (result, count) in tracer.counts() {
        labelled(out, name, "result", result, count);
    }
}

/// The flow to each upstream, by the operator's name of it.
fn flows(out: &mut String, gateway: &Gateway) {
    let flows = gateway.flows();
    let mut family = |what: &str, kind: &str, help: &str, value: fn(&GateLevel) -> u64| {
        let name = format!("stockade_upstream_{what}");
        head(out, &name, kind, help);
        for (upstream, level) in &flows {
            labelled(out, &name, "upstream", upstream.as_str(), value(level));
        }
    };
    family("limit", "gauge", "Requests that may be under way at an upstream.", |l| wide(l.limit));
    family("under_way", "gauge", "Requests that are under way at it.", |l| wide(l.under_way));
    family("waiting", "gauge", "Requests that wait for it.", |l| wide(l.waiting));
    family("shed_total", "counter", "Requests that did not get a place in time.", |l| l.shed);
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn ledger(out: &mut String, platform: &Platform) {
    let status = platform.journal.ledger().status();
    let stopped = u64::from(status.stopped.is_some());
    let in_use = u64::try_from(status.slots_in_use).unwrap_or(u64::MAX);
    for (name, kind, help, value) in [
        ("stockade_ledger_entries", "gauge", "Entries in the ledger.", status.size),
        ("stockade_ledger_signed", "gauge", "Entries under a signed checkpoint.", status.signed),
        ("stockade_ledger_stopped", "gauge", "1 when the ledger takes no entries any more.", stopped),
        ("stockade_ledger_slots_in_use", "gauge", "Places in the ledger's queue that are taken.", in_use),
        (
            "stockade_ledger_rounds_total",
            "counter",
            "Writes to the ledger, each with one sync.",
            status.rounds,
        ),
    ] {
        single(out, name, kind, help, value);
    }
    histogram(
        out,
        "stockade_ledger_round_seconds",
        "One write to the ledger, its sync included.",
        &status.sync_latency,
    );
}

/// Bucket `n` of the ledger's histogram ends below 2^(n+1) microseconds.
fn histogram(out: &mut String, name: &str, help: &str, latency: &Latency) {
    head(out, name, "histogram", help);
    let mut total = 0_u64;
    for (bucket, count) in (1_u32..).zip(&latency.counts) {
        total = total.saturating_add(*count);
        let bound = 2_f64.powi(i32::try_from(bucket).unwrap_or(i32::MAX)) / 1e6;
        let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {total}");
    }
    let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {total}");
    let _ = writeln!(out, "{name}_sum {}", std::time::Duration::from_micros(latency.sum_us).as_secs_f64());
    let _ = writeln!(out, "{name}_count {total}");
}

/// What every Prometheus client library exports, from `/proc`; left out where there is none.
fn process(out: &mut String) {
    if let Some(seconds) = cpu_seconds() {
        single(out, "process_cpu_seconds_total", "counter", "User and system time of the process.", seconds);
    }
    if let Some(bytes) = resident_bytes() {
        single(out, "process_resident_memory_bytes", "gauge", "Memory of the process.", bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        single(out, "process_open_fds", "gauge", "Open file descriptors.", open.count());
    }
}

fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in parentheses and may hold anything; fields 14 and 15 are counted from the first.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let millis = user.checked_add(system)?.checked_mul(1_000 / USER_HZ)?;
    Some(std::time::Duration::from_millis(millis).as_secs_f64())
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

const fn word(end: EndReason) -> &'static str {
    stockade_views::Ending::Ended(end).as_str()
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn single(out: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

fn labelled(out: &mut String, name: &str, label: &str, value: &str, count: impl Display) {
    let _ = writeln!(out, "{name}{{{label}=\"{value}\"}} {count}");
}
