//! CycloneDX 1.6 and 1.7, as a bill of materials of AI: libraries, models with model cards, data, services.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stockade_crypto::{sha256, to_hex};

use crate::asset::{Asset, Kind, Scope};
use crate::report::Report;

/// A version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spec {
    /// 1.6, ECMA-424 first edition.
    V1_6,
    /// 1.7, ECMA-424 second edition.
    V1_7,
}

/// What a report lists, as a bill of materials. The same report gives the same bytes: there is no time in it, and the
/// serial number is made of what is listed.
#[must_use]
pub fn cyclonedx(report: &Report, spec: Spec) -> Value {
    let mut components = Vec::new();
    let mut services = Vec::new();
    for asset in &report.assets {
        match asset.kind {
            Kind::Secret => {}
            Kind::ModelEndpoint | Kind::McpServer | Kind::InferenceServer | Kind::VectorStore => {
                services.push(service(asset))
            }
            _ => components.push(component(asset)),
        }
    }
    let version = match spec {
        Spec::V1_6 => "1.6",
        Spec::V1_7 => "1.7",
    };
    let root = format!("workload:{}", report.workload);
    let references: Vec<&Value> =
        components.iter().chain(&services).filter_map(|one| one.get("bom-ref")).collect();
    let dependencies = json!([{ "ref": root, "dependsOn": references }]);
    let mut bom = json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{version}.schema.json"),
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "stockade", "version": report.tool_version }] },
            "component": { "type": "application", "bom-ref": root, "name": report.workload },
            "properties": [
                property("stockade:coverage:files", report.coverage.files.to_string()),
                property("stockade:coverage:incomplete", report.coverage.incomplete.len().to_string()),
            ],
        },
        "components": components,
        "services": services,
        "dependencies": dependencies,
    });
    let serial = uuid(&bom.to_string());
    if let Some(object) = bom.as_object_mut() {
        object.insert("serialNumber".to_owned(), json!(format!("urn:uuid:{serial}")));
    }
    bom
}

/// A UUID of the bytes (RFC 9562 section 5.8, version 8).
fn uuid(text: &str) -> String {
    let hex = to_hex(&sha256(text.as_bytes()));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn property(name: &str, value: impl Into<String>) -> Value {
    json!({ "name": name, "value": value.into() })
}

fn properties(asset: &Asset) -> Vec<Value> {
    let mut all = vec![property("stockade:kind", asset.kind.as_str())];
    if asset.scope != Scope::Product {
        all.push(property("stockade:scope", format!("{:?}", asset.scope).to_lowercase()));
    }
    all.extend(asset.facts.iter().map(|(name, value)| property(&format!("stockade:{name}"), value.as_str())));
    all
}

/// Where an entity was seen. `line` counts from 1.
fn evidence(asset: &Asset) -> Value {
    let occurrences: Vec<Value> = asset
        .occurrences
        .iter()
        .take(1_000)
        .map(|one| json!({ "location": one.path, "line": one.line, "offset": one.start }))
        .collect();
    json!({ "occurrences": occurrences })
}

fn component(asset: &Asset) -> Value {
    let fact = |name: &str| asset.facts.get(name).map(String::as_str);
    let ty = match asset.kind {
        Kind::Sdk | Kind::Guardrail => "library",
        Kind::Model | Kind::ModelArtifact => "machine-learning-model",
        Kind::Dataset | Kind::PromptTemplate => "data",
        _ => "application",
    };
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put("type", json!(ty));
    put("bom-ref", json!(reference(asset)));
    put("name", json!(asset.name));
    put("evidence", evidence(asset));
    put("properties", json!(properties(asset)));
    let exact = |version: &&str| {
        version.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && !version.contains([',', ' ', '*', '<', '>'])
    };
    let version = fact("locked").or(fact("version")).filter(exact);
    if let Some(version) = version {
        put("version", json!(version));
    }
    if asset.kind == Kind::Sdk
        && let Some(purl) = fact("ecosystem").and_then(|ecosystem| purl(ecosystem, &asset.name, version))
    {
        put("purl", json!(purl));
    }
    if let Some(digest) = fact("sha256") {
        put("hashes", json!([{ "alg": "SHA-256", "content": digest }]));
    }
    if let Some(licence) = fact("licence").filter(|licence| licence.len() <= 100) {
        put("licenses", json!([{ "license": { "name": licence } }]));
    }
    if asset.kind == Kind::Dataset {
        put("data", json!([{ "type": "dataset", "name": asset.name }]));
    }
    if ty == "machine-learning-model" {
        put("modelCard", card(asset));
    }
    Value::Object(out)
}

fn card(asset: &Asset) -> Value {
    let mut parameters = Map::new();
    if let Some(architecture) = asset.facts.get("architecture") {
        parameters.insert("modelArchitecture".to_owned(), json!(architecture));
    }
    let mut all = Vec::new();
    for name in ["parameters", "tensors", "format", "verdict", "chat_template_sha256"] {
        if let Some(value) = asset.facts.get(name) {
            all.push(property(&format!("stockade:{name}"), value.as_str()));
        }
    }
    let mut card = json!({ "bom-ref": format!("card:{}", asset.id), "modelParameters": parameters });
    if let (false, Some(object)) = (all.is_empty(), card.as_object_mut()) {
        object.insert("properties".to_owned(), json!(all));
    }
    card
}

fn service(asset: &Asset) -> Value {
    let mut out = json!({
        "bom-ref": reference(asset),
        "name": asset.name,
        "properties": places(asset),
    });
    if let (Some(url), Some(object)) = (asset.facts.get("url"), out.as_object_mut()) {
        object.insert("endpoints".to_owned(), json!([url]));
    }
    out
}

/// Services have no evidence in the specification; the places are properties.
fn places(asset: &Asset) -> Vec<Value> {
    let mut all = properties(asset);
    let seen = asset.occurrences.iter().take(100);
    all.extend(seen.map(|one| property("stockade:occurrence", format!("{}:{}", one.path, one.line))));
    all
}

fn reference(asset: &Asset) -> String {
    format!("{}:{}", asset.kind.as_str(), asset.id)
}

/// A package URL (ECMA-427).
fn purl(ecosystem: &str, name: &str, version: Option<&str>) -> Option<String> {
    let types: BTreeMap<&str, &str> = [
        ("pypi", "pypi"),
        ("npm", "npm"),
        ("nuget", "nuget"),
        ("maven", "maven"),
        ("go", "golang"),
        ("cargo", "cargo"),
        ("gem", "gem"),
        ("composer", "composer"),
        ("hex", "hex"),
        ("pub", "pub"),
        ("swift", "swift"),
        ("cran", "cran"),
    ]
    .into();
    let ty = types.get(ecosystem)?;
    let separator = if *ty == "maven" { ':' } else { '/' };
    let parts: Vec<String> = name.split(separator).map(percent).collect();
    let version = version.map(|version| format!("@{}", percent(version))).unwrap_or_default();
    Some(format!("pkg:{ty}/{}{version}", parts.join("/")))
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_escaped() {
        assert_eq!(
            purl("npm", "@ai-sdk/openai", Some("1.0")).as_deref(),
            Some("pkg:npm/%40ai-sdk/openai@1.0")
        );
        assert_eq!(purl("maven", "a.b:c", None).as_deref(), Some("pkg:maven/a.b/c"));
        assert_eq!(purl("nowhere", "x", None), None);
    }
}
