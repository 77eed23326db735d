//! Containers: Dockerfiles, Compose, Kubernetes, values of Helm, and the variables of their environments.

use super::{resource, shell};
use crate::asset::{Kind, LIKELY, SURE, Sighting};
use crate::catalog::Catalog;
use crate::code::names::known_model;
use crate::doc::docker::{self, shell_words};
use crate::node::{Data, Entry, Node, Path, Place};
use crate::subject::{On, Read, Subject};

/// A Dockerfile: a container that its last stage makes, and what its commands install.
pub(crate) fn dockerfile(catalog: &Catalog, text: &str) -> Read {
    let mut read = Read::default();
    let mut image: Option<(String, Place)> = None;
    let mut entries: Vec<Entry> = Vec::new();
    let mut stages: Vec<String> = Vec::new();
    let entry =
        |key: &str, at: Place, data: Data| Entry { key: key.to_owned(), at, value: Node::new(at, data) };
    for instruction in docker::parse(text) {
        let at = instruction.at;
        match instruction.name.as_str() {
            "FROM" => {
                let mut words = instruction.rest.split_whitespace().filter(|word| !word.starts_with("--"));
                let name = words.next().unwrap_or_default().to_owned();
                let alias = words.nth(1).unwrap_or_default().to_ascii_lowercase();
                let known = stages.contains(&name.to_ascii_lowercase());
                stages.push(alias);
                if !known {
                    image_seen(catalog, &name, at, &mut read);
                    entries.push(entry("from", at, Data::Text(name.clone())));
                }
                image = Some((name, at));
            }
            "RUN" => {
                entries.push(entry("run", at, Data::Text(instruction.rest.clone())));
                shell::line_of(catalog, &instruction.rest, at, &mut read);
            }
            "ENV" | "ARG" => {
                let words = shell_words(&instruction.rest);
                let pairs: Vec<(String, String)> = match instruction.rest.split_once('=') {
                    Some(_) => words
                        .iter()
                        .filter_map(|word| word.split_once('='))
                        .map(|(k, v)| (k.to_owned(), v.to_owned()))
                        .collect(),
                    None => words
                        .first()
                        .zip(words.get(1))
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .into_iter()
                        .collect(),
                };
                for (name, value) in pairs {
                    variable(catalog, &name, &value, at, &mut read);
                    let inner = vec![entry(&name, at, Data::Text(value))];
                    entries.push(entry("env", at, Data::Map(inner)));
                }
            }
            "CMD" | "ENTRYPOINT" => {
                let words = docker::words(&instruction.rest);
                shell::command(catalog, &words, at, &mut read);
                let list = words.into_iter().map(|word| Node::new(at, Data::Text(word))).collect();
                entries.push(entry("command", at, Data::List(list)));
            }
            "EXPOSE" | "USER" => entries.push(entry(
                &instruction.name.to_ascii_lowercase(),
                at,
                Data::Text(instruction.rest.clone()),
            )),
            _ => {}
        }
    }
    if let Some((name, at)) = image {
        let whole = Place::new(at.start, text.len());
        push_container(&mut read, name, Node::new(whole, Data::Map(entries)), at, "dockerfile");
    }
    read
}

pub(super) fn compose_service(catalog: &Catalog, service: &Entry, read: &mut Read) {
    container(catalog, &service.value, service.at, "compose", read);
}

/// A container as Compose describes it, or a command line in the same shape.
pub(super) fn container(catalog: &Catalog, node: &Node, at: Place, tool: &str, read: &mut Read) {
    let image = node.text_of("image").unwrap_or_default().to_owned();
    let at = node.get("image").map_or(at, |image| image.at);
    if !image.is_empty() {
        image_seen(catalog, &image, at, read);
    }
    environment(catalog, node.get("environment"), read);
    served_model(catalog, &image, node, at, read);
    let mut entries = node.entries().to_vec();
    // Ports that are published beyond this machine.
    let published = node.get("ports").map(Node::items).unwrap_or_default().iter().filter(|port| {
        let text = port.scalar().unwrap_or_default();
        let local = text.starts_with("127.") || text.starts_with("localhost") || text.starts_with("[::1]");
        let host = port.text_of("host_ip").is_some_and(|ip| ip.starts_with("127."));
        !local && !host && (text.contains(':') || port.get("published").is_some() || text.contains("0.0.0.0"))
    });
    for port in published {
        entries.push(Entry {
            key: "$published".to_owned(),
            at: port.at,
            value: Node::new(port.at, Data::Text(port.scalar().unwrap_or_default())),
        });
    }
    // The machine's own network: every port is the machine's.
    if let Some(mode) = node.get("network_mode").filter(|mode| mode.text() == Some("host")) {
        entries.push(Entry {
            key: "$published".to_owned(),
            at: mode.at,
            value: Node::new(mode.at, Data::Text("host".to_owned())),
        });
    }
    push_container(read, image, Node::new(node.at, Data::Map(entries)), at, tool);
}

