//! Requests to models without a library: URLs of known providers in calls and constants, and the models in their bodies.

use super::names::plausible_name;
use super::{Call, Facts};
use crate::asset::{Kind, LIKELY, SURE, Sighting};
use crate::hosts;
use crate::node::{Data, Node, Place};
use crate::subject::Read;

/// How deep a URL or a model is looked for in a call's arguments.
const DEEPEST: usize = 5;

/// A call of some library; says whether it names a URL of a model.
pub(super) fn call(call: &Call, read: &mut Read) -> bool {
    let method = call.callee.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    // What is written out or raised is not asked.
    if [
        "print",
        "println",
        "log",
        "info",
        "debug",
        "warn",
        "warning",
        "error",
        "exception",
        "raise",
        "printf",
        "echo",
    ]
    .contains(&method.as_str())
        || method.ends_with("error")
        || method.ends_with("exception")
    {
        return false;
    }
    let before = read.sightings.len();
    for entry in call.args.entries() {
        urls(&entry.value, 0, read);
    }
    let found = read.sightings.len() > before;
    if found {
        call.args.entries().iter().for_each(|entry| models(&entry.key, &entry.value, 0, read));
    }
    found
}

/// URLs of models in variables. `raw` says whether a call has named one; then bodies in variables are of interest too.
pub(super) fn assigned(facts: &Facts, mut raw: bool, read: &mut Read) {
    for assign in &facts.assigns {
        for (text, at) in assign.value.constants().into_iter().take(2) {
            let whole =
                assign.value.text().is_some() || matches!(assign.value.data, Data::Environment { .. });
            if let Some(address) = hosts::address(text, whole)
                && !read.sightings.iter().any(|s| {
                    s.kind == Kind::ModelEndpoint && text.starts_with(s.name.as_str()) && s.start == at.start
                })
            {
                raw = true;
                push(address, assign.at, LIKELY, read);
            }
        }
    }
    if !raw {
        return;
    }
    let values = facts.assigns.iter().map(|assign| &assign.value);
    let arguments = facts.calls.iter().flat_map(|call| call.args.entries()).map(|entry| &entry.value);
    for value in values {
        models("", value, 0, read);
    }
    for value in arguments {
        in_text(value, read);
    }
}

fn push(address: hosts::Address, at: Place, confidence: u16, read: &mut Read) {
    let url = address.endpoint;
    let sighting = Sighting::new(Kind::ModelEndpoint, url.clone(), at, "http", confidence).fact("url", url);
    if !read.sightings.contains(&sighting) {
        read.sightings.push(sighting);
    }
    if let Some(model) = address.model.filter(|model| plausible_name(model)) {
        read.sightings.push(Sighting::new(Kind::Model, model, at, "http", confidence));
    }
}

fn urls(value: &Node, depth: usize, read: &mut Read) {
    if depth > DEEPEST {
        return;
    }
    let deeper = depth.saturating_add(1);
    match &value.data {
        Data::Text(text) => {
            if let Some(address) = hosts::address(text, true) {
                push(address, value.at, SURE, read);
            }
        }
        Data::Environment { default: Some(default), .. } => urls(default, deeper, read),
        Data::Expression { path, parts } if path == "+" => {
            // Only the beginning is known.
            if let Some(address) =
                parts.first().and_then(Node::text).and_then(|text| hosts::address(text, false))
            {
                push(address, value.at, SURE, read);
            }
        }
        Data::Expression { path, parts } if path == "?" => {
            parts.iter().for_each(|part| urls(part, deeper, read))
        }
        Data::Map(entries) => entries
            .iter()
            .filter(|entry| !matches!(entry.key.as_str(), "description" | "headers" | "messages" | "content"))
            .for_each(|entry| urls(&entry.value, deeper, read)),
        Data::List(items) => items.iter().for_each(|item| urls(item, deeper, read)),
        _ => {}
    }
}

fn models(key: &str, value: &Node, depth: usize, read: &mut Read) {
    if depth > DEEPEST {
        return;
    }
    let deeper = depth.saturating_add(1);
    if matches!(key, "model" | "model_name" | "modelId" | "Model") {
        let known = |(text, _): &&(&str, Place)| {
            plausible_name(text) && !text.contains([' ', '/', ':']) || text.matches('/').count() == 1
        };
        let direct = matches!(&value.data, Data::Text(_) | Data::Environment { .. })
            || matches!(&value.data, Data::Expression { path, .. } if path == "?");
        for (text, at) in value.constants().iter().filter(known).filter(|_| direct) {
            read.sightings.push(Sighting::new(Kind::Model, *text, *at, "http", SURE));
        }
        return;
    }
    match &value.data {
        Data::Map(entries) => entries.iter().for_each(|entry| models(&entry.key, &entry.value, deeper, read)),
        Data::List(items) => items.iter().for_each(|item| models("", item, deeper, read)),
        Data::Expression { path, parts } if path != "?" && path != "+" => {
            parts.iter().for_each(|part| models("", part, deeper, read));
        }
        Data::Text(_) => in_text(value, read),
        _ => {}
    }
}

/// `"model": "x"` in a body that is written out as text.
fn in_text(value: &Node, read: &mut Read) {
    let first = value.constants().into_iter().next();
    let Some((text, at)) = first.filter(|(text, _)| text.trim_start().starts_with('{')) else { return };
    let plain = text.replace("\\\"", "\"");
    let Some((_, rest)) = plain.split_once("\"model\"") else { return };
    let Some(rest) =
        rest.trim_start().strip_prefix(':').map(str::trim_start).and_then(|rest| rest.strip_prefix('"'))
    else {
        return;
    };
    let Some((model, _)) = rest.split_once('"') else { return };
    if plausible_name(model) && !model.contains([' ', '%', '$']) {
        read.sightings.push(Sighting::new(Kind::Model, model, at, "http", LIKELY));
    }
}
