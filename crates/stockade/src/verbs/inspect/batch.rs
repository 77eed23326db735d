//! `--jsonl`: an object a line in, an object a line out, in the same order.
//!
//! Lines are read in batches, one batch for each read of the input, so that somebody who writes a line and waits gets
//! the answer. Batches go round the threads in turn and come back in turn, which keeps their order without sorting.

use std::io::{ErrorKind, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context as _, Result};
use memchr::memchr;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stockade_domain::{Incomplete, SpanRef};
use stockade_inspect::Engine;

use super::judge::{Judge, Kept, Level};
use super::place::Place;
use super::redact::redacted;
use super::{Families, Found, Scores};

/// The longest line, in bytes. A longer one is skipped and answered with an error.
const MAX_LINE: usize = 8 << 20;

/// How much is read at once.
const READ: usize = 256 << 10;

/// How many lines a batch has at most.
const BATCH: usize = 512;

/// How many batches wait for each thread.
const WAITING: usize = 2;

/// What is the same for all lines.
pub(super) struct Batch<'a> {
    pub(super) engine: &'a Engine,
    pub(super) judge: &'a Judge,
    pub(super) families: &'a Families,
    /// The place of a text that names none.
    pub(super) place: Place,
    pub(super) redact: bool,
}

/// Lines that are looked at together.
#[derive(Default)]
struct Lines {
    /// The number of the first, from 1.
    first: u64,
    bytes: Vec<u8>,
    /// Where each line ends in `bytes`; `None` for one that was too long and is not there.
    ends: Vec<Option<usize>>,
}

/// What lines came to.
#[derive(Default, Clone, Copy)]
struct Outcome {
    blocked: bool,
    incomplete: bool,
    failed: bool,
}

/// A line of input. Further keys are the caller's own.
#[derive(Deserialize)]
struct Asked {
    text: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    id: Value,
}

/// A line of output.
#[derive(Serialize)]
struct Answered<'a> {
    id: Value,
    verdict: Level,
    scores: Scores,
    findings: Vec<Found<'a>>,
    ran: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    incomplete: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted: Option<String>,
}

/// A line of output for a line that cannot be read.
#[derive(Serialize)]
struct Refused {
    id: Value,
    error: Trouble,
}

#[derive(Serialize)]
struct Trouble {
    /// A stable word.
    code: &'static str,
    message: String,
    line: u64,
}

/// Answers every line of the input.
pub(super) fn run(batch: &Batch<'_>, input: impl Read + Send, output: &mut dyn Write) -> Result<ExitCode> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let (mut to, mut from) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (send, lines) = sync_channel::<Lines>(WAITING);
            let (done, answers) = sync_channel(WAITING);
            scope.spawn(move || batch.work(&lines, &done));
            to.push(send);
            from.push(answers);
        }
        let reader = scope.spawn(move || read(input, &to));
        let mut outcome = Outcome::default();
        for answers in from.iter().cycle() {
            // The threads end in turn: the first that has nothing more to say is the one after the last batch.
            let Ok((bytes, of)) = answers.recv() else { break };
            outcome.add(of);
            match output.write_all(&bytes).and_then(|()| output.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
                written => written.context("cannot write the answers")?,
            }
        }
        drop(from);
        match reader.join() {
            Ok(read) => read.context("cannot read the lines")?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(outcome.code())
    })
}

/// Cuts the input into batches and hands them round. Ends early when nobody takes them.
fn read(mut input: impl Read, to: &[SyncSender<Lines>]) -> std::io::Result<()> {
    let mut buffer = vec![0; READ];
    let mut lines = Lines { first: 1, ..Lines::default() };
    let mut line = Vec::new();
    let mut too_long = false;
    let mut turn = to.iter().cycle();
    let mut hand_on = |lines: &mut Lines| {
        let next = lines.first.saturating_add(u64::try_from(lines.ends.len()).unwrap_or(u64::MAX));
        let full = std::mem::replace(lines, Lines { first: next, ..Lines::default() });
        full.ends.is_empty() || turn.next().is_some_and(|to| to.send(full).is_ok())
    };
    loop {
        let count = match input.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let mut rest = buffer.get(..count).unwrap_or_default();
        while let Some((head, tail)) = memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
            too_long |= line.len().saturating_add(head.len()) > MAX_LINE;
            if !too_long {
                line.extend_from_slice(head);
            }
            lines.add(&mut line, std::mem::take(&mut too_long));
            if lines.ends.len() >= BATCH && !hand_on(&mut lines) {
                return Ok(());
            }
            rest = tail.get(1..).unwrap_or_default();
        }
        too_long |= line.len().saturating_add(rest.len()) > MAX_LINE;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(rest);
        }
        if count == 0 && (too_long || !line.is_empty()) {
            lines.add(&mut line, too_long);
        }
        if !hand_on(&mut lines) || count == 0 {
            return Ok(());
        }
    }
}

