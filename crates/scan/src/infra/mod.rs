//! Containers and resources: Dockerfiles, Compose, Kubernetes, Helm, Terraform, ARM, Bicep, CloudFormation.

mod containers;
mod expression;
mod functions;
mod helm;
mod project;
pub(crate) mod shell;
mod template;

pub(crate) use containers::{dockerfile, environment, variable};
pub(crate) use project::Project;
pub(crate) use template::{bicep, terraform};

use crate::asset::{Kind, SURE, Sighting};
use crate::catalog::{Catalog, ResourceKind};
use crate::code::names::known_model;
use crate::node::{Data, Entry, Node, Path, Place};
use crate::subject::{On, Read, Subject};

/// Finds containers and resources in a YAML or JSON document, whatever tool it is for.
pub(crate) fn document(
    catalog: &Catalog,
    project: &Project,
    path: &str,
    root: &Node,
    services: &[Node],
    read: &mut Read,
) {
    if root.get("services").is_some_and(|services| {
        services.entries().iter().any(|s| s.value.get("image").is_some() || s.value.get("build").is_some())
    }) {
        for service in root.get("services").map(Node::entries).unwrap_or_default() {
            containers::compose_service(catalog, service, read);
        }
    }
    if root.text_of("kind").is_some() && root.text_of("apiVersion").is_some() {
        // A list holds several.
        for item in root
            .get("items")
            .filter(|_| root.text_of("kind") == Some("List"))
            .map(Node::items)
            .unwrap_or_default()
        {
            if item.text_of("kind").is_some() {
                containers::kubernetes(catalog, item, services, read);
            }
        }
        containers::kubernetes(catalog, root, services, read);
    }
    let file = path.rsplit('/').next().unwrap_or(path);
    if file.starts_with("values") && path.ends_with("ml") {
        helm::helm_values(catalog, root, 0, read);
    }
    if root.text_of("$schema").is_some_and(|schema| schema.contains("eploymentTemplate.json")) {
        template::arm(catalog, project, path, root, read);
    } else if root.text_of("$schema").is_some_and(|schema| schema.contains("eploymentParameters.json")) {
        deployments(root.get("parameters").unwrap_or(root), 0, read);
    }
    if let Some(resources) = root.get("Resources").map(Node::entries) {
        for entry in resources {
            if let (Some(kind), Some(properties)) =
                (entry.value.text_of("Type"), entry.value.get("Properties"))
            {
                let mut node = properties.clone();
                if let Data::Map(entries) = &mut node.data {
                    entries.push(Entry {
                        key: "$name".to_owned(),
                        at: entry.at,
                        value: Node::new(entry.at, Data::Text(entry.key.clone())),
                    });
                }
                resource(catalog, kind, node, entry.at, &entry.key, read);
            }
        }
    }
    if root.get("terraform_version").is_some() && root.get("resource_changes").is_none() {
        planned(catalog, root.get("planned_values").or_else(|| root.get("values")), 0, read);
    }
    // A plan as `terraform show -json` prints it.
    if root.get("terraform_version").is_some() {
        for change in root.get("resource_changes").map(Node::items).unwrap_or_default() {
            if let (Some(kind), Some(after)) =
                (change.text_of("type"), change.get("change").and_then(|change| change.get("after")))
            {
                let name = change.text_of("address").or(change.text_of("name")).unwrap_or_default();
                resource(catalog, kind, after.clone(), change.at, name, read);
            }
        }
    }
}

/// Resources of a plan or a state by their modules.
fn planned(catalog: &Catalog, node: Option<&Node>, depth: usize, read: &mut Read) {
    let Some(node) = node.filter(|_| depth < crate::node::MAX_DEPTH) else { return };
    for item in node.get("resources").map(Node::items).unwrap_or_default() {
        if let (Some(kind), Some(values)) = (item.text_of("type"), item.get("values")) {
            let name = item.text_of("address").or(item.text_of("name")).unwrap_or_default();
            resource(catalog, kind, values.clone(), item.at, name, read);
        }
    }
    let deeper = depth.saturating_add(1);
    planned(catalog, node.get("root_module"), deeper, read);
    for module in node.get("child_modules").map(Node::items).unwrap_or_default() {
        planned(catalog, Some(module), deeper, read);
    }
}

