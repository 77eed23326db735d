//! Shell commands, wherever they stand: scripts, Makefiles, steps of pipelines, commands of containers. What they serve,
//! fetch, install and ask.

use super::containers::{container, plausible_model, variable};
use crate::asset::{Kind, LIKELY, SURE, Sighting};
use crate::catalog::Catalog;
use crate::deps;
use crate::doc::docker::shell_words;
use crate::hosts;
use crate::node::{Data, Entry, Node, Place};
use crate::subject::Read;

/// The most commands of one text that are read.
const MAX_COMMANDS: usize = 20_000;

/// The most lines of a container's script that are read.
const MAX_CONTAINER_LINES: usize = 1000;

/// A text of commands that begins at a byte of its file.
pub(crate) fn script(catalog: &Catalog, text: &str, from: usize, read: &mut Read) {
    let mut at = from;
    let mut open: Option<(usize, String)> = None;
    let mut count = 0_usize;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at.saturating_add(line.len()));
        at = end;
        let bare = line.trim().trim_start_matches('@');
        if bare.starts_with('#') || (bare.is_empty() && open.is_none()) {
            continue;
        }
        let (begin, mut joined) = open.take().unwrap_or((start, String::new()));
        if let Some(more) = bare.strip_suffix('\\') {
            joined.push_str(more);
            joined.push(' ');
            open = Some((begin, joined));
            continue;
        }
        joined.push_str(bare);
        count = count.saturating_add(1);
        if count > MAX_COMMANDS {
            read.incomplete = Some("too many commands".to_owned());
            return;
        }
        line_of(catalog, &joined, Place::new(begin, end), read);
    }
    if let Some((begin, joined)) = open {
        line_of(catalog, &joined, Place::new(begin, at), read);
    }
}

/// A line of commands, joined.
pub(crate) fn line_of(catalog: &Catalog, line: &str, at: Place, read: &mut Read) {
    read.declared.extend(deps::installed(line, at));
    for part in split(line) {
        let words = shell_words(part);
        command(catalog, &words, at, read);
    }
}

/// Commands of a line, outside of quotes.
fn split(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut quote: Option<char> = None;
    let mut from = 0_usize;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, ';' | '|' | '&' | '\n') => {
                out.extend(line.get(from..at).filter(|part| !part.trim().is_empty()));
                from = at.saturating_add(1);
            }
            _ => {}
        }
    }
    out.extend(line.get(from..).filter(|part| !part.trim().is_empty()));
    out
}

/// One command in words.
pub(crate) fn command(catalog: &Catalog, words: &[String], at: Place, read: &mut Read) {
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    // Variables for one command, and what runs another program.
    while let Some(first) = words.first().copied() {
        let assigned = first.split_once('=').filter(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
        if let Some((name, value)) = assigned {
            variable(catalog, name, value, at, read);
        } else if !matches!(
            first,
            "sudo"
                | "exec"
                | "nohup"
                | "time"
                | "env"
                | "export"
                | "-"
                | "then"
                | "do"
                | "else"
                | "CMD"
                | "ENTRYPOINT"
                | "RUN"
        ) {
            break;
        }
        words.remove(0);
    }
    let Some(tool) = words.first().map(|word| word.rsplit('/').next().unwrap_or(word)) else { return };
    let rest = words.get(1..).unwrap_or_default();
    match tool {
        "curl" | "wget" | "http" | "https" | "xh" => asked(rest, at, read),
        "docker" | "podman" | "nerdctl" => run_container(catalog, rest, at, read),
        _ => {}
    }
    if let Some(name) = served(&words).filter(|name| plausible_model(name)) {
        let sighting = Sighting::new(Kind::Model, name, at, "command", SURE);
        if !read.sightings.contains(&sighting) {
            read.sightings.push(sighting);
        }
        if let Some(server) = server_of(&words) {
            read.sightings.push(Sighting::new(Kind::InferenceServer, server, at, "command", SURE));
        }
    }
}

/// The models that the commands of a script serve or fetch.
pub(super) fn models(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in script.lines().take(MAX_CONTAINER_LINES).flat_map(split) {
        let words = shell_words(part);
        let words: Vec<&str> =
            words.iter().map(String::as_str).skip_while(|word| matches!(*word, "exec" | "nohup")).collect();
        found.extend(served(&words).filter(|name| plausible_model(name)));
    }
    found
}

/// The model that a command line serves or fetches.
pub(super) fn served(words: &[&str]) -> Option<String> {
    let tool = words.first()?.rsplit('/').next()?;
    let rest = words.get(1..)?;
    let flag = |names: &[&str]| {
        rest.iter().enumerate().find_map(|(at, word)| {
            let next = || rest.get(at.saturating_add(1)).map(|value| (*value).to_owned());
            names.iter().find_map(|name| {
                if word == name {
                    next()
                } else {
                    Some(word.strip_prefix(name)?.strip_prefix('=')?.to_owned())
                }
            })
        })
    };
    let positional = |verbs: &[&str]| {
        let verb = rest.iter().position(|word| verbs.contains(word))?;
        let mut after = rest.iter().skip(verb.saturating_add(1)).copied();
        while let Some(word) = after.next() {
            if !word.starts_with('-') {
                return Some(word.to_owned());
            }
            if !word.contains('=')
                && matches!(
                    word,
                    "--repo-type" | "--revision" | "--local-dir" | "--token" | "--port" | "--host"
                )
            {
                after.next();
            }
        }
        None
    };
    match tool {
        "vllm" => flag(&["--model"]).or_else(|| positional(&["serve"])),
        "ollama" => positional(&["pull", "run", "create"]).filter(|_| !rest.contains(&"create")),
        "huggingface-cli" | "hf"
            if !rest.iter().any(|word| word.ends_with("dataset") || *word == "upload") =>
        {
            positional(&["download"])
        }
        "text-generation-launcher" | "text-embeddings-router" | "litellm" | "lmdeploy" => {
            flag(&["--model-id", "--model"])
        }
        "llama-server" | "llama-cli" | "llama.cpp" => flag(&["-hf", "--hf-repo", "-hfr"]),
        "mlx_lm.server" | "mlx_lm.generate" => flag(&["--model"]),
        "python" | "python3" | "uv" | "torchrun" | "accelerate" => {
            let serves =
                ["vllm", "sglang", "llama_cpp.server", "mlx_lm", "fastchat", "lmdeploy", "tensorrt_llm"];
            rest.iter()
                .any(|word| serves.iter().any(|name| word.starts_with(name)))
                .then(|| flag(&["--model", "--model-path", "--hf_model_repo_id", "--model-id"]))?
        }
        _ => None,
    }
}

fn server_of(words: &[&str]) -> Option<&'static str> {
    let tool = words.first()?.rsplit('/').next()?;
    let module = |name: &str| words.iter().any(|word| word.starts_with(name));
    Some(match tool {
        "vllm" => "vllm",
        "ollama" => "ollama",
        "text-generation-launcher" => "tgi",
        "text-embeddings-router" => "tei",
        "llama-server" => "llama.cpp",
        "litellm" => "litellm",
        "python" | "python3" | "uv" if module("vllm") => "vllm",
        "python" | "python3" | "uv" if module("sglang") => "sglang",
        _ => return None,
    })
}

