//! The dependency arrows between our crates, as `ARCHITECTURE.md` draws them.
//!
//! `cargo deny` says which outside crates may come in; this says which of our crates may see which. An arrow points
//! down to a lower layer, never sideways; inside the lowest layers, where crates do build on each other, each arrow is
//! named. A crate that the table does not know is an error, so that a new one is placed before it is used.
//! Dev-dependencies are exempt: they are not in the product.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// Which of our crates a crate may depend on.
#[derive(Debug, Clone, Copy)]
enum Sees {
    /// Exactly these.
    Only(&'static [&'static str]),
    /// Every crate of a lower layer.
    LowerLayers,
    /// Every crate of a lower layer, and these beside it.
    LowerLayersAnd(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy)]
struct Place {
    name: &'static str,
    layer: u8,
    sees: Sees,
    /// No runtime and no network: the crate computes, its callers do IO.
    pure: bool,
}

const fn place(name: &'static str, layer: u8, sees: Sees, pure: bool) -> Place {
    Place { name, layer, sees, pure }
}

/// Every crate of ours that may exist, lowest layer first.
const PLACES: &[Place] = &[
    place("stockade-domain", 0, Sees::Only(&[]), true),
    place("stockade-crypto", 1, Sees::Only(&["stockade-domain"]), true),
    place("stockade-rulebook", 1, Sees::Only(&["stockade-domain"]), true),
    place(
        "stockade-inspect",
        1,
        Sees::Only(&["stockade-rulebook", "stockade-crypto", "stockade-domain"]),
        true,
    ),
    place("stockade-ledger", 1, Sees::Only(&["stockade-crypto", "stockade-domain"]), true),
    place("stockade-egress", 1, Sees::Only(&["stockade-crypto", "stockade-domain"]), false),
    place("stockade-authz", 2, Sees::LowerLayers, true),
    place("stockade-identity", 2, Sees::LowerLayers, false),
    place("stockade-trust", 2, Sees::LowerLayers, false),
    place("stockade-scan", 2, Sees::LowerLayers, false),
    place("stockade-catalog", 2, Sees::LowerLayers, false),
    place("stockade-posture", 2, Sees::LowerLayers, false),
    place("stockade-redteam", 2, Sees::LowerLayers, false),
    place("stockade-monitor", 2, Sees::LowerLayers, false),
    place("stockade-gateway", 3, Sees::LowerLayers, false),
    // What the console and the API show, below the platform that knows it.
    place("stockade-views", 3, Sees::Only(&["stockade-domain"]), true),
    place("stockade-store", 3, Sees::LowerLayers, false),
    place("stockade-collect", 3, Sees::LowerLayers, false),
    place("stockade-sinks", 3, Sees::LowerLayers, false),
    place("stockade-platform", 4, Sees::LowerLayers, false),
    place("stockade-api", 5, Sees::LowerLayers, false),
    // The pages stand behind the same guard (hosts, origins, sessions) as the API.
    place("stockade-console", 5, Sees::LowerLayersAnd(&["stockade-api"]), false),
    // A leaf: it embeds the rule files, and only the binary hands them to those that read them.
    place("stockade-rules", 5, Sees::Only(&["stockade-rulebook", "stockade-domain"]), true),
    place("stockade", 6, Sees::LowerLayers, false),
];

/// Runtimes and network stacks that a pure crate may not pull in directly.
const IMPURE: &[&str] = &["tokio", "hyper", "hyper-util", "axum", "tower", "rustls", "tokio-rustls"];

/// Sees everything, is seen by nothing.
const EXEMPT: &str = "xtask";

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Checks the workspace and prints what breaks a rule.
pub(crate) fn run() -> Result<()> {
    let output = workspace::cargo()?
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata changed")?;
    let broken = violations(&metadata.packages);
    for line in &broken {
        println!("{line}");
    }
    if !broken.is_empty() {
        bail!("{} arrow(s) point the wrong way; ARCHITECTURE.md has the map", broken.len());
    }
    println!("arrows: {} crates, all point down", metadata.packages.len());
    Ok(())
}

