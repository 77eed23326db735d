//! One entity, many occurrences.

use std::collections::{BTreeMap, BTreeSet};

use stockade_crypto::{sha256, to_hex};

use crate::asset::{Asset, Kind, Occurrence, Sighting};

/// Merges sightings into entities.
#[derive(Default)]
pub(crate) struct Merger {
    workload: String,
    assets: BTreeMap<(Kind, String), Asset>,
    declared: BTreeSet<String>,
}

impl Merger {
    pub(crate) fn new(workload: &str) -> Self {
        Self { workload: workload.to_owned(), ..Self::default() }
    }

    pub(crate) fn declare(&mut self, declared: &[(String, String, String, bool)]) {
        self.declared
            .extend(declared.iter().filter(|(_, _, _, locked)| !locked).map(|(_, name, _, _)| name.clone()));
    }

    pub(crate) fn add(&mut self, path: &str, sightings: Vec<Sighting>) {
        for sighting in sightings {
            let key = (sighting.kind, sighting.name.clone());
            let asset = self.assets.entry(key).or_insert_with(|| Asset {
                id: asset_id(&self.workload, sighting.kind, &sighting.name),
                kind: sighting.kind,
                name: sighting.name.clone(),
                workload: self.workload.clone(),
                scope: sighting.scope,
                confidence: sighting.confidence,
                facts: BTreeMap::new(),
                occurrences: Vec::new(),
            });
            asset.scope = asset.scope.min(sighting.scope);
            asset.confidence = asset.confidence.max(sighting.confidence);
            for (name, value) in sighting.facts {
                // What the product says counts before what tests say; otherwise the first.
                asset.facts.entry(name).or_insert(value);
            }
            let occurrence = Occurrence {
                path: path.to_owned(),
                line: sighting.line,
                start: sighting.start,
                end: sighting.end,
                detector: sighting.detector,
                confidence: sighting.confidence,
                scope: sighting.scope,
            };
            if !asset.occurrences.contains(&occurrence) {
                asset.occurrences.push(occurrence);
            }
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Asset> {
        for asset in self.assets.values_mut() {
            asset.occurrences.sort();
            if asset.kind == Kind::Sdk {
                let used = asset.occurrences.iter().any(|o| matches!(o.detector.as_str(), "import" | "call"));
                let declared = self.declared.contains(&asset.name)
                    || asset.occurrences.iter().any(|o| o.detector == "manifest");
                asset.facts.insert("used".to_owned(), used.to_string());
                asset.facts.insert("declared".to_owned(), declared.to_string());
            }
        }
        let mut all: Vec<Asset> = self.assets.into_values().collect();
        all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        all
    }
}

fn asset_id(workload: &str, kind: Kind, name: &str) -> String {
    let text = format!("{workload}\0{}\0{name}", kind.as_str());
    to_hex(&sha256(text.as_bytes())).chars().take(24).collect()
}