/// URLs that a client is given, and the model in the body.
fn asked(words: &[&str], at: Place, read: &mut Read) {
    let mut found = false;
    for word in words {
        let whole = !word.contains(['$', '{']);
        if let Some(address) = hosts::address(word.split('$').next().unwrap_or(word), whole) {
            let url = address.endpoint;
            read.sightings
                .push(Sighting::new(Kind::ModelEndpoint, url.clone(), at, "command", SURE).fact("url", url));
            let model = address.model.filter(|model| plausible_model(model));
            read.sightings.extend(model.map(|model| Sighting::new(Kind::Model, model, at, "command", SURE)));
            found = true;
        }
    }
    let body = words.iter().filter(|_| found).find_map(|word| {
        let (_, rest) = word.split_once("\"model\"")?;
        rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()
    });
    if let Some(model) = body.filter(|model| plausible_model(model)) {
        read.sightings.push(Sighting::new(Kind::Model, model, at, "command", LIKELY));
    }
}

/// `docker run`: a container like that of any file.
fn run_container(catalog: &Catalog, words: &[&str], at: Place, read: &mut Read) {
    if !words.first().is_some_and(|verb| matches!(*verb, "run" | "create")) {
        return;
    }
    let text = |value: &str| Node::new(at, Data::Text(value.to_owned()));
    let mut entries: Vec<Entry> = Vec::new();
    let mut push = |key: &str, value: Node| entries.push(Entry { key: key.to_owned(), at, value });
    let mut ports: Vec<Node> = Vec::new();
    let mut variables: Vec<Node> = Vec::new();
    let mut volumes: Vec<Node> = Vec::new();
    let mut rest = words.iter().skip(1).copied();
    let mut image = None;
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            image = Some(word.to_owned());
            break;
        }
        let (name, told) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let bare = matches!(
            name,
            "--rm"
                | "-d"
                | "--detach"
                | "-it"
                | "-i"
                | "-t"
                | "-ti"
                | "-itd"
                | "-dit"
                | "--privileged"
                | "--init"
                | "--interactive"
                | "--tty"
                | "--read-only"
                | "-P"
                | "-di"
                | "-id"
        );
        let value = if bare { None } else { told.or_else(|| rest.next()) };
        match (name, value) {
            ("-p" | "--publish", Some(value)) => ports.push(text(value)),
            ("-e" | "--env", Some(value)) => variables.push(text(value)),
            ("-v" | "--volume", Some(value)) => volumes.push(text(value)),
            ("--network" | "--net", Some(value)) => push("network_mode", text(value)),
            ("--privileged", _) => push("privileged", Node::new(at, Data::Bool(true))),
            _ => {}
        }
    }
    let Some(image) = image.filter(|image| !image.contains('$') || image.contains('/')) else { return };
    let arguments: Vec<Node> = rest.map(text).collect();
    push("image", text(&image));
    for (key, list) in
        [("ports", ports), ("environment", variables), ("volumes", volumes), ("command", arguments)]
    {
        if !list.is_empty() {
            push(key, Node::new(at, Data::List(list)));
        }
    }
    container(catalog, &Node::new(at, Data::Map(entries)), at, "docker run", read);
}

/// A `Modelfile`: what it is made from.
pub(crate) fn modelfile(text: &str, read: &mut Read) {
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let place = Place::new(at, at.saturating_add(line.trim_end().len()));
        at = at.saturating_add(line.len());
        let mut words = line.split_whitespace();
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("FROM"))
            && let Some(name) = words.next().filter(|name| plausible_model(name))
        {
            read.sightings.push(Sighting::new(Kind::Model, name, place, "modelfile", SURE));
        }
    }
}
