//! Templates of resources whose values are settled by names: ARM, Bicep, Terraform.

use super::expression::{Dialect, Names};
use super::project::Project;
use super::{deployments, resource, sight};
use crate::catalog::Catalog;
use crate::doc::hcl::Block;
use crate::node::{Data, Entry, Node, Place};
use crate::subject::Read;

/// The most resources that one loop makes here.
const MAX_LOOP: usize = 64;

/// Templates in templates, and resources in resources.
const MAX_NESTED: usize = 8;

/// An ARM template.
pub(super) fn arm(catalog: &Catalog, project: &Project, path: &str, root: &Node, read: &mut Read) {
    read.joined = true;
    let mut root = root.clone();
    expressions(&mut root, 0);
    let names = project.arm(path, &root);
    arm_template(catalog, &root, &names, 0, read);
    if let Some(parameters) = root.get("parameters") {
        deployments(parameters, 0, read);
    }
    if let Some(variables) = root.get("variables") {
        deployments(variables, 0, read);
    }
}

fn arm_template(catalog: &Catalog, root: &Node, names: &Names, depth: usize, read: &mut Read) {
    for (label, node) in named_children(root.get("resources")) {
        arm_resource(catalog, node, label, "", names, depth, read);
    }
}

fn named_children(node: Option<&Node>) -> Vec<(&str, &Node)> {
    match node.map(|node| &node.data) {
        Some(Data::List(items)) => items.iter().map(|item| ("", item)).collect(),
        Some(Data::Map(entries)) => entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect(),
        _ => Vec::new(),
    }
}

fn arm_resource(
    catalog: &Catalog,
    node: &Node,
    label: &str,
    outer: &str,
    names: &Names,
    depth: usize,
    read: &mut Read,
) {
    let Some(kind) = node.text_of("type") else { return };
    if depth > MAX_NESTED || node.get("existing").is_some_and(|value| value.data == Data::Bool(true)) {
        return;
    }
    let deeper = depth.saturating_add(1);
    let kind = if outer.is_empty() { kind.to_owned() } else { format!("{outer}/{kind}") };
    for names in copies(node, names) {
        let mut settled = node.clone();
        if let Data::Map(entries) = &mut settled.data {
            entries.retain(|entry| entry.key != "resources");
        }
        // A template in a template has names of its own.
        let inner = node.get("properties").and_then(|properties| properties.get("template"));
        if inner.is_none() {
            names.resolve(Dialect::Arm, &mut settled);
        }
        resource(catalog, &kind, settled, node.at, label, read);
        for (label, child) in named_children(node.get("resources")) {
            arm_resource(catalog, child, label, &kind, &names, deeper, read);
        }
        let Some(inner) = inner else { continue };
        if inner.get("parameters").is_none() {
            arm_template(catalog, inner, &names, deeper, read);
            continue;
        }
        let mut own = Names::default();
        for entry in inner.get("parameters").map(Node::entries).unwrap_or_default() {
            if let Some(value) = entry.value.get("defaultValue") {
                own.set(format!("parameters.{}", entry.key.to_ascii_lowercase()), value.clone());
            }
        }
        let given = node.get("properties").and_then(|properties| properties.get("parameters"));
        for entry in given.map(Node::entries).unwrap_or_default() {
            if let Some(mut value) = entry.value.get("value").cloned() {
                names.resolve(Dialect::Arm, &mut value);
                super::project::forget(&mut value, 0);
                own.set(format!("parameters.{}", entry.key.to_ascii_lowercase()), value);
            }
        }
        for entry in inner.get("variables").map(Node::entries).unwrap_or_default() {
            own.set(format!("variables.{}", entry.key.to_ascii_lowercase()), entry.value.clone());
        }
        arm_template(catalog, inner, &own, deeper, read);
        if let Some(parameters) = inner.get("parameters") {
            deployments(parameters, 0, read);
        }
    }
}

/// The names for each copy of a resource.
fn copies(node: &Node, names: &Names) -> Vec<Names> {
    let Some(count) = node.get("copy").and_then(|copy| copy.get("count")) else { return vec![names.clone()] };
    let mut count = count.clone();
    names.resolve(Dialect::Arm, &mut count);
    let count = count.scalar().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    if count == 0 {
        return vec![names.clone()];
    }
    let copy = |at: usize| {
        let mut inner = names.clone();
        inner.set("copyindex()", Node::new(node.at, Data::Number(at.to_string())));
        inner
    };
    (0..count.min(MAX_LOOP)).map(copy).collect()
}

/// `"[...]"` is an expression; `"[[..."` is a text.
fn expressions(node: &mut Node, depth: usize) {
    if depth > crate::node::MAX_DEPTH {
        return;
    }
    let deeper = depth.saturating_add(1);
    match &mut node.data {
        Data::Map(entries) => entries.iter_mut().for_each(|entry| expressions(&mut entry.value, deeper)),
        Data::List(items) => items.iter_mut().for_each(|item| expressions(item, deeper)),
        Data::Text(text) if !text.starts_with("[[") => {
            if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                node.data = Data::Expression { path: inner.to_owned(), parts: Vec::new() };
            }
        }
        _ => {}
    }
}

