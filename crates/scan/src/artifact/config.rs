//! Configuration that loaders act on: keys that name code, callables, templates and classes.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, StrInput};
use stockade_crypto::{sha256, to_hex};

use super::json::{self, Json};
use super::policy::Tier;
use super::read::{ReadAt, bytes_at};
use super::scanner::{Place, Scan};
use super::{graph, keras, rule, skops, template};

/// How much is read of a configuration, in bytes.
const MOST: usize = 64 << 20;

/// The longest text behind an anchor that is remembered, in bytes.
const MAX_ANCHORED: usize = 256;

/// How many files outside are told of one index.
const MAX_SHARDS: usize = 20;

/// Events of YAML that are looked at.
const MAX_EVENTS: usize = 2_000_000;

/// JSON: a configuration of Transformers, of a tokenizer, or of whatever else instantiates what it names.
pub(crate) fn json(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) {
    if source.len() > MOST as u64 {
        scan.incomplete(place, "json", "it is longer than is read");
        return;
    }
    let bytes = bytes_at(source, 0, MOST);
    match json::parse(&bytes) {
        Ok(json) => value(scan, place, &json),
        // Text that begins like JSON is everywhere; a configuration that cannot be read was not looked at.
        Err(_) if super::detect::config_name(&place.name.to_ascii_lowercase()) => {
            scan.incomplete(place, "json", "it cannot be read");
        }
        Err(_) => {}
    }
}

/// Judges a value of JSON.
pub(crate) fn value(scan: &mut Scan<'_>, place: &Place, json: &Json) {
    if keras::is_object(json) {
        keras::analyse(scan, place, json);
        return;
    }
    if skops::is_schema(json) {
        skops::analyse(scan, place, json);
        return;
    }
    if let Some(name) = json.duplicate() {
        let message = format!("an object has `{name}` twice: readers choose different ones");
        scan.issue(rule::DUPLICATE_KEY, place, message, None);
    }
    let mut found: Vec<(&str, &Json)> = Vec::new();
    json.walk(&mut |name, value| {
        if matches!(
            name,
            "auto_map"
                | "trust_remote_code"
                | "_target_"
                | "chat_template"
                | "custom_pipelines"
                | "loader_module"
                | "class_path"
        ) {
            found.push((name, value));
        }
        // A target alone is of much else: operators of exported graphs, for one.
        if value.get("params").is_some()
            && let Some(target) = value.get("target")
        {
            found.push(("target", target));
        }
    });
    for (name, value) in found.into_iter().take(1000) {
        match (name, value) {
            ("auto_map" | "custom_pipelines", map) => auto_map(scan, place, map),
            ("chat_template", Json::String(text)) => chat_template(scan, place, text),
            ("chat_template", Json::Array(templates)) => {
                for text in templates.iter().filter_map(|t| t.get("template").and_then(Json::text)) {
                    chat_template(scan, place, text);
                }
            }
            (_, Json::String(text)) => setting(scan, place, name, text),
            (_, Json::Bool(true)) => setting(scan, place, name, "true"),
            _ => {}
        }
    }
    shards(scan, place, json);
    named(scan, place, json);
    let text = |key: &str| json.get(key).and_then(Json::text).map(str::to_owned);
    if let Some(architecture) = json.get("architectures").and_then(|a| a.items().first()).and_then(Json::text)
    {
        scan.report.facts.architecture.get_or_insert(architecture.to_owned());
    }
    if let Some(licence) = text("license") {
        scan.report.facts.licence.get_or_insert(licence);
    }
}

/// The files that an index says a model's tensors lie in: loaders join the names to its directory.
fn shards(scan: &mut Scan<'_>, place: &Place, json: &Json) {
    let Some(map) = json.get("weight_map") else { return };
    let mut outside: Vec<String> = Vec::new();
    for path in map.members().iter().filter_map(|(_, path)| path.text()) {
        if let Some(why) = graph::outside(path)
            && outside.len() < MAX_SHARDS
            && !outside.contains(&why)
        {
            outside.push(why);
        }
    }
    for why in outside {
        scan.issue(rule::GRAPH_PATH, place, format!("weights: {why}"), None);
    }
}

