//! Texts, models and endpoints in variables and options that say so.

use super::values::endpoint;
use super::{Detector, Entry, Kind, LIKELY, Read, SHORTEST_PROMPT, Sighting, known_model};

impl Detector<'_> {
    /// Defaults of a command's options that name a model.
    pub(super) fn options(&self, read: &mut Read) {
        for call in &self.facts.calls {
            let method = call.callee.rsplit('.').next().unwrap_or_default();
            if !matches!(method, "add_argument" | "option" | "Option" | "String" | "StringVar") {
                continue;
            }
            let names = |entry: &Entry| {
                entry.value.text().is_some_and(|text| text.to_ascii_lowercase().contains("model"))
            };
            if call.args.entries().iter().take(3).any(names) {
                let value = ["default", "1", "2"]
                    .iter()
                    .find_map(|key| call.args.get(key)?.text().map(|text| (*key, text)));
                if let Some((_, text)) = value.filter(|(_, text)| known_model(text)) {
                    read.sightings.push(Sighting::new(Kind::Model, text, call.at, "option", LIKELY));
                }
            }
        }
    }

    /// Texts that steer a model and ids of models, in variables that say so.
    pub(super) fn texts(&self, read: &mut Read) {
        let of_ai = read.sightings.iter().any(|sighting| sighting.kind == Kind::Sdk);
        self.options(read);
        for assign in &self.facts.assigns {
            let name = assign.target.rsplit('.').next().unwrap_or(&assign.target);
            let lower = name.to_ascii_lowercase();
            let Some((text, _)) = assign.value.constants().first().copied() else { continue };
            let prompts = ["prompt", "instructions", "system_message", "systemmessage"];
            if of_ai
                && prompts
                    .iter()
                    .any(|word| lower.ends_with(word) || lower.ends_with(&format!("{word}_template")))
                && text.len() >= SHORTEST_PROMPT
            {
                read.sightings.push(Sighting::new(Kind::PromptTemplate, name, assign.at, "variable", LIKELY));
            }
            let upper = name.to_ascii_uppercase();
            let known = &self.catalog.source.environment.endpoints;
            if known.iter().any(|known| upper == *known || upper.ends_with(&format!("_{known}")))
                && text.contains("://")
            {
                endpoint(&assign.value, assign.at, read);
            }
            // Where no library of AI is used, a variable has to say more than that it is a model.
            let says = lower.contains("model") && (of_ai || lower.len() > "model".len());
            if says && known_model(text) {
                read.sightings.push(Sighting::new(Kind::Model, text, assign.at, "variable", LIKELY));
            }
        }
    }
}
