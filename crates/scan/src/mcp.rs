//! Servers of tools by the Model Context Protocol, wherever they are named: what starts them, and whether it is pinned.

use crate::asset::{Kind, SURE, Sighting};
use crate::doc::docker::shell_words;
use crate::node::{Data, Entry, Node, Place};
use crate::subject::{On, Read, Subject};

/// Where a server says by what it is started or reached.
const STARTED: [&str; 3] = ["command", "cmd", "Command"];
const REACHED: [&str; 5] = ["url", "httpUrl", "serverUrl", "server_url", "Endpoint"];

/// How many shells and launchers may stand before what is run.
const MAX_WRAPPERS: usize = 4;

/// Options of launchers that have a value.
const VALUED: [&str; 15] = [
    "-e",
    "--env",
    "-v",
    "--volume",
    "--name",
    "--network",
    "--mount",
    "-p",
    "--python",
    "--index-url",
    "--with",
    "--cache",
    "-u",
    "--user",
    "--env-file",
];

/// What a command line runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Launched {
    /// A package, an image or a program, without its version.
    pub(crate) name: String,
    /// Whether it is fetched from a registry and no version is named.
    pub(crate) unpinned: bool,
}

/// Whether a table describes a server.
pub(crate) fn is_server(node: &Node) -> bool {
    STARTED.iter().chain(&REACHED).any(|key| node.get(key).is_some())
}

/// Notes a server: an asset, and a subject of rules with `$line` and `$unpinned`.
pub(crate) fn server(name: &str, node: &Node, at: Place, detector: &str, read: &mut Read) {
    let words = command_line(node);
    let transport = if words.is_empty() { "http" } else { "stdio" };
    read.sightings
        .push(Sighting::new(Kind::McpServer, name, at, detector, SURE).fact("transport", transport));
    let mut node = node.clone();
    if let Data::Map(entries) = &mut node.data {
        let mut push =
            |key: &str, data| entries.push(Entry { key: key.to_owned(), at, value: Node::new(at, data) });
        push("$line", Data::Text(words.join(" ")));
        push("$unpinned", Data::Bool(launched(&words).is_some_and(|launched| launched.unpinned)));
    }
    let mut subject = Subject::new(On::McpServer, name, node);
    subject.at = at;
    read.subjects.push(subject);
}

/// The words that start a server.
pub(crate) fn command_line(node: &Node) -> Vec<String> {
    let command = STARTED.iter().find_map(|key| node.get(key));
    let arguments = ["args", "arguments", "Arguments", "Args"].iter().find_map(|key| node.get(key));
    let mut words: Vec<String> = match command.map(|command| &command.data) {
        Some(Data::Text(text)) if text.contains(' ') && arguments.is_none() => shell_words(text),
        Some(_) => command.into_iter().flat_map(Node::texts).map(str::to_owned).collect(),
        None => Vec::new(),
    };
    if command.is_some() {
        words.extend(arguments.into_iter().flat_map(Node::texts).map(str::to_owned));
    }
    words
}

/// The name of a server that nobody named: what is run, or the host that is asked.
pub(crate) fn name_of(node: &Node) -> Option<String> {
    let words = command_line(node);
    if let Some(launched) = launched(&words) {
        return Some(launched.name);
    }
    let url = REACHED
        .iter()
        .find_map(|key| node.get(key)?.constants().first().map(|(text, _)| (*text).to_owned()))?;
    url.contains("://").then_some(url)
}

/// Reads a command line: what it runs, through shells and launchers.
pub(crate) fn launched(words: &[String]) -> Option<Launched> {
    let words = unwrapped(words);
    let tool = tool_of(words.first()?);
    let mut positional: Vec<&str> = Vec::new();
    let mut package: Option<String> = None;
    let mut module: Option<String> = None;
    let container = matches!(tool.as_str(), "docker" | "podman" | "nerdctl");
    let mut rest = words.iter().skip(1).map(String::as_str);
    while let Some(word) = rest.next() {
        if matches!(word, "--from" | "--package" | "-p") && !container {
            package = rest.next().map(str::to_owned);
        } else if let Some(value) = word.strip_prefix("--from=").or_else(|| word.strip_prefix("--package=")) {
            package = Some(value.to_owned());
        } else if word == "-m" {
            module = rest.next().map(str::to_owned);
        } else if VALUED.contains(&word) {
            rest.next();
        } else if !word.starts_with('-') {
            positional.push(word);
        }
    }
    let verb = positional.first().copied().unwrap_or_default();
    let first =
        |skip: &[&str]| positional.iter().find(|word| !skip.contains(word)).map(|word| (*word).to_owned());
    match tool.as_str() {
        "npx" | "bunx" | "pnpx" => npm(package.or_else(|| first(&[]))),
        "npm" | "pnpm" | "yarn" | "bun" if matches!(verb, "exec" | "dlx" | "x") => {
            npm(package.or_else(|| first(&["exec", "dlx", "x"])))
        }
        "deno" => {
            let run = first(&["run"])?;
            match run.strip_prefix("npm:").or_else(|| run.strip_prefix("jsr:")) {
                Some(name) => npm(Some(name.to_owned())),
                None => Some(Launched { name: run, unpinned: false }),
            }
        }
        "go" if verb == "run" => {
            let run = first(&["run"])?;
            let (name, version) = run.split_once('@').unwrap_or((&run, ""));
            Some(Launched { name: name.to_owned(), unpinned: !version.is_empty() && !is_exact(version) })
        }
        "uvx" => python(package.or_else(|| first(&[]))),
        "uv" if verb == "tool" => python(package.or_else(|| first(&["tool", "run"]))),
        "pipx" if verb == "run" => python(package.or_else(|| first(&["run"]))),
        "docker" | "podman" | "nerdctl" => image(first(&["run", "container"])),
        // A program of one's own: its script, its module, or itself.
        "python" | "python3" | "node" | "bun" | "uv" | "tsx" | "ts-node" | "java" | "dotnet" | "poetry" => {
            let name = module.or_else(|| first(&["run", "python", "python3"])).unwrap_or(tool);
            Some(Launched { name, unpinned: false })
        }
        _ => Some(Launched { name: tool, unpinned: false }),
    }
}

