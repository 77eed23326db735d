//! Endpoints and models that values are.

use std::collections::BTreeSet;

use super::{Call, Data, Entry, Key, Kind, Node, Place, Read, SURE, Sighting, constant_id, plausible_name};

/// Whether a value is made elsewhere.
pub(super) fn opaque(value: &Node) -> bool {
    matches!(&value.data, Data::Expression { path, .. } if path.ends_with("()") || path.starts_with('?'))
}

/// Whether an argument holds what a model is given or what describes a tool, not how it is reached.
pub(super) fn is_content(key: &str) -> bool {
    matches!(
        key,
        "messages"
            | "tools"
            | "input"
            | "inputs"
            | "contents"
            | "content"
            | "prompt"
            | "metadata"
            | "headers"
            | "schema"
            | "properties"
            | "parameters"
            | "response_format"
            | "functions"
            | "text"
            | "documents"
            | "extra_body"
            | "mcp_servers"
            | "mcpServers"
            | "system"
            | "instructions"
            | "server_params"
    )
}

/// Endpoints and models in tables that an argument holds: `config_list=[{"model": ..., "base_url": ...}]`.
pub(super) fn nested(value: &Node, depth: usize, read: &mut Read) -> bool {
    const DEEPEST: usize = 5;
    if depth > DEEPEST {
        return false;
    }
    let deeper = depth.saturating_add(1);
    let mut any = false;
    // What a proxy calls its models is no model.
    let alias = value.get("litellm_params").is_some();
    let known = |entry: &&Entry| !(is_content(&entry.key) || alias && entry.key == "model_name");
    for entry in value.entries().iter().filter(known) {
        match Key::of(&entry.key) {
            Some(Key::Endpoint) => any |= endpoint(&entry.value, entry.at, read),
            Some(Key::Model) if matches!(entry.value.data, Data::Text(_) | Data::Environment { .. }) => {
                model(&entry.value, SURE, read);
            }
            _ => any |= nested(&entry.value, deeper, read),
        }
    }
    for item in value.items() {
        any |= nested(item, deeper, read);
    }
    any
}

/// Notes the endpoint of a resource of Azure that is called by its name.
pub(super) fn resource(value: &Node, at: Place, read: &mut Read) -> bool {
    let plain = |text: &&(&str, Place)| {
        !text.0.is_empty() && text.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if let Some((name, _)) = value.constants().iter().find(plain) {
        let url = format!("https://{name}.openai.azure.com");
        read.sightings
            .push(Sighting::new(Kind::ModelEndpoint, url.clone(), at, "argument", SURE).fact("url", url));
        return true;
    }
    value.environment().is_some()
}

/// Formats that a loader of datasets is told instead of a dataset.
pub(super) fn is_format(name: &str) -> bool {
    matches!(
        name,
        "json"
            | "csv"
            | "parquet"
            | "text"
            | "arrow"
            | "xml"
            | "pandas"
            | "generator"
            | "webdataset"
            | "imagefolder"
            | "audiofolder"
            | "videofolder"
            | "pdffolder"
    )
}

/// The files that a dataset is read from.
pub(super) fn files_of(call: &Call, read: &mut Read) {
    const MOST: usize = 32;
    let files = call
        .args
        .at_path(&crate::node::Path::new("data_files"))
        .into_iter()
        .chain(call.args.at_path(&crate::node::Path::new("data_files.*")));
    let all: BTreeSet<&str> =
        files.flat_map(Node::texts).filter(|text| plausible_name(text)).take(MOST).collect();
    for file in all {
        read.sightings.push(Sighting::new(Kind::Dataset, file, call.at, "call", SURE));
    }
}

/// Notes the endpoint that a value is; says whether it is one.
pub(super) fn endpoint(value: &Node, at: Place, read: &mut Read) -> bool {
    let environment = value.environment();
    let url = value
        .constants()
        .into_iter()
        .find(|(text, _)| text.contains("://") && !text.contains(['{', ' ', '\n', '<']) && text.len() < 300);
    match (url, environment) {
        (Some((url, place)), environment) => {
            let url = url.trim_end_matches('/');
            let sighting = Sighting::new(Kind::ModelEndpoint, url, place, "argument", SURE).fact("url", url);
            read.sightings.push(match environment {
                Some(name) => sighting.fact("environment", name),
                None => sighting,
            });
            true
        }
        (None, Some(name)) => {
            read.sightings.push(
                Sighting::new(Kind::ModelEndpoint, format!("env:{name}"), at, "argument", SURE)
                    .fact("environment", name),
            );
            true
        }
        (None, None) => !matches!(value.data, Data::Null),
    }
}

/// Notes the models that a value can be.
pub(super) fn model(value: &Node, confidence: u16, read: &mut Read) {
    // Some libraries have constants for ids.
    if let Data::Expression { path, .. } = &value.data
        && let Some(id) = constant_id(path)
    {
        read.sightings.push(Sighting::new(Kind::Model, id, value.at, "constant", confidence));
        return;
    }
    // The id is the value itself or the default of a look-up, not an argument of some call.
    let known = match &value.data {
        Data::Text(_) | Data::Environment { .. } => true,
        Data::Expression { path, .. } => path == "?",
        _ => false,
    };
    if !known {
        return;
    }
    for (text, place) in value.constants() {
        let local = text.starts_with(['.', '/', '~']) || text.contains('\\') || text.contains("://");
        let text = if text.starts_with("arn:") {
            text.rsplit("foundation-model/").next().unwrap_or(text)
        } else {
            text
        };
        if plausible_name(text) && !local && !text.contains(' ') && text.len() <= 120 {
            let sighting = Sighting::new(Kind::Model, text, place, "argument", confidence);
            read.sightings.push(match value.environment() {
                Some(name) => sighting.fact("environment", name),
                None => sighting,
            });
        }
    }
}
