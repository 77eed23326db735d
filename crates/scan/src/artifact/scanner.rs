//! Gives every loader that would accept the bytes its view, and keeps the account of the bytes.

use std::collections::HashMap;
use std::sync::Arc;

use stockade_crypto::{Hasher, to_hex};

use super::budget::{Budget, MAX_DEPTH, MAX_ISSUES};
use super::detect::{self, Loader};
use super::pickle::Storage;
use super::policy::{Meta, Policy};
use super::read::{Part, ReadAt, bytes_at};
use super::report::{Digests, Incomplete, Issue, Report, Verdict, View};
use super::{
    archive, config, gguf, graph, hdf5, native, numpy, pickle, rule, safetensors, source, template, ubjson,
    xml, zip,
};

/// Padding at an end that needs no explanation, in bytes; zeros may be longer.
const SLACK: u64 = 16;

/// How much of a hole is read to see whether it is zeros, in bytes.
const HOLE: usize = 64 * 1024;

/// What a scan may do beyond reading structure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Compute digests, which reads every byte.
    pub digests: bool,
}

/// Where the bytes at hand come from.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The last part of the name.
    pub(crate) name: String,
    /// The path inside archives.
    pub(crate) member: Option<String>,
    pub(crate) depth: u32,
    /// PyTorch loads it.
    pub(crate) torch: bool,
}

/// One scan.
pub(crate) struct Scan<'p> {
    policy: &'p Policy,
    pub(crate) report: Report,
    pub(crate) budget: Budget,
    /// Storages that the pickles of an archive refer to, by the archive's path.
    pub(crate) storages: HashMap<String, Vec<Storage>>,
}

/// A stretch of bytes that a parser explained: from, to.
pub(crate) type Claim = (u64, u64);

/// Analyses one artifact. It never fails: what cannot be read or understood is `incomplete` in the report.
#[must_use]
pub fn scan(name: &str, file: &dyn ReadAt, options: &Options, policy: &Policy) -> Report {
    let whole = Part::whole(file);
    let mut scan =
        Scan { policy, report: Report::default(), budget: Budget::default(), storages: HashMap::new() };
    scan.examine(&whole, &Place::new(name));
    if options.digests {
        scan.digests(&whole);
    }
    let mut report = scan.report;
    report.issues.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.offset.cmp(&b.offset)));
    report.facts.format = report.views.first().map(|v| v.loader);
    report
}

// === impl Place ===

impl Place {
    fn new(name: &str) -> Self {
        Self { name: last_part(name).to_owned(), member: None, depth: 0, torch: false }
    }

    /// A member of what is here.
    pub(crate) fn inside(&self, member: &str) -> Self {
        let path = match &self.member {
            Some(outer) => format!("{outer}!{member}"),
            None => member.to_owned(),
        };
        Self {
            name: last_part(member).to_owned(),
            member: Some(path),
            depth: self.depth.saturating_add(1),
            torch: false,
        }
    }

    pub(crate) fn for_torch(mut self, torch: bool) -> Self {
        self.torch = torch;
        self
    }

    /// The path of the archive that this is a member of.
    fn outer(&self) -> String {
        let member = self.member.as_deref().unwrap_or_default();
        member.rsplit_once('!').map(|(outer, _)| outer.to_owned()).unwrap_or_default()
    }

