//! What files of infrastructure as code say to each other: values of variables, files of parameters, calls of modules that
//! lie in the same tree.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::expression::{Dialect, Names};
use crate::doc::{self, hcl::Block};
use crate::node::{Data, Node};

/// The files of a tree that say something to others.
#[derive(Debug, Default)]
pub(crate) struct Project {
    files: BTreeMap<String, Source>,
    /// Their paths by folder.
    folders: BTreeMap<String, Vec<String>>,
    /// Calls of modules, by what is called: a Bicep file or a folder of Terraform.
    calls: OnceLock<BTreeMap<String, Vec<Call>>>,
}

#[derive(Debug)]
struct Source {
    file: PathBuf,
    blocks: OnceLock<Vec<Block>>,
}

/// A module is called.
#[derive(Debug)]
struct Call {
    /// The path of the file that calls.
    from: String,
    arguments: Node,
}

/// The most ways in which one module is looked at.
const MAX_INSTANCES: usize = 16;

/// How deep calls of modules are followed.
const MAX_CALLS: usize = 6;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

impl Project {
    /// Takes note of the files of a tree; they are read when they are asked for.
    pub(crate) fn of(files: &[(String, PathBuf)]) -> Self {
        let told = files.iter().filter(|(path, _)| is_told(path));
        let source = |file: &PathBuf| Source { file: file.clone(), blocks: OnceLock::new() };
        let files: BTreeMap<String, Source> = told.map(|(path, file)| (path.clone(), source(file))).collect();
        let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in files.keys() {
            folders.entry(folder(path).to_owned()).or_default().push(path.clone());
        }
        Self { files, folders, calls: OnceLock::new() }
    }

    /// The files that it takes note of.
    pub(crate) fn files(&self) -> impl Iterator<Item = &std::path::Path> {
        self.files.values().map(|source| source.file.as_path())
    }

    /// What names stand for in a file, once for each way in which it is used.
    pub(crate) fn names(&self, dialect: Dialect, path: &str, own: &[Block]) -> Vec<Names> {
        self.instances(dialect, path, own, 0)
    }

    fn instances(&self, dialect: Dialect, path: &str, own: &[Block], depth: usize) -> Vec<Names> {
        let mut known = Names::default();
        if dialect == Dialect::Terraform {
            terraform(own, &mut known);
            for (other, source) in self.beside(path) {
                if other != path && is_terraform(other) {
                    terraform(source.blocks(), &mut known);
                }
            }
        } else {
            bicep(own, &mut known);
        }
        let target = if dialect == Dialect::Terraform { folder(path) } else { path };
        let calls = self.calls().get(target).map(Vec::as_slice).unwrap_or_default();
        if calls.is_empty() || depth > MAX_CALLS {
            self.parameters(dialect, path, &mut known);
            return vec![known];
        }
        let mut all: Vec<Names> = Vec::new();
        for call in calls {
            let blocks = self.files.get(&call.from).map(Source::blocks).unwrap_or_default();
            for outer in self.instances(dialect, &call.from, blocks, depth.saturating_add(1)) {
                let mut inner = known.clone();
                for entry in call.arguments.entries() {
                    let mut value = entry.value.clone();
                    outer.resolve(dialect, &mut value);
                    forget(&mut value, 0);
                    let prefix = if dialect == Dialect::Terraform { "var." } else { "" };
                    inner.set(format!("{prefix}{}", entry.key), value);
                }
                all.push(inner);
                if all.len() >= MAX_INSTANCES {
                    return all;
                }
            }
        }
        all
    }

    /// The files of the same folder.
    fn beside(&self, path: &str) -> impl Iterator<Item = (&str, &Source)> {
        let paths = self.folders.get(folder(path)).map(Vec::as_slice).unwrap_or_default();
        paths.iter().filter_map(|path| Some((path.as_str(), self.files.get(path)?)))
    }

    /// Values from files of parameters.
    fn parameters(&self, dialect: Dialect, path: &str, known: &mut Names) {
        let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
        for (other, source) in self.beside(path) {
            let file = other.rsplit('/').next().unwrap_or(other);
            if dialect == Dialect::Terraform {
                if file == "terraform.tfvars" || file.ends_with(".auto.tfvars") {
                    for block in source.blocks() {
                        known.set(format!("var.{}", block.kind), block.body.clone());
                    }
                }
            } else if other.starts_with(stem) && (file.ends_with(".bicepparam") || is_parameters(file)) {
                for block in source.blocks().iter().filter(|block| block.kind == "param") {
                    if let Some(name) = block.labels.first() {
                        let name = if dialect == Dialect::Arm {
                            format!("parameters.{}", name.to_ascii_lowercase())
                        } else {
                            name.clone()
                        };
                        known.set(name, block.body.clone());
                    }
                }
            }
        }
    }

    /// What names stand for in an ARM template.
    pub(crate) fn arm(&self, path: &str, root: &Node) -> Names {
        let mut known = Names::default();
        for entry in root.get("parameters").map(Node::entries).unwrap_or_default() {
            if let Some(value) = entry.value.get("defaultValue") {
                known.set(format!("parameters.{}", entry.key.to_ascii_lowercase()), value.clone());
            }
        }
        for entry in root.get("variables").map(Node::entries).unwrap_or_default() {
            known.set(format!("variables.{}", entry.key.to_ascii_lowercase()), entry.value.clone());
        }
        self.parameters(Dialect::Arm, path, &mut known);
        known
    }

