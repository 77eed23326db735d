//! From imports and calls to assets.

mod texts;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use self::values::{endpoint, files_of, is_content, is_format, model, nested, opaque, resource};
use super::names::{Key, constant_id, fill, known_model, plausible_name};
use super::{Call, Facts, Language, http, mcp};
use crate::asset::{Kind, LIKELY, SURE, Sighting};
use crate::catalog::{Catalog, ecosystem};
use crate::glob::matches;
use crate::node::{Data, Entry, Node, Place};
use crate::subject::{On, Read, Subject};

/// Reads a file's facts with the catalogue.
pub(crate) fn detect(catalog: &Catalog, language: Language, facts: Facts) -> Read {
    let mut read = Read {
        tests: facts.tests.clone(),
        incomplete: facts.incomplete.map(str::to_owned),
        ..Read::default()
    };
    Detector { catalog, language, facts: &facts, using: BTreeSet::new() }.run(&mut read);
    for mut call in facts.calls {
        system(&mut call.args);
        let mut subject = Subject::new(On::Call, call.callee, call.args);
        subject.within = call.within;
        subject.at = call.at;
        read.subjects.push(subject);
    }
    for assign in facts.assigns {
        let value = Entry { key: "value".to_owned(), at: assign.at, value: assign.value };
        let mut subject =
            Subject::new(On::Assign, assign.target, Node::new(assign.at, Data::Map(vec![value])));
        subject.at = assign.at;
        read.subjects.push(subject);
    }
    read
}

/// Puts what a call says in the owner's name under `$system`: messages whose role is that of the system or the developer.
fn system(arguments: &mut Node) {
    let lists = ["messages", "input", "0", "1"].iter().filter_map(|key| arguments.get(key));
    let said: Vec<Entry> = lists
        .flat_map(Node::items)
        .filter(|item| item.text_of("role").is_some_and(|role| matches!(role, "system" | "developer")))
        .filter_map(|item| item.get("content"))
        .map(|value| Entry { key: "$system".to_owned(), at: value.at, value: value.clone() })
        .collect();
    if let Data::Map(entries) = &mut arguments.data {
        entries.extend(said);
    }
}

/// The shortest text that steers a model, in bytes, where its variable says so.
const SHORTEST_PROMPT: usize = 24;

struct Detector<'a> {
    catalog: &'a Catalog,
    language: Language,
    facts: &'a Facts,
    /// Packages whose names are imported wholesale, so that a bare name may be theirs.
    using: BTreeSet<String>,
}

