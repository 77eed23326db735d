//! `stockade audit`: the ledger, read and verified from its files, beside a running server or without one.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use stockade_crypto::VerifyingKey;
use stockade_domain::{AuditEvent, Effect, RequestId, Untrusted};
use stockade_ledger::verify::{Report, verify_directory};
use stockade_ledger::{Entry, RealVfs, export_directory, parse_verifier_key, verify_bundle};

use super::short;
use crate::control::{Client, Request};
use crate::home::{Home, HomeArgs};
use crate::output::{self, OutputArgs, Verdict, print};

/// Reads, proves and verifies the record
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Verify every entry, tile and signature; names the first bad entry
    Verify(Verify),
    /// Write a proof of one request, which verifies alone
    Prove(Prove),
    /// Print the last entries
    Tail(Tail),
    /// Print entries as JSON lines, each exactly as it is hashed
    Export(Export),
}

#[derive(Debug, Args)]
struct Verify {
    /// Verify this proof (from `audit prove`) instead of the ledger
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Trust this verifier key only: a `ledger.pub` that you kept elsewhere
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Prove {
    /// The request's id (`req_...`)
    request: RequestId,
    /// Where to write the proof [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Tail {
    /// How many entries
    #[arg(short = 'n', long, default_value_t = 20)]
    lines: usize,
    /// Go on printing as entries come
    #[arg(short, long)]
    follow: bool,
}

#[derive(Debug, Args)]
struct Export {
    /// The first entry to print, counted from 0
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    from: u64,
}

/// How often `tail --follow` looks.
const LOOK: Duration = Duration::from_millis(300);

/// The longest proof that is read, in bytes.
const MAX_PROOF: u64 = 1 << 20;

pub(crate) fn run(home: &HomeArgs, output: OutputArgs, args: &AuditArgs) -> Result<ExitCode> {
    let home = home.resolve()?;
    match &args.verb {
        Verb::Verify(args) => verify(&home, output, args),
        Verb::Prove(args) => prove(&home, args),
        Verb::Tail(args) => tail(&home, output, args),
        Verb::Export(args) => {
            home.must_exist()?;
            for entry in export_directory(Arc::new(RealVfs), &home.layout().ledger(), args.from)? {
                print(entry?.json)?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What `verify` says to programs.
#[derive(Serialize)]
struct Verified {
    good: bool,
    origin: String,
    signed: u64,
    unsigned: u64,
    payloads_intact: u64,
    payloads_erased: u64,
    open_requests: u64,
    leftovers: Vec<String>,
    /// The first thing that is wrong comes first.
    bad: Vec<BadPlace>,
}

#[derive(Serialize)]
struct BadPlace {
    entry: Option<u64>,
    file: String,
    why: String,
}

fn verify(home: &Home, output: OutputArgs, args: &Verify) -> Result<ExitCode> {
    let key = args.key.as_deref().map(read_key).transpose()?;
    if let Some(proof) = &args.proof {
        return verify_proof(output, proof, key.as_ref());
    }
    let directory = home.layout().ledger();
    if !directory.is_dir() {
        bail!("there is no ledger in {}", home.data().display());
    }
    let report = verify_directory(&directory, key.as_ref());
    let good = report.is_good();
    output.one(&Verified::from(report), describe)?;
    if good && key.is_none() && output.is_human() {
        output::say(format_args!(
            "The key in {} was believed. Keep a copy of it elsewhere and verify with --key, and whoever holds the \
             signing key could still have rewritten all of it: only a witness shows that.",
            directory.join("ledger.pub").display()
        ));
    }
    Ok(if good { Verdict::Clean } else { Verdict::Findings }.into())
}

fn verify_proof(output: OutputArgs, path: &Path, key: Option<&VerifyingKey>) -> Result<ExitCode> {
    let bundle = super::read_text(Some(path), MAX_PROOF)?;
    match verify_bundle(bundle.as_bytes(), key) {
        Ok(proved) => {
            let facts = serde_json::json!({
                "good": true, "origin": proved.origin, "size": proved.size, "request": proved.request,
                "intent": proved.intent, "outcome": proved.outcome,
            });
            output.one(&facts, |_| {
                let place = |at: Option<u64>| at.map_or_else(|| "none".to_owned(), |n| n.to_string());
                format!(
                    "good: {} is in {}, a log of {} entries (intent {}, outcome {})",
                    proved.request,
                    proved.origin,
                    proved.size,
                    place(proved.intent),
                    place(proved.outcome)
                )
            })?;
            Ok(Verdict::Clean.into())
        }
        Err(why) => {
            let why = Untrusted::new(&why).for_log();
            output.one(&serde_json::json!({"good": false, "why": why}), |_| format!("BAD: {why}"))?;
            Ok(Verdict::Findings.into())
        }
    }
}

fn read_key(path: &Path) -> Result<VerifyingKey> {
    let text = super::read_text(Some(path), 4 * 1_024)?;
    let read = parse_verifier_key(text.trim_end());
    read.map(|(_, key)| key).with_context(|| format!("{} is not a verifier key", path.display()))
}

impl From<Report> for Verified {
    fn from(report: Report) -> Self {
        let bad = report.bad.iter().map(|bad| BadPlace {
            entry: bad.index,
            file: bad.file.clone(),
            why: bad.why.clone(),
        });
        Self {
            good: report.is_good(),
            bad: bad.collect(),
            origin: report.origin,
            signed: report.signed,
            unsigned: report.unsigned,
            payloads_intact: report.payloads_intact,
            payloads_erased: report.payloads_erased,
            open_requests: report.open_intents,
            leftovers: report.leftovers,
        }
    }
}

fn describe(verified: &Verified) -> String {
    let clean = |text: &str| Untrusted::new(text).for_log();
    let mut lines = Vec::new();
    if verified.good {
        lines.push(format!(
            "good: {} entries of {} are as they were signed",
            verified.signed, verified.origin
        ));
    }
    for bad in verified.bad.iter().take(20) {
        let entry = bad.entry.map_or_else(String::new, |n| format!("entry {n}, "));
        lines.push(format!("BAD: {entry}{}: {}", clean(&bad.file), clean(&bad.why)));
    }
    if verified.bad.len() > 20 {
        lines.push(format!("BAD: and {} more", verified.bad.len().saturating_sub(20)));
    }
    if verified.unsigned > 0 {
        lines.push(format!("{} entries after the last checkpoint are not yet signed", verified.unsigned));
    }
    lines.push(format!(
        "recorded texts: {} intact, {} erased; requests without an outcome: {}",
        verified.payloads_intact, verified.payloads_erased, verified.open_requests
    ));
    for left in verified.leftovers.iter().take(20) {
        lines.push(format!("not part of the log: {}", clean(left)));
    }
    lines.join("\n")
}

fn prove(home: &Home, args: &Prove) -> Result<ExitCode> {
    let bundle: String = Client::reach(home)?.ask(Request::Prove { request: args.request })?;
    match &args.out {
        None => output::write_out(bundle.as_bytes())?,
        Some(path) => {
            std::fs::write(path, bundle).with_context(|| format!("cannot write {}", path.display()))?;
            output::say(format_args!(
                "The proof is in {0}; `stockade audit verify --proof {0}` checks it anywhere.",
                path.display()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tail(home: &Home, output: OutputArgs, args: &Tail) -> Result<ExitCode> {
    home.must_exist()?;
    let ledger = home.layout().ledger();
    let wanted = u64::try_from(args.lines).unwrap_or(u64::MAX);
    let mut next = signed_size(&ledger).saturating_sub(wanted);
    let mut last = VecDeque::new();
    for entry in export_directory(Arc::new(RealVfs), &ledger, next)? {
        let entry = entry?;
        next = entry.index.saturating_add(1);
        last.push_back(entry);
        if last.len() > args.lines {
            last.pop_front();
        }
    }
    last.iter().try_for_each(|entry| show(output, entry))?;
    if args.follow { follow(output, &ledger, next) } else { Ok(ExitCode::SUCCESS) }
}

/// Prints entries as they come, until it is interrupted or its reader goes away.
fn follow(output: OutputArgs, ledger: &Path, mut next: u64) -> Result<ExitCode> {
    loop {
        std::thread::sleep(LOOK);
        for entry in export_directory(Arc::new(RealVfs), ledger, next)? {
            let entry = entry?;
            next = entry.index.saturating_add(1);
            show(output, &entry)?;
        }
    }
}

/// The size that the checkpoint claims, as a hint where to begin reading; nothing rests on it.
pub(super) fn signed_size(ledger: &Path) -> u64 {
    let note = std::fs::read_to_string(ledger.join("checkpoint")).unwrap_or_default();
    note.lines().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

fn show(output: OutputArgs, entry: &Entry) -> Result<()> {
    if output.is_human() { print(line(entry)) } else { print(&entry.json) }
}

/// One entry on one line. Names in it were checked before they got into the ledger, but a file can be altered.
fn line(entry: &Entry) -> String {
    let index = entry.index;
    let text = match entry.event() {
        None => "of a form that this version does not know".to_owned(),
        Some(AuditEvent::Intent(intent)) => {
            let effect = match intent.decision.effect {
                Effect::Permit => "permit",
                Effect::Deny => "deny",
            };
            let why = if intent.decision.reasons.is_empty() {
                &intent.decision.policies
            } else {
                &intent.decision.reasons
            };
            format!(
                "{} intent   {} {} {effect} ({})",
                short(intent.time),
                intent.request,
                intent.model,
                why.join(", ")
            )
        }
        Some(AuditEvent::Outcome(outcome)) => {
            let end = serde_json::to_value(outcome.end).ok();
            let end = end.as_ref().and_then(|end| end.as_str()).unwrap_or("?");
            let code = outcome.code.map_or_else(String::new, |code| format!(" ({code})"));
            format!("{} outcome  {} {end} {}{code}", short(outcome.time), outcome.request, outcome.status)
        }
        Some(AuditEvent::Interrupted(cut)) => format!("{} interrupted {}", short(cut.time), cut.request),
        Some(AuditEvent::Rejections(rejections)) => {
            let counts: Vec<_> =
                rejections.counts.iter().map(|c| format!("{} x {}", c.count, c.code)).collect();
            format!("{} refused  {}", short(rejections.to), counts.join(", "))
        }
        Some(AuditEvent::Admin { time, action, actor, detail }) => {
            let detail: Vec<_> = detail.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("{} {action} by {actor} {}", short(time), detail.join(" "))
        }
    };
    format!("{index:>8} {}", Untrusted::new(&text).for_log())
}
