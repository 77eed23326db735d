//! Keras models as configuration: classes and functions that are looked up by name while loading.
//! (Keras 3, `keras.saving.serialization_lib`; Keras 2, `model_config`.)

use super::json::Json;
use super::policy::{Contract, Tier};
use super::rule;
use super::scanner::{Place, Scan};

/// Objects that are looked at.
const MOST: usize = 200_000;

/// Packages whose classes Keras resolves by itself.
const OWN: &[&str] = &[
    "keras",
    "tf_keras",
    "tensorflow.keras",
    "tensorflow.python.keras",
    "keras_hub",
    "keras_nlp",
    "keras_cv",
    "keras_core",
    "keras_tuner",
    "tensorflow_addons",
];

/// Modules of Keras whose functions are part of models.
const FUNCTIONS: &[&str] = &[
    "activations",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
    "ops",
    "optimizers",
    "backend",
];

/// Whether a value is a serialised Keras object.
pub(crate) fn is_object(json: &Json) -> bool {
    json.get("class_name").and_then(Json::text).is_some()
        && (json.get("config").is_some() || json.get("module").is_some())
}

/// Judges a configuration, all objects in it included.
pub(crate) fn analyse(scan: &mut Scan<'_>, place: &Place, json: &Json) {
    if let Some(name) = json.duplicate() {
        let message = format!("the model has `{name}` twice in one object: readers choose different ones");
        scan.issue(rule::KERAS_CODE, place, message, None);
    }
    let mut left = MOST;
    visit(scan, place, json, &mut left);
    if left == 0 {
        scan.incomplete(place, "keras", "the model has more parts than are looked at");
    }
}

fn visit(scan: &mut Scan<'_>, place: &Place, json: &Json, left: &mut usize) {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return;
    }
    if let Some(class) = json.get("class_name").and_then(Json::text) {
        object(scan, place, class, json);
    }
    for (_, value) in json.members() {
        visit(scan, place, value, left);
    }
    for value in json.items() {
        visit(scan, place, value, left);
    }
}

fn object(scan: &mut Scan<'_>, place: &Place, class: &str, json: &Json) {
    let module = json.get("module").and_then(Json::text).unwrap_or_default();
    let config = json.get("config");
    let short = class.rsplit(['.', '>']).next().unwrap_or(class);
    let say = |scan: &mut Scan<'_>, id, message| scan.issue(id, place, message, None);
    match short {
        "Lambda" => say(scan, rule::KERAS_CODE, "a Lambda layer, which is code of its own".to_owned()),
        "__lambda__" => say(scan, rule::KERAS_CODE, "a lambda, which is marshalled code".to_owned()),
        "TorchModuleWrapper" => {
            say(scan, rule::KERAS_CODE, "a PyTorch module as a layer, which is a pickle".to_owned());
        }
        // Keras itself refuses it in its safe mode (`keras.layers.TFSMLayer`, `from_config`).
        "TFSMLayer" => {
            let path = config.and_then(|c| c.get("filepath")).and_then(Json::text).unwrap_or_default();
            say(scan, rule::KERAS_CODE, format!("a layer that loads and runs the model in `{path}`"));
        }
        "TFOpLambda" | "SlicingOpLambda" => {
            let function = config.and_then(|c| c.get("function")).and_then(Json::text).unwrap_or_default();
            if ["io.", "raw_ops", "py_func", "numpy_function", "load", "save", "summary"]
                .iter()
                .any(|p| function.contains(p))
            {
                say(scan, rule::KERAS_CODE, format!("a layer that calls `tf.{function}`"));
            }
        }
        "StringLookup" | "IntegerLookup" | "TextVectorization" | "IndexLookup" => {
            let vocabulary = config.and_then(|c| c.get("vocabulary")).and_then(Json::text);
            if let Some(path) = vocabulary {
                say(scan, rule::KERAS_PATH, format!("a lookup layer reads its words from `{path}`"));
            }
        }
        _ => {}
    }
    if module.is_empty() {
        return;
    }
    let function = short == "function" || class == "function";
    let name = if function { config.and_then(Json::text).unwrap_or(class) } else { class };
    let own =
        OWN.iter().any(|own| module == *own || module.strip_prefix(own).is_some_and(|r| r.starts_with('.')));
    if own {
        let fits = FUNCTIONS.iter().any(|f| module.split('.').any(|part| part == *f));
        let configures =
            module == "keras.config" || module.ends_with(".config") || class.starts_with("enable_");
        if configures
            || function && !fits
            || matches!(scan.policy().tier(module, name), Tier::Denied(_)) && !class_like(name)
        {
            say(
                scan,
                rule::KERAS_CODE,
                format!("loading looks up `{module}.{name}`, which is no part of a model"),
            );
        }
        return;
    }
    if module == "builtins" && !function && name.starts_with("__") {
        // Keras writes tuples, slices and types so.
        return;
    }
    match scan.policy().tier(module, name) {
        Tier::Denied(_) => say(scan, rule::KERAS_CODE, format!("loading looks up `{module}.{name}`")),
        Tier::Unknown | Tier::Held => {
            let message = format!("loading looks up `{module}.{name}`, which is no part of Keras");
            say(scan, rule::KERAS_CLASS, message);
        }
        // What a pickle may call with fitting arguments calls other things here.
        Tier::Allowed(contract) if contract != Contract::Any => {
            let message = format!("loading looks up `{module}.{name}`, which is no part of Keras");
            say(scan, rule::KERAS_CLASS, message);
        }
        Tier::Allowed(_) | Tier::Constructible => {}
    }
}

fn class_like(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}