/// Configurations that name modules to import: of pipelines, of sentence transformers, of adapters.
fn named(scan: &mut Scan<'_>, place: &Place, json: &Json) {
    let foreign = |module: &str| {
        let top = module.split('.').next().unwrap_or(module);
        !LIBRARIES.contains(&top)
    };
    let mut modules: Vec<String> = Vec::new();
    match place.name.as_str() {
        "modules.json" => {
            let types = json.items().iter().filter_map(|item| item.get("type").and_then(Json::text));
            modules.extend(types.filter(|ty| foreign(ty)).map(str::to_owned));
        }
        "model_index.json" => {
            for (name, value) in json.members() {
                let [library, class] = value.items() else { continue };
                if let (Some(library), Some(class)) = (library.text(), class.text())
                    && (name == "_class_name" || foreign(library))
                {
                    modules.push(format!("{library}.{class}"));
                }
            }
        }
        "adapter_config.json" => {
            let library =
                json.get("auto_mapping").and_then(|map| map.get("parent_library")).and_then(Json::text);
            modules.extend(library.filter(|library| foreign(library)).map(str::to_owned));
        }
        _ => {}
    }
    for module in modules.into_iter().take(20) {
        let message = format!("loading imports `{module}`, which is no part of a library of models");
        scan.issue(rule::REMOTE_CODE, place, message, None);
    }
}

/// Libraries whose classes configurations name.
const LIBRARIES: [&str; 13] = [
    "sentence_transformers",
    "transformers",
    "diffusers",
    "peft",
    "torch",
    "onnxruntime",
    "optimum",
    "flax",
    "k_diffusion",
    "controlnet_aux",
    "stable_diffusion",
    "safetensors",
    "timm",
];

fn chat_template(scan: &mut Scan<'_>, place: &Place, text: &str) {
    scan.report.facts.chat_template_sha256.get_or_insert_with(|| to_hex(&sha256(text.as_bytes())));
    template::analyse(scan, place, text, None);
}

fn auto_map(scan: &mut Scan<'_>, place: &Place, map: &Json) {
    let mut other = None;
    let mut any = false;
    let mut look = |value: &Json| {
        if let Some(text) = value.text() {
            any = true;
            if let Some((repository, _)) = text.split_once("--") {
                other = Some(repository.to_owned());
            }
        }
    };
    look(map);
    for (_, value) in map.members() {
        look(value);
        value.items().iter().for_each(&mut look);
        value.members().iter().for_each(|(_, v)| look(v));
    }
    match other {
        Some(repository) => {
            let message = format!("loading with remote code runs code of another repository, `{repository}`");
            scan.issue(rule::OTHER_REPOSITORY, place, message, None);
        }
        None if any => {
            let message = "loading with remote code runs code of this repository".to_owned();
            scan.issue(rule::REMOTE_CODE, place, message, None);
        }
        None => {}
    }
}

/// A key and a value that name code.
fn setting(scan: &mut Scan<'_>, place: &Place, key: &str, value: &str) {
    match key {
        "_target_" => target(scan, place, value),
        // Latent diffusion and Lightning name classes so; others mean other things by these words.
        "target" | "class_path" => {
            let path = value
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            if let Some((module, name)) = value.rsplit_once('.').filter(|_| path)
                && let Tier::Denied(_) = scan.policy().tier(module, name)
            {
                scan.issue(rule::TARGET_ACTS, place, format!("instantiating calls `{value}`"), None);
            }
        }
        "loader_module" => match scan.policy().tier(value, "load_model") {
            Tier::Denied(_) if value.split('.').next() != Some("mlflow") => {
                let message = format!("loading imports the module `{value}`");
                scan.issue(rule::TARGET, place, message, None);
            }
            _ => {}
        },
        "trust_remote_code" if value.eq_ignore_ascii_case("true") => {
            scan.issue(rule::REMOTE_CODE, place, "it asks to be loaded with remote code".to_owned(), None);
        }
        "chat_template" => chat_template(scan, place, value),
        // Keras wrote models as YAML until 2.6 (CVE-2021-37678).
        "class_name" if matches!(value, "Lambda" | "TFSMLayer") => {
            scan.issue(
                rule::KERAS_CODE,
                place,
                format!("a layer `{value}`, which runs code of its own"),
                None,
            );
        }
        // MLflow runs this file when the model is loaded ("models from code").
        "model_code_path" => {
            let message = format!("loading the model runs `{value}`");
            scan.issue(rule::TARGET, place, message, None);
        }
        _ => {}
    }
}

