//! A scan: every file is read by every reader that knows it, on several threads, and the sightings are merged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};
use stockade_crypto::{sha256, to_hex};
use stockade_domain::{Channel, Direction, FindingKind, Role, Severity, SpanRef};
use stockade_inspect::{Context, Engine, EngineError};
use stockade_rulebook::{RuleError, Rulebook};

use crate::asset::{Finding, Kind, SURE, Scope, Sighting};
use crate::catalog::Catalog;
use crate::code::{self, Language, notebook};
use crate::merge::Merger;
use crate::node::{Node, Place};
use crate::report::{Coverage, Lack, Report, Summary};
use crate::rule::{ExampleFailure, Rules, example};
use crate::subject::{Declared, Read};
use crate::{config, deps, doc, infra, policy, walk};

/// The longest text that is read, in bytes. What is longer and should be read counts as incomplete.
const MAX_TEXT: u64 = 4 << 20;

/// The longest source file that is parsed, in bytes.
const MAX_SOURCE: usize = 2 << 20;

/// Scans trees. Made once, used often.
#[derive(Debug)]
pub struct Scanner {
    engine: Engine,
    catalog: Catalog,
    rules: Rules,
    pub(crate) artifacts: crate::artifact::Policy,
    /// What to do about findings in artifacts, by rule.
    pub(crate) fixes: BTreeMap<String, String>,
    keywords: AhoCorasick,
    /// How many of the keywords are names of modules, which stand alone or begin a name; they come first.
    modules: usize,
    /// Changes whenever a scan of the same bytes could say something else.
    version: String,
}

/// How to scan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How many threads; 0 for as many as the machine has, at most eight.
    pub threads: usize,
    /// Today, as `YYYY-MM-DD`, for acceptances that expire. Without it none counts.
    pub today: Option<String>,
    /// Fingerprints that an earlier report had.
    pub baseline: BTreeSet<String>,
    /// Compute the digests of models, which reads every byte of them.
    pub digests: bool,
    /// Where results of unchanged files are kept.
    pub cache: Option<PathBuf>,
}

/// Why a scan cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A rule cannot be loaded.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A rule of artifacts cannot be loaded.
    #[error(transparent)]
    Artifacts(#[from] crate::artifact::PolicyError),
    /// The inspector's rules cannot be compiled.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The built-in catalogue is not of its form.
    #[error("the catalogue of AI assets: {0}")]
    Catalog(String),
    /// There is nothing at the path.
    #[error("{}: {source}", path.display())]
    Root {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// What one file comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileResult {
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) declared: Vec<(String, String, String, bool)>,
    pub(crate) read: bool,
    pub(crate) skipped: Option<String>,
    pub(crate) incomplete: Vec<String>,
}

// === impl Scanner ===

impl Scanner {
    /// A scanner with the rules of a book.
    ///
    /// # Errors
    /// When a rule cannot be loaded or compiled.
    pub fn new(book: &Rulebook) -> Result<Self, ScanError> {
        // Of the inspector's rules only those that find credentials: others are about what people say.
        let engine = Engine::new(&book.filtered(finds_credentials))?;
        let catalog = Catalog::new().map_err(|error| ScanError::Catalog(error.to_string()))?;
        let rules = Rules::new(book)?;
        let artifacts = crate::artifact::Policy::load(book)?;
        let of_artifacts = book.load::<toml::Value>("artifacts")?;
        let fixes: BTreeMap<String, String> =
            of_artifacts.iter().map(|rule| (rule.header.id.clone(), rule.header.fix.clone())).collect();
        let mut words = catalog.keywords();
        let modules = words.len();
        let mut others = rules.keywords();
        others.push("install_requires".to_owned());
        others.sort();
        others.dedup();
        words.extend(others);
        let keywords = AhoCorasick::new(&words).map_err(|error| ScanError::Catalog(error.to_string()))?;
        let version = version(book);
        Ok(Self { engine, catalog, rules, artifacts, fixes, keywords, modules, version })
    }

