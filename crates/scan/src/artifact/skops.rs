//! skops: a tree of nodes in JSON, each with the class that it claims to be and the loader that makes it.

use super::json::Json;
use super::policy::Tier;
use super::rule;
use super::scanner::{Place, Scan};

/// Whether a value is the schema of a skops file.
pub(crate) fn is_schema(json: &Json) -> bool {
    json.get("__loader__").is_some() && (json.get("__class__").is_some() || json.get("protocol").is_some())
}

/// Judges all nodes.
pub(crate) fn analyse(scan: &mut Scan<'_>, place: &Place, json: &Json) {
    node(scan, place, json);
    for (_, value) in json.members() {
        analyse(scan, place, value);
    }
    for value in json.items() {
        analyse(scan, place, value);
    }
}

fn node(scan: &mut Scan<'_>, place: &Place, json: &Json) {
    let text = |json: &Json, key: &str| json.get(key).and_then(Json::text).map(str::to_owned);
    let Some(loader) = text(json, "__loader__") else { return };
    let module = text(json, "__module__").unwrap_or_default();
    let class = text(json, "__class__").unwrap_or_default();
    let content = json.get("content");
    match loader.as_str() {
        "OperatorFuncNode" if !matches!(module.as_str(), "operator" | "_operator") => {
            let message = format!("a node of the operator module claims to be `{module}.{class}`");
            scan.issue(rule::SKOPS, place, message, None);
        }
        "OperatorFuncNode" if !matches!(class.as_str(), "itemgetter" | "attrgetter") => {
            scan.issue(rule::SKOPS, place, format!("loading calls `operator.{class}`"), None);
        }
        "MethodNode" => {
            let object = content.and_then(|c| c.get("obj"));
            let real = object.map(|o| {
                (text(o, "__module__").unwrap_or_default(), text(o, "__class__").unwrap_or_default())
            });
            if real.is_some_and(|real| real != (module.clone(), class.clone())) {
                let message = format!("a method claims to be of `{module}.{class}` and is of something else");
                scan.issue(rule::SKOPS, place, message, None);
            }
            let function = content.and_then(|c| text(c, "func")).unwrap_or_default();
            if function.contains("__") || matches!(scan.policy().tier(&module, &function), Tier::Denied(_)) {
                scan.issue(rule::SKOPS, place, format!("loading takes the method `{function}`"), None);
            }
        }
        "TypeNode" => {
            if let Some((module, class)) =
                content.and_then(|c| Some((text(c, "__module__")?, text(c, "__class__")?)))
            {
                tier(scan, place, &module, &class);
            }
        }
        "FunctionNode" => {
            let inner = content.and_then(|c| Some((text(c, "module_path")?, text(c, "function")?)));
            if let Some((path, function)) = &inner {
                if *path != module || *function != class {
                    let message =
                        format!("a function claims to be `{module}.{class}` and is `{path}.{function}`");
                    scan.issue(rule::SKOPS, place, message, None);
                }
                tier(scan, place, path, function);
            }
        }
        _ => {}
    }
    tier(scan, place, &module, &class);
}

fn tier(scan: &mut Scan<'_>, place: &Place, module: &str, class: &str) {
    if module.is_empty() {
        return;
    }
    match scan.policy().tier(module, class) {
        Tier::Denied(_) => scan.issue(rule::SKOPS, place, format!("loading makes `{module}.{class}`"), None),
        Tier::Unknown | Tier::Held => {
            let message = format!("loading makes `{module}.{class}`, which no rule knows");
            scan.issue(rule::UNKNOWN, place, message, None);
        }
        Tier::Allowed(_) | Tier::Constructible => {}
    }
}