/// A resource: an asset if the catalogue says so, and a subject of rules. `label` is what its file calls it.
fn resource(catalog: &Catalog, kind: &str, node: Node, at: Place, label: &str, read: &mut Read) {
    sight(catalog, kind, &node, at, label, read);
    let mut subject = Subject::new(On::Resource, kind, node);
    subject.at = at;
    if !read.subjects.contains(&subject) {
        read.subjects.push(subject);
    }
}

/// The assets that a resource is.
fn sight(catalog: &Catalog, kind: &str, node: &Node, at: Place, label: &str, read: &mut Read) {
    for known in catalog
        .source
        .resource
        .iter()
        .filter(|known| known.types.iter().any(|ty| ty.eq_ignore_ascii_case(kind)))
    {
        let fits = known.when.as_ref().is_none_or(|when| {
            node.at_path(&when.path)
                .iter()
                .filter_map(|value| value.text())
                .any(|text| when.values.iter().any(|value| value == text))
        });
        if !fits {
            continue;
        }
        let named: Vec<&Node> = known.name.iter().flat_map(|path| node.at_path(path)).collect();
        let literal = named.iter().find_map(|value| Some((value.text()?.to_owned(), value.at)));
        let literal = literal.filter(|(name, _)| !name.starts_with('[') && !name.contains("${"));
        let unknown = named.iter().find_map(|value| match &value.data {
            Data::Expression { path, .. } => Some((path.clone(), value.at)),
            _ => None,
        });
        let (sighting, name) = match (literal, &known.fixed, unknown) {
            (Some((name, place)), fixed, _) => {
                let shown = fixed.clone().unwrap_or_else(|| of_name(known, &name));
                (Sighting::new(known.kind, shown, place, "resource", SURE), name)
            }
            (None, Some(fixed), _) => {
                (Sighting::new(known.kind, fixed.clone(), at, "resource", SURE), label.to_owned())
            }
            // Its name is settled when it is deployed: it is called by what its file calls it.
            (None, None, Some((expression, place))) if !label.is_empty() => {
                let expression: String = expression.chars().take(120).collect();
                let shown = format!("{kind}.{label}");
                let sighting = Sighting::new(known.kind, shown, place, "resource", SURE);
                (sighting.fact("unresolved", expression), label.to_owned())
            }
            _ => continue,
        };
        let sighting = sighting.fact("resource", format!("{kind}/{name}"));
        let version = node.at_path(&Path::new("**.version")).into_iter().find_map(Node::text);
        let sighting = match version.filter(|version| known.kind == Kind::Model && !version.is_empty()) {
            Some(version) => sighting.fact("version", version),
            None => sighting,
        };
        push(read, sighting);
    }
}

fn of_name(known: &ResourceKind, name: &str) -> String {
    known.endpoint.as_ref().map_or_else(|| name.to_owned(), |template| template.replace("{name}", name))
}

fn push(read: &mut Read, sighting: Sighting) {
    if !read.sightings.contains(&sighting) {
        read.sightings.push(sighting);
    }
}

/// Models that are to be deployed, by the shape in which templates hand them on: a name beside a format or version, or a
/// well-known id under a name that says so.
fn deployments(node: &Node, depth: usize, read: &mut Read) {
    if depth > crate::node::MAX_DEPTH {
        return;
    }
    let deeper = depth.saturating_add(1);
    let mut model = |value: &Node, version: Option<&str>| {
        if let Some(name) = value.text().filter(|name| !name.is_empty() && !name.contains(['$', ' ', '{'])) {
            let sighting = Sighting::new(Kind::Model, name, value.at, "parameter", SURE);
            push(
                read,
                match version.filter(|version| !version.is_empty()) {
                    Some(version) => sighting.fact("version", version),
                    None => sighting,
                },
            );
        }
    };
    for entry in node.entries() {
        if entry.key == "model"
            && (entry.value.get("format").is_some() || entry.value.get("version").is_some())
        {
            if let Some(name) = entry.value.get("name") {
                model(name, entry.value.text_of("version"));
            }
        } else if matches!(entry.key.as_str(), "model_name" | "modelName" | "model")
            && entry.value.text().is_some_and(known_model)
        {
            model(&entry.value, node.text_of("model_version").or(node.text_of("version")));
        }
    }
    node.entries().iter().for_each(|entry| deployments(&entry.value, deeper, read));
    node.items().iter().for_each(|item| deployments(item, deeper, read));
}
