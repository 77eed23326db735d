//! `stockade policy replay`: what was recorded, decided again by other policies.
//!
//! The record has what a decision was made on, in words and counts. What it has not (addresses, the text itself, the
//! arguments of tools) cannot be asked about again, and the report says of how much that holds.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use stockade_authz::{Engine, InspectionContext, Model, Query, Resource};
use stockade_domain::{
    Action, Caller, Clock as _, DecisionRecord, Effect, EndUser, Label, LabelOrder, Micros, Obligation,
    RequestId, Workload, WorkloadId,
};
use stockade_gateway::labels::LabelRules;
use stockade_platform::{Decided, DecidedPage};

use crate::config::{Config, Span};
use crate::control::{Client, Request};
use crate::home::HomeArgs;
use crate::output::{OutputArgs, Verdict};
use crate::system::SystemClock;

/// What to decide again.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Policies to try, a directory of `.cedar` files [default: the configured one]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// At most so many requests, the newest
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    last: usize,
    /// Only what was recorded in so long a time, for example 7d
    #[arg(long, value_name = "TIME", value_parser = span)]
    since: Option<Span>,
}

pub(super) fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "write for example 12h or 7d".to_owned())
}

/// The time that long ago.
pub(super) fn ago(span: Span) -> Micros {
    let span = i64::try_from(span.0.as_micros()).unwrap_or(i64::MAX);
    Micros::from_i64(SystemClock.now().as_i64().saturating_sub(span))
}

/// Of each kind of change so many requests are named.
const EXAMPLES: usize = 5;

/// The upstream of the built-in models, and the one of them without protection.
const SANDBOX: &str = "sandbox";
const OBSERVED: &str = "sandbox-observe";

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Report {
    policy_hash: String,
    /// Requests that were decided again.
    decided: u64,
    same: u64,
    changed: u64,
    changes: Vec<Change>,
    /// What could not be decided again, by reason.
    not_decided: BTreeMap<&'static str, u64>,
    /// What policies asked for that the record does not have.
    caveats: Vec<String>,
}

/// Requests of one workload for which the same would change.
#[derive(Debug, Clone, Serialize)]
struct Change {
    #[serde(flatten)]
    what: What,
    requests: u64,
    examples: Vec<RequestId>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct What {
    workload: String,
    change: &'static str,
    /// Policies that make the difference.
    policies: Vec<String>,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
}

/// What questions are put with beside the record: workloads, models and labels as they are now.
struct Present<'a> {
    engine: &'a Engine,
    workloads: HashMap<WorkloadId, Arc<Workload>>,
    config: &'a Config,
    labels: LabelOrder,
    clearances: LabelRules,
}

pub(super) fn run(
    home: &HomeArgs,
    output: OutputArgs,
    config: &Config,
    engine: &Engine,
    args: &ReplayArgs,
) -> Result<ExitCode> {
    let home = home.resolve()?;
    let workloads: Vec<Workload> = Client::reach(&home)?.ask(Request::WorkloadList)?;
    let present = Present {
        engine,
        workloads: workloads.into_iter().map(|workload| (workload.id, Arc::new(workload))).collect(),
        config,
        labels: config.label_order(),
        clearances: config
            .label_rules()
            .map_err(|error| anyhow::anyhow!("{}: {}", error.at, error.message))?,
    };
    let mut report = Report { policy_hash: engine.policies().hash().to_owned(), ..Report::default() };
    let mut changes: BTreeMap<What, Change> = BTreeMap::new();
    let (mut left, mut below, mut has_users) = (args.last, None, false);
    let since = args.since.map(ago);
    loop {
        let page: DecidedPage = Client::reach(&home)?.ask(Request::Decided { below, since })?;
        report.miss(
            "tool calls: the record has neither their names nor what was found in them",
            page.tool_calls,
        );
        for request in page.rows.iter().take(left) {
            has_users |= request.caller.user.is_some();
            match present.again(request) {
                Ok(None) => report.same = report.same.saturating_add(1),
                Ok(Some(what)) => {
                    report.changed = report.changed.saturating_add(1);
                    let change = changes.entry(what.clone()).or_insert_with(|| Change {
                        what,
                        requests: 0,
                        examples: Vec::new(),
                    });
                    change.requests = change.requests.saturating_add(1);
                    if change.examples.len() < EXAMPLES {
                        change.examples.push(request.request);
                    }
                }
                Err(why) => report.miss(why, 1),
            }
        }
        left = left.saturating_sub(page.rows.len());
        below = page.next;
        if below.is_none() || left == 0 {
            break;
        }
    }
    report.decided = report.same.saturating_add(report.changed);
    report.changes = changes.into_values().collect();
    report.changes.sort_by_key(|change| std::cmp::Reverse(change.requests));
    report.caveats = caveats(engine, has_users);
    output.one(&report, human)?;
    Ok(if report.changed == 0 { Verdict::Clean } else { Verdict::Findings }.into())
}