    /// The name's ending, in lower case and without the dot.
    pub(crate) fn ending(&self) -> String {
        self.name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

// === impl Scan ===

impl<'p> Scan<'p> {
    pub(crate) fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Writes a finding of a rule that code runs; nothing when the rule was taken out.
    pub(crate) fn issue(&mut self, id: &str, place: &Place, message: String, offset: Option<u64>) {
        if let Some(meta) = self.policy.meta(id).map(Arc::clone) {
            self.issue_of(&meta, place, message, offset);
        }
    }

    /// Writes a finding.
    pub(crate) fn issue_of(&mut self, meta: &Meta, place: &Place, message: String, offset: Option<u64>) {
        self.report.verdict = self.report.verdict.max(Verdict::of(meta.severity));
        if self.report.issues.len() == MAX_ISSUES {
            self.incomplete(place, "findings", "there are more than are kept");
        }
        if self.report.issues.len() < MAX_ISSUES {
            self.report.issues.push(Issue {
                rule_id: Arc::clone(&meta.id),
                severity: meta.severity,
                message,
                member: place.member.clone(),
                offset,
                references: Arc::clone(&meta.references),
            });
        }
    }

    /// Writes down what is not analysed.
    pub(crate) fn incomplete(&mut self, place: &Place, what: &str, why: &str) {
        let entry = Incomplete { what: what.to_owned(), why: why.to_owned(), member: place.member.clone() };
        if self.report.incomplete.len() < MAX_ISSUES && !self.report.incomplete.contains(&entry) {
            self.report.incomplete.push(entry);
        }
    }

    /// Analyses bytes through every loader that would accept them. Returns whether any does.
    pub(crate) fn examine(&mut self, source: &dyn ReadAt, place: &Place) -> bool {
        if place.depth > MAX_DEPTH {
            self.issue(rule::EXPANSION, place, format!("archives lie {MAX_DEPTH} deep in one another"), None);
            self.incomplete(place, "archive", "it lies too deep in other archives");
            return false;
        }
        if !self.budget.member() {
            self.incomplete(place, "archive", "it has too many members");
            return false;
        }
        if source.is_empty() {
            return false;
        }
        let head = bytes_at(source, 0, detect::HEAD);
        if head.is_empty() {
            self.incomplete(place, "file", "it cannot be read");
            return false;
        }
        let loaders = detect::loaders(source, &head, place);
        let before = self.report.views.len();
        let mut claims: Vec<Claim> = Vec::new();
        for loader in &loaders {
            self.report.views.push(View { loader: loader.name(), member: place.member.clone() });
            self.view(*loader, source, place, &mut claims);
        }
        if loaders.is_empty() {
            if detect::promises_weights(&place.ending()) {
                self.incomplete(place, "file", "no known loader accepts these bytes");
            }
            return false;
        }
        // A container that promises weights, in which no loader finds anything to read.
        let is_packed = loaders.iter().all(|loader| matches!(loader, Loader::Zip | Loader::Tar));
        let inside = self.report.views.len().saturating_sub(before).saturating_sub(loaders.len());
        if is_packed && inside == 0 && detect::promises_weights(&place.ending()) {
            self.incomplete(place, "file", "no known loader accepts what it holds");
        }
        self.account(source, place, claims);
        true
    }

    fn view(&mut self, loader: Loader, source: &dyn ReadAt, place: &Place, claims: &mut Vec<Claim>) {
        let all = (0, source.len());
        match loader {
            Loader::Pickle => {
                let kind = if place.torch { pickle::Kind::Torch } else { pickle::Kind::Plain };
                let outcome = pickle::analyse(self, source, place, 0, kind);
                claims.push((0, outcome.end));
                if place.torch {
                    // TorchScript's constants have storages of their own, numbered anew.
                    let folder = if place.name == "constants.pkl" { "constants/" } else { "data/" };
                    let storages = outcome.storages.into_values().map(|storage| {
                        let key = format!("{folder}{}", storage.key);
                        Storage { key, ..storage }
                    });
                    self.storages.entry(place.outer()).or_default().extend(storages);
                }
            }
            Loader::Zip => zip::analyse(self, source, place, claims),
            Loader::Tar => claims.push((0, archive::tar(self, source, place))),
            Loader::Compressed(codec) => {
                archive::compressed(self, source, place, codec);
                claims.push(all);
            }
            Loader::Npy => claims.push((0, numpy::analyse(self, source, place))),
            Loader::Safetensors => claims.push((0, safetensors::analyse(self, source, place))),
            Loader::Gguf => claims.push((0, gguf::analyse(self, source, place))),
            Loader::Graph(format) => {
                graph::analyse(self, source, place, format);
                claims.push(all);
            }
            Loader::Hdf5(start) => {
                hdf5::analyse(self, source, place, start);
                claims.push((start, source.len()));
            }
            Loader::Xml => {
                xml::analyse(self, source, place);
                claims.push(all);
            }
            Loader::Ubjson => claims.push((0, ubjson::analyse(self, source, place))),
            Loader::Executable(kind) => {
                native::analyse(self, source, place, kind);
                claims.push(all);
            }
            Loader::Opaque(kind) => {
                self.issue(rule::OPAQUE, place, format!("a {kind} archive, which is not opened"), None);
                self.incomplete(place, "archive", "its format is not opened");
                claims.push(all);
            }
            Loader::Json => {
                config::json(self, source, place);
                claims.push(all);
            }
            Loader::Yaml => {
                config::yaml(self, source, place);
                claims.push(all);
            }
            Loader::Jinja => {
                let text = bytes_at(source, 0, 2 << 20);
                template::analyse(self, place, &String::from_utf8_lossy(&text), None);
                claims.push(all);
            }
            Loader::Python => {
                source::python(self, source, place);
                claims.push(all);
            }
        }
    }

    /// Every byte is explained by a parser, or it is a finding.
    fn account(&mut self, source: &dyn ReadAt, place: &Place, mut claims: Vec<Claim>) {
        claims.sort_unstable();
        let mut at = 0u64;
        claims.push((source.len(), source.len()));
        for (from, to) in claims {
            if from > at {
                let hole = from.saturating_sub(at);
                let sample = bytes_at(source, at, usize::try_from(hole).unwrap_or(HOLE).min(HOLE));
                let blank = sample.iter().all(|b| *b == 0 || b.is_ascii_whitespace());
                if !blank && (hole > SLACK || at == 0) {
                    let message = format!("{hole} bytes that no loader's view explains");
                    self.issue(rule::HIDDEN, place, message, Some(at));
                    let part = Part::new(source, at, hole);
                    self.examine(&part, &place.inside(&format!("bytes@{at}")));
                } else if blank && hole > HOLE as u64 {
                    self.incomplete(place, "padding", "it is longer than is looked at");
                }
            }
            at = at.max(to);
        }
    }

    fn digests(&mut self, source: &dyn ReadAt) {
        let mut hasher = Hasher::new();
        let mut buffer = vec![0u8; 1 << 20];
        let mut at = 0u64;
        loop {
            match source.read_at(at, &mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    hasher.update(buffer.get(..n).unwrap_or_default());
                    at = at.saturating_add(n as u64);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => {
                    let entry = "the digests were not computed";
                    self.incomplete(&Place::new(""), entry, "the file cannot be read to its end");
                    return;
                }
            }
        }
        if at < source.len() {
            self.incomplete(&Place::new(""), "the digests were not computed", "the file became shorter");
            return;
        }
        self.report.digests = Some(Digests { sha256: to_hex(&hasher.finish()) });
    }
}
