//! What a scan of a tree costs, beside peers: CPU seconds, wall time and memory of one process that scans generated
//! repositories, cold, and again with its cache.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::table::Table;
use crate::workspace;

/// What to scan and beside whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How many files the generated repositories have; 0 for none.
    #[arg(long, value_delimiter = ',', default_value = "1000,20000")]
    files: Vec<usize>,
    /// Leave the large artifacts out.
    #[arg(long)]
    no_artifacts: bool,
    /// How often each is run; the run that took least CPU counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Peers to run beside, from PyPI, in a cached environment: ai-bom, agent-bom on repositories; picklescan, modelscan,
    /// modelaudit on artifacts.
    #[arg(long, value_delimiter = ',')]
    peer: Vec<String>,
}

/// A peer: its packages with their versions, its program, and what it is asked, with `{path}` for what to scan and `{out}`
/// for a file of its own.
struct Peer {
    name: &'static str,
    packages: &'static [&'static str],
    of_artifacts: bool,
    words: &'static [&'static str],
}

/// The peers that are known.
const PEERS: [Peer; 5] = [
    Peer {
        name: "ai-bom",
        packages: &["ai-bom"],
        of_artifacts: false,
        words: &["ai-bom", "scan", "{path}", "--format", "json", "--output", "{out}", "--quiet"],
    },
    Peer {
        name: "agent-bom",
        packages: &["agent-bom"],
        of_artifacts: false,
        words: &[
            "agent-bom",
            "scan",
            "--project",
            "{path}",
            "--offline",
            "--format",
            "json",
            "--output",
            "{out}",
        ],
    },
    Peer {
        name: "picklescan",
        packages: &["picklescan==1.0.5"],
        of_artifacts: true,
        words: &["picklescan", "--path", "{path}"],
    },
    Peer {
        name: "modelscan",
        packages: &["modelscan==0.8.8"],
        of_artifacts: true,
        words: &["modelscan", "--path", "{path}"],
    },
    Peer {
        name: "modelaudit",
        packages: &["modelaudit==0.2.54"],
        of_artifacts: true,
        words: &["modelaudit", "scan", "--format", "json", "{path}"],
    },
];

/// Runs a program and prints what it took. Its children count too.
const MEASURE: &str = "import resource, subprocess, sys, time
begun = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f'{used.ru_utime + used.ru_stime:.3f} {time.monotonic() - begun:.3f} {used.ru_maxrss / 1024:.0f} {code}')";

pub(crate) fn run(options: &Options, scanner: &Path) -> Result<()> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim());
    for name in &options.peer {
        if !PEERS.iter().any(|peer| peer.name == name) {
            let known: Vec<&str> = PEERS.iter().map(|peer| peer.name).collect();
            bail!("no peer is called `{name}`: {}", known.join(", "));
        }
    }
    let mut bench = Bench {
        options,
        scanner: scanner.display().to_string(),
        table: Table::new(["what", "scanner", "CPU s", "wall s", "MB", "exit"]),
    };
    for &count in options.files.iter().filter(|count| **count > 0) {
        bench.repository(count)?;
    }
    if !options.no_artifacts {
        bench.artifacts()?;
    }
    print!("{}", bench.table.render());
    Ok(())
}

struct Bench<'o> {
    options: &'o Options,
    scanner: String,
    table: Table,
}

impl Bench<'_> {
    fn repository(&mut self, count: usize) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let tree = folder.path().join("repository");
        generate(&tree, count)?;
        let name = format!("{count} files");
        self.ours(&name, "stockade", &tree, &[])?;
        let cache = folder.path().join("cache").display().to_string();
        // A file that has just been written is not taken from a cache.
        std::thread::sleep(Duration::from_secs(3));
        self.ours(&name, "stockade, unchanged", &tree, &["--cache", &cache])?;
        self.peers(&name, &tree, false)
    }

    fn artifacts(&mut self) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let script = workspace::root()?.join("tests/peers/large_artifacts.py");
        workspace::must(Command::new("python3").arg(script).arg(folder.path()))?;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.path())?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.ours(&name, "stockade", &file, &[])?;
            if name.starts_with("500MB") {
                self.ours(&name, "stockade --digests", &file, &["--digests"])?;
                let sum = vec!["sha256sum".to_owned(), file.display().to_string()];
                self.measure(&name, "sha256sum", &sum)?;
            }
            self.peers(&name, &file, true)?;
        }
        Ok(())
    }

    fn ours(&mut self, what: &str, who: &str, path: &Path, more: &[&str]) -> Result<()> {
        let path = path.display().to_string();
        let mut words =
            vec![self.scanner.as_str(), "scan", &path, "--format", "json", "--data", "/nonexistent"];
        words.extend(more);
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        self.measure(what, who, &words)
    }

    fn peers(&mut self, what: &str, path: &Path, of_artifacts: bool) -> Result<()> {
        let fitting = |peer: &&Peer| {
            peer.of_artifacts == of_artifacts && self.options.peer.iter().any(|name| name == peer.name)
        };
        for peer in PEERS.iter().filter(fitting).collect::<Vec<_>>() {
            let bin = environment(peer)?;
            let out = tempfile::NamedTempFile::new()?;
            let fill = |word: &&str| match *word {
                "{path}" => path.display().to_string(),
                "{out}" => out.path().display().to_string(),
                word => word.to_owned(),
            };
            let mut words: Vec<String> = peer.words.iter().map(fill).collect();
            if let Some(program) = words.first_mut() {
                *program = bin.join(&*program).display().to_string();
            }
            self.measure(what, peer.name, &words)?;
        }
        Ok(())
    }

    /// The run that took least CPU.
    fn measure(&mut self, what: &str, who: &str, command: &[String]) -> Result<()> {
        let mut best: Option<(f64, Vec<String>)> = None;
        for _ in 0..self.options.rounds.max(1) {
            let output = Command::new("python3")
                .args(["-c", MEASURE])
                .args(command)
                .envs([("PROMPTFOO_DISABLE_TELEMETRY", "1"), ("DO_NOT_TRACK", "1")])
                .output()
                .context("python3 measures")?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let cpu = words.first().and_then(|word| word.parse().ok()).unwrap_or(f64::MAX);
            if best.as_ref().is_none_or(|(known, _)| cpu < *known) {
                best = Some((cpu, words));
            }
        }
        let words = best.map(|(_, words)| words).unwrap_or_default();
        let mut words = words.into_iter();
        let mut next = || words.next().unwrap_or_else(|| "-".to_owned());
        self.table.row(vec![what.to_owned(), who.to_owned(), next(), next(), next(), next()]);
        Ok(())
    }
}

