//! Limits of use and prices: their shape, and what they come to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stockade_gateway::limits::{LimitRule, LimitSet, Per, Price, Window};

use super::place::Place;
use super::schema::Config;
use super::sense::{Sense, Senseless, is_name};
use super::units::Money;

/// A limit of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageLimitConfig {
    /// Its name, unique: callers and metrics are told it.
    pub(crate) name: String,
    /// What use is kept apart by; empty: all use is one.
    #[serde(default)]
    pub(crate) per: Vec<Apart>,
    /// Only these keys, by their ids (`key_...`); empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<String>,
    /// Only these end users; empty: all, and requests of nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) users: Vec<String>,
    /// Only these workloads, `*` at the end for any rest; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) workloads: Vec<String>,
    /// Only these models, `*` at the end for any rest; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) models: Vec<String>,
    /// The time that use is counted over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Over>,
    /// Requests in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requests: Option<u64>,
    /// Tokens in it, of prompts and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<u64>,
    /// Money in it, in the unit of the prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) money: Option<Money>,
    /// Requests at one time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) concurrent: Option<u64>,
}

/// What use is kept apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Apart {
    /// The key or other credential.
    Key,
    /// The end user. Requests of nobody are one user's.
    User,
    /// The workload.
    Workload,
    /// The model.
    Model,
}

/// The time that use is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Over {
    /// Any 60 seconds.
    Minute,
    /// Any 60 minutes.
    Hour,
    /// A day of the calendar, UTC.
    Day,
    /// A month of the calendar, UTC.
    Month,
}

/// What models cost for a million tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceConfig {
    /// Models, `*` at the end for any rest.
    pub(crate) models: Vec<String>,
    /// Tokens of prompts.
    pub(crate) input: Money,
    /// Tokens of answers.
    pub(crate) output: Money,
    /// Tokens of prompts that came from the provider's cache; left out, the same as `input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cached: Option<Money>,
    /// The longest answer, in tokens: reserved where a request names no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<u64>,
}

impl Config {
    /// Limits and prices, as the gateway keeps them.
    pub(crate) fn limit_set(&self) -> LimitSet {
        LimitSet {
            rules: self.limits.usage.iter().map(UsageLimitConfig::rule).collect(),
            prices: self.prices.iter().map(PriceConfig::price).collect(),
        }
    }

    pub(super) fn check_usage(&self) -> Sense {
        for (at, limit) in self.limits.usage.iter().enumerate() {
            let place = Place::of("limits.usage").item(at);
            let is_taken = self.limits.usage.iter().take(at).any(|other| other.name == limit.name);
            if is_taken {
                let message = format!("two limits are called `{}`", limit.name);
                return Err(Senseless::new(place.key("name"), message, "give each a name of its own"));
            }
            limit.check(&place)?;
            if limit.money.is_some() && self.prices.is_empty() {
                let message = "money is limited, and nothing has a price";
                let help = "add `[[prices]]`: `models`, `input` and `output` for a million tokens";
                return Err(Senseless::new(place.key("money"), message, help));
            }
        }
        for (at, price) in self.prices.iter().enumerate() {
            let place = Place::of("prices").item(at);
            patterns(&price.models, &place, "models")?;
            if price.models.is_empty() {
                let message = "a price without models is never used";
                return Err(Senseless::new(place.key("models"), message, "name them, or `[\"*\"]` for all"));
            }
            if price.answer == Some(0) {
                let message = "an answer of no tokens is none";
                return Err(Senseless::new(place.key("answer"), message, "leave it out, or give a number"));
            }
        }
        Ok(())
    }
}

impl UsageLimitConfig {
    fn check(&self, place: &Place) -> Sense {
        let wrong = |key, message: &str, help: &str| {
            Err(Senseless::new(place.clone().key(key), message.to_owned(), help))
        };
        if !is_name(&self.name) {
            return wrong("name", "this is no name for a limit", "letters, digits, `-`, `_` and `.`");
        }
        let money = self.money.map(|money| money.0);
        let windowed = [("requests", self.requests), ("tokens", self.tokens), ("money", money)];
        let all = windowed.into_iter().chain([("concurrent", self.concurrent)]);
        if let Some((key, _)) = all.clone().find(|(_, most)| *most == Some(0)) {
            let help = "forbid it by policy, or give a number";
            return wrong(key, "a limit of nothing lets nothing through", help);
        }
        if all.clone().all(|(_, most)| most.is_none()) {
            let help = "give one or more of `requests`, `tokens`, `money` and `concurrent`";
            return wrong("name", "this limit limits nothing", help);
        }
        if self.window.is_none() && windowed.iter().any(|(_, most)| most.is_some()) {
            let help = "add `window`: \"minute\", \"hour\", \"day\" or \"month\"";
            return wrong("window", "this limit does not say over which time", help);
        }
        patterns(&self.workloads, place, "workloads")?;
        patterns(&self.models, place, "models")?;
        if self.keys.iter().any(|key| !key.starts_with("key_")) {
            return wrong("keys", "a key is named by its id", "`stockade keys list` shows ids: `key_...`");
        }
        Ok(())
    }

    fn rule(&self) -> LimitRule {
        let mut per: Vec<Per> = self.per.iter().map(|apart| apart.per()).collect();
        per.sort_unstable();
        per.dedup();
        LimitRule {
            name: self.name.as_str().into(),
            per,
            keys: self.keys.clone(),
            users: self.users.clone(),
            workloads: self.workloads.clone(),
            models: self.models.clone(),
            window: self.window.map_or(Window::Minute, Over::window),
            requests: self.requests,
            tokens: self.tokens,
            money: self.money.map(|money| money.0),
            concurrent: self.concurrent,
        }
    }
}

impl PriceConfig {
    fn price(&self) -> Price {
        Price {
            models: self.models.clone(),
            input: self.input.0,
            output: self.output.0,
            cached: self.cached.unwrap_or(self.input).0,
            answer: self.answer,
        }
    }
}

impl Apart {
    const fn per(self) -> Per {
        match self {
            Self::Key => Per::Key,
            Self::User => Per::User,
            Self::Workload => Per::Workload,
            Self::Model => Per::Model,
        }
    }
}

impl Over {
    const fn window(self) -> Window {
        match self {
            Self::Minute => Window::Minute,
            Self::Hour => Window::Hour,
            Self::Day => Window::Day,
            Self::Month => Window::Month,
        }
    }
}

/// `*` stands at the end of a pattern only.
fn patterns(list: &[String], place: &Place, key: &'static str) -> Sense {
    let is_wrong = |pattern: &&String| pattern.is_empty() || pattern.trim_end_matches('*').contains('*');
    match list.iter().find(is_wrong) {
        Some(pattern) => Err(Senseless::new(
            place.clone().key(key),
            format!("`{pattern}` fits nothing: `*` stands for the rest of a name, at its end only"),
            "for example `gpt-*`, or `*` for all",
        )),
        None => Ok(()),
    }
}
