//! Texts: source code, manifests, configuration. Each is given to the readers that know it, then to the rules.

use aho_corasick::AhoCorasick;
use stockade_crypto::{sha256, to_hex};
use stockade_domain::{Channel, Direction, Role, Severity, SpanRef};
use stockade_inspect::{Context, Engine};
use stockade_rulebook::Rulebook;

use crate::asset::{Finding, Kind, SURE, Scope, Sighting};
use crate::catalog::Catalog;
use crate::code::{self, Language, notebook};
use crate::infra::Project;
use crate::lines::Lines;
use crate::node::{Node, Place};
use crate::rule::{ExampleFailure, Rules, example};
use crate::scan::{FileResult, ScanError};
use crate::secrets::Secrets;
use crate::subject::{Declared, Read};
use crate::{config, deps, doc, infra, policy};

/// The longest source file that is parsed, in bytes.
const MAX_SOURCE: usize = 2 << 20;

/// Words one of which a document of no special name holds if it says anything: services, resources, templates, models.
const DOCUMENT_WORDS: [&str; 11] = [
    "services",
    "apiVersion",
    "eploymentTemplate",
    "eploymentParameters",
    "Resources",
    "terraform_version",
    "model_list",
    "mcp",
    "python/",
    crate::agents::WORDS[0],
    crate::agents::WORDS[1],
];

/// How texts begin in source code that are ids of models, and how variables are called that hold them.
const MODEL_WORDS: [&str; 16] = [
    "\"gpt-",
    "'gpt-",
    "\"claude-",
    "'claude-",
    "\"gemini-",
    "'gemini-",
    "\"text-embedding-",
    "'text-embedding-",
    "\"llama",
    "'llama",
    "\"mistral-",
    "'mistral-",
    "\"deepseek-",
    "'deepseek-",
    "OPENAI_",
    "ANTHROPIC_",
];

/// What reads texts. Made once.
#[derive(Debug)]
pub(crate) struct Texts {
    catalog: Catalog,
    pub(crate) rules: Rules,
    secrets: Secrets,
    /// Finds values of the operator's own.
    known: Option<Engine>,
    keywords: AhoCorasick,
    /// How many of the keywords are names of modules, which stand alone or begin a name; they come first.
    modules: usize,
    documents: AhoCorasick,
}

impl Texts {
    /// Readers with the rules of a book.
    pub(crate) fn new(book: &Rulebook, known: Option<Engine>) -> Result<Self, ScanError> {
        let secrets = Secrets::new(book).map_err(ScanError::Secrets)?;
        let catalog = Catalog::new().map_err(|error| ScanError::Catalog(error.to_string()))?;
        let rules = Rules::new(book)?;
        let mut words = catalog.keywords();
        let modules = words.len();
        let mut others = rules.keywords();
        others.push("install_requires".to_owned());
        others.extend(crate::hosts::WORDS.iter().chain(&MODEL_WORDS).map(|word| (*word).to_owned()));
        others.sort();
        others.dedup();
        words.extend(others);
        let automaton =
            |words: &[String]| AhoCorasick::new(words).map_err(|error| ScanError::Catalog(error.to_string()));
        let keywords = automaton(&words)?;
        let documents = automaton(&DOCUMENT_WORDS.map(str::to_owned))?;
        Ok(Self { catalog, rules, secrets, known, keywords, modules, documents })
    }

    /// Runs every rule's own examples; gives those that fail.
    pub(crate) fn examples(&self) -> Vec<ExampleFailure> {
        let mut failures = Vec::new();
        for rule in &self.rules.all {
            let all = rule.header.examples.matching.iter().map(|text| (text, true));
            for (whole, expected) in all.chain(rule.header.examples.no_match.iter().map(|text| (text, false)))
            {
                let (path, text) = example(&rule.body.example, whole);
                let (read, _) = self.read(path, text, &Project::default());
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

    /// Reads a text.
    pub(crate) fn text(&self, path: &str, text: &str, project: &Project, result: &mut FileResult) {
        result.read = true;
        let scope = Scope::of(path);
        let lines = Lines::new(text);
        let (read, map) = self.read(path, text, project);
        let place = |at: Place| map.as_ref().map_or(at, |notebook| notebook.place(at.start));
        result.incomplete.extend(read.incomplete.clone());
        result.skipped = read.skipped.map(str::to_owned);
        result.joined = read.joined;
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
                fingerprint: fingerprint(hit.id, path, lines.around(text, line, at.start)),
                scope,
                suppressed: policy::inline(text, &lines, line, hit.id),
            });
        }
        self.secrets(path, text, &lines, scope, result);
        self.known(path, text, &lines, scope, result);
    }

