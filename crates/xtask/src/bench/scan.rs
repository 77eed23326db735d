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
    /// How many files the generated repositories have.
    #[arg(long, value_delimiter = ',', default_value = "1000,20000")]
    files: Vec<usize>,
    /// Peers to run beside, from PyPI, in a cached environment: ai-bom, agent-bom.
    #[arg(long, value_delimiter = ',')]
    peer: Vec<String>,
}

/// Runs a program and prints what it took. Its children count too.
const MEASURE: &str = "import resource, subprocess, sys, time
begun = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f'{used.ru_utime + used.ru_stime:.3f} {time.monotonic() - begun:.3f} {used.ru_maxrss / 1024:.0f} {code}')";

pub(crate) fn run(options: &Options, scanner: &Path) -> Result<()> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim());
    let mut table = Table::new(["repository", "scanner", "CPU s", "wall s", "MB", "exit"]);
    for &count in &options.files {
        let folder = tempfile::tempdir()?;
        let tree = folder.path().join("repository");
        generate(&tree, count)?;
        let name = format!("{count} files");
        let program = |more: &[&str]| {
            let mut all = vec![scanner.display().to_string(), "scan".to_owned(), tree.display().to_string()];
            all.extend(more.iter().map(|word| (*word).to_owned()));
            all.extend(["--format".to_owned(), "json".to_owned()]);
            all
        };
        measure(&mut table, &name, "stockade", &program(&[]))?;
        let cache = folder.path().join("cache").display().to_string();
        // A file that has just been written is not taken from a cache.
        std::thread::sleep(Duration::from_secs(3));
        measure(&mut table, &name, "stockade, filling its cache", &program(&["--cache", &cache]))?;
        measure(&mut table, &name, "stockade, unchanged", &program(&["--cache", &cache]))?;
        for peer in &options.peer {
            let out = folder.path().join("out").display().to_string();
            let command = peer_command(peer, &tree, &out)?;
            measure(&mut table, &name, peer, &command)?;
        }
    }
    print!("{}", table.render());
    Ok(())
}

fn measure(table: &mut Table, repository: &str, who: &str, command: &[String]) -> Result<()> {
    let output =
        Command::new("python3").args(["-c", MEASURE]).args(command).output().context("python3 measures")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace().map(str::to_owned);
    let mut next = || words.next().unwrap_or_else(|| "-".to_owned());
    table.row(vec![repository.to_owned(), who.to_owned(), next(), next(), next(), next()]);
    Ok(())
}

/// How a peer is asked for its inventory. Installed once into a cache below the target directory.
fn peer_command(peer: &str, tree: &Path, out: &str) -> Result<Vec<String>> {
    let bin = environment(peer)?;
    let tree = tree.display().to_string();
    let words: Vec<String> = match peer {
        "ai-bom" => vec![
            bin,
            "scan".into(),
            tree,
            "--format".into(),
            "json".into(),
            "--output".into(),
            out.into(),
            "--quiet".into(),
        ],
        "agent-bom" => vec![
            bin,
            "scan".into(),
            "--project".into(),
            tree,
            "--offline".into(),
            "--format".into(),
            "json".into(),
            "--output".into(),
            out.into(),
        ],
        _ => bail!("no peer is called `{peer}`: ai-bom, agent-bom"),
    };
    Ok(words)
}

fn environment(peer: &str) -> Result<String> {
    let folder: PathBuf = workspace::root()?.join(".cache/peers").join(peer);
    let bin = folder.join("bin").join(peer);
    if !bin.exists() {
        std::fs::create_dir_all(&folder)?;
        workspace::must(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        workspace::must(Command::new(folder.join("bin/pip")).args(["install", "--quiet", peer]))?;
    }
    Ok(bin.display().to_string())
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