/// The folder of a peer's programs, installed once below the target directory.
fn environment(peer: &Peer) -> Result<PathBuf> {
    let folder = workspace::root()?.join("target").join("peers").join(peer.name);
    let bin = folder.join("bin");
    let program = peer.words.first().copied().unwrap_or_default();
    if !bin.join(program).exists() {
        std::fs::create_dir_all(&folder)?;
        workspace::must(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        workspace::must(Command::new(bin.join("pip")).args(["install", "--quiet"]).args(peer.packages))?;
    }
    Ok(bin)
}

/// A repository of several languages: a tenth of the files speak to models, the rest is ordinary code.
fn generate(root: &Path, count: usize) -> Result<()> {
    for at in 0..count {
        let folder = root.join(format!("pkg{}", at / 50));
        std::fs::create_dir_all(&folder)?;
        let ai = at % 10 == 0;
        let (ending, text) = match at % 4 {
            0 => ("py", python(at, ai)),
            1 => ("ts", typescript(at, ai)),
            2 => ("go", go(at)),
            _ => ("yaml", format!("name: n{at}\nitems:\n{}", "  - {a: 1, b: two}\n".repeat(30))),
        };
        std::fs::write(folder.join(format!("f{at}.{ending}")), text)?;
    }
    std::fs::write(root.join("requirements.txt"), "openai==1.50.0\nflask\n")?;
    Ok(())
}

fn python(at: usize, ai: bool) -> String {
    let mut text = String::from("import json\nimport os\n");
    if ai {
        let _ = write!(
            text,
            "from openai import OpenAI\n\nclient = OpenAI(base_url=os.getenv('BASE', 'https://llm{}.example/v1'))\n\ndef ask(q):\n    return client.chat.completions.create(model='gpt-4o', messages=[{{'role': 'user', 'content': q}}])\n",
            at % 7
        );
    }
    for part in 0..25 {
        let _ = write!(
            text,
            "\n\ndef f{part}(a, b={part}):\n    \"\"\"Adds things.\"\"\"\n    rows = [json.dumps({{'k': a, 'n': n}}) for n in range(b)]\n    return {{'rows': rows, 'sum': sum(len(r) for r in rows)}}\n"
        );
    }
    text
}

fn typescript(at: usize, ai: bool) -> String {
    let mut text = String::new();
    if ai {
        text.push_str("import OpenAI from \"openai\";\nconst client = new OpenAI();\nexport const ask = (q: string) => client.chat.completions.create({ model: \"gpt-4o-mini\", messages: [{ role: \"user\", content: q }] });\n");
    }
    for part in 0..25 {
        let _ = write!(
            text,
            "export function g{at}x{part}(a: number, rows: string[]): number {{\n  const all = rows.map((r) => `${{r}}-${{a}}`).filter((r) => r.length > {part});\n  return all.length + a;\n}}\n"
        );
    }
    text
}

fn go(at: usize) -> String {
    let mut text = format!("package p{}\n\nimport \"fmt\"\n", at / 50);
    for part in 0..25 {
        let _ = write!(
            text,
            "\nfunc H{at}x{part}(a int, rows []string) string {{\n\tout := \"\"\n\tfor i, r := range rows {{\n\t\tout += fmt.Sprintf(\"%d-%s-%d\", i, r, a)\n\t}}\n\treturn out\n}}\n"
        );
    }
    text
}
