//! A scan: every file is read by every reader that knows it, on several threads, and the sightings are merged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use stockade_crypto::{sha256, to_hex};
use stockade_inspect::Engine;
use stockade_rulebook::{RuleError, Rulebook};

use crate::asset::{Finding, Sighting};
use crate::cache::{Cache, Stat};
use crate::code::Language;
use crate::infra::Project;
use crate::merge::Merger;
use crate::report::{Coverage, Lack, Report, Summary};
use crate::rule::ExampleFailure;
use crate::text::Texts;
use crate::{policy, walk};

/// So many files are looked at before the rules for texts are made, which models alone do not need.
const FEW: usize = 16;

/// The longest text that is read, in bytes. What is longer and should be read counts as incomplete.
const MAX_TEXT: u64 = 4 << 20;

/// Scans trees. Made once, used often.
#[derive(Debug)]
pub struct Scanner {
    book: Rulebook,
    known: Option<(Rulebook, Engine)>,
    texts: OnceLock<Texts>,
    pub(crate) artifacts: crate::artifact::Policy,
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
    /// A recognizer of credentials cannot be loaded.
    #[error("the recognizers of credentials: {0}")]
    Secrets(String),
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
    /// What is at the path holds no files.
    #[error("{}: neither a file nor a directory", .0.display())]
    Kind(PathBuf),
}

/// What one file comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FileResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sightings: Vec<Sighting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) declared: Vec<(String, String, String, bool)>,
    pub(crate) read: bool,
    /// It depends on other files too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) joined: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) skipped: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) incomplete: Vec<String>,
}

// === impl Scanner ===

impl Scanner {
    /// A scanner with the rules of a book.
    ///
    /// # Errors
    /// When a rule cannot be loaded or compiled.
    pub fn new(book: &Rulebook) -> Result<Self, ScanError> {
        let scanner = Self::deferred(book)?;
        scanner.texts()?;
        Ok(scanner)
    }

    /// The same, but the rules for texts are made when a tree has texts: models alone do not need them.
    ///
    /// # Errors
    /// When a rule of artifacts cannot be loaded. Others are told by [`Scanner::scan`].
    pub fn deferred(book: &Rulebook) -> Result<Self, ScanError> {
        let artifacts = crate::artifact::Policy::load(book)?;
        Ok(Self { book: book.clone(), known: None, texts: OnceLock::new(), artifacts })
    }

    /// The same, and it finds values of the operator's own in texts: an engine over rules with fingerprints, and these
    /// rules, on which kept results depend.
    #[must_use]
    pub fn with_known(self, rules: Rulebook, engine: Engine) -> Self {
        Self { known: Some((rules, engine)), texts: OnceLock::new(), ..self }
    }