// === impl Lines ===

impl Lines {
    fn add(&mut self, line: &mut Vec<u8>, too_long: bool) {
        self.bytes.append(line);
        self.ends.push((!too_long).then_some(self.bytes.len()));
    }

    /// Each line with its number; `None` for one that was too long.
    fn iter(&self) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
        let mut at = 0;
        (self.first..).zip(&self.ends).map(move |(number, end)| {
            let line =
                end.map(|end| self.bytes.get(std::mem::replace(&mut at, end)..end).unwrap_or_default());
            (number, line)
        })
    }
}

// === impl Batch ===

impl Batch<'_> {
    fn work(&self, lines: &Receiver<Lines>, done: &SyncSender<(Vec<u8>, Outcome)>) {
        let mut kept = Kept::default();
        for lines in lines {
            let mut out = Vec::with_capacity(lines.bytes.len().saturating_mul(2));
            let mut outcome = Outcome::default();
            for (number, line) in lines.iter() {
                self.answer(number, line, &mut kept, &mut out, &mut outcome);
            }
            if done.send((out, outcome)).is_err() {
                return;
            }
        }
    }

    fn answer(
        &self,
        number: u64,
        line: Option<&[u8]>,
        kept: &mut Kept,
        out: &mut Vec<u8>,
        outcome: &mut Outcome,
    ) {
        let asked = match line.map(parse) {
            // An empty line says nothing and is answered with nothing.
            Some(Ok(None)) => return,
            Some(Ok(Some(asked))) => asked,
            Some(Err(trouble)) => return refuse(trouble.at(number), out, outcome),
            None => {
                let message = format!("longer than {MAX_LINE} bytes");
                return refuse(Trouble { code: "too_long", message, line: number }, out, outcome);
            }
        };
        let cx = asked.channel.as_deref().map_or(self.place, Place::named).context();
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &asked.text };
        let report = self.engine.examine(span, &cx);
        let decision = self.judge.decide(cx.channel, &report, kept);
        let verdict = self.judge.level(&decision, &report.findings);
        outcome.blocked |= verdict == Level::Block;
        outcome.incomplete |= !report.incomplete.is_empty();
        let answered = Answered {
            id: asked.id,
            verdict,
            scores: Scores::new(report.score),
            findings: report.findings.iter().map(Found::new).collect(),
            ran: self.families.ran(&report),
            incomplete: report.incomplete.iter().map(lack).collect(),
            redacted: self.redact.then(|| redacted(&asked.text, &report.findings)),
        };
        write(&answered, out, outcome);
    }
}

fn parse(line: &[u8]) -> Result<Option<Asked>, Trouble> {
    let trouble = |code, message: String| Trouble { code, message, line: 0 };
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let text = std::str::from_utf8(line)
        .map_err(|error| trouble("not_utf8", format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    match serde_json::from_str(text) {
        Ok(asked) => Ok(Some(asked)),
        Err(error) if error.is_data() => Err(trouble("not_a_question", error.to_string())),
        Err(error) => Err(trouble("not_json", error.to_string())),
    }
}

fn refuse(error: Trouble, out: &mut Vec<u8>, outcome: &mut Outcome) {
    outcome.failed = true;
    write(&Refused { id: Value::Null, error }, out, outcome);
}

fn write(answer: &impl Serialize, out: &mut Vec<u8>, outcome: &mut Outcome) {
    let before = out.len();
    if serde_json::to_writer(&mut *out, answer).is_err() {
        out.truncate(before);
        outcome.failed = true;
    }
    out.push(b'\n');
}

/// A detector that could not finish, and why.
pub(super) fn lack(incomplete: &Incomplete) -> String {
    format!("{}:{}", incomplete.detector, incomplete.reason)
}

impl Trouble {
    fn at(self, line: u64) -> Self {
        Self { line, ..self }
    }
}

// === impl Outcome ===

impl Outcome {
    fn add(&mut self, other: Self) {
        self.blocked |= other.blocked;
        self.incomplete |= other.incomplete;
        self.failed |= other.failed;
    }

    /// 2 where a line could not be read, 3 where a text was not looked at to its end, 1 where one would be blocked.
    fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self { failed: true, .. } => 2,
            Self { incomplete: true, .. } => 3,
            Self { blocked: true, .. } => 1,
            _ => 0,
        })
    }
}
