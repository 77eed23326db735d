//! Files that describe agents, prompts and evaluations for a framework: CrewAI, LangGraph, promptfoo, n8n, Continue.

use crate::asset::{Kind, SURE, Sighting};
use crate::glob::matches_path;
use crate::node::{Data, Node, Path};
use crate::subject::Read;

/// A document that may be one of them.
pub(crate) fn document(path: &str, root: &Node, read: &mut Read) {
    if matches_path("*agents.y*ml", path) {
        crew(root, read);
    }
    if matches_path("langgraph.json", path) {
        for entry in root.get("graphs").map(Node::entries).unwrap_or_default() {
            read.sightings.push(Sighting::new(
                Kind::Agent,
                entry.key.clone(),
                entry.at,
                "configuration",
                SURE,
            ));
        }
    }
    if matches_path("promptfooconfig*", path)
        || root.text_of("$schema").is_some_and(|s| s.contains("promptfoo"))
    {
        promptfoo(root, read);
    }
    if root.get("nodes").is_some() && root.get("connections").is_some() {
        n8n(root, read);
    }
    if matches_path(".continue/*", path) {
        continue_models(root, read);
    }
}

/// Words one of which a document holds that is such a file under a name of its own.
pub(crate) const WORDS: [&str; 2] = ["n8n-nodes-langchain", "promptfoo"];

/// Whether a path is that of such a file.
pub(crate) fn is_known(path: &str) -> bool {
    ["*agents.y*ml", "langgraph.json", "promptfooconfig*", ".continue/*"]
        .iter()
        .any(|p| matches_path(p, path))
}

/// CrewAI: agents by name, with role, goal and backstory.
fn crew(root: &Node, read: &mut Read) {
    for entry in root.entries() {
        let told = ["role", "goal", "backstory"].iter().filter(|key| entry.value.get(key).is_some()).count();
        if told < 2 {
            continue;
        }
        read.sightings.push(Sighting::new(Kind::Agent, entry.key.clone(), entry.at, "agent file", SURE));
        for key in ["llm", "model", "function_calling_llm"] {
            model(entry.value.get(key), read);
        }
    }
}

/// A model that a value names; providers before a colon are left out.
fn model(value: Option<&Node>, read: &mut Read) {
    let Some((text, at)) = value.and_then(|node| Some((node.text()?, node.at))) else { return };
    if !text.is_empty() && text.len() <= 120 && !text.contains([' ', '{', '$', '<', '=']) {
        read.sightings.push(Sighting::new(Kind::Model, text, at, "configuration", SURE));
    }
}

/// promptfoo: providers are `openai:gpt-5`, `openai:chat:gpt-5`, or tables with such an id.
fn promptfoo(root: &Node, read: &mut Read) {
    for key in ["providers", "targets"] {
        for item in root.get(key).map(Node::items).unwrap_or_default() {
            let keyed = item.entries().first().filter(|entry| entry.key.contains(':'));
            let id =
                item.text().or_else(|| item.text_of("id")).or_else(|| keyed.map(|entry| entry.key.as_str()));
            let Some((provider, rest)) = id.and_then(|id| id.split_once(':')) else { continue };
            if matches!(provider, "file" | "python" | "exec" | "http" | "https" | "webhook" | "package") {
                continue;
            }
            let rest = [
                "chat:",
                "completion:",
                "embedding:",
                "embeddings:",
                "messages:",
                "responses:",
                "text-generation:",
            ]
            .iter()
            .find_map(|kind| rest.strip_prefix(kind))
            .unwrap_or(rest);
            if !rest.is_empty() && !rest.contains(' ') {
                read.sightings.push(Sighting::new(Kind::Model, rest, item.at, "configuration", SURE));
            }
        }
    }
}

/// n8n: nodes of its LangChain package are agents and models.
fn n8n(root: &Node, read: &mut Read) {
    const PACKAGE: &str = "@n8n/n8n-nodes-langchain.";
    for node in root.get("nodes").map(Node::items).unwrap_or_default() {
        let Some(kind) = node.text_of("type").and_then(|kind| kind.strip_prefix(PACKAGE)) else { continue };
        let at = node.get("type").map_or(node.at, |kind| kind.at);
        if kind == "agent" || kind.starts_with("agentTool") || kind == "openAiAssistant" {
            let name = node.text_of("name").unwrap_or("agent");
            read.sightings.push(Sighting::new(Kind::Agent, name, at, "workflow", SURE));
        }
        let parameters = node.get("parameters");
        for key in ["model", "modelId", "modelName"] {
            let value = parameters.and_then(|parameters| parameters.get(key));
            let value = match value.map(|value| &value.data) {
                Some(Data::Map(_)) => value.and_then(|value| value.get("value")),
                _ => value,
            };
            model(value, read);
        }
        let base =
            parameters.into_iter().flat_map(|parameters| parameters.at_path(&Path::new("options.baseURL")));
        for url in
            base.filter_map(|node| node.text().filter(|text| text.contains("://") && !text.contains('{')))
        {
            let url = url.trim_end_matches('/');
            read.sightings
                .push(Sighting::new(Kind::ModelEndpoint, url, at, "workflow", SURE).fact("url", url));
        }
        for (word, product) in [
            ("vectorStoreQdrant", "qdrant"),
            ("vectorStorePinecone", "pinecone"),
            ("vectorStoreWeaviate", "weaviate"),
            ("vectorStoreMilvus", "milvus"),
            ("vectorStorePGVector", "pgvector"),
            ("vectorStoreChroma", "chroma"),
        ] {
            if kind.starts_with(word) {
                read.sightings.push(Sighting::new(Kind::VectorStore, product, at, "workflow", SURE));
            }
        }
    }
}

/// Continue: models with their provider and address.
fn continue_models(root: &Node, read: &mut Read) {
    let all = root.get("models").map(Node::items).unwrap_or_default();
    let single =
        ["tabAutocompleteModel", "embeddingsProvider", "reranker"].iter().filter_map(|key| root.get(key));
    for item in all.iter().chain(single) {
        model(item.get("model").filter(|model| model.text() != Some("AUTODETECT")), read);
        for key in ["apiBase", "api_base"] {
            if let Some(base) = item.get(key)
                && let Some(url) =
                    base.text().filter(|text| text.contains("://") && !text.contains(['{', '$']))
            {
                let url = url.trim_end_matches('/');
                let sighting = Sighting::new(Kind::ModelEndpoint, url, base.at, "configuration", SURE);
                read.sightings.push(sighting.fact("url", url));
            }
        }
    }
}
