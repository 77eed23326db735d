//! Routes: models that several upstreams serve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;
use super::schema::Config;
use super::sense::{Sense, Senseless};

/// Models that several upstreams serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteConfig {
    /// Models, `*` at the end for any rest. A route comes before what upstreams name themselves.
    pub(crate) models: Vec<String>,
    /// The upstreams.
    pub(crate) targets: Vec<RouteTarget>,
    /// How many of them are asked for one request, at most; left out, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<usize>,
}

/// An upstream of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteTarget {
    /// Its name.
    pub(crate) upstream: String,
    /// Its share of the requests, beside those of the others. With 0 it is asked only when others fail.
    #[serde(default = "one")]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}

impl Config {
    pub(super) fn check_routes(&self) -> Sense {
        for (at, route) in self.routes.iter().enumerate() {
            let wrong = |key, message: String, help: &str| {
                Err(Senseless::new(Place::of("routes").item(at).key(key), message, help))
            };
            let is_wrong = |m: &&String| m.is_empty() || m.trim_end_matches('*').contains('*');
            if route.models.is_empty() {
                return wrong("models", "a route without models is never taken".to_owned(), "name them");
            }
            if let Some(model) = route.models.iter().find(is_wrong) {
                let message =
                    format!("`{model}` fits no model: `*` stands for the rest of a name, at its end only");
                return wrong("models", message, "for example `gpt-*`");
            }
            if route.models.iter().any(|model| model.starts_with("sandbox")) {
                let message = "names that begin with `sandbox` belong to the built-in model".to_owned();
                return wrong("models", message, "leave them out");
            }
            let unknown = route.targets.iter().find(|target| !self.upstreams.contains_key(&target.upstream));
            if let Some(target) = unknown {
                let known: Vec<String> = self.upstreams.keys().map(|name| format!("`{name}`")).collect();
                let message = format!("there is no upstream `{}`", target.upstream);
                return wrong("targets", message, &format!("the upstreams are {}", known.join(", ")));
            }
            if route.targets.iter().all(|target| target.weight == 0) {
                let message = "no upstream of this route is ever asked first".to_owned();
                return wrong("targets", message, "give one or more of them a `weight` above 0");
            }
            let named =
                |target: &RouteTarget| route.targets.iter().filter(|t| t.upstream == target.upstream).count();
            if let Some(target) = route.targets.iter().find(|target| named(target) > 1) {
                let message = format!("`{}` stands twice among the targets", target.upstream);
                return wrong("targets", message, "name each upstream once, with its weight");
            }
            if route.attempts == Some(0) {
                return wrong(
                    "attempts",
                    "nobody would be asked".to_owned(),
                    "leave it out, or give 1 or more",
                );
            }
        }
        Ok(())
    }
}