    fn calls(&self) -> &BTreeMap<String, Vec<Call>> {
        self.calls.get_or_init(|| {
            let mut calls: BTreeMap<String, Vec<Call>> = BTreeMap::new();
            for (path, source) in &self.files {
                if !(is_terraform(path) || path.ends_with(".bicep")) {
                    continue;
                }
                for block in source.blocks().iter().filter(|block| block.kind == "module") {
                    let (to, arguments) = if path.ends_with(".bicep") {
                        (block.labels.get(1).map(String::as_str), block.body.get("params"))
                    } else {
                        (block.body.text_of("source"), Some(&block.body))
                    };
                    let (Some(to), Some(arguments)) = (to.and_then(|to| joined(folder(path), to)), arguments)
                    else {
                        continue;
                    };
                    let call = Call { from: path.clone(), arguments: arguments.clone() };
                    calls.entry(to).or_default().push(call);
                }
            }
            calls
        })
    }
}

impl Source {
    fn blocks(&self) -> &[Block] {
        self.blocks.get_or_init(|| {
            let read = crate::input::open(&self.file).and_then(|file| crate::input::all(&file, MAX_FILE));
            let text = read.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
            let name = self.file.to_string_lossy();
            if name.ends_with(".json") {
                return doc::json::parse(&text).map(|node| parameters_of(&node)).unwrap_or_default();
            }
            let read = if name.ends_with(".bicep") || name.ends_with(".bicepparam") {
                doc::bicep::parse(&text)
            } else {
                doc::hcl::parse(&text)
            };
            // A file that cannot be read says so where it is read for itself.
            read.unwrap_or_default()
        })
    }
}

/// Whether a file says something to others.
fn is_told(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    is_terraform(path)
        || [".tfvars", ".bicep", ".bicepparam"].iter().any(|ending| file.ends_with(ending))
        || is_parameters(file)
}

fn is_terraform(path: &str) -> bool {
    path.ends_with(".tf") || path.ends_with(".tofu")
}

/// `main.parameters.json`, `main.parameters.dev.json`, `main.dev.parameters.json`
fn is_parameters(file: &str) -> bool {
    file.ends_with(".json") && file.split('.').any(|part| matches!(part, "parameters" | "params" | "param"))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path from a folder on; nothing when it leaves the tree or is no path.
fn joined(folder: &str, to: &str) -> Option<String> {
    let remote = to.contains("://") || to.contains(':');
    if remote || !(to.starts_with('.') || to.ends_with(".bicep")) {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn terraform(blocks: &[Block], known: &mut Names) {
    for block in blocks {
        match (block.kind.as_str(), block.labels.first()) {
            ("variable", Some(name)) => {
                if let Some(value) = block.body.get("default") {
                    known.offer(format!("var.{name}"), value.clone());
                }
            }
            ("locals", _) => {
                for entry in block.body.entries() {
                    known.offer(format!("local.{}", entry.key), entry.value.clone());
                }
            }
            _ => {}
        }
    }
}

fn bicep(blocks: &[Block], known: &mut Names) {
    for block in blocks.iter().filter(|block| matches!(block.kind.as_str(), "param" | "var")) {
        if let Some(name) = block.labels.first() {
            known.offer(name.clone(), block.body.clone());
        }
    }
}

/// The parameters of a file of parameters. `${NAME=value}` is a variable of the environment with its default.
fn parameters_of(root: &Node) -> Vec<Block> {
    let mut out = Vec::new();
    for entry in root.get("parameters").map(Node::entries).unwrap_or_default() {
        let Some(mut value) = entry.value.get("value").cloned() else { continue };
        environment(&mut value, 0);
        out.push(Block {
            kind: "param".to_owned(),
            labels: vec![entry.key.clone()],
            at: entry.at,
            body: value,
        });
    }
    out
}

fn environment(node: &mut Node, depth: usize) {
    if depth > crate::node::MAX_DEPTH {
        return;
    }
    let deeper = depth.saturating_add(1);
    match &mut node.data {
        Data::Map(entries) => entries.iter_mut().for_each(|entry| environment(&mut entry.value, deeper)),
        Data::List(items) => items.iter_mut().for_each(|item| environment(item, deeper)),
        Data::Text(text) => {
            let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
                if text.contains("${") {
                    node.data = unknown();
                }
                return;
            };
            node.data = match inner.split_once('=') {
                Some((_, default)) if !default.is_empty() => Data::Text(default.to_owned()),
                _ => unknown(),
            };
        }
        _ => {}
    }
}

fn unknown() -> Data {
    Data::Expression { path: String::new(), parts: Vec::new() }
}

/// Makes what is not settled unknown: its names mean something else where it is used.
pub(super) fn forget(node: &mut Node, depth: usize) {
    if depth > crate::node::MAX_DEPTH {
        node.data = unknown();
        return;
    }
    let deeper = depth.saturating_add(1);
    match &mut node.data {
        Data::Map(entries) => entries.iter_mut().for_each(|entry| forget(&mut entry.value, deeper)),
        Data::List(items) => items.iter_mut().for_each(|item| forget(item, deeper)),
        Data::Expression { .. } => node.data = unknown(),
        _ => {}
    }
}
