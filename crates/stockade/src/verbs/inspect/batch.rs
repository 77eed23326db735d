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
use serde_json::value::RawValue;
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

/// The bytes that some programs begin a file with (U+FEFF in UTF-8).
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The length of an escape of a UTF-16 unit.
const ESCAPE: usize = "\\uXXXX".len();

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
    id: Id,
}

/// What a caller knows a line by, as it was written: a number of any length stays what it is.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Id(Option<Box<RawValue>>);

/// The id alone, of a line that asks nothing that can be answered.
#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    id: Id,
}

/// A line of output.
#[derive(Serialize)]
struct Answered<'a> {
    id: Id,
    /// Where the text was taken to stand, when the channel that was named is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_as: Option<&'static str>,
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
    id: Id,
    error: Trouble,
}

#[derive(Serialize)]
struct Trouble {
    #[serde(skip)]
    id: Id,
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
                return refuse(Trouble::new("too_long", message).at(number), out, outcome);
            }
        };
        let named = asked.channel.as_deref().map(Place::named);
        let unknown = matches!(named, Some(None));
        // One that nobody knows is unlabelled, which meets the strictest rules; the answer says so.
        let cx = named.map_or(self.place, |place| place.unwrap_or(Place::Unlabelled)).context();
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &asked.text };
        let report = self.engine.examine(span, &cx);
        let decision = self.judge.decide(cx.channel, &report, kept);
        let verdict = self.judge.level(&decision, &report.findings);
        outcome.blocked |= verdict == Level::Block;
        outcome.incomplete |= !report.incomplete.is_empty();
        let answered = Answered {
            id: asked.id,
            read_as: unknown.then_some("unlabelled"),
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
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let text = std::str::from_utf8(line)
        .map_err(|error| Trouble::new("not_utf8", format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let asked = serde_json::from_str(text).or_else(|error| match paired(text) {
        Some(text) if error.is_syntax() => serde_json::from_str(&text),
        _ => Err(error),
    });
    asked.map(Some).map_err(|error| {
        let code = if error.is_data() { "not_a_question" } else { "not_json" };
        let named: Named = serde_json::from_str(text).unwrap_or_default();
        Trouble { id: named.id, ..Trouble::new(code, error.to_string()) }
    })
}

/// A line in which each half of a surrogate pair that stands alone (RFC 8259 section 8.2) is U+FFFD: texts that a program
/// cut in UTF-16 are written so. Nothing where all are in pairs.
fn paired(line: &str) -> Option<String> {
    let unit = |at: usize| {
        let digits = line.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(found) = line.get(at..).and_then(|rest| memchr(b'\\', rest.as_bytes())) {
        let escape = at.saturating_add(found);
        let (first, second) = (unit(escape), unit(escape.saturating_add(ESCAPE)));
        at = match (first, second) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => escape.saturating_add(2 * ESCAPE),
            (Some(0xd800..=0xdfff), _) => {
                out.push_str(line.get(copied..escape)?);
                out.push_str("\\ufffd");
                copied = escape.saturating_add(ESCAPE);
                copied
            }
            (Some(_), _) => escape.saturating_add(ESCAPE),
            // The character behind the sign belongs to it, another sign too.
            (None, _) => {
                let escaped = line.get(escape..)?.chars().nth(1)?;
                escape.saturating_add(1).saturating_add(escaped.len_utf8())
            }
        };
    }
    if copied == 0 {
        return None;
    }
    out.push_str(line.get(copied..)?);
    Some(out)
}

fn refuse(mut error: Trouble, out: &mut Vec<u8>, outcome: &mut Outcome) {
    outcome.failed = true;
    write(&Refused { id: std::mem::take(&mut error.id), error }, out, outcome);
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
    fn new(code: &'static str, message: String) -> Self {
        Self { id: Id::default(), code, message, line: 0 }
    }

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