    /// How many rules it has for texts.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.texts().map_or(0, |texts| texts.rules.all.len())
    }

    /// Runs every rule's own examples; gives those that fail.
    #[must_use]
    pub fn examples(&self) -> Vec<ExampleFailure> {
        self.texts().map_or_else(|_| Vec::new(), Texts::examples)
    }

    /// What reads texts, made when it is first asked for.
    fn texts(&self) -> Result<&Texts, ScanError> {
        if let Some(texts) = self.texts.get() {
            return Ok(texts);
        }
        let made = Texts::new(&self.book, self.known.as_ref().map(|(_, engine)| engine.clone()))?;
        Ok(self.texts.get_or_init(|| made))
    }

    /// Scans a tree.
    ///
    /// # Errors
    /// When there is nothing at the root. What cannot be read below it is told in the report's coverage.
    pub fn scan(&self, root: &Path, options: &Options) -> Result<Report, ScanError> {
        let meta = root.metadata().map_err(|source| ScanError::Root { path: root.to_owned(), source })?;
        if !(meta.is_dir() || meta.is_file()) {
            return Err(ScanError::Kind(root.to_owned()));
        }
        let walk = walk::walk(root);
        if walk.files.len() > FEW || walk.files.iter().any(|(_, file)| may_be_text(file)) {
            self.texts()?;
        }
        let project = Project::of(&walk.files);
        let open = |path: &Path| {
            Cache::open(
                path,
                &version(&self.book, self.known.as_ref().map(|(rules, _)| rules), options.digests),
                &project,
            )
        };
        let cache = options.cache.as_deref().map(open);
        let results = self.all_files(&walk.files, options, cache.as_ref(), &project);
        if let (Some(cache), Some(path)) = (cache, &options.cache) {
            cache.store(path, &walk.files, &results);
        }
        let results = results.into_iter().map(|(_, result)| result);
        let ids = OnceLock::new();
        let policy = policy::Policy::of(root, |rule| ids.get_or_init(|| self.ids()).contains(rule));
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
        let own = |why: String| Lack { path: "stockade.toml".to_owned(), why };
        coverage.incomplete.extend(policy.faults.iter().cloned().map(own));
        coverage.notes.extend(policy.over(options.today.as_deref()).into_iter().map(own));
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

    /// The ids that findings may carry.
    fn ids(&self) -> BTreeSet<String> {
        let books = std::iter::once(&self.book).chain(self.known.as_ref().map(|(rules, _)| rules));
        let folders = ["recognizers", "scan", "artifacts"];
        let all = books.flat_map(|book| folders.map(|folder| book.load::<toml::Value>(folder)));
        all.flatten().flatten().map(|rule| rule.header.id).collect()
    }

    /// What each file comes to, in order, with what tells that it is the same where there is a cache.
    fn all_files(
        &self,
        files: &[(String, PathBuf)],
        options: &Options,
        cache: Option<&Cache>,
        project: &Project,
    ) -> Vec<(Option<Stat>, FileResult)> {
        let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads =
            if options.threads == 0 { available.min(8) } else { options.threads }.min(files.len()).max(1);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done: Vec<(usize, (Option<Stat>, FileResult))> = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((path, file)) = files.get(at) else { return done };
                // Before it is read: what changes meanwhile is read again next time.
                let stat = cache.and_then(|_| Stat::of(file));
                let result = cache
                    .and_then(|cache| cache.get(path, stat))
                    .unwrap_or_else(|| self.file(path, file, options.digests, project));
                done.push((at, (stat, result)));
            }
        };
        let mut all: Vec<(usize, (Option<Stat>, FileResult))> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            handles.into_iter().flat_map(|handle| handle.join().unwrap_or_default()).collect()
        });
        all.sort_by_key(|(at, _)| *at);
        let mut results = Vec::with_capacity(files.len());
        let mut all = all.into_iter().peekable();
        for at in 0..files.len() {
            // A thread that died has lost what it did.
            results.push(match all.next_if(|(index, _)| *index == at) {
                Some((_, result)) => result,
                None => {
                    (None, FileResult { incomplete: vec!["internal".to_owned()], ..FileResult::default() })
                }
            });
        }
        results
    }

    /// Reads one file.
    fn file(&self, path: &str, file: &Path, digests: bool, project: &Project) -> FileResult {
        let mut result = FileResult::default();
        let opened = match crate::input::open(file) {
            Ok(opened) => opened,
            Err(error) => {
                result.incomplete.push(error.to_string());
                return result;
            }
        };
        let expected = Language::of(path).is_some() || path.ends_with(".ipynb");
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
                // What loaders read at any length must not pass for looked at.
                let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
                if !binary && crate::artifact::is_config(&name) {
                    result.incomplete.push("too large".to_owned());
                } else {
                    result.skipped = Some(if binary { "binary" } else { "too large" }.to_owned());
                }
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
        match self.texts.get() {
            Some(texts) => texts.text(path, &text, project, &mut result),
            // It was no text when the scan began.
            None => result.incomplete.push("it changed while it was read".to_owned()),
        }
        result
    }
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

/// Whether a file may hold text, from its beginning.
fn may_be_text(file: &Path) -> bool {
    let head = crate::input::open(file).and_then(|file| crate::input::head(&file));
    head.is_ok_and(|head| memchr::memchr(0, &head).is_none())
}

/// What a result depends on besides the file: this build, the catalogue, every rule's text, and what was asked for. A cache
/// of another one is not used.
fn version(book: &Rulebook, known: Option<&Rulebook>, digests: bool) -> String {
    let mut texts: Vec<(&str, &str)> =
        book.texts().chain(known.into_iter().flat_map(Rulebook::texts)).collect();
    texts.sort_unstable();
    let build = build();
    let digests = if digests { "digests" } else { "" };
    let own = [("build", build.as_str()), ("catalog", crate::catalog::TEXT), ("asked", digests)];
    let mut all = Vec::new();
    for part in own.into_iter().chain(texts).flat_map(|(name, text)| [name, text]) {
        all.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        all.extend_from_slice(part.as_bytes());
    }
    to_hex(&sha256(&all)).chars().take(16).collect()
}

/// The version, and what tells this program's file from that of another build of it.
fn build() -> String {
    let program = std::env::current_exe().ok().and_then(|path| Stat::of(&path));
    format!("{} {program:?}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests;
