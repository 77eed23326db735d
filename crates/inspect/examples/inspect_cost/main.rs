//! What inspection costs, in this process: start-up, latency and throughput by size and sort of text, streams in small
//! pieces, and a search for what costs most.
//!
//! `cargo xtask bench inspect` runs it beside other tools; alone it is
//! `cargo run --release -p stockade-inspect --example inspect_cost`.
//!
//! * no argument: figures for people
//! * `--rows`: one JSON object a line, for `cargo xtask bench inspect`
//! * `--texts FILE`: the texts as JSON lines, for other tools to read
//! * `--search SECONDS [SEED]`: the search alone
//! * `--repeat SORT SIZE TIMES`: one text again and again, for a profiler
//! * `--stream SORT SIZE PIECE TIMES`: the same, in pieces of so many bytes
//! * `--motif TEXT SIZE TIMES`: the same for a motif

#![expect(clippy::print_stdout, reason = "a program that prints figures")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "figures for people")]

mod search;
mod texts;

use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use stockade_domain::{Channel, Direction, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

use texts::{SORTS, Sort};

/// Sizes of texts, in bytes.
const SIZES: [usize; 4] = [200, 2 * 1024, 32 * 1024, 256 * 1024];

/// The texts in UTF-8 that a request carries.
const CX: Context = Context::new(Direction::Request, Channel::Content, Role::User);

/// How one sort and size did.
struct Row {
    engine: &'static str,
    sort: &'static str,
    ordinary: bool,
    size: usize,
    /// Nanoseconds.
    p50: u64,
    p99: u64,
    least: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--texts", file] => return write_texts(file),
        ["--start"] => return start(),
        ["--repeat", sort, size, times] => {
            let sort = SORTS.iter().find(|known| known.name == *sort).ok_or("no such sort")?;
            repeat(&sort.text(size.parse()?), times.parse()?)?;
        }
        ["--stream", sort, size, piece, times] => {
            let sort = SORTS.iter().find(|known| known.name == *sort).ok_or("no such sort")?;
            let (engine, text) = (engine()?, sort.text(size.parse()?));
            (0..times.parse()?).for_each(|_: u32| {
                stream(&engine, &text, piece.parse().unwrap_or(4));
            });
        }
        ["--motif", motif, size, times] => {
            repeat(&search::text(motif, false, size.parse()?), times.parse()?)?
        }
        ["--search", seconds] => climb(seconds.parse()?, 1)?,
        ["--search", seconds, seed] => climb(seconds.parse()?, seed.parse()?)?,
        ["--rows"] => rows(|row| println!("{}", row.to_json()))?,
        _ => {
            start()?;
            rows(|row| println!("{}", row.to_line()))?;
            streams()?;
            climb(20, 1)?;
        }
    }
    Ok(())
}

fn engine() -> Result<Engine, Box<dyn Error>> {
    Ok(Engine::new(&Rulebook::new(stockade_rules::FILES))?)
}

/// With recognizers only: personal data and credentials.
fn data_engine() -> Result<Engine, Box<dyn Error>> {
    let data: Vec<(&str, &str)> =
        stockade_rules::FILES.iter().copied().filter(|(name, _)| name.starts_with("recognizers/")).collect();
    Ok(Engine::new(&Rulebook::new(data.leak()))?)
}

/// What a start takes: time, and memory of the process before and after.
fn start() -> Result<(), Box<dyn Error>> {
    let before = resident();
    let begun = Instant::now();
    let engine = engine()?;
    let took = begun.elapsed();
    let after = resident();
    let span = SpanRef { channel: CX.channel, role: CX.role, path: "", text: "warm" };
    black_box(engine.examine(span, &CX));
    println!(
        "{{\"start_us\":{},\"rules_kib\":{},\"resident_kib\":{after}}}",
        took.as_micros(),
        after.saturating_sub(before)
    );
    Ok(())
}