    /// How many rules it has.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules.all.len()
    }

    /// Runs every rule's own examples; gives those that fail.
    #[must_use]
    pub fn examples(&self) -> Vec<ExampleFailure> {
        let mut failures = Vec::new();
        for rule in &self.rules.all {
            let all = rule.header.examples.matching.iter().map(|text| (text, true));
            for (whole, expected) in all.chain(rule.header.examples.no_match.iter().map(|text| (text, false)))
            {
                let (path, text) = example(&rule.body.example, whole);
                let (read, _) = self.read(path, text);
                let hits = self.rules.examine(&self.catalog, path, text, &read.subjects);
                if hits.iter().any(|hit| hit.id == rule.header.id) != expected {
                    failures.push(ExampleFailure {
                        id: rule.header.id.clone(),
                        text: whole.clone(),
                        expected,
                    });
                }
            }
        }
        failures
    }

    /// Scans a tree.
    ///
    /// # Errors
    /// When there is nothing at the root. What cannot be read below it is told in the report's coverage.
    pub fn scan(&self, root: &Path, options: &Options) -> Result<Report, ScanError> {
        root.metadata().map_err(|source| ScanError::Root { path: root.to_owned(), source })?;
        let walk = walk::walk(root);
        let version = format!("{}{}", self.version, if options.digests { "+digests" } else { "" });
        let cache = options.cache.as_deref().map(|path| crate::cache::Cache::open(path, &version));
        let results = self.all_files(&walk.files, options, cache.as_ref());
        if let (Some(cache), Some(path)) = (cache, &options.cache) {
            cache.store(path, &walk.files, &results);
        }
        let policy = policy::Policy::of(root);
        let named = policy.workload.clone();
        let directory = root
            .canonicalize()
            .ok()
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
        let (workload, source) = match named {
            Some(name) => (name, "stockade.toml"),
            None => (directory.unwrap_or_else(|| "unnamed".to_owned()), "directory"),
        };
        let mut coverage = Coverage { files: walk.files.len(), ..Coverage::default() };
        coverage
            .skipped
            .extend(walk.skipped.into_iter().map(|(path, why)| Lack { path, why: why.to_owned() }));
        coverage.incomplete.extend(walk.failed.into_iter().map(|(path, why)| Lack { path, why }));
        let mut findings = Vec::new();
        let mut merger = Merger::new(&workload);
        for ((path, _), result) in walk.files.iter().zip(results) {
            coverage.read = coverage.read.saturating_add(usize::from(result.read));
            coverage.skipped.extend(result.skipped.map(|why| Lack { path: path.clone(), why }));
            coverage
                .incomplete
                .extend(result.incomplete.into_iter().map(|why| Lack { path: path.clone(), why }));
            findings.extend(result.findings);
            merger.declare(&result.declared);
            merger.add(path, result.sightings);
        }
        findings.sort_by(|a: &Finding, b| {
            (&a.path, a.line, &a.rule_id, a.start).cmp(&(&b.path, b.line, &b.rule_id, b.start))
        });
        number_fingerprints(&mut findings);
        policy.apply(&mut findings, options);
        let assets = merger.finish();
        let summary = Summary::new(&assets, &findings);
        Ok(Report {
            schema: crate::report::SCHEMA.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            workload,
            workload_from: source.to_owned(),
            assets,
            findings,
            coverage,
            summary,
            gateway: None,
        })
    }

    fn all_files(
        &self,
        files: &[(String, PathBuf)],
        options: &Options,
        cache: Option<&crate::cache::Cache>,
    ) -> Vec<FileResult> {
        let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads =
            if options.threads == 0 { available.min(8) } else { options.threads }.min(files.len()).max(1);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done: Vec<(usize, FileResult)> = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((path, file)) = files.get(at) else { return done };
                let result = cache
                    .and_then(|cache| cache.get(path, file))
                    .unwrap_or_else(|| self.file(path, file, options.digests));
                done.push((at, result));
            }
        };
        let mut all: Vec<(usize, FileResult)> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            handles.into_iter().flat_map(|handle| handle.join().unwrap_or_default()).collect()
        });
        all.sort_by_key(|(at, _)| *at);
        let mut results: Vec<FileResult> = Vec::with_capacity(files.len());
        let mut all = all.into_iter().peekable();
        for at in 0..files.len() {
            // A thread that died has lost what it did.
            results.push(match all.next_if(|(index, _)| *index == at) {
                Some((_, result)) => result,
                None => FileResult { incomplete: vec!["internal".to_owned()], ..FileResult::default() },
            });
        }
        results
    }

    /// Reads one file.
    fn file(&self, path: &str, file: &Path, digests: bool) -> FileResult {
        let mut result = FileResult::default();
        let opened = match crate::input::open(file) {
            Ok(opened) => opened,
            Err(error) => {
                result.incomplete.push(error.to_string());
                return result;
            }
        };
        let expected = self.is_expected(path);
        let head = match crate::input::head(&opened) {
            Ok(head) => head,
            Err(error) => {
                result.incomplete.push(error.to_string());
                return result;
            }
        };
        crate::weights::examine(path, &opened, &head, self, digests, &mut result);
        let binary = memchr::memchr(0, &head).is_some();
        let size = opened.metadata().map_or(0, |meta| meta.len());
        if binary || size > MAX_TEXT {
            if expected {
                result.incomplete.push(if binary { "not text" } else { "too large" }.to_owned());
            } else if !result.read {
                result.skipped = Some(if binary { "binary" } else { "too large" }.to_owned());
            }
            return result;
        }
        let bytes = match crate::input::all(&opened, MAX_TEXT) {
            Ok(bytes) => bytes,
            Err(error) => {
                result.incomplete.push(error.to_string());
                return result;
            }
        };
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                if !expected && memchr::memchr(0, error.as_bytes()).is_some() {
                    result.skipped = Some("binary".to_owned());
                    return result;
                }
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        };
        self.text(path, &text, &mut result);
        result
    }

    /// Whether a file of this name must be readable as text.
    fn is_expected(&self, path: &str) -> bool {
        Language::of(path).is_some() || path.ends_with(".ipynb")
    }

    fn text(&self, path: &str, text: &str, result: &mut FileResult) {
        result.read = true;
        let scope = Scope::of(path);
        let lines = Lines::new(text);
        let (read, map) = self.read(path, text);
        let place = |at: Place| map.as_ref().map_or(at, |notebook| notebook.place(at.start));
        result.incomplete.extend(read.incomplete.clone());
        result.skipped = read.skipped.map(str::to_owned);
        for mut sighting in read.sightings {
            let original = Place::new(sighting.start, sighting.end);
            let at = if sighting.detector == "notebook" { original } else { place(original) };
            sighting.start = at.start;
            sighting.end = at.end;
            sighting.line = lines.line(at.start);
            sighting.scope =
                if read.tests.iter().any(|test| test.covers(original.start)) { Scope::Test } else { scope };
            result.sightings.push(sighting);
        }
        for declared in read.declared {
            if self.catalog.declares(declared.ecosystem, &declared.name) {
                let at = declared.at;
                for (kind, product) in self.catalog.products(declared.ecosystem, &declared.name) {
                    let mut sighting = Sighting::new(kind, product, at, "manifest", SURE);
                    (sighting.line, sighting.scope) = (lines.line(at.start), scope);
                    result.sightings.push(sighting);
                }
                let service = self
                    .catalog
                    .source
                    .service
                    .iter()
                    .any(|s| s.package == format!("{}:{}", declared.ecosystem, declared.name));
                if !service {
                    let mut sighting = Sighting::new(
                        Kind::Sdk,
                        declared.name.clone(),
                        at,
                        if declared.locked { "lockfile" } else { "manifest" },
                        SURE,
                    )
                    .fact("ecosystem", declared.ecosystem);
                    if !declared.version.is_empty() {
                        sighting = sighting.fact(
                            if declared.locked { "locked" } else { "version" },
                            declared.version.clone(),
                        );
                    }
                    (sighting.line, sighting.scope) = (lines.line(at.start), scope);
                    result.sightings.push(sighting);
                }
                result.declared.push((
                    declared.ecosystem.to_owned(),
                    declared.name,
                    declared.version,
                    declared.locked,
                ));
            }
        }
        for hit in self.rules.examine(&self.catalog, path, text, &read.subjects) {
            let Some(rule) = self.rules.get(hit.id) else { continue };
            let at = place(hit.at);
            let in_tests = read.tests.iter().any(|test| test.covers(hit.at.start));
            let scope = if in_tests { Scope::Test } else { scope };
            let line = lines.line(at.start);
            let references = rule.header.references.iter().cloned();
            let ids = rule.header.atlas.iter().chain(&rule.header.owasp).map(|id| id.as_str().to_owned());
            result.findings.push(Finding {
                rule_id: hit.id.to_owned(),
                severity: demoted(hit.severity, scope),
                path: path.to_owned(),
                line,
                start: at.start,
                end: at.end,
                message: rule.header.title.clone(),
                fix: rule.header.fix.clone(),
                references: references.chain(ids).collect(),
                fingerprint: fingerprint(hit.id, path, lines.text(text, line)),
                scope,
                suppressed: policy::inline(text, &lines, line, hit.id),
            });
        }
        self.secrets(path, text, &lines, scope, result);
    }

    /// Credentials, by the inspector.
    fn secrets(&self, path: &str, text: &str, lines: &Lines, scope: Scope, result: &mut FileResult) {
        let cx = Context::new(Direction::Request, Channel::Content, Role::User);
        let span = SpanRef { channel: cx.channel, role: cx.role, path: "", text };
        let report = self.engine.examine(span, &cx);
        for lack in &report.incomplete {
            result.incomplete.push(format!("{}: {}", lack.detector, lack.reason));
        }
        for found in report.findings.iter().filter(|found| found.kind == FindingKind::Secret) {
            let line = lines.line(found.start);
            let at = Place::new(found.start, found.end);
            let mut sighting = Sighting::new(
                Kind::Secret,
                found.rule_id.as_ref(),
                at,
                "inspector",
                found.confidence.thousandths(),
            );
            (sighting.line, sighting.scope) = (line, scope);
            result.sightings.push(sighting);
            result.findings.push(Finding {
                rule_id: found.rule_id.as_ref().to_owned(),
                severity: demoted(found.severity, scope),
                path: path.to_owned(),
                line,
                start: found.start,
                end: found.end,
                message: format!("A credential stands in the tree: {}", found.ty),
                fix: "Revoke it, then take it out of the tree and its history; name it by a reference to a secret store.".to_owned(),
                references: vec!["https://cwe.mitre.org/data/definitions/798.html".to_owned()],
                // Not of the line: the fingerprint must not tell what the secret is.
                fingerprint: fingerprint(&found.rule_id, path, &format!("{} bytes", found.end.saturating_sub(found.start))),
                scope,
                suppressed: policy::inline(text, lines, line, &found.rule_id),
            });
        }
    }

    /// Whether a source file has a word that the catalogue or a rule knows: others need not be parsed.
    fn is_relevant(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.keywords.find_overlapping_iter(text).any(|found| {
            if found.pattern().as_usize() >= self.modules {
                return true;
            }
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            let after = bytes.get(found.end());
            before.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_')
                && after.is_none_or(|b| !b.is_ascii_alphanumeric())
        })
    }

    /// Gives a file to the readers that know it.
    fn read(&self, path: &str, text: &str) -> (Read, Option<notebook::Notebook>) {
        let mut read = Read::default();
        let mut map = None;
        if let Some(language) = Language::of(path) {
            if is_minified(text) {
                read.skipped = Some("minified");
            } else if self.is_relevant(text) {
                self.source(language, text, &mut read);
            }
        } else if path.ends_with(".ipynb") {
            if self.is_relevant(text) {
                match notebook::parse(text) {
                    Ok((notebook, installs)) => {
                        if notebook.python {
                            self.source(Language::Python, &notebook.code, &mut read);
                        }
                        // Installed packages stand in the file, not in the program.
                        for (command, at) in installs {
                            for declared in deps::installed(&command, at) {
                                if self.catalog.declares(declared.ecosystem, &declared.name) {
                                    let sighting =
                                        Sighting::new(Kind::Sdk, declared.name, at, "notebook", SURE);
                                    read.sightings.push(sighting.fact("ecosystem", declared.ecosystem));
                                }
                            }
                        }
                        map = Some(notebook);
                    }
                    Err(error) => read.incomplete = Some(error.to_string()),
                }
            }
        } else {
            self.document(path, text, &mut read);
        }
        config::by_path(path, text, &mut read);
        if let Some(declared) = deps::read(path, text) {
            match declared {
                Ok(declared) => read.declared.extend(declared),
                Err(error) => read.incomplete = Some(error.to_string()),
            }
        }
        (read, map)
    }

    fn source(&self, language: Language, text: &str, read: &mut Read) {
        if text.len() > MAX_SOURCE {
            read.incomplete = Some("too large to parse".to_owned());
            return;
        }
        let facts = code::read(language, text);
        let setup: Vec<Declared> = facts
            .calls
            .iter()
            .filter(|call| {
                matches!(call.callee.as_str(), "setuptools.setup" | "distutils.core.setup" | "setup")
            })
            .flat_map(|call| deps::of_setup(&call.args))
            .collect();
        *read = code::detect::detect(&self.catalog, language, facts);
        read.declared.extend(setup);
    }

    fn document(&self, path: &str, text: &str, read: &mut Read) {
        let file = path.rsplit('/').next().unwrap_or(path);
        let lower = file.to_ascii_lowercase();
        let ending = lower.rsplit('.').next().unwrap_or_default();
        let mut failed = None;
        if lower == "dockerfile"
            || lower.starts_with("dockerfile.")
            || lower == "containerfile"
            || ending == "dockerfile"
        {
            *read = infra::dockerfile(&self.catalog, text);
        } else if lower == ".env" || lower.starts_with(".env.") || ending == "env" || ending == "properties" {
            let node = doc::dotenv::parse(text);
            infra::environment(&self.catalog, Some(&node), read);
            config::document(&self.catalog, path, &node, read);
        } else {
            let documents: Vec<Node> = match ending {
                "json" | "jsonc" | "code-workspace" | "template" => {
                    doc::json::parse(text).map(|node| vec![node])
                }
                "yaml" | "yml" => doc::yaml::parse(text).or_else(|error| {
                    if text.contains("{{") {
                        doc::yaml::parse(&doc::yaml::without_templates(text))
                    } else {
                        Err(error)
                    }
                }),
                "toml" => doc::toml::parse(text).map(|node| vec![node]),
                "tf" | "tofu" => doc::hcl::parse(text).map(|blocks| {
                    infra::terraform(&self.catalog, blocks, read);
                    Vec::new()
                }),
                "bicep" => doc::bicep::parse(text).map(|blocks| {
                    infra::bicep(&self.catalog, blocks, read);
                    Vec::new()
                }),
                _ if path == ".git/config" => Ok(Vec::new()),
                _ => Ok(Vec::new()),
            }
            .unwrap_or_else(|error| {
                failed = Some(error);
                Vec::new()
            });
            for node in &documents {
                config::document(&self.catalog, path, node, read);
            }
        }
        // Broken documents are everywhere in tests; elsewhere somebody should know.
        if let Some(error) = failed.filter(|_| Scope::of(path) == Scope::Product) {
            read.incomplete = Some(error.to_string());
        }
    }
}

