//! `cargo xtask leaktest`: does a planted value reach the other side, however it is cut and wherever it stands?
//!
//! A black box: a real `stockade up` between a client and an upstream that both belong to the test. Every value is cut at
//! every byte, in every channel, of answers (streamed and not) and of requests. Three things are counted: fragments of
//! a secret that came through, channels in which a value came through whole every time (nobody looks there), and texts
//! that came out otherwise than the same text uncut. Innocent text must arrive byte for byte.

mod answer;
mod find;
mod matrix;
mod other;
mod peer;
mod request;
mod rest;
mod values;
mod wire;

use std::cell::{Cell as Counter, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use self::find::{Finder, Views};
use self::matrix::Matrix;
use self::peer::Peer;
use self::values::{INNOCENT, Planted, Seeded};
use self::wire::{Client, Reply, Shared};
use crate::litellm;
use crate::server::Stockade;
use crate::workspace::{self, Profile};

/// Before and after each value: characters of two, three and four bytes, so that cuts fall inside them.
const BEFORE: &str = "Grüße 🙂 ";
const AFTER: &str = " — 漢字.";

/// Values without a column of their own are cut at so many times fewer places.
const OTHERS: usize = 8;

/// How thorough to be.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Cut at every nth place instead of every one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    stride: u16,
    /// Connections at a time.
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// The values of an earlier run; new ones unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// Use a build without optimisation, which takes several times as long to run and far less to make.
    #[arg(long)]
    dev: bool,
    /// Point the same test at another gateway instead, and print what came through there.
    #[arg(long)]
    peer: Option<Peer>,
}

/// One channel with one text: all its cuts run one after another.
#[derive(Debug, Clone, Copy)]
struct Group {
    side: Side,
    row: usize,
    /// The value's number; none for innocent text.
    value: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Answer { channel: answer::Channel, stream: bool },
    Request { channel: request::Channel },
    OtherAnswer { channel: &'static other::AnswerChannel, stream: bool },
    OtherRequest { channel: &'static other::RequestChannel },
}

/// What all groups share; everything runs on one thread.
struct Run {
    planted: Vec<Planted>,
    /// How many of them have a column of their own; the others share one.
    columns: usize,
    finders: Vec<Finder>,
    stride: usize,
    book: Shared,
    next_case: Counter<u64>,
    answers: RefCell<Matrix>,
    requests: RefCell<Matrix>,
}

/// Runs the test; fails when anything leaks, is not looked at, or changes.
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, test(options))
}

async fn test(options: &Options) -> Result<()> {
    let book = Shared::default();
    let upstream = wire::upstream(book.clone()).await?;
    let fresh = u64::from(std::process::id()) << 32 | u64::from(upstream.port());
    let seed = options.seed.unwrap_or(fresh);
    let mut random = Seeded::new(seed);
    if let Some(peer) = options.peer {
        let (address, _running) = peer.start(upstream)?;
        let planted = peer.planted(&mut random);
        let columns = planted.len();
        let run = Run::new(options, book, planted, columns)?;
        let seconds = drive(options, &run, address, litellm::KEY).await?;
        return peer.report(&run, seed, seconds);
    }
    let profile = if options.dev { Profile::Dev } else { Profile::Release };
    let binary = workspace::build_stockade(profile)?;
    let one = |name: &str, more: &str, models: &str| {
        format!("[upstreams.{name}]\nbase_url = \"http://{upstream}/v1\"\nmodels = [\"{models}*\"]\n{more}\n")
    };
    let config = [
        one("all", "", wire::MODELS),
        one("messages", "dialect = \"anthropic\"", wire::MESSAGES),
        one("chat", "apis = [\"chat\"]", wire::CHAT_ONLY),
        one("ollama", "dialect = \"ollama\"", wire::OLLAMA),
        one("predict", "dialect = \"predict\"", wire::PREDICT.trim_end_matches('-')),
    ]
    .concat();
    let scratch = workspace::root()?.join("target").join("leaktest");
    let server = Stockade::start(&binary, &config, &scratch, None)?;
    let mut planted = values::planted(&mut random, server.key());
    let columns = planted.len();
    let (mut others, without) = values::of_rules(BEFORE, AFTER, &planted)?;
    planted.append(&mut others);
    let run = Run::new(options, book, planted, columns)?;
    let seconds = drive(options, &run, server.gateway(), server.key()).await?;
    let at_rest = rest::shown(&server, &run.planted, &run.finders)?;
    println!(
        "{} recognizers planted, {columns} of them in every channel; {without} have no example that is found here\n",
        run.planted.len()
    );
    report(&run, seed, seconds, &at_rest, &server)
}

