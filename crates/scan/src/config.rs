//! Configuration: MCP servers, agents, instructions, application settings, pipelines.

use std::collections::BTreeSet;

use crate::asset::{Kind, LIKELY, SURE, Sighting};
use crate::catalog::Catalog;
use crate::code::names::known_model;
use crate::glob::{matches, matches_path};
use crate::node::{Data, Node, Path, Place};
use crate::subject::{On, Read, Subject};
use crate::{agents, infra, mcp};

/// Where lists of MCP servers stand: files, and the path of the table in them.
const SERVERS: [(&[&str], &str); 7] = [
    (
        &[
            ".mcp.json",
            "mcp.json",
            "mcp_config.json",
            "mcp-config.json",
            "claude_desktop_config.json",
            ".claude.json",
            ".cursor/mcp.json",
            ".gemini/settings.json",
            ".roo/mcp.json",
            "cline_mcp_settings.json",
            ".amazonq/mcp.json",
            ".windsurf/mcp_config.json",
            "mcp_settings.json",
            ".claude/settings*.json",
            ".kiro/settings/mcp.json",
            ".junie/mcp/mcp.json",
            ".factory/mcp.json",
        ],
        "mcpServers",
    ),
    (&[".vscode/mcp.json", ".mcp.json", "mcp.json"], "servers"),
    (&[".vscode/settings.json", "*.code-workspace"], "mcp.servers"),
    (&[".codex/config.toml"], "mcp_servers"),
    (&[".zed/settings.json", "zed/settings.json"], "context_servers"),
    (&[".continue/config.json", ".continue/config.yaml", ".continue/mcpServers/*.yaml"], "mcpServers"),
    (&[".goose/config.yaml", "goose/config.yaml"], "extensions"),
];

/// Files that a coding agent reads as instructions.
const INSTRUCTIONS: [&str; 17] = [
    "AGENTS.md",
    "CLAUDE.md",
    "CLAUDE.local.md",
    "GEMINI.md",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    ".goosehints",
    ".cursor/rules/*",
    ".windsurf/rules/*",
    ".clinerules/*",
    ".roo/rules*/*",
    ".github/copilot-instructions.md",
    ".github/instructions/*.md",
    "SKILL.md",
    ".amazonq/rules/*.md",
    ".github/prompts/*.md",
];

/// Files that hold prompts.
const PROMPTS: [&str; 9] = [
    "*.prompty",
    "*.prompt",
    "*.promptfile",
    "prompts/*.txt",
    "prompts/*.md",
    "prompts/*.j2",
    "prompts/*.jinja*",
    "prompts/*.hbs",
    "*.prompt.yml",
];

/// Files of settings of applications.
const SETTINGS: [&str; 11] = [
    "application*.yml",
    "application*.yaml",
    "application*.properties",
    "appsettings*.json",
    "config.toml",
    "settings.toml",
    "*config*.y*ml",
    "*settings*.json",
    "litellm*.yaml",
    "*config*.json",
    "*config*.toml",
];

/// Whether a document of this path says something whatever it holds.
pub(crate) fn is_known(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    SERVERS
        .iter()
        .flat_map(|(files, _)| files.iter())
        .chain(&SETTINGS)
        .any(|pattern| matches_path(pattern, path))
        || [".codex/config.toml", ".aider.conf.yml", ".claude/settings*.json", ".github/workflows/*.y*ml"]
            .iter()
            .any(|pattern| matches_path(pattern, path))
        || file.starts_with("values")
        || file == "Chart.yaml"
        || matches_path("*azure-pipelines*.y*ml", path)
        || agents::is_known(path)
}

/// A file that is known by its path alone.
pub(crate) fn by_path(path: &str, text: &str, read: &mut Read) {
    let whole = Place::new(0, text.len().min(1));
    if INSTRUCTIONS.iter().any(|pattern| matches_path(pattern, path)) {
        read.sightings.push(
            Sighting::new(Kind::PromptTemplate, path, whole, "instructions", SURE)
                .fact("read_by", "coding agents"),
        );
    } else if PROMPTS.iter().any(|pattern| matches_path(pattern, path)) {
        read.sightings.push(Sighting::new(Kind::PromptTemplate, path, whole, "file", LIKELY));
    }
    if [".claude/agents/*.md", ".github/agents/*.md", ".opencode/agent/*.md"]
        .iter()
        .any(|pattern| matches_path(pattern, path))
    {
        let named = front_matter(text, "name").unwrap_or_else(|| {
            let file = path.rsplit('/').next().unwrap_or(path);
            (file.trim_end_matches(".md").to_owned(), whole)
        });
        read.sightings.push(Sighting::new(Kind::Agent, named.0, named.1, "agent file", SURE));
    }
    let dataset = ["jsonl", "parquet", "arrow", "tfrecord"];
    if dataset.iter().any(|ending| path.ends_with(&format!(".{ending}"))) {
        let folder = path.split('/').any(|part| {
            matches!(
                part,
                "data"
                    | "dataset"
                    | "datasets"
                    | "train"
                    | "training"
                    | "finetune"
                    | "fine-tuning"
                    | "eval"
                    | "evals"
            )
        });
        if folder {
            read.sightings.push(Sighting::new(Kind::Dataset, path, whole, "file", LIKELY));
        }
    }
}