/// Whether a rule file is a recognizer of credentials.
fn finds_credentials(path: &str, text: &str) -> bool {
    path.starts_with("recognizers/")
        && toml::from_str::<toml::Value>(text).is_ok_and(|rule| {
            let kind = rule.get("recognizer").and_then(|table| table.get("kind"));
            kind.and_then(toml::Value::as_str) == Some("secret")
        })
}

/// Whether a source file was written by a program for a machine to read: lines that nobody reads.
fn is_minified(text: &str) -> bool {
    const LONG: usize = 20_000;
    const SHARE: usize = 1_000;
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count().saturating_add(1);
    text.len() > LONG && text.len() / lines > SHARE
}

fn demoted(severity: Severity, scope: Scope) -> Severity {
    if scope == Scope::Product { severity } else { severity.min(Severity::Low) }
}

fn fingerprint(rule: &str, path: &str, line: &str) -> String {
    let squeezed: Vec<&str> = line.split_whitespace().collect();
    let text = format!("{rule}\0{path}\0{}", squeezed.join(" "));
    to_hex(&sha256(text.as_bytes())).chars().take(32).collect()
}

/// Equal findings of one file are told apart by their order.
fn number_fingerprints(findings: &mut [Finding]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        let count = seen.entry(finding.fingerprint.clone()).or_default();
        *count = count.saturating_add(1);
        if *count > 1 {
            finding.fingerprint = format!("{}-{count}", finding.fingerprint);
        }
    }
}

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        Self(
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at.saturating_add(1)))
                .collect(),
        )
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte).max(1)
    }

    /// A line's text.
    pub(crate) fn text<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let start = line.checked_sub(1).and_then(|at| self.0.get(at)).copied().unwrap_or(text.len());
        let end = self.0.get(line).copied().unwrap_or(text.len());
        text.get(start..end).unwrap_or_default().trim_end()
    }
}

/// What a result depends on besides the file: this program's version, the catalogue, and every rule's text. A cache of
/// another one is not used.
fn version(book: &Rulebook) -> String {
    let mut texts: Vec<(&str, &str)> = book.texts().collect();
    texts.sort_unstable();
    let own = [("version", env!("CARGO_PKG_VERSION")), ("catalog", crate::catalog::TEXT)];
    let mut all = Vec::new();
    for part in own.into_iter().chain(texts).flat_map(|(name, text)| [name, text]) {
        all.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        all.extend_from_slice(part.as_bytes());
    }
    to_hex(&sha256(&all)).chars().take(16).collect()
}

#[cfg(test)]
mod tests;