fn npm(name: Option<String>) -> Option<Launched> {
    let full = name?;
    let version = full.get(1..).and_then(|rest| rest.find('@')).map(|at| at.saturating_add(1));
    let (name, version) = version.and_then(|at| full.split_at_checked(at)).unwrap_or((&full, ""));
    let local = full.starts_with(['.', '/']);
    Some(Launched { name: name.to_owned(), unpinned: !local && !is_exact(version.trim_start_matches('@')) })
}

fn python(name: Option<String>) -> Option<Launched> {
    let full = name?;
    if full.starts_with("git+") {
        let (url, commit) = full.rsplit_once('@').unwrap_or((&full, ""));
        let whole = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
        return Some(Launched { name: url.to_owned(), unpinned: !whole });
    }
    let (name, version) = full.split_once("==").or_else(|| full.split_once('@')).unwrap_or((&full, ""));
    Some(Launched { name: name.to_owned(), unpinned: !is_exact(version) })
}

fn image(name: Option<String>) -> Option<Launched> {
    let full = name?;
    let whole = full.contains("@sha256:");
    let bare = full.split('@').next().unwrap_or(&full);
    let (name, tag) = bare.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((bare, ""));
    let moves = matches!(tag, "" | "latest" | "main" | "edge" | "nightly");
    Some(Launched { name: name.to_owned(), unpinned: !whole && moves })
}

fn is_exact(version: &str) -> bool {
    !matches!(version, "" | "latest" | "next" | "*")
        && version.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'v')
}

/// The program's name without its folder and ending.
fn tool_of(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    [".cmd", ".exe", ".bat"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
}

/// What shells and the like run in the end: `cmd /c npx ...`, `sh -c "npx ..."`, `env A=b npx ...`.
fn unwrapped(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    for _ in 0..MAX_WRAPPERS {
        let Some(tool) = words.first().map(|word| tool_of(word).to_ascii_lowercase()) else { return words };
        let inner: Option<Vec<String>> = match tool.as_str() {
            "cmd" => words
                .iter()
                .position(|word| word.eq_ignore_ascii_case("/c") || word.eq_ignore_ascii_case("/k"))
                .and_then(|at| words.get(at.saturating_add(1)..))
                .map(|rest| if let [one] = rest { shell_words(one) } else { rest.to_vec() }),
            "sh" | "bash" | "zsh" | "powershell" | "pwsh" => {
                let script = words.iter().position(|word| {
                    word.strip_prefix('-')
                        .is_some_and(|flags| flags.ends_with('c') || flags.eq_ignore_ascii_case("command"))
                });
                let script = script.and_then(|at| words.get(at.saturating_add(1)));
                // What is run last is the server; what stands before prepares it.
                script.map(|script| {
                    let script = script.rsplit("&&").next().unwrap_or(script);
                    let inner = shell_words(script.rsplit(';').next().unwrap_or(script));
                    inner.into_iter().skip_while(|word| word == "exec").collect()
                })
            }
            "env" | "sudo" | "nohup" | "exec" | "mcp-proxy" | "time" => words
                .iter()
                .skip(1)
                .position(|word| !word.contains('=') && !word.starts_with('-'))
                .and_then(|at| words.get(at.saturating_add(1)..))
                .map(<[String]>::to_vec),
            _ => None,
        };
        match inner.filter(|inner| !inner.is_empty()) {
            Some(inner) => words = inner,
            None => return words,
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_pinned_or_not() {
        let read = |line: &str| launched(&shell_words(line)).unwrap();
        for (line, name) in [
            ("npx -y @a/b", "@a/b"),
            ("npx a@latest", "a"),
            ("uvx x", "x"),
            ("docker run -i --rm -e K a/b", "a/b"),
            ("uvx --from git+https://h/x y", "git+https://h/x"),
            ("npx -p a b", "a"),
            ("pipx run x", "x"),
            ("cmd /c npx -y @a/b", "@a/b"),
            ("sh -c \"cd /x && npx -y @a/b\"", "@a/b"),
            ("deno run -A npm:@a/b", "@a/b"),
            ("go run h.example/x/y@latest", "h.example/x/y"),
            ("env A=b npx -y c", "c"),
        ] {
            assert_eq!(read(line), Launched { name: name.to_owned(), unpinned: true }, "{line}");
        }
        for (line, name) in [
            ("npx -y @a/b@1.2.3", "@a/b"),
            ("uvx x==1.0", "x"),
            ("uvx x@1.0", "x"),
            ("docker run a/b:v1", "a/b"),
            ("docker run a@sha256:00", "a"),
            ("node ./a.js", "./a.js"),
            ("python -m x", "x"),
            ("uv run a.py", "a.py"),
            ("npm start", "npm"),
            ("go run ./cmd/x", "./cmd/x"),
            ("/opt/tools/server", "server"),
        ] {
            assert_eq!(read(line), Launched { name: name.to_owned(), unpinned: false }, "{line}");
        }
    }
}
