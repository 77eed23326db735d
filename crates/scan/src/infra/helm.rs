//! Values of charts: images by `repository` and `tag`, endpoints and models by what they are called.

use super::containers::{
    image_seen, is_internal, is_offer, plausible_model, push_container, settled, told, variable,
};
use crate::asset::{Kind, LIKELY, SURE, Sighting};
use crate::catalog::Catalog;
use crate::code::names::known_model;
use crate::node::{Data, Entry, Node};
use crate::subject::Read;

/// Values of a chart: images by `repository` and `tag`, endpoints and models by what they are called.
pub(super) fn helm_values(catalog: &Catalog, node: &Node, depth: usize, read: &mut Read) {
    helm(catalog, node, None, depth, read);
}

/// `outer` is what a table of an image is part of: its service, its variables, its arguments.
fn helm(catalog: &Catalog, node: &Node, outer: Option<&Node>, depth: usize, read: &mut Read) {
    if depth > 16 {
        return;
    }
    let deeper = depth.saturating_add(1);
    if let Some(repository) = node.text_of("repository") {
        let tag = node.get("tag").and_then(Node::scalar).unwrap_or_default();
        let registry = node.text_of("registry").map(|registry| format!("{registry}/")).unwrap_or_default();
        let digest = node
            .text_of("digest")
            .filter(|d| d.starts_with("sha256:"))
            .map(|d| format!("@{d}"))
            .unwrap_or_default();
        let image = if tag.is_empty() {
            format!("{registry}{repository}{digest}")
        } else {
            format!("{registry}{repository}:{tag}{digest}")
        };
        image_seen(catalog, &image, node.at, read);
        if !tag.is_empty() || !digest.is_empty() {
            let mut container = node.clone();
            let around = outer.unwrap_or(node);
            if let Data::Map(entries) = &mut container.data {
                let told =
                    around.entries().iter().filter(|entry| matches!(entry.key.as_str(), "args" | "command"));
                entries.extend(told.cloned());
                entries.extend(settled(around, "$env"));
                let service = around
                    .get("service")
                    .filter(|service| !service.get("annotations").is_some_and(is_internal));
                let offer = service.and_then(|service| service.get("type")).filter(|ty| is_offer(ty));
                entries.extend(offer.map(|ty| Entry {
                    key: "$published".to_owned(),
                    at: ty.at,
                    value: Node::new(ty.at, Data::Text("service".to_owned())),
                }));
            }
            push_container(read, image, container, node.at, "helm");
        }
    }
    for key in ["args", "extraArgs", "command", "modelCommand"] {
        for (name, at) in told(node, &[key]) {
            read.sightings.push(Sighting::new(Kind::Model, name, at, "values", SURE));
        }
    }
    for item in node.entries().iter().flat_map(|entry| entry.value.items()) {
        if let (Some(name), Some(value)) = (item.text_of("name"), item.get("value").and_then(Node::scalar)) {
            variable(catalog, name, &value, item.at, read);
        }
    }
    for entry in node.entries() {
        let lower = entry.key.to_ascii_lowercase();
        if let Some(value) = entry.value.text() {
            variable(catalog, &entry.key, value, entry.value.at, read);
            let named = matches!(
                lower.as_str(),
                "modelid" | "model_id" | "modelname" | "huggingfacemodelid" | "modelurl" | "modeluri"
            );
            if named && plausible_model(value) {
                read.sightings.push(Sighting::new(Kind::Model, value, entry.value.at, "values", LIKELY));
            }
        }
        // Ollama's chart is told which models to fetch.
        if lower == "models" {
            for list in ["pull", "run"].iter().filter_map(|key| entry.value.get(key)).flat_map(Node::items) {
                if let Some(name) = list.text().filter(|name| plausible_model(name)) {
                    read.sightings.push(Sighting::new(Kind::Model, name, list.at, "values", SURE));
                }
            }
        }
        let inside = matches!(lower.as_str(), "model" | "modelspec" | "llm");
        if inside {
            let inner = entry.value.text().map(|text| (text, entry.value.at)).or_else(|| {
                ["id", "name", "modelURL", "repository"]
                    .iter()
                    .find_map(|key| Some((entry.value.text_of(key)?, entry.value.get(key)?.at)))
            });
            if let Some((text, at)) =
                inner.filter(|(text, _)| text.contains('/') && plausible_model(text) || known_model(text))
            {
                read.sightings.push(Sighting::new(Kind::Model, text, at, "values", LIKELY));
            }
        }
        match &entry.value.data {
            Data::List(items) => items.iter().for_each(|item| helm(catalog, item, None, deeper, read)),
            _ => {
                let outer = (lower == "image").then_some(node);
                helm(catalog, &entry.value, outer, deeper, read);
            }
        }
    }
}