impl Present<'_> {
    /// What would change for a request; `Err` says why that cannot be told.
    fn again(&self, request: &Decided) -> Result<Option<What>, &'static str> {
        let workload =
            self.workloads.get(&request.caller.workload).ok_or("requests: their workload is gone")?;
        let old = &request.decision;
        let by_policy = |reason: &String| !matches!(reason.as_str(), "obligation_unmet" | "policy_error");
        if old.effect == Effect::Deny && !old.reasons.iter().all(by_policy) {
            return Err("requests: they were denied for something that did not work, and not by a policy");
        }
        if request.caller.token.is_some() {
            return Err("requests: the record does not have the roles and groups that their tokens name");
        }
        let caller = Caller {
            workload: Arc::clone(workload),
            key: request.caller.key,
            credential: request.caller.credential,
            certificate: None,
            token: None,
            user: request.caller.user.clone().map(EndUser::asserted),
            chain: request.caller.chain.clone(),
        };
        let ask = |action, resource, context: &InspectionContext| {
            let label_order = &self.labels;
            self.engine.decide(&Query { caller: &caller, action, resource, context, label_order })
        };
        let bare = InspectionContext { now: request.time, ..InspectionContext::default() };
        let new = match request.action {
            Action::Invoke | Action::Embed | Action::Predict => {
                let connect = ask(Action::Connect, Resource::Gateway, &bare);
                if connect.effect == Effect::Deny {
                    return Ok(change(workload, old, &connect));
                }
                let asked = old.asked.as_ref().ok_or("requests: an earlier version recorded them")?;
                let context = InspectionContext::recorded(asked, request.stream, request.time);
                let model =
                    self.model(request).ok_or("requests: their upstream is not configured any more")?;
                ask(request.action, Resource::Model(&model), &context)
            }
            Action::Connect | Action::ListModels => ask(request.action, Resource::Gateway, &bare),
            Action::CallTool | Action::ReadResult | Action::Export => {
                return Err("requests: they were no requests of the gateway");
            }
        };
        Ok(change(workload, old, &new))
    }

    fn model(&self, request: &Decided) -> Option<Model> {
        let upstream = request.upstream.as_str();
        let sandbox = upstream == SANDBOX;
        let label_max = match self.config.upstreams.get(upstream) {
            Some(configured) => self.config.clearance(configured),
            None if sandbox => self.labels.highest(),
            // Upstreams of the environment have this label.
            None if upstream.starts_with("env-") => Label::new("internal"),
            None => return None,
        };
        let observe = sandbox && request.model == OBSERVED;
        let region = self.config.upstreams.get(upstream).and_then(|configured| configured.region.clone());
        let mut model = Model {
            name: request.model.clone(),
            upstream: upstream.to_owned(),
            region,
            sandbox,
            observe,
            label_max,
        };
        self.clearances.cap(&mut model);
        Some(model)
    }
}

fn change(workload: &Workload, old: &DecisionRecord, new: &DecisionRecord) -> Option<What> {
    let what = |change, by: &DecisionRecord, added: Vec<String>, removed: Vec<String>| {
        let (policies, reasons) = (by.policies.clone(), by.reasons.clone());
        Some(What { workload: workload.name.to_string(), change, policies, reasons, added, removed })
    };
    let lacks = |one: &DecisionRecord, other: &DecisionRecord| -> Vec<String> {
        let missing = |obligation: &&Obligation| !other.obligations.contains(obligation);
        one.obligations.iter().filter(missing).map(ToString::to_string).collect()
    };
    match (old.effect, new.effect) {
        (Effect::Permit, Effect::Deny) => what("deny instead of permit", new, Vec::new(), Vec::new()),
        (Effect::Deny, Effect::Permit) => what("permit instead of deny", old, Vec::new(), Vec::new()),
        (Effect::Permit, Effect::Permit) if old.obligations != new.obligations => {
            let (added, removed) = (lacks(new, old), lacks(old, new));
            let unlike = |id: &&String| old.policies.contains(id) != new.policies.contains(id);
            let policies = new.policies.iter().chain(&old.policies).filter(unlike).cloned().collect();
            what("other obligations", &DecisionRecord { policies, ..new.clone() }, added, removed)
        }
        _ => None,
    }
}

/// What policies ask for that the record does not have.
fn caveats(engine: &Engine, has_users: bool) -> Vec<String> {
    let read = |name: &str| engine.policies().that_read(name).join(", ");
    let mut caveats = vec!["workloads, models and labels were taken as they are now".to_owned()];
    let by_address = read("addr");
    if !by_address.is_empty() {
        caveats.push(format!("{by_address}: asked without the caller's address, which is not in the record"));
    }
    let by_user = read("user");
    if has_users && !by_user.is_empty() {
        caveats.push(format!("{by_user}: end users are known by their pseudonyms only"));
    }
    caveats
}

impl Report {
    fn miss(&mut self, why: &'static str, count: u64) {
        if count > 0 {
            let sum = self.not_decided.entry(why).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

fn human(report: &Report) -> String {
    let mut lines = vec![
        format!("{} requests decided again by policy set {}", report.decided, report.policy_hash),
        format!("  {:>8} the same", report.same),
        format!("  {:>8} changed", report.changed),
    ];
    for Change { what, requests, examples } in &report.changes {
        let because = [what.policies.join(", "), what.reasons.join(", ")];
        let because: Vec<&str> = because.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        lines.push(format!("{}: {requests} of {} ({})", what.change, what.workload, because.join("; ")));
        let signed = [("+", &what.added), ("-", &what.removed)];
        for (sign, list) in signed {
            lines.extend(list.iter().map(|obligation| format!("    {sign} {obligation}")));
        }
        let examples: Vec<String> = examples.iter().map(ToString::to_string).collect();
        lines.push(format!("    {}", examples.join(" ")));
    }
    if !report.not_decided.is_empty() {
        lines.push("not decided again:".to_owned());
        lines.extend(report.not_decided.iter().map(|(why, count)| format!("  {count:>8} {why}")));
    }
    lines.extend(report.caveats.iter().map(|caveat| format!("note: {caveat}")));
    lines.join("\n")
}