impl Detector<'_> {
    fn run(mut self, read: &mut Read) {
        self.imports(read);
        self.services(read);
        let mut explicit: BTreeSet<String> = BTreeSet::new();
        let mut clients: BTreeMap<usize, (String, bool)> = BTreeMap::new();
        let mut raw = false;
        for (at, call) in self.facts.calls.iter().enumerate() {
            let Some(package) = self.owner_of(call) else {
                raw |= http::call(call, read);
                continue;
            };
            if !self.speaks(&package) {
                raw |= http::call(call, read);
            } else {
                if self.endpoint_of(call, read) {
                    explicit.insert(package.clone());
                    clients.insert(at, (package.clone(), true));
                }
                self.models_of(call, read);
            }
            self.named(call, read);
            self.agent(call, read);
            self.prompt(call, read);
            self.guardrail(call, read);
        }
        mcp::clients(self.catalog, self.language, self.facts, read);
        for assign in &self.facts.assigns {
            let Some((object, property)) = assign.target.rsplit_once('.') else { continue };
            let Some(package) = self.owner(object) else { continue };
            if !self.speaks(&package) {
                continue;
            }
            match Key::of(property) {
                Some(Key::Endpoint) if endpoint(&assign.value, assign.at, read) => {
                    explicit.insert(package);
                }
                Some(Key::Model) => model(&assign.value, SURE, read),
                _ => {}
            }
        }
        self.defaults(&explicit, &clients, read);
        self.texts(read);
        http::assigned(self.facts, raw, read);
    }

    fn speaks(&self, package: &str) -> bool {
        self.catalog.speaks(ecosystem(self.language), package)
    }

    fn imports(&mut self, read: &mut Read) {
        let system = ecosystem(self.language);
        let mut seen: Vec<(String, Place)> = Vec::new();
        for import in &self.facts.imports {
            if let Some(package) = self.catalog.package(self.language, &import.module) {
                seen.push((package, import.at));
            }
            for (kind, product) in self.catalog.module_products(&import.module) {
                read.sightings.push(Sighting::new(kind, product, import.at, "import", SURE));
            }
        }
        // A name that is written out in full needs no import in Rust; Python, JavaScript import by calling.
        for call in &self.facts.calls {
            if !self.facts.imports.iter().any(|import| call.callee.starts_with(import.module.as_str()))
                && let Some(package) = self.catalog.package(self.language, &call.callee)
                && (self.language == Language::Rust || self.imported_by_call(&package))
            {
                seen.push((package, call.at));
            }
        }
        for (package, at) in self.imports_by_call() {
            seen.push((package, at));
        }
        for module in &self.facts.wildcards {
            if let Some(package) = self.catalog.package(self.language, module) {
                self.using.insert(package);
            }
        }
        // The OpenAI library comes with Azure's and is not used without it.
        let azure = seen.iter().any(|(package, _)| package == "Azure.AI.OpenAI");
        seen.retain(|(package, _)| !(self.is_service_package(package) || azure && package == "OpenAI"));
        for (package, at) in seen {
            for (kind, product) in self.catalog.products(system, &package) {
                read.sightings.push(Sighting::new(kind, product, at, "import", SURE));
            }
            read.sightings.push(
                Sighting::new(Kind::Sdk, package, at, "import", SURE)
                    .fact("ecosystem", system)
                    .fact("used", "true"),
            );
        }
    }

    /// Packages of modules that are imported by a call with a constant.
    fn imports_by_call(&self) -> Vec<(String, Place)> {
        let by_call = |call: &&Call| {
            matches!(
                call.callee.as_str(),
                "require" | "import" | "importlib.import_module" | "__import__" | "import_module"
            )
        };
        let module = |call: &Call| {
            let module = call.args.get("0")?.text()?;
            Some((self.catalog.package(self.language, module)?, call.at))
        };
        self.facts.calls.iter().filter(by_call).filter_map(module).collect()
    }

    fn imported_by_call(&self, package: &str) -> bool {
        self.imports_by_call().iter().any(|(known, _)| known == package)
    }

    fn is_service_package(&self, package: &str) -> bool {
        let system = ecosystem(self.language);
        self.catalog.source.service.iter().any(|service| service.package == format!("{system}:{package}"))
    }

    /// Clients of clouds that are of AI by the service that is asked for.
    fn services(&self, read: &mut Read) {
        let system = ecosystem(self.language);
        for service in &self.catalog.source.service {
            let Some(package) = service.package.strip_prefix(system).and_then(|rest| rest.strip_prefix(':'))
            else {
                continue;
            };
            for call in &self.facts.calls {
                if !service.symbols.iter().any(|symbol| matches(symbol, &call.callee)) {
                    continue;
                }
                let asked = service.argument.iter().find_map(|name| call.args.text_of(name));
                let Some(template) = asked.and_then(|asked| service.services.get(asked)) else { continue };
                let url = fill(template, self.region(call).as_deref());
                read.sightings.push(
                    Sighting::new(Kind::ModelEndpoint, url.clone(), call.at, "call", SURE).fact("url", url),
                );
                read.sightings.push(
                    Sighting::new(Kind::Sdk, package, call.at, "call", SURE)
                        .fact("ecosystem", system)
                        .fact("used", "true"),
                );
            }
        }
    }

    /// The region that a client is told, or the file's other clients are.
    fn region(&self, call: &Call) -> Option<String> {
        let names = [
            "region_name",
            "region",
            "location",
            "regionName",
            "Region",
            "aws_region",
            "awsRegion",
            "aws_region_name",
        ];
        let of = |call: &Call| {
            names
                .iter()
                .find_map(|name| call.args.get(name)?.constants().first().map(|(text, _)| (*text).to_owned()))
        };
        let plausible = |text: &String| {
            text.len() < 30 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let receiver = call.receiver.and_then(|at| self.facts.calls.get(at));
        of(call).or_else(|| receiver.and_then(of)).filter(plausible)
    }

    /// The package that a resolved name belongs to.
    fn owner(&self, path: &str) -> Option<String> {
        if let Some(package) = self.catalog.package(self.language, path) {
            return Some(package);
        }
        if self.using.is_empty() || path.starts_with(['?', '\'', '.']) {
            return None;
        }
        // A bare name in a language that imports whole namespaces.
        let bare = path.split(['.', '(']).next().unwrap_or_default();
        let known = self.facts.imports.iter().any(|import| import.module.ends_with(&format!(".{bare}")));
        let capital = bare.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
        (capital && !known)
            .then(|| self.using.iter().find(|package| self.speaks(package)).or(self.using.first()).cloned())
            .flatten()
    }

    /// The package that a call belongs to: by its name, by that of the client that an extension is called on, or by the
    /// call of whose argument it is a part.
    fn owner_of(&self, call: &Call) -> Option<String> {
        if let Some(package) = self.owner(&call.callee) {
            return Some(package);
        }
        if self.language == Language::CSharp
            && !self.using.is_empty()
            && (self.client(call).is_some() || self.is_named(call))
        {
            return self.using.iter().find(|package| self.speaks(package)).or(self.using.first()).cloned();
        }
        // `invokeModel(r -> r.modelId("x"))`
        call.callee.starts_with('?').then(|| call.within.first().and_then(|around| self.owner(around)))?
    }

    fn is_named(&self, call: &Call) -> bool {
        let simple = call.callee.rsplit("().").next().unwrap_or(&call.callee);
        let simple = simple.rsplit('.').next().unwrap_or(simple);
        self.catalog
            .source
            .call
            .iter()
            .flat_map(|named| &named.symbols)
            .any(|symbol| symbol.trim_start_matches("*.") == simple)
    }

    /// The endpoint that a call is told. A builder's later links count as calls of their own.
    fn endpoint_of(&self, call: &Call, read: &mut Read) -> bool {
        let mut any = false;
        for entry in call.args.entries() {
            // A port of its own: `new("http://localhost", 11434)`.
            if entry.key == "0"
                && let (Some(host), Some(Data::Number(port))) =
                    (entry.value.text(), call.args.get("1").map(|node| &node.data))
                && host.starts_with("http")
                && host.matches(':').count() == 1
                && self.client(call).is_some()
            {
                let url = Node::new(entry.at, Data::Text(format!("{}:{port}", host.trim_end_matches('/'))));
                any |= endpoint(&url, entry.at, read);
                continue;
            }
            let wanted = match Key::of(&entry.key) {
                Some(Key::Endpoint) => true,
                Some(Key::Model | Key::Other) => false,
                Some(Key::Resource) => {
                    any |= resource(&entry.value, entry.at, read);
                    false
                }
                None => self.positional_endpoint(call, entry),
            };
            if wanted {
                any |= endpoint(&entry.value, entry.at, read);
            } else if !is_content(&entry.key) {
                any |= nested(&entry.value, 0, read);
            }
        }
        any
    }

    /// Whether an argument by position is an endpoint: of a client that is made with one, or of a builder's link of that name.
    fn positional_endpoint(&self, call: &Call, entry: &Entry) -> bool {
        let method = call.callee.rsplit('.').next().unwrap_or_default();
        let linked = call.callee.contains('.') && Key::of_method(method) == Some(Key::Endpoint);
        let configures = method.ends_with("Config");
        let made = configures || self.client(call).is_some();
        let url = entry
            .value
            .constants()
            .first()
            .is_some_and(|(text, _)| text.starts_with("http://") || text.starts_with("https://"));
        (linked && entry.key == "0") || (made && url)
    }

    fn client(&self, call: &Call) -> Option<&crate::catalog::Client> {
        self.catalog.source.client.iter().find(|client| {
            let simple = call.callee.rsplit("().").next().unwrap_or(&call.callee);
            client.fits(self.language, &call.callee)
                || (self.language == Language::CSharp && client.fits(self.language, simple))
        })
    }

    fn models_of(&self, call: &Call, read: &mut Read) {
        // What reads a model's answer is not asked with one.
        for entry in call.args.entries() {
            if Key::of(&entry.key) == Some(Key::Model) {
                model(&entry.value, SURE, read);
            }
        }
        let method = call.callee.rsplit('.').next().unwrap_or_default();
        if call.callee.contains('.')
            && Key::of_method(method) == Some(Key::Model)
            && let Some(first) = call.args.get("0")
        {
            model(first, SURE, read);
        }
    }

    fn named(&self, call: &Call, read: &mut Read) {
        for named in &self.catalog.source.call {
            let simple = call.callee.rsplit("().").next().unwrap_or(&call.callee);
            let fits = named.symbols.iter().any(|symbol| {
                matches(symbol, &call.callee)
                    || (self.language == Language::CSharp && matches(symbol, simple))
            });
            if !fits {
                continue;
            }
            let Some(value) = named.argument.iter().find_map(|name| call.args.get(name)) else { continue };
            if named.kind == Kind::Model {
                model(value, SURE, read);
                continue;
            }
            if named.kind == Kind::Dataset && value.text().is_some_and(is_format) {
                files_of(call, read);
                continue;
            }
            if let Some((text, _)) = value.constants().first().filter(|(text, _)| plausible_name(text)) {
                read.sightings.push(Sighting::new(named.kind, *text, call.at, "call", SURE));
            }
        }
    }

    fn agent(&self, call: &Call, read: &mut Read) {
        let agent = &self.catalog.source.agent;
        let simple = call.callee.rsplit("().").next().unwrap_or(&call.callee);
        if !agent.symbols.iter().any(|symbol| {
            matches(symbol, &call.callee) || (self.language == Language::CSharp && matches(symbol, simple))
        }) {
            return;
        }
        let named =
            agent.names.iter().find_map(|name| call.args.text_of(name).filter(|text| plausible_name(text)));
        let first = || {
            let fits = agent.positional.iter().any(|symbol| matches(symbol, &call.callee));
            call.args.text_of("0").filter(|text| fits && plausible_name(text))
        };
        let Some(name) = named.or_else(first).or(call.target.as_deref()) else { return };
        read.sightings.push(
            Sighting::new(Kind::Agent, name, call.at, "call", SURE).fact("made_by", call.callee.clone()),
        );
    }

    fn prompt(&self, call: &Call, read: &mut Read) {
        if self.catalog.source.prompt.symbols.iter().any(|symbol| matches(symbol, &call.callee))
            && let Some(name) = &call.target
        {
            read.sightings.push(Sighting::new(Kind::PromptTemplate, name.clone(), call.at, "call", SURE));
        }
    }

    /// Guardrails that a cloud keeps, named in the request.
    fn guardrail(&self, call: &Call, read: &mut Read) {
        for name in ["guardrailIdentifier", "guardrail_identifier", "guardrailId"] {
            let asked = call.args.at_path(&crate::node::Path::new(&format!("**.{name}")));
            if let Some(id) = asked.into_iter().find_map(Node::text) {
                read.sightings.push(
                    Sighting::new(Kind::Guardrail, id, call.at, "call", SURE).fact("provider", "bedrock"),
                );
            }
        }
    }

    /// Clients that are told no endpoint go where their library goes.
    fn defaults(
        &self,
        explicit: &BTreeSet<String>,
        clients: &BTreeMap<usize, (String, bool)>,
        read: &mut Read,
    ) {
        for (at, call) in self.facts.calls.iter().enumerate() {
            let Some(package) = self.owner(&call.callee) else { continue };
            let Some(client) = self.client(call) else { continue };
            if client.only_new && !self.makes(call) {
                continue;
            }
            // Told here, or on a link of the same builder.
            let told = clients.contains_key(&at) || clients.keys().any(|other| self.chained(*other, at));
            // Told by a configuration that is made elsewhere in the file.
            let configured =
                explicit.contains(&package) && call.args.entries().iter().any(|entry| opaque(&entry.value));
            if told
                || configured
                || (call.callee.ends_with(".builder") && clients.keys().any(|other| self.chained(*other, at)))
            {
                continue;
            }
            // Clients that go through another, and namespaces of a call that is counted already.
            if call.args.entries().iter().any(|entry| {
                matches!(entry.key.as_str(), "client" | "http_client_provider" | "openai_client")
            }) {
                continue;
            }
            let url = fill(&client.endpoint, self.region(call).as_deref());
            if url.starts_with("env:") && explicit.contains(&package) {
                continue;
            }
            let sighting = Sighting::new(Kind::ModelEndpoint, url.clone(), call.at, "default", SURE)
                .fact("default", "true");
            read.sightings.push(if url.starts_with("http") { sighting.fact("url", url) } else { sighting });
        }
    }

    fn makes(&self, call: &Call) -> bool {
        call.target.is_some() && !call.callee.ends_with(')')
    }

    /// Whether a call is a link of the chain that another begins.
    fn chained(&self, link: usize, first: usize) -> bool {
        let mut at = Some(link);
        for _ in 0..32 {
            match at {
                Some(now) if now == first => return true,
                Some(now) => at = self.facts.calls.get(now).and_then(|call| call.receiver),
                None => return false,
            }
        }
        false
    }
}