/// A value of the YAML head of a Markdown file.
fn front_matter(text: &str, key: &str) -> Option<(String, Place)> {
    let rest = text.strip_prefix("---")?;
    let head = rest.get(..rest.find("\n---")?)?;
    let mut at = 3_usize;
    for line in head.split_inclusive('\n') {
        let place = Place::new(at, at.saturating_add(line.trim_end().len()));
        at = at.saturating_add(line.len());
        if let Some(value) = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')) {
            return Some((value.trim().trim_matches(['"', '\'']).to_owned(), place));
        }
    }
    None
}

/// A document of configuration.
pub(crate) fn document(
    catalog: &Catalog,
    project: &infra::Project,
    path: &str,
    root: &Node,
    services: &[Node],
    read: &mut Read,
) {
    servers(path, root, read);
    if (matches_path(".codex/config.toml", path)
        || matches_path(".aider.conf.yml", path)
        || matches_path(".claude/settings*.json", path))
        && let Some(model) = root.get("model").filter(|node| node.text().is_some_and(|text| !text.is_empty()))
    {
        read.sightings.push(Sighting::new(
            Kind::Model,
            model.text().unwrap_or_default(),
            model.at,
            "agent configuration",
            SURE,
        ));
    }
    if matches_path(".github/workflows/*.y*ml", path) {
        workflow(root, read);
    }
    // Steps of pipelines, in any of their forms.
    for key in ["run", "script", "bash", "pwsh", "powershell"] {
        for step in root.at_path(&Path::new(&format!("**.{key}"))) {
            if let Some(text) = step.text().filter(|_| is_pipeline(path)) {
                for line in text.replace("\\\n", " ").lines().take(1000) {
                    infra::shell::line_of(catalog, line.trim(), step.at, read);
                }
            }
        }
    }
    if matches_path("Chart.yaml", path) {
        for item in root.get("dependencies").map(Node::items).unwrap_or_default() {
            if let Some((kind, product)) = item.text_of("name").and_then(|name| catalog.product(name)) {
                read.sightings.push(Sighting::new(kind, product, item.at, "chart", SURE));
            }
        }
    }
    agents::document(path, root, read);
    if SETTINGS.iter().any(|pattern| matches_path(pattern, path)) {
        settings(catalog, root, 0, "", read);
    }
    // LiteLLM's list of models.
    for item in root.get("model_list").map(Node::items).unwrap_or_default() {
        let parameters = item.get("litellm_params");
        if let Some(model) = parameters.and_then(|p| p.get("model")).filter(|m| m.text().is_some()) {
            read.sightings.push(Sighting::new(
                Kind::Model,
                model.text().unwrap_or_default(),
                model.at,
                "configuration",
                SURE,
            ));
        }
        if let Some(base) =
            parameters.and_then(|p| p.get("api_base")).filter(|b| b.text().is_some_and(|t| t.contains("://")))
        {
            let url = base.text().unwrap_or_default().trim_end_matches('/');
            read.sightings.push(
                Sighting::new(Kind::ModelEndpoint, url, base.at, "configuration", SURE).fact("url", url),
            );
        }
    }
    infra::document(catalog, project, path, root, services, read);
    let mut subject = Subject::new(On::Document, path, root.clone());
    subject.at = Place::new(root.at.start, root.at.start);
    read.subjects.push(subject);
}