fn violations(packages: &[Package]) -> Vec<String> {
    let places: BTreeMap<&str, &Place> = PLACES.iter().map(|p| (p.name, p)).collect();
    let mut broken = Vec::new();
    for package in packages.iter().filter(|p| p.name != EXEMPT) {
        let Some(from) = places.get(package.name.as_str()) else {
            broken.push(format!(
                "{}: unknown crate; give it a layer in crates/xtask/src/arrows.rs",
                package.name
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")) {
            let to = dependency.name.as_str();
            if from.pure && IMPURE.contains(&to) {
                broken
                    .push(format!("{} -> {to}: a pure crate pulls in a runtime or network stack", from.name));
            }
            let ours = places.get(to).copied();
            if ours.is_none() && !packages.iter().any(|p| p.name == to) {
                continue;
            }
            if let Some(why) = forbidden(from, to, ours) {
                broken.push(format!("{} -> {to}: {why}", from.name));
            }
        }
    }
    broken
}

fn forbidden(from: &Place, to: &str, place: Option<&Place>) -> Option<String> {
    match (from.sees, place) {
        (_, None) => Some("nothing may depend on it".to_owned()),
        (Sees::Only(named), _) if named.contains(&to) => None,
        (Sees::Only(named), _) => Some(format!("may see {} only", list(named))),
        (Sees::LowerLayersAnd(named), Some(_)) if named.contains(&to) => None,
        (Sees::LowerLayers | Sees::LowerLayersAnd(_), Some(place)) if place.layer < from.layer => None,
        (Sees::LowerLayers | Sees::LowerLayersAnd(_), Some(place)) => {
            Some(format!("layer {} may not see layer {}; arrows point down", from.layer, place.layer))
        }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no other crate of ours".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: kind.map(str::to_owned) })
            .collect();
        Package { name: name.to_owned(), dependencies }
    }

    #[test]
    fn down_is_allowed() {
        let packages = [
            package("stockade-domain", &[("serde", None)]),
            package("stockade-inspect", &[("stockade-domain", None), ("stockade-crypto", None)]),
            package("stockade-gateway", &[("stockade-inspect", None), ("tokio", None)]),
            package("xtask", &[("stockade-gateway", None)]),
            package("stockade-api", &[("axum", None)]),
            package("stockade-console", &[("stockade-api", None), ("stockade-domain", None)]),
        ];
        assert!(violations(&packages).is_empty(), "{:?}", violations(&packages));
    }

    #[test]
    fn sideways_and_up_are_not() {
        for (from, to) in [
            ("stockade-gateway", "stockade-store"),
            ("stockade-authz", "stockade-scan"),
            ("stockade-crypto", "stockade-rulebook"),
            ("stockade-ledger", "stockade-inspect"),
            ("stockade-domain", "stockade-crypto"),
            ("stockade-egress", "stockade-gateway"),
            ("stockade-platform", "stockade-rules-of-another-kind"),
            ("stockade-platform", "stockade-api"),
            ("stockade-api", "stockade-console"),
        ] {
            let packages = [package(from, &[(to, None)]), package(to, &[])];
            assert!(
                violations(&packages).iter().any(|line| line.starts_with(&format!("{from} -> {to}"))),
                "{from} -> {to} passed"
            );
        }
    }

    #[test]
    fn an_unknown_crate_is_an_error() {
        assert_eq!(violations(&[package("stockade-misc", &[])]).len(), 1);
    }

    #[test]
    fn a_pure_crate_pulls_in_no_runtime() {
        assert_eq!(violations(&[package("stockade-ledger", &[("tokio", None)])]).len(), 1);
        assert!(violations(&[package("stockade-ledger", &[("tokio", Some("dev"))])]).is_empty());
    }

    #[test]
    fn dev_dependencies_are_exempt_and_build_dependencies_are_not() {
        let up =
            |kind| [package("stockade-inspect", &[("stockade-rules", kind)]), package("stockade-rules", &[])];
        assert!(violations(&up(Some("dev"))).is_empty());
        assert_eq!(violations(&up(Some("build"))).len(), 1);
    }
}
