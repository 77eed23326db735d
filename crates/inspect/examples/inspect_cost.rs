//! What inspection costs: build time, throughput on prose, a prompt of 2 KB, a stream in small pieces.
//! Run with `cargo run --release -p stockade-inspect --example inspect_cost`.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use stockade_domain::{Channel, Direction, Role, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

const PROSE: &str = "The quick brown fox jumps over the lazy dog, said Alice, who had 12 apples and read \
    https://example.org/page?x=1 at 10:45. Please summarise the attached report for the team by Friday; \
    it should be short, friendly and clear. If you cannot, tell me what is missing and we will look at it.\n";

/// The median of many runs.
fn median(runs: usize, work: impl FnMut()) -> Duration {
    spread(runs, work).0
}

/// The median and the 99th percentile of many runs.
fn spread(runs: usize, mut work: impl FnMut()) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    (at(runs / 2), at(runs * 99 / 100))
}

fn main() -> Result<(), stockade_inspect::EngineError> {
    let book = Rulebook::new(stockade_rules::FILES);
    let start = Instant::now();
    let engine = Engine::new(&book)?;
    println!("build                     {:>10.2?}", start.elapsed());
    let cx = Context::new(Direction::Request, Channel::Content, Role::User);
    let json = Context { json_escapes: true, ..cx };
    let accents = PROSE.replace('e', "é");
    let russian =
        "Съешь ещё этих мягких французских булок, да выпей чаю. Пожалуйста, кратко перескажи отчёт. ";
    let base64 = "QWxpY2Ugd2FzIGJlZ2lubmluZyB0byBnZXQgdmVyeSB0aXJlZCBvZiBzaXR0aW5nIGJ5IGhlciBzaXN0ZXIgb24";
    let mixed = "Bitte prüfe den Vertrag für 株式会社山田 and reply to Иван Петров до пятницы; το ποσό είναι 1.250,00 EUR. شكرا ";
    let numbers = "{\"id\":40213,\"v\":[0.4532015112830366,17,2024,99.5],\"t\":\"2024-05-01T10:00:00Z\"},";
    for (name, unit, cx) in [
        ("prose", PROSE, &cx),
        ("prose, escapes", PROSE, &json),
        ("accents", accents.as_str(), &cx),
        ("russian", russian, &cx),
        ("mixed scripts", mixed, &cx),
        ("base64", base64, &cx),
        ("numbers", numbers, &cx),
    ] {
        for size in [200, 2 * 1024, 32 * 1024, 256 * 1024] {
            let mut text = unit.repeat(size / unit.len() + 1);
            text.truncate(text.floor_char_boundary(size));
            let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
            let (time, slow) = spread(if size > 100_000 { 40 } else { 300 }, || {
                black_box(engine.examine(span, cx));
            });
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let rate = text.len() as f64 / time.as_secs_f64() / 1e6;
            println!("{name:<15} {size:>9} B   p50 {time:>10.2?}   p99 {slow:>10.2?} {rate:>8.0} MB/s");
        }
    }
    let data: Vec<(&str, &str)> =
        stockade_rules::FILES.iter().copied().filter(|(name, _)| name.starts_with("recognizers/")).collect();
    let data = Engine::new(&Rulebook::new(data.leak()))?;
    for size in [2 * 1024, 32 * 1024, 1024 * 1024] {
        let mut text = PROSE.repeat(size / PROSE.len() + 1);
        text.truncate(text.floor_char_boundary(size));
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
        let time = median(if size > 100_000 { 15 } else { 300 }, || {
            black_box(data.examine(span, &cx));
        });
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = text.len() as f64 / time.as_secs_f64() / 1e6;
        println!("recognizers     {size:>9} B {time:>10.2?} {rate:>8.0} MB/s");
    }
    hostile(&engine, &cx);
    for (name, unit) in [("prose", PROSE), ("base64", base64)] {
        let text = unit.repeat(32 * 1024 / unit.len() + 1);
        let mut pieces = 0_u32;
        let time = median(20, || {
            let mut scanner = engine.stream(&cx);
            pieces = 0;
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(4));
                black_box(scanner.push(piece));
                pieces += 1;
                rest = after;
            }
            black_box(scanner.finish());
        });
        println!("stream of {name}, 4 B a piece {:>10.2?} a piece", time / pieces.max(1));
    }
    Ok(())
}

/// Texts made to cost as much as they can: 256 KiB of each, once, with the automata as they are left by the last.
fn hostile(engine: &Engine, cx: &Context) {
    let mut seed = 88_172_645_463_325_252_u64;
    let mut random = |alphabet: &[u8]| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let at = usize::try_from(seed >> 33).unwrap_or(0) % alphabet.len().max(1);
        alphabet.get(at).copied().map_or(' ', char::from)
    };
    let mut noise =
        |alphabet: &str| -> String { (0..256 * 1024).map(|_| random(alphabet.as_bytes())).collect() };
    for (name, text) in [
        ("random ASCII", noise("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-_/@+=")),
        ("digits and gaps", noise("0123456789 -")),
        ("4 4 4 4", "4 ".repeat(128 * 1024)),
        ("44 44 44 44", "44 ".repeat(88 * 1024)),
        ("contexts", "id number 12345678909 cpf 52998224725 tax id 86095742719 ".repeat(4_600)),
        ("token token", "token=token=token=secret:secret:password:password=".repeat(5_200)),
        ("a:a:a:a", "a:a:a:a:a:a:".repeat(22_000)),
        ("sk- sk- ghp_", "sk-ghp_xoxb-AKIAglpat-hf_SG.eyJAIza ".repeat(7_300)),
        ("AA11 A A A", "AA11 A A A A A A A A A A A A A A A A A ".repeat(7_000)),
        ("a-a-a@a.aa.aa", "a-a-a-a-a-a-a-a-a-a-a-a@aa.aa.aa.aa.aa.aa.aa.aa ".repeat(5_000)),
        ("eyJ eyJ.eyJ", "eyJ eyJ.eyJ-eyJ.".repeat(16_000)),
        ("key key key", "-----BEGIN PRIVATE KEY-----x-----END PRIVATE KEY-----".repeat(5_000)),
        ("zero width", "4\u{200b}".repeat(64 * 1024)),
        ("ignore ignore", "ignore all previous instructions ".repeat(8_000)),
        ("[](", "![](".repeat(64 * 1024)),
    ] {
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text: &text };
        let time = median(3, || {
            black_box(engine.examine(span, cx));
        });
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = text.len() as f64 / time.as_secs_f64() / 1e6;
        println!("hostile: {name:<16} {time:>10.2?} {rate:>8.1} MB/s");
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
}