/// The blocks of Bicep.
pub(crate) fn bicep(catalog: &Catalog, project: &Project, path: &str, blocks: &[Block], read: &mut Read) {
    read.joined = true;
    for block in blocks.iter().filter(|block| matches!(block.kind.as_str(), "param" | "var")) {
        deployments(&block.body, 0, read);
    }
    let all = project.names(Dialect::Bicep, path, blocks);
    for block in blocks.iter().filter(|block| matches!(block.kind.as_str(), "resource" | "module")) {
        let label = block.labels.first().map(String::as_str).unwrap_or_default();
        let kind = block.labels.get(1).map(String::as_str).unwrap_or_default();
        for names in all.iter().flat_map(|names| elements(block, names)) {
            let mut body = block.body.clone();
            names.resolve(Dialect::Bicep, &mut body);
            if block.kind == "resource" {
                let kind = kind.split('@').next().unwrap_or_default();
                resource(catalog, kind, body, block.at, label, read);
                continue;
            }
            let Some(parameters) = body.get("params") else { continue };
            deployments(parameters, 0, read);
            // A module of the public registry makes one resource, and its parameters are that resource's properties.
            if let Some(module) = catalog.source.module.iter().find(|known| kind.contains(&known.path)) {
                let mut entries = parameters.entries().to_vec();
                let properties = parameters.clone();
                entries.push(Entry { key: "properties".to_owned(), at: parameters.at, value: properties });
                let node = Node::new(parameters.at, Data::Map(entries));
                sight(catalog, &module.kind, &node, block.at, label, read);
            }
        }
    }
}

/// The names for each element of a block's loop.
fn elements(block: &Block, names: &Names) -> Vec<Names> {
    let Some(repeated) = block.body.get("$for") else { return vec![names.clone()] };
    let variable = repeated.text_of("variable").unwrap_or_default();
    let Some(mut list) = repeated.get("in").cloned() else { return vec![names.clone()] };
    names.resolve(Dialect::Bicep, &mut list);
    if list.items().is_empty() {
        return vec![names.clone()];
    }
    let element = |item: &Node| {
        let mut inner = names.clone();
        inner.set(variable, item.clone());
        inner
    };
    list.items().iter().take(MAX_LOOP).map(element).collect()
}

/// The blocks of Terraform.
pub(crate) fn terraform(catalog: &Catalog, project: &Project, path: &str, blocks: &[Block], read: &mut Read) {
    read.joined = true;
    let all = project.names(Dialect::Terraform, path, blocks);
    for block in blocks {
        match (block.kind.as_str(), block.labels.first()) {
            ("resource", Some(kind)) => {
                let label = block.labels.get(1).map(String::as_str).unwrap_or_default();
                for names in all.iter().flat_map(|names| each(block, names)) {
                    let mut body = block.body.clone();
                    names.resolve(Dialect::Terraform, &mut body);
                    terraform_resource(catalog, kind, body, block.at, label, read);
                }
            }
            ("module", Some(_)) => {
                for names in &all {
                    let mut body = block.body.clone();
                    names.resolve(Dialect::Terraform, &mut body);
                    deployments(&body, 0, read);
                }
            }
            ("variable", Some(_)) => {
                if let Some(value) = block.body.get("default") {
                    deployments(value, 0, read);
                }
            }
            ("locals", _) => deployments(&block.body, 0, read),
            _ => {}
        }
    }
}

fn terraform_resource(
    catalog: &Catalog,
    kind: &str,
    mut body: Node,
    at: Place,
    label: &str,
    read: &mut Read,
) {
    if kind != "azapi_resource" {
        resource(catalog, kind, body, at, label, read);
        return;
    }
    // The provider for all of Azure: type and body are those of ARM.
    let full = body.text_of("type").and_then(|ty| ty.split('@').next()).unwrap_or_default().to_owned();
    let inner = body.get("body").map(|inner| inner.entries().to_vec()).unwrap_or_default();
    if let Data::Map(entries) = &mut body.data {
        entries.extend(inner);
    }
    resource(catalog, &full, body, at, label, read);
}

/// The names for each element of `for_each`.
fn each(block: &Block, names: &Names) -> Vec<Names> {
    let Some(list) = block.body.get("for_each") else { return vec![names.clone()] };
    let mut list = listed(list).unwrap_or_else(|| list.clone());
    names.resolve(Dialect::Terraform, &mut list);
    let pairs: Vec<(Node, Node)> = match &list.data {
        Data::List(items) => items.iter().map(|item| (item.clone(), item.clone())).collect(),
        Data::Map(entries) => entries
            .iter()
            .map(|entry| (Node::new(entry.at, Data::Text(entry.key.clone())), entry.value.clone()))
            .collect(),
        _ => Vec::new(),
    };
    if pairs.is_empty() {
        return vec![names.clone()];
    }
    let element = |(key, value): (Node, Node)| {
        let mut inner = names.clone();
        inner.set("each.key", key);
        inner.set("each.value", value);
        inner
    };
    pairs.into_iter().take(MAX_LOOP).map(element).collect()
}

/// What `{ for x in LIST : x.name => x }` goes over.
fn listed(node: &Node) -> Option<Node> {
    let Data::Expression { path, .. } = &node.data else { return None };
    let inner = path.strip_prefix('{')?.strip_suffix('}')?.trim().strip_prefix("for ")?;
    let (variables, rest) = inner.split_once(" in ")?;
    let (list, made) = rest.split_once(" : ")?;
    let variable = variables.rsplit(',').next()?.trim();
    let (_, value) = made.split_once("=>")?;
    (value.trim() == variable)
        .then(|| Node::new(node.at, Data::Expression { path: list.trim().to_owned(), parts: Vec::new() }))
}