/// Variables of a container as a map, under a name of their own: `env: [{name: A, value: b}]`. A value that comes from
/// elsewhere is there, and unknown.
pub(super) fn settled(container: &Node, key: &str) -> Option<Entry> {
    let list = container.get("env")?;
    let one = |item: &Node| {
        let value = item.get("value").or_else(|| item.get("valueFrom")).cloned();
        let value = value.unwrap_or_else(|| Node::new(item.at, Data::Null));
        Some(Entry { key: item.text_of("name")?.to_owned(), at: item.at, value })
    };
    let entries = list.items().iter().filter_map(one).collect();
    Some(Entry { key: key.to_owned(), at: list.at, value: Node::new(list.at, Data::Map(entries)) })
}

/// Where a workload is offered beyond its cluster by a service of the same file: one of type `LoadBalancer` or `NodePort`
/// whose selector fits the labels of its pods.
fn offered(root: &Node, services: &[Node]) -> Option<Place> {
    let labels = root.at_path(&Path::new("spec.template.metadata.labels"));
    let own = root.at_path(&Path::new("metadata.labels"));
    let labels = labels.first().or(own.first())?;
    services.iter().find_map(|service| {
        let ty = service.at_path(&Path::new("spec.type")).into_iter().find(|node| is_offer(node))?;
        let internal = service.at_path(&Path::new("metadata.annotations")).into_iter().any(is_internal);
        let selectors = service.at_path(&Path::new("spec.selector"));
        let selector = selectors.first()?.entries();
        let fits = !selector.is_empty()
            && selector.iter().all(|entry| {
                labels.get(&entry.key).is_some_and(|value| value.scalar() == entry.value.scalar())
            });
        (fits && !internal).then_some(ty.at)
    })
}

/// Whether a type of service is reached from beyond the cluster.
pub(super) fn is_offer(ty: &Node) -> bool {
    ty.text().is_some_and(|ty| matches!(ty, "LoadBalancer" | "NodePort"))
}

/// Whether notes to a cloud keep a service inside a network.
pub(super) fn is_internal(annotations: &Node) -> bool {
    annotations.entries().iter().any(|entry| {
        entry.key.contains("internal") && entry.value.scalar().is_some_and(|value| value != "false")
    })
}