/// Runs all cases against a gateway; the seconds that it took.
async fn drive(options: &Options, run: &Rc<Run>, gateway: SocketAddr, key: &str) -> Result<f64> {
    let begin = Instant::now();
    let groups = Rc::new(RefCell::new(groups(run.columns, run.planted.len())));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..options.jobs {
        let (run, groups) = (run.clone(), groups.clone());
        let mut client = Client::new(gateway, key);
        workers.spawn_local(async move {
            loop {
                let Some(group) = groups.borrow_mut().pop_front() else { return };
                run.group(group, &mut client).await;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Streamed answers first: they have the most cuts. Values without a column of their own go where most text goes.
fn groups(values: usize, all: usize) -> VecDeque<Group> {
    let texts = || (0..values).map(Some).chain([None]);
    let mut out = VecDeque::new();
    for stream in [true, false] {
        for (number, channel) in answer::CHANNELS.iter().enumerate() {
            let row = number * 2 + usize::from(!stream);
            let side = Side::Answer { channel: *channel, stream };
            out.extend(texts().map(|value| Group { side, row, value }));
        }
    }
    for (row, channel) in request::CHANNELS.iter().enumerate() {
        let side = Side::Request { channel: *channel };
        out.extend(texts().map(|value| Group { side, row, value }));
    }
    let rows = answer::CHANNELS.len() * 2;
    for (number, channel) in other::answers().enumerate() {
        for stream in [true, false] {
            let row = rows + number * 2 + usize::from(!stream);
            let side = Side::OtherAnswer { channel, stream };
            out.extend(texts().map(|value| Group { side, row, value }));
        }
    }
    for (number, channel) in other::requests().enumerate() {
        let (row, side) = (request::CHANNELS.len() + number, Side::OtherRequest { channel });
        out.extend(texts().map(|value| Group { side, row, value }));
    }
    let most = out.iter().filter(|group| group.value.is_none() && takes_all(group.side)).copied();
    let most: Vec<Group> = most.collect();
    for value in values..all {
        out.extend(most.iter().map(|group| Group { value: Some(value), ..*group }));
    }
    out
}

/// What a run showed.
struct Seen {
    /// What the other side can make of what reached it; none when nothing did.
    views: Option<Views>,
    /// The text at the channel's place, when it is one whose text arrives.
    text: Option<String>,
    /// What was asked and answered, for the report.
    told: String,
}

impl Run {
    fn new(options: &Options, book: Shared, planted: Vec<Planted>, columns: usize) -> Result<Rc<Self>> {
        let finders = planted.iter().map(Finder::new).collect::<Result<_>>()?;
        Ok(Rc::new(Self {
            planted,
            columns,
            finders,
            stride: options.stride.into(),
            book,
            next_case: Counter::new(1),
            answers: RefCell::default(),
            requests: RefCell::default(),
        }))
    }

    async fn group(&self, group: Group, client: &mut Client) {
        let text = match group.value.and_then(|value| self.planted.get(value)) {
            Some(planted) => format!("{BEFORE}{}{AFTER}", planted.text),
            None => INNOCENT.to_owned(),
        };
        let is_other = group.value.is_some_and(|value| value >= self.columns);
        let stride = if is_other { self.stride.saturating_mul(OTHERS) } else { self.stride };
        match group.side {
            Side::Answer { channel, stream } => {
                let mut uncut = None;
                for cut in channel.cuts(stream) {
                    for at in (0..).step_by(stride) {
                        let case = self.case();
                        let Some(answer) = answer::build(channel, stream, *cut, &text, at) else { break };
                        self.book.borrow_mut().expect(case, answer);
                        let seen =
                            self.answered(client, case, chat(case, stream), channel.place(stream)).await;
                        let whole = if stream { "" } else { ", whole" };
                        let what = || format!("answer {}{whole}, {cut:?} at {at}", channel.as_str());
                        self.judge(&self.answers, group, seen, &mut uncut, &text, what);
                    }
                }
            }
            Side::OtherAnswer { channel, stream } => {
                let mut uncut = None;
                for cut in channel.cuts(stream) {
                    for at in (0..).step_by(stride) {
                        let case = self.case();
                        let Some(answer) = channel.build(stream, *cut, &text, at) else { break };
                        self.book.borrow_mut().expect(case, answer);
                        let model = format!("{}{case}", channel.talk.models());
                        let writes = vec![channel.talk.ask(&model, stream).into_bytes()];
                        let request = request::Request {
                            path: Some(channel.talk.path()),
                            header: None,
                            query: None,
                            writes,
                        };
                        let place = channel.place(stream).map(str::to_owned);
                        let seen = self.answered(client, case, request, place).await;
                        let what = || {
                            let whole = if stream { "" } else { ", whole" };
                            format!(
                                "{} answer {}{whole}, {cut:?} at {at}",
                                channel.talk.as_str(),
                                channel.name
                            )
                        };
                        self.judge(&self.answers, group, seen, &mut uncut, &text, what);
                    }
                }
            }
            Side::OtherRequest { channel } => {
                let mut uncut = None;
                for cut in request::CUTS {
                    for at in (0..).step_by(stride) {
                        let case = self.case();
                        let model = format!("{}{case}", channel.talk.models());
                        let Some(request) = channel.build(*cut, &text, &model, at) else { break };
                        let seen = self.received(client, case, channel.place, request).await;
                        let what =
                            || format!("{} request {}, {cut:?} at {at}", channel.talk.as_str(), channel.name);
                        self.judge(&self.requests, group, seen, &mut uncut, &text, what);
                    }
                }
            }
            Side::Request { channel } => {
                let mut uncut = None;
                for cut in request::CUTS {
                    for at in (0..).step_by(stride) {
                        let case = self.case();
                        let model = format!("{}{case}", wire::MODELS);
                        let Some(request) = request::build(channel, *cut, &text, &model, at) else { break };
                        let seen = self.received(client, case, channel.place(), request).await;
                        let what = || format!("request {}, {cut:?} at {at}", channel.as_str());
                        self.judge(&self.requests, group, seen, &mut uncut, &text, what);
                    }
                }
            }
        }
    }

    fn case(&self) -> u64 {
        let case = self.next_case.get();
        self.next_case.set(case + 1);
        case
    }

    /// Asks for an answer and looks at what the client gets.
    async fn answered(
        &self,
        client: &mut Client,
        case: u64,
        request: request::Request,
        place: Option<String>,
    ) -> Result<Seen> {
        let reply = client.ask(request).await;
        self.book.borrow_mut().take(case);
        let reply = reply?;
        let views = Views::of(&reply.body, &reply.headers);
        let text = place.filter(|_| reply.status == 200).map(|place| views.at(&place).to_owned());
        Ok(Seen { text, told: tell(&reply), views: Some(views) })
    }

    /// Sends a request and looks at what the upstream gets.
    async fn received(
        &self,
        client: &mut Client,
        case: u64,
        place: Option<&str>,
        request: request::Request,
    ) -> Result<Seen> {
        let reply = client.ask(request).await;
        let received = self.book.borrow_mut().take(case);
        let reply = reply?;
        let views = received.map(|received| Views::of(&received.body, &received.beside));
        let text = place.zip(views.as_ref()).map(|(place, views)| views.at(place).to_owned());
        Ok(Seen { views, text, told: tell(&reply) })
    }

    fn judge(
        &self,
        matrix: &RefCell<Matrix>,
        group: Group,
        seen: Result<Seen>,
        uncut: &mut Option<Option<String>>,
        innocent: &str,
        what: impl Fn() -> String,
    ) {
        let name = match group.side {
            Side::Answer { channel, stream: true } => channel.as_str().to_owned(),
            Side::Answer { channel, stream: false } => format!("{}, whole", channel.as_str()),
            Side::Request { channel } => channel.as_str().to_owned(),
            Side::OtherAnswer { channel, stream } => {
                let whole = if stream { "" } else { ", whole" };
                format!("{}: {}{whole}", channel.talk.as_str(), channel.name)
            }
            Side::OtherRequest { channel } => format!("{}: {}", channel.talk.as_str(), channel.name),
        };
        let column = group
            .value
            .map_or(self.columns, |value| if value < self.columns { value } else { self.columns + 1 });
        let mut matrix = matrix.borrow_mut();
        matrix.cell(group.row, &name, column).runs += 1;
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                matrix.cell(group.row, &name, column).broken += 1;
                matrix.tell(group.row, || format!("{}: {error:#}", what()));
                return;
            }
        };
        let Some((planted, finder)) =
            group.value.and_then(|value| Some((self.planted.get(value)?, self.finders.get(value)?)))
        else {
            if has_place(group.side) && seen.text.as_deref() != Some(innocent) {
                matrix.cell(group.row, &name, column).different += 1;
                matrix.tell(group.row, || {
                    format!("{}: innocent text came out as {:?}; {}", what(), seen.text, seen.told)
                });
            }
            return;
        };
        let leaked = seen.views.as_ref().map_or(0, |views| views.leaked(finder));
        if leaked > 0 {
            matrix.leaked_bytes = matrix.leaked_bytes.max(leaked);
            matrix.cell(group.row, &name, column).leaks += 1;
            matrix.tell(group.row, || {
                format!("{}: {leaked} bytes of {} came through; {}", what(), planted.name, seen.told)
            });
        }
        // Where a line must not end, a line break has become a space.
        if leaked + 1 >= planted.secret.len() {
            matrix.cell(group.row, &name, column).whole += 1;
        }
        if let Some(text) = &seen.text
            && !(text.starts_with(BEFORE) && text.ends_with(AFTER))
        {
            matrix.cell(group.row, &name, column).different += 1;
            matrix.tell(group.row, || {
                format!("{}: innocent text around {} is gone: {text:?}", what(), planted.name)
            });
        }
        match uncut {
            None => *uncut = Some(seen.text),
            Some(uncut) if *uncut != seen.text => {
                matrix.cell(group.row, &name, column).different += 1;
                matrix.tell(group.row, || {
                    format!(
                        "{}, {}: {:?} uncut, {:?} cut; {}",
                        what(),
                        planted.name,
                        uncut,
                        seen.text,
                        seen.told
                    )
                });
            }
            Some(_) => {}
        }
    }
}

/// Whether the values of all rules are tried here.
fn takes_all(side: Side) -> bool {
    match side {
        Side::Answer { channel, .. } => channel == answer::Channel::Content,
        Side::Request { channel } => channel == request::Channel::User,
        Side::OtherAnswer { .. } | Side::OtherRequest { .. } => false,
    }
}

fn has_place(side: Side) -> bool {
    match side {
        Side::Answer { channel, stream } => channel.place(stream).is_some(),
        Side::Request { channel } => channel.place().is_some(),
        Side::OtherAnswer { channel, stream } => channel.place(stream).is_some(),
        Side::OtherRequest { channel } => channel.place.is_some(),
    }
}

/// A request for an answer of chat completions.
fn chat(case: u64, stream: bool) -> request::Request {
    let tool =
        json!({"type": "function", "function": {"name": "demo_mail", "parameters": {"type": "object"}}});
    let body = json!({
        "model": format!("{}{case}", wire::MODELS), "stream": stream, "n": 2, "logprobs": true,
        "messages": [{"role": "user", "content": "Please answer."}], "tools": [tool],
    });
    request::Request { path: None, header: None, query: None, writes: vec![body.to_string().into_bytes()] }
}

fn tell(reply: &Reply) -> String {
    let body = String::from_utf8_lossy(&reply.body);
    let body: String = body.chars().map(|c| if c.is_control() { ' ' } else { c }).take(700).collect();
    format!("status {}, {body}", reply.status)
}

fn report(run: &Run, seed: u64, seconds: f64, at_rest: &[String], server: &Stockade) -> Result<()> {
    let own = run.planted.iter().take(run.columns).map(|planted| planted.name.as_str());
    let columns: Vec<&str> = own.chain(["innocent", "other rules"]).collect();
    let (answers, requests) = (run.answers.borrow(), run.requests.borrow());
    println!(
        "## Answers: requests sent, each with the value cut at another place\n\n{}",
        answers.render(&columns)
    );
    println!("## Requests\n\n{}", requests.render(&columns));
    for line in answers.told().chain(requests.told()).chain(at_rest) {
        println!("- {line}");
    }
    let (a, r) = (answers.total(), requests.total());
    let unscanned = [answers.unscanned(), requests.unscanned()].concat();
    println!(
        "{} requests in {seconds:.0} s, seed {seed}: {} leaked ({} bytes at most), {} unscanned channels{}, {} differ \
         from the uncut text, {} broken, {} values at rest",
        a.runs + r.runs,
        a.leaks + r.leaks,
        answers.leaked_bytes.max(requests.leaked_bytes),
        unscanned.len(),
        if unscanned.is_empty() { String::new() } else { format!(" ({})", unscanned.join(", ")) },
        a.different + r.different,
        a.broken + r.broken,
        at_rest.len(),
    );
    let verify = server.command(&["audit", "verify"])?;
    println!("the ledger of this run: {}", String::from_utf8_lossy(&verify.stdout).trim());
    if a.leaks + r.leaks + a.different + r.different + a.broken + r.broken > 0 || !at_rest.is_empty() {
        bail!("not everything is as it must be");
    }
    if !verify.status.success() {
        bail!("the ledger does not verify");
    }
    Ok(())
}