/// KiB of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn rows(mut tell: impl FnMut(&Row)) -> Result<(), Box<dyn Error>> {
    let all = engine()?;
    let data = data_engine()?;
    let names = Engine::with_names(&Rulebook::new(stockade_rules::FILES))?;
    for (name, engine, wanted) in [("all", &all, SORTS.len()), ("data", &data, 1), ("names", &names, 1)] {
        for sort in SORTS.iter().take(wanted) {
            for size in SIZES {
                tell(&measure(name, engine, sort, size));
            }
        }
    }
    Ok(())
}

fn measure(name: &'static str, engine: &Engine, sort: &'static Sort, size: usize) -> Row {
    let text = sort.text(size);
    let span = SpanRef { channel: CX.channel, role: CX.role, path: "", text: &text };
    // As many runs as give a 99th percentile, fewer of what is long.
    let runs = (2_000_000 / size).clamp(12, 400);
    let mut times: Vec<u64> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            black_box(engine.examine(span, &CX));
            start.elapsed().as_nanos() as u64
        })
        .collect();
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    Row {
        engine: name,
        sort: sort.name,
        ordinary: sort.ordinary,
        size: text.len(),
        p50: at(runs / 2),
        p99: at(runs * 99 / 100),
        least: at(0),
    }
}

impl Row {
    fn to_json(&self) -> String {
        let Self { engine, sort, ordinary, size, p50, p99, least } = self;
        format!(
            "{{\"engine\":\"{engine}\",\"sort\":\"{sort}\",\"ordinary\":{ordinary},\"size\":{size},\"p50\":{p50},\"p99\":{p99},\"least\":{least}}}"
        )
    }

    fn to_line(&self) -> String {
        let rate = self.size as f64 * 1e3 / self.p50.max(1) as f64;
        let time = |nanos: u64| format!("{:.2?}", Duration::from_nanos(nanos));
        format!(
            "{:<6} {:<20} {:>7} B   p50 {:>10}   p99 {:>10}   least {:>10} {rate:>8.1} MB/s",
            self.engine,
            self.sort,
            self.size,
            time(self.p50),
            time(self.p99),
            time(self.least)
        )
    }
}

fn streams() -> Result<(), Box<dyn Error>> {
    let engine = engine()?;
    for sort in SORTS.iter().filter(|sort| sort.ordinary || sort.name.starts_with("base64")) {
        let text = sort.text(32 * 1024);
        let mut least = Duration::MAX;
        let mut pieces = 0_u32;
        for _ in 0..8 {
            let start = Instant::now();
            pieces = stream(&engine, &text, 4);
            least = least.min(start.elapsed());
        }
        println!("stream of {}, 4 B a piece: {:.2?} a piece", sort.name, least / pieces.max(1));
    }
    Ok(())
}

/// Examines a text in pieces of so many bytes; gives how many these were.
fn stream(engine: &Engine, text: &str, size: usize) -> u32 {
    let (mut scanner, mut rest, mut pieces) = (engine.stream(&CX), text, 0);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(rest.len().min(size)));
        black_box(scanner.push(piece));
        pieces += 1;
        rest = after;
    }
    black_box(scanner.finish());
    pieces
}

fn climb(seconds: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let engine = engine()?;
    let prose = SORTS.first().map(|sort| measure("all", &engine, sort, 32 * 1024)).ok_or("no sort")?;
    let ordinary = prose.least as f64 / prose.size as f64;
    println!("{{\"ordinary\":{ordinary:.2}}}");
    for find in search::worst(&engine, &CX, Duration::from_secs(seconds), seed) {
        let motif = serde_json::to_string(&find.motif)?;
        println!(
            "{{\"cost\":{:.2},\"times\":{:.1},\"varied\":{},\"motif\":{motif}}}",
            find.cost,
            find.cost / ordinary,
            find.varied
        );
    }
    Ok(())
}

fn repeat(text: &str, times: usize) -> Result<(), Box<dyn Error>> {
    let engine = engine()?;
    let span = SpanRef { channel: CX.channel, role: CX.role, path: "", text };
    for _ in 0..times {
        black_box(engine.examine(span, &CX));
    }
    Ok(())
}

fn write_texts(file: &str) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    for sort in SORTS {
        for size in SIZES {
            let row = serde_json::json!({ "sort": sort.name, "size": size, "text": sort.text(size) });
            writeln!(out, "{row}")?;
        }
    }
    Ok(())
}