/// A workload of Kubernetes; `services` are those of the same file.
pub(super) fn kubernetes(catalog: &Catalog, root: &Node, services: &[Node], read: &mut Read) {
    let kind = root.text_of("kind").unwrap_or_default().to_owned();
    let group = root
        .text_of("apiVersion")
        .and_then(|version| version.split_once('/'))
        .map(|(group, _)| group.to_owned());
    let host = root
        .at_path(&Path::new("spec.**.hostNetwork"))
        .into_iter()
        .find(|node| node.data == Data::Bool(true));
    let offer = root.at_path(&Path::new("spec.**.serviceType")).into_iter().find(|node| is_offer(node));
    let published = host.or(offer);
    let full = group.map_or_else(|| kind.clone(), |group| format!("{group}/{kind}"));
    for name in ["containers", "initContainers"] {
        for list in root.at_path(&Path::new(&format!("**.{name}"))) {
            for container in
                std::iter::once(list).filter(|node| node.get("image").is_some() || node.get("name").is_some())
            {
                let image = container.text_of("image").unwrap_or_default().to_owned();
                let at = container.get("image").map_or(container.at, |image| image.at);
                image_seen(catalog, &image, at, read);
                for variable_node in container.get("env").map(Node::items).unwrap_or_default() {
                    if let (Some(name), Some(value)) =
                        (variable_node.text_of("name"), variable_node.get("value").and_then(Node::scalar))
                    {
                        variable(catalog, name, &value, variable_node.at, read);
                    }
                }
                served_model(catalog, &image, container, at, read);
                let mut node = container.clone();
                if let Data::Map(entries) = &mut node.data {
                    entries.extend(settled(container, "$env"));
                    let ports = container.get("ports").map(Node::items).unwrap_or_default();
                    let port = ports.iter().find_map(|port| port.get("hostPort"));
                    let at = published.or(port).map(|node| node.at).or_else(|| offered(root, services));
                    entries.extend(at.map(|at| Entry {
                        key: "$published".to_owned(),
                        at,
                        value: Node::new(at, Data::Text(kind.clone())),
                    }));
                }
                push_container(read, image, node, at, "kubernetes");
            }
        }
    }
    if kind == "ConfigMap" {
        environment(catalog, root.get("data"), read);
    }
    // KServe fetches from a hub; Ray is told by a document of its own.
    for uri in root.at_path(&Path::new("spec.**.storageUri")) {
        if let Some(name) =
            uri.text().and_then(|text| text.strip_prefix("hf://")).filter(|name| plausible_model(name))
        {
            read.sightings.push(Sighting::new(Kind::Model, name, uri.at, "manifest", SURE));
        }
    }
    if kind.starts_with("InferenceService") {
        for (name, at) in
            root.at_path(&Path::new("spec.**.model")).into_iter().flat_map(|model| told(model, &["args"]))
        {
            read.sightings.push(Sighting::new(Kind::Model, name, at, "manifest", SURE));
        }
    }
    for serve in root.at_path(&Path::new("spec.serveConfigV2")) {
        let inner = serve.text().and_then(|text| crate::doc::yaml::parse(text).ok()).unwrap_or_default();
        for key in ["**.model_source", "**.model_id"] {
            let found: Vec<String> = inner
                .iter()
                .flat_map(|node| node.at_path(&Path::new(key)))
                .filter_map(|node| node.text().filter(|text| plausible_model(text)).map(str::to_owned))
                .collect();
            for name in &found {
                read.sightings.push(Sighting::new(Kind::Model, name.as_str(), serve.at, "manifest", SURE));
            }
            if !found.is_empty() {
                break;
            }
        }
    }
    let label = root.get("metadata").and_then(|metadata| metadata.text_of("name")).unwrap_or_default();
    resource(catalog, &full, root.clone(), root.at, label, read);
}

pub(super) fn plausible_model(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 120
        && !text.contains(".Values.")
        && !text.contains([' ', '{', '$', '\n', '<'])
        && !text.starts_with(['.', '/'])
        && !text.contains("://")
}

pub(super) fn image_seen(catalog: &Catalog, image: &str, at: Place, read: &mut Read) {
    if let Some((kind, product)) = catalog.image(image) {
        read.sightings.push(Sighting::new(kind, product, at, "image", SURE).fact("image", image));
    }
}

/// The model that a known server is told to run.
fn served_model(catalog: &Catalog, image: &str, container: &Node, _at: Place, read: &mut Read) {
    if !matches!(catalog.image(image), Some((Kind::InferenceServer, _))) {
        return;
    }
    for (name, at) in told(container, &["command", "args", "entrypoint"]) {
        read.sightings.push(Sighting::new(Kind::Model, name, at, "command", SURE));
    }
}

