//! Functions of expressions, as far as their arguments are known.

use super::expression::{MAX_TEXT, Value};
use crate::node::Data;

pub(super) fn function(name: &str, arguments: &[Value]) -> Value {
    let at = |at: usize| arguments.get(at).and_then(Option::as_ref);
    let text = |one: usize| at(one).and_then(scalar);
    match name {
        "if" => chosen(at(0), arguments.get(1).cloned().flatten(), arguments.get(2).cloned().flatten()),
        "and" => all(arguments),
        "or" => either(arguments),
        "not" => truth(at(0)).map(|value| Data::Bool(!value)),
        "equals" => equal(at(0), at(1)).map(Data::Bool),
        "coalesce" | "try" => {
            for argument in arguments {
                match argument {
                    Some(Data::Null) => {}
                    known => return known.clone(),
                }
            }
            None
        }
        "empty" => Some(Data::Bool(match at(0)? {
            Data::Text(text) => text.is_empty(),
            Data::List(items) => items.is_empty(),
            Data::Map(entries) => entries.is_empty(),
            Data::Null => true,
            _ => return None,
        })),
        "length" => Some(Data::Number(match at(0)? {
            Data::Text(text) => text.chars().count().to_string(),
            Data::List(items) => items.len().to_string(),
            Data::Map(entries) => entries.len().to_string(),
            _ => return None,
        })),
        "first" | "last" => match at(0)? {
            Data::List(items) => {
                let item = if name == "first" { items.first() } else { items.last() };
                item.map(|item| item.data.clone())
            }
            _ => None,
        },
        "concat" => {
            if let Some(Data::List(_)) = at(0) {
                let mut out = Vec::new();
                for argument in arguments {
                    let Some(Data::List(items)) = argument else { return None };
                    out.extend(items.iter().cloned());
                }
                return Some(Data::List(out));
            }
            let mut out = String::new();
            for argument in arguments {
                out.push_str(&argument.as_ref().and_then(scalar)?);
            }
            (out.len() <= MAX_TEXT).then_some(Data::Text(out))
        }
        "toset" | "tolist" | "tomap" => at(0).cloned(),
        "tolower" | "lower" => Some(Data::Text(text(0)?.to_lowercase())),
        "toupper" | "upper" => Some(Data::Text(text(0)?.to_uppercase())),
        "trim" | "trimspace" => Some(Data::Text(text(0)?.trim().to_owned())),
        "string" | "tostring" => Some(Data::Text(text(0)?)),
        "bool" | "tobool" => match text(0)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Data::Bool(true)),
            "false" | "0" => Some(Data::Bool(false)),
            _ => None,
        },
        "replace" => {
            let (whole, from, to) = (text(0)?, text(1)?, text(2)?);
            let out = if from.is_empty() { whole } else { whole.replace(&from, &to) };
            (out.len() <= MAX_TEXT).then_some(Data::Text(out))
        }
        "format" => formatted(&text(0)?, arguments.get(1..).unwrap_or_default()),
        "join" => {
            // Terraform says the separator first, Bicep last.
            let (separator, list) = match (at(0)?, at(1)?) {
                (Data::Text(separator), Data::List(list)) | (Data::List(list), Data::Text(separator)) => {
                    (separator, list)
                }
                _ => return None,
            };
            let parts: Option<Vec<String>> = list.iter().map(|item| scalar(&item.data)).collect();
            let out = parts?.join(separator);
            (out.len() <= MAX_TEXT).then_some(Data::Text(out))
        }
        _ => None,
    }
}

/// `{0}` of ARM and Bicep, `%s` of Terraform.
fn formatted(pattern: &str, arguments: &[Value]) -> Value {
    let mut out = pattern.to_owned();
    if pattern.contains("%s") {
        for argument in arguments {
            out = out.replacen("%s", &argument.as_ref().and_then(scalar)?, 1);
        }
        return (!out.contains('%') && out.len() <= MAX_TEXT).then_some(Data::Text(out));
    }
    for (at, argument) in arguments.iter().enumerate() {
        let hole = format!("{{{at}}}");
        if out.contains(&hole) {
            out = out.replace(&hole, &argument.as_ref().and_then(scalar)?);
        }
        if out.len() > MAX_TEXT {
            return None;
        }
    }
    Some(Data::Text(out))
}

pub(super) fn scalar(data: &Data) -> Option<String> {
    match data {
        Data::Text(text) | Data::Number(text) => Some(text.clone()),
        Data::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

pub(super) fn truth(value: Option<&Data>) -> Option<bool> {
    match value? {
        Data::Bool(value) => Some(*value),
        Data::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Data::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

pub(super) fn equal(one: Option<&Data>, other: Option<&Data>) -> Option<bool> {
    let (one, other) = (one?, other?);
    match (one, other) {
        (Data::Null, Data::Null) => Some(true),
        (Data::Null, _) | (_, Data::Null) => Some(false),
        _ => Some(scalar(one)?.eq_ignore_ascii_case(&scalar(other)?)),
    }
}

/// One of two by a condition; without it the value that both have.
pub(super) fn chosen(condition: Option<&Data>, one: Value, other: Value) -> Value {
    match truth(condition) {
        Some(true) => one,
        Some(false) => other,
        None => one.filter(|one| other.as_ref() == Some(one)),
    }
}

pub(super) fn all(values: &[Value]) -> Value {
    let known: Vec<Option<bool>> = values.iter().map(|value| truth(value.as_ref())).collect();
    if known.contains(&Some(false)) {
        return Some(Data::Bool(false));
    }
    known.iter().all(|value| *value == Some(true)).then_some(Data::Bool(true))
}

pub(super) fn either(values: &[Value]) -> Value {
    let known: Vec<Option<bool>> = values.iter().map(|value| truth(value.as_ref())).collect();
    if known.contains(&Some(true)) {
        return Some(Data::Bool(true));
    }
    known.iter().all(|value| *value == Some(false)).then_some(Data::Bool(false))
}