/// A dotted path that is imported and called.
pub(crate) fn target(scan: &mut Scan<'_>, place: &Place, path: &str) {
    let Some((module, name)) = path.rsplit_once('.') else { return };
    match scan.policy().tier(module, name) {
        Tier::Denied(_) => {
            scan.issue(rule::TARGET_ACTS, place, format!("instantiating calls `{path}`"), None);
        }
        Tier::Unknown | Tier::Held => {
            let message = format!("instantiating calls `{path}`, which no rule knows");
            scan.issue(rule::TARGET, place, message, None);
        }
        Tier::Allowed(_) | Tier::Constructible => {}
    }
}

/// YAML: its tags can make Python objects, and its keys name code like JSON's.
pub(crate) fn yaml(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) {
    if source.len() > MOST as u64 {
        scan.incomplete(place, "yaml", "it is longer than is read");
        return;
    }
    let bytes = bytes_at(source, 0, MOST);
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Option<String> = None;
    let mut anchors: HashMap<usize, String> = HashMap::new();
    for (n, event) in Parser::new(StrInput::new(&text)).enumerate() {
        if n > MAX_EVENTS {
            scan.incomplete(place, "yaml", "it has more nodes than are looked at");
            return;
        }
        let Ok((event, _)) = event else {
            // No loader gets further either, but tags before it were made.
            return;
        };
        let (tag, scalar) = match event {
            Event::Scalar(value, _, anchor, tag) => {
                let value = value.into_owned();
                if anchor != 0 && value.len() < MAX_ANCHORED {
                    anchors.insert(anchor, value.clone());
                }
                (tag, Some(value))
            }
            Event::Alias(anchor) => (None, anchors.get(&anchor).cloned()),
            Event::SequenceStart(_, tag) | Event::MappingStart(_, tag) => (tag, None),
            _ => continue,
        };
        if let Some(tag) = tag {
            python_tag(scan, place, &format!("{}{}", tag.handle, tag.suffix));
        }
        if let (Some(key), Some(value)) = (last.take(), &scalar) {
            if key == "auto_map" {
                auto_map(scan, place, &Json::String(value.clone()));
            } else {
                setting(scan, place, &key, value);
            }
        }
        last = scalar.filter(|s| s.len() < 256);
    }
}

/// A tag with its `%41` resolved.
fn percent_decoded(tag: &str) -> String {
    let mut out = Vec::with_capacity(tag.len());
    let mut rest = tag.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Tags by which loaders of other languages make objects: `!!js/function` (js-yaml 3), `!ruby/object:…` (Psych),
/// `!!javax.script.…` (SnakeYAML), `!System.…` (YamlDotNet).
fn foreign_tag(scan: &mut Scan<'_>, place: &Place, tag: &str) {
    const FOREIGN: [&str; 8] =
        ["js/function", "js/regexp", "ruby/", "javax.", "java.", "com.sun.", "org.", "System."];
    let bare = tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag).trim_start_matches('!');
    if FOREIGN.iter().any(|start| bare.starts_with(start)) {
        scan.issue(rule::YAML_TAG, place, format!("loading the YAML makes `{bare}` by a tag"), None);
    }
}

/// `!!python/...`: PyYAML's full and unsafe loaders make these.
fn python_tag(scan: &mut Scan<'_>, place: &Place, tag: &str) {
    // What stands in a tag may be written by its number (YAML 1.2, section 5.6).
    let tag = &percent_decoded(tag);
    let Some((_, rest)) = tag.split_once("python/") else { return foreign_tag(scan, place, tag) };
    let (kind, path) = rest.split_once(':').unwrap_or((rest, ""));
    let (module, name) = path.rsplit_once('.').unwrap_or(("builtins", path));
    match kind {
        "object/apply" | "object/new" | "object" | "name" => match scan.policy().tier(module, name) {
            Tier::Denied(_) => {
                scan.issue(
                    rule::YAML_TAG,
                    place,
                    format!("loading the YAML reaches `{path}` by a tag"),
                    None,
                );
            }
            Tier::Unknown | Tier::Held => {
                let message = format!("loading the YAML makes `{path}`, which no rule knows");
                scan.issue(rule::TARGET, place, message, None);
            }
            Tier::Allowed(_) | Tier::Constructible => {}
        },
        "module" => {
            scan.issue(rule::YAML_TAG, place, format!("loading the YAML imports the module `{path}`"), None);
        }
        _ => {}
    }
}