/// The models that command lines under some keys name.
pub(super) fn told(container: &Node, keys: &[&str]) -> Vec<(String, Place)> {
    let mut words: Vec<(String, Place)> = Vec::new();
    let mut found: Vec<(String, Place)> = Vec::new();
    for key in keys {
        let Some(node) = container.get(key) else { continue };
        let items = match &node.data {
            Data::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        for item in items {
            let text = item.scalar().unwrap_or_default();
            if text.contains(char::is_whitespace) {
                // A script, or a whole command line.
                found.extend(shell::models(&text).into_iter().map(|model| (model, item.at)));
                words.extend(shell_words(&text).into_iter().map(|word| (word, item.at)));
            } else {
                words.push((text, item.at));
            }
        }
    }
    let plain: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
    let first = words.first().map_or(container.at, |(_, at)| *at);
    found.extend(shell::served(&plain).map(|model| (model, first)));
    let serve = words.iter().zip(words.iter().skip(1)).find(|((word, _), _)| word == "serve");
    found.extend(serve.map(|(_, value)| value.clone()));
    let mut next = words.iter().skip(1);
    for (word, at) in &words {
        let following = next.next();
        for flag in ["--model", "--model-id", "--model_id", "--model-path", "--hf-repo", "-hf"] {
            if word == flag {
                found.extend(following.cloned());
            } else if let Some(value) = word.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
                found.push((value.to_owned(), *at));
            }
        }
    }
    found.retain(|(name, _)| plausible_model(name));
    found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
    found.dedup_by(|a, b| a.0 == b.0);
    found
}

/// Variables of an environment, as a map or a list of `NAME=value`.
pub(crate) fn environment(catalog: &Catalog, node: Option<&Node>, read: &mut Read) {
    let Some(node) = node else { return };
    for entry in node.entries() {
        if let Some(value) = entry.value.scalar() {
            variable(catalog, &entry.key, &value, entry.value.at, read);
        }
    }
    for item in node.items() {
        if let Some((name, value)) = item.text().and_then(|text| text.split_once('=')) {
            variable(catalog, name, value, item.at, read);
        }
    }
}

/// One variable: an endpoint by its name, a model by its name and value.
pub(crate) fn variable(catalog: &Catalog, name: &str, value: &str, at: Place, read: &mut Read) {
    let upper = name.to_ascii_uppercase();
    let endpoint = catalog
        .source
        .environment
        .endpoints
        .iter()
        .any(|known| upper == *known || upper.ends_with(&format!("_{known}")));
    let url = value.trim_end_matches('/');
    if endpoint && url.contains("://") && !url.contains(['$', '{', '<', ' ']) {
        read.sightings.push(
            Sighting::new(Kind::ModelEndpoint, url, at, "environment", SURE)
                .fact("url", url)
                .fact("environment", name),
        );
    }
    let hub =
        matches!(upper.as_str(), "MODEL_ID" | "HF_MODEL_ID") && value.contains('/') && plausible_model(value);
    if (upper.contains("MODEL") || upper.contains("DEPLOYMENT"))
        && (known_model(value) || hub || says_model(&upper) && plausible_model(value) && !value.contains('<'))
    {
        read.sightings.push(Sighting::new(Kind::Model, value, at, "environment", LIKELY));
    }
}

/// Whether a variable says that it names a model of a provider: `OPENAI_MODEL`, `LLM_MODEL_NAME`, `EMBEDDING_MODEL`.
fn says_model(upper: &str) -> bool {
    let ends = ["MODEL", "MODEL_NAME", "MODEL_ID", "DEPLOYMENT", "DEPLOYMENT_NAME", "DEPLOYMENT_ID"];
    let of = [
        "OPENAI",
        "ANTHROPIC",
        "CLAUDE",
        "GEMINI",
        "GOOGLE",
        "OLLAMA",
        "MISTRAL",
        "GROQ",
        "COHERE",
        "BEDROCK",
        "VERTEX",
        "HUGGINGFACE",
        "HF",
        "VLLM",
        "LITELLM",
        "LLM",
        "CHAT",
        "EMBEDDING",
        "EMBEDDINGS",
        "EMBED",
        "RERANK",
        "RERANKER",
        "DEEPSEEK",
        "OPENROUTER",
        "GPT",
        "AI",
    ];
    ends.iter().any(|end| upper.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
        && upper.split('_').any(|part| of.contains(&part))
}

pub(super) fn push_container(read: &mut Read, image: String, mut node: Node, at: Place, tool: &str) {
    if let Data::Map(entries) = &mut node.data {
        entries.push(Entry {
            key: "$tool".to_owned(),
            at,
            value: Node::new(at, Data::Text(tool.to_owned())),
        });
    }
    let mut subject = Subject::new(On::Container, image, node);
    subject.at = at;
    read.subjects.push(subject);
}