    /// Values of the operator's own, wherever they stand.
    fn known(&self, path: &str, text: &str, lines: &Lines, scope: Scope, result: &mut FileResult) {
        let Some(engine) = &self.known else { return };
        let cx = Context::new(Direction::Request, Channel::Content, Role::User);
        let report = engine.examine(SpanRef { channel: cx.channel, role: cx.role, path: "", text }, &cx);
        let lacks = report.incomplete.iter().map(|lack| format!("{}: {}", lack.detector, lack.reason));
        result.incomplete.extend(lacks);
        for found in report.findings {
            let line = lines.line(found.start);
            result.findings.push(Finding {
                rule_id: found.rule_id.as_ref().to_owned(),
                severity: demoted(found.severity, scope),
                path: path.to_owned(),
                line,
                start: found.start,
                end: found.end,
                message: format!("A value of a list of your own stands in the tree: {}", found.ty),
                fix: "Take it out of the tree and its history, or off the list.".to_owned(),
                references: Vec::new(),
                // As of a credential: the fingerprint must not tell what the value is.
                fingerprint: fingerprint(
                    &found.rule_id,
                    path,
                    &format!("{} bytes", found.end.saturating_sub(found.start)),
                ),
                scope,
                suppressed: policy::inline(text, lines, line, &found.rule_id),
            });
        }
    }

    /// Credentials, by the inspector.
    fn secrets(&self, path: &str, text: &str, lines: &Lines, scope: Scope, result: &mut FileResult) {
        let report = self.secrets.find(path, text);
        result.incomplete.extend(report.incomplete);
        for found in report.findings {
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
    fn read(&self, path: &str, text: &str, project: &Project) -> (Read, Option<notebook::Notebook>) {
        let mut read = Read::default();
        let mut map = None;
        if let Some(language) = Language::of(path) {
            if Scope::of(path) != Scope::Product && is_minified(text) || is_bundle(path) && is_minified(text)
            {
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
            self.document(path, text, project, &mut read);
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

    fn document(&self, path: &str, text: &str, project: &Project, read: &mut Read) {
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
        } else if matches!(ending, "sh" | "bash" | "zsh" | "mk" | "ps1" | "bat" | "just")
            || matches!(lower.as_str(), "makefile" | "gnumakefile" | "justfile" | "procfile")
        {
            infra::shell::script(&self.catalog, text, 0, read);
        } else if lower == "modelfile" || lower.starts_with("modelfile.") || ending == "modelfile" {
            infra::shell::modelfile(text, read);
        } else if lower == ".env" || lower.starts_with(".env.") || ending == "env" || ending == "properties" {
            let node = doc::dotenv::parse(text);
            infra::environment(&self.catalog, Some(&node), read);
            config::document(&self.catalog, project, path, &node, &[], read);
        } else {
            let told = matches!(ending, "tf" | "tofu" | "bicep" | "bicepparam");
            let known = || config::is_known(path) || self.rules.speaks_of(path);
            if !told && !self.documents.is_match(text) && !known() {
                return;
            }
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
                    infra::terraform(&self.catalog, project, path, &blocks, read);
                    Vec::new()
                }),
                "bicep" | "bicepparam" => doc::bicep::parse(text).map(|blocks| {
                    infra::bicep(&self.catalog, project, path, &blocks, read);
                    Vec::new()
                }),
                _ => Ok(Vec::new()),
            }
            .unwrap_or_else(|error| {
                failed = Some(error);
                Vec::new()
            });
            let services: Vec<Node> = if documents.len() > 1 {
                documents.iter().filter(|node| node.text_of("kind") == Some("Service")).cloned().collect()
            } else {
                Vec::new()
            };
            for node in &documents {
                config::document(&self.catalog, project, path, node, &services, read);
            }
        }
        // Broken documents are everywhere in tests; elsewhere somebody should know.
        if let Some(error) = failed.filter(|_| Scope::of(path) == Scope::Product) {
            read.incomplete = Some(error.to_string());
        }
    }
}

/// Whether a name says that a program made the file of others.
fn is_bundle(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let script = [".js", ".mjs", ".cjs"].iter().any(|ending| path.ends_with(ending));
    let made = parts.next().is_some_and(|file| file.contains(".min.") || file.contains(".bundle."));
    script
        && (made
            || parts.any(|part| matches!(part, "dist" | "build" | "out" | "static" | "public" | "wwwroot")))
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