fn servers(path: &str, root: &Node, read: &mut Read) {
    let mut seen: BTreeSet<Place> = BTreeSet::new();
    for (files, table) in SERVERS {
        if !files.iter().any(|pattern| matches_path(pattern, path)) {
            continue;
        }
        for found in root.at_path(&Path::new(table)).into_iter().chain(root.get(table)) {
            let named: Vec<(String, &Node, Place)> = match &found.data {
                Data::Map(_) if found.get("command").is_some() && found.text_of("name").is_some() => {
                    vec![(found.text_of("name").unwrap_or_default().to_owned(), found, found.at)]
                }
                Data::Map(entries) => {
                    entries.iter().map(|entry| (entry.key.clone(), &entry.value, entry.at)).collect()
                }
                _ => Vec::new(),
            };
            for (name, server, at) in named {
                if !mcp::is_server(server) {
                    continue;
                }
                if !seen.insert(at) {
                    continue;
                }
                mcp::server(&name, server, at, "configuration", read);
            }
        }
    }
}

/// Whether a document is a pipeline by its path.
fn is_pipeline(path: &str) -> bool {
    [
        ".github/workflows/*.y*ml",
        "*azure-pipelines*.y*ml",
        ".azure-pipelines/*",
        ".azuredevops/*",
        "*.gitlab-ci.y*ml",
        "action.y*ml",
    ]
    .iter()
    .any(|pattern| matches_path(pattern, path))
}

/// Steps of a pipeline that run an agent.
fn workflow(root: &Node, read: &mut Read) {
    let agents = [
        "anthropics/claude-code-action",
        "anthropics/claude-code-base-action",
        "google-github-actions/run-gemini-cli",
        "openai/codex-action",
        "github/copilot-*",
        "actions/ai-inference",
        "coderabbitai/*",
        "qodo-ai/pr-agent",
        "codium-ai/pr-agent",
        "sourcegraph/amp*",
        "warpdotdev/*agent*",
    ];
    for step in root.at_path(&Path::new("jobs.*.steps")) {
        let Some(uses) = step.get("uses") else { continue };
        let name = uses.text().and_then(|text| text.split('@').next()).unwrap_or_default();
        if agents.iter().any(|pattern| matches(pattern, name)) {
            read.sightings.push(Sighting::new(Kind::Agent, name, uses.at, "pipeline", SURE));
        }
    }
}

/// Settings of an application: endpoints and models under sections that are of AI by their names.
fn settings(catalog: &Catalog, node: &Node, depth: usize, section: &str, read: &mut Read) {
    if depth > 12 {
        return;
    }
    let of_ai = [
        "openai",
        "azureopenai",
        "anthropic",
        "ollama",
        "llm",
        "ai",
        "gemini",
        "mistral",
        "bedrock",
        "vertexai",
        "chatmodel",
        "semantickernel",
    ];
    let inside = section.split('.').any(|part| {
        let plain: String =
            part.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        of_ai.contains(&plain.as_str())
    });
    for entry in node.entries() {
        let (head, key) =
            entry.key.rsplit_once('.').map_or(("", entry.key.as_str()), |(head, key)| (head, key));
        let here = format!("{section}.{head}.");
        let plain: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        if let Some(text) = entry.value.text() {
            infra::variable(catalog, &entry.key, text, entry.value.at, read);
            let of_ai = |part: &str| {
                let plain: String = part.chars().filter(char::is_ascii_alphanumeric).collect();
                of_ai.contains(&plain.as_str())
            };
            let inside = inside || here.split('.').any(of_ai);
            let endpoint = matches!(plain.as_str(), "baseurl" | "endpoint" | "apibase" | "url" | "serverurl");
            if inside && endpoint && text.contains("://") && !text.contains(['$', '{', '<', ' ']) {
                let url = text.trim_end_matches('/');
                read.sightings.push(
                    Sighting::new(Kind::ModelEndpoint, url, entry.value.at, "configuration", SURE)
                        .fact("url", url),
                );
            }
            let asked = here.contains("chat") || here.contains("embedding") || here.contains("options");
            let model = matches!(
                plain.as_str(),
                "model"
                    | "modelid"
                    | "modelname"
                    | "deployment"
                    | "deploymentname"
                    | "chatmodel"
                    | "embeddingmodel"
            );
            if model
                && (known_model(text)
                    || inside
                        && text.len() < 80
                        && !text.contains([' ', '$', '{', '/'])
                        && (asked
                            || plain.starts_with("deployment")
                            || text.bytes().any(|b| b.is_ascii_digit())))
            {
                read.sightings.push(Sighting::new(
                    Kind::Model,
                    text,
                    entry.value.at,
                    "configuration",
                    LIKELY,
                ));
            }
        }
        let inner = format!("{section}.{}", entry.key);
        match &entry.value.data {
            Data::List(items) => {
                items.iter().for_each(|item| settings(catalog, item, depth.saturating_add(1), &inner, read))
            }
            _ => settings(catalog, &entry.value, depth.saturating_add(1), &inner, read),
        }
    }
}
