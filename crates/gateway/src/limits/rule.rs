//! What is limited: rules and prices as the operator writes them, and what one request claims under them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stockade_domain::Caller;

use super::ledger::Level;

/// Limits and prices; replaced whole when configuration changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitSet {
    /// Limits. Each that fits a request holds for it.
    pub rules: Vec<LimitRule>,
    /// Prices; the first that fits a model is its price.
    pub prices: Vec<Price>,
}

/// A limit of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRule {
    /// Its name, unique.
    pub name: Arc<str>,
    /// Each different combination of these has use of its own; none: all share it.
    pub per: Vec<Per>,
    /// Only these keys, by id; empty: all.
    pub keys: Vec<String>,
    /// Only these end users; empty: all, and requests of nobody.
    pub users: Vec<String>,
    /// Only workloads of these names, `*` at the end for any rest; empty: all.
    pub workloads: Vec<String>,
    /// Only models of these names, likewise.
    pub models: Vec<String>,
    /// The time that use is counted over.
    pub window: Window,
    /// Requests in it.
    pub requests: Option<u64>,
    /// Tokens in it, of prompts and answers.
    pub tokens: Option<u64>,
    /// Money in it, in billionths of the unit of the prices.
    pub money: Option<u64>,
    /// Requests under way at one time.
    pub concurrent: Option<u64>,
}

/// What use is kept apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Per {
    /// The key or other credential.
    Key,
    /// The end user. Requests of nobody are one user's.
    User,
    /// The workload.
    Workload,
    /// The model, by the name it is asked for.
    Model,
}

/// The time that use is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// Any 60 seconds.
    Minute,
    /// Any 60 minutes.
    Hour,
    /// A day of the calendar, UTC.
    Day,
    /// A month of the calendar, UTC.
    Month,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Requests that began.
    Requests,
    /// Tokens.
    Tokens,
    /// Money, in billionths.
    Money,
    /// Requests under way.
    Concurrent,
}

/// What a model costs, in billionths of the operator's unit for a million tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Models, by name; `*` at the end stands for any rest.
    pub models: Vec<String>,
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens of the prompt that came from the provider's cache.
    pub cached: u64,
    /// The longest answer, in tokens; where it is not known, [`DEFAULT_ANSWER`].
    pub answer: Option<u64>,
}

/// What is reserved for a whole answer where neither request nor prices say how long it may be.
pub const DEFAULT_ANSWER: u64 = 16_384;

/// Prices are for so many tokens.
const MILLION: u64 = 1_000_000;

/// The use that a claim is against.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterKey {
    /// The limit's name.
    pub limit: Arc<str>,
    /// What is counted.
    pub measure: Measure,
    /// Over which time.
    pub window: Window,
    /// Whose use it is: `key=...` and the like, separated by blanks; `all` where everybody's is one.
    pub subject: Arc<str>,
}

/// What a request claims of one limit: a fixed part, and so much for each token of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The use that it is against.
    pub key: CounterKey,
    /// The limit.
    pub most: u64,
    /// Claimed in any case.
    pub fixed: u64,
    /// For a million tokens of the answer.
    pub rate: u64,
}

/// Who asks for what, as limits see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) caller: &'a Caller,
    /// Stands for the end user wherever use is kept.
    pub(crate) user: Option<&'a str>,
    pub(crate) model: &'a str,
    /// Tokens reserved for the prompt.
    pub(crate) prompt: u64,
    /// Tokens are counted, and not only requests.
    pub(crate) has_tokens: bool,
}

/// A limit of money holds for a model that has no price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoPrice(pub(crate) Arc<str>);

impl LimitSet {
    /// Nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.prices.is_empty()
    }

    /// The price of a model.
    pub(crate) fn price(&self, model: &str) -> Option<&Price> {
        self.prices.iter().find(|price| fits(&price.models, model))
    }

    /// Limits of which no use is kept, as far as `is_used` does not say otherwise.
    pub fn untouched(&self, is_used: impl Fn(&str, Measure) -> bool) -> Vec<Level> {
        let mut levels = Vec::new();
        for rule in &self.rules {
            let all = [
                (Measure::Requests, rule.requests),
                (Measure::Tokens, rule.tokens),
                (Measure::Money, rule.money),
                (Measure::Concurrent, rule.concurrent),
            ];
            for (measure, most) in all.into_iter().filter(|(measure, _)| !is_used(&rule.name, *measure)) {
                let Some(most) = most else { continue };
                let (limit, window) = (Arc::clone(&rule.name), rule.window);
                let key = CounterKey { limit, measure, window, subject: "-".into() };
                levels.push(Level { key, most, used: 0, reserved: 0, resets: Duration::ZERO });
            }
        }
        levels
    }

    /// What a request claims. A model that runs inside costs nothing; any other needs a price where money is limited.
    pub(crate) fn claims(&self, asking: &Asking<'_>, is_free: bool) -> Result<Vec<Claim>, NoPrice> {
        let mut claims = Vec::new();
        let price = self.price(asking.model);
        for rule in self.rules.iter().filter(|rule| rule.is_for(asking)) {
            let subject = rule.subject(asking);
            let mut claim = |measure, most: Option<u64>, fixed, rate| {
                let Some(most) = most else { return };
                let limit = Arc::clone(&rule.name);
                let key = CounterKey { limit, measure, window: rule.window, subject: Arc::clone(&subject) };
                claims.push(Claim { key, most, fixed, rate });
            };
            claim(Measure::Requests, rule.requests, 1, 0);
            claim(Measure::Concurrent, rule.concurrent, 1, 0);
            if asking.has_tokens {
                claim(Measure::Tokens, rule.tokens, asking.prompt, MILLION);
            }
            match (rule.money, price) {
                (Some(_), None) if !is_free && asking.has_tokens => {
                    return Err(NoPrice(Arc::clone(&rule.name)));
                }
                (Some(most), Some(price)) if asking.has_tokens => {
                    claim(Measure::Money, Some(most), cost(asking.prompt, price.input), price.output);
                }
                _ => {}
            }
        }
        Ok(claims)
    }
}

impl LimitRule {
    fn is_for(&self, asking: &Asking<'_>) -> bool {
        let is_key = asking.caller.key.is_some_and(|key| self.keys.contains(&key.to_string()));
        let user = asking.caller.user.as_ref().map(|user| user.id.as_str());
        (self.keys.is_empty() || is_key)
            && (self.users.is_empty() || user.is_some_and(|id| self.users.iter().any(|user| user == id)))
            && (self.workloads.is_empty() || fits(&self.workloads, asking.caller.workload.name.as_str()))
            && (self.models.is_empty() || fits(&self.models, asking.model))
    }

    fn subject(&self, asking: &Asking<'_>) -> Arc<str> {
        let part = |per: &Per| match per {
            Per::Key => format!("key={}", credential(asking.caller)),
            Per::User => format!("user={}", asking.user.unwrap_or("-")),
            Per::Workload => format!("workload={}", asking.caller.workload.name),
            // Names of models are the caller's words: long ones share their beginning.
            Per::Model => format!("model={}", asking.model.chars().take(LONGEST_MODEL).collect::<String>()),
        };
        let parts: Vec<String> = self.per.iter().map(part).collect();
        if parts.is_empty() { "all".into() } else { parts.join(" ").into() }
    }
}

/// What tells a credential from others: the key, or of a token who signed it for which program.
fn credential(caller: &Caller) -> String {
    match (caller.key, &caller.token) {
        (Some(key), _) => key.to_string(),
        (None, Some(token)) => {
            let client = token.client.as_deref().unwrap_or("-");
            format!("{}/{}", token.issuer, client.chars().take(LONGEST_MODEL).collect::<String>())
        }
        (None, None) => "-".to_owned(),
    }
}

/// Of a model's name, in characters, so much tells its use apart.
const LONGEST_MODEL: usize = 128;

fn fits(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    })
}

/// What tokens cost, rounded up.
pub(crate) fn cost(tokens: u64, price: u64) -> u64 {
    let exact = u128::from(tokens).saturating_mul(u128::from(price)).div_ceil(u128::from(MILLION));
    u64::try_from(exact).unwrap_or(u64::MAX)
}

// === impl Claim ===

impl Claim {
    /// What it comes to with an answer of so many tokens.
    pub(crate) fn amount(&self, answer: u64) -> u64 {
        self.fixed.saturating_add(cost(answer, self.rate))
    }

    /// How long an answer may be, in tokens, where so much is left.
    pub(crate) fn longest(&self, left: u64) -> Option<u64> {
        let left = left.checked_sub(self.fixed)?;
        if self.rate == 0 {
            return Some(u64::MAX);
        }
        let longest = u128::from(left).saturating_mul(u128::from(MILLION)) / u128::from(self.rate);
        Some(u64::try_from(longest).unwrap_or(u64::MAX))
    }
}

// === impl words ===

impl Window {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Hour, Self::Day, Self::Month];

    /// The word in configuration and store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requests, Self::Tokens, Self::Money, Self::Concurrent];

    /// The word in lists, metrics and store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Money => "money",
            Self::Concurrent => "concurrent",
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_never_comes_to_more_than_what_is_left() {
        let key = CounterKey {
            limit: "l".into(),
            measure: Measure::Money,
            window: Window::Day,
            subject: "all".into(),
        };
        for rate in [0, 1, 7, 999_999, MILLION, 60_000_000_000] {
            for (fixed, left) in [(0, 0), (3, 2), (5, 5), (10, 1_000), (123, 7_777_777)] {
                let claim = Claim { key: key.clone(), most: left, fixed, rate };
                match claim.longest(left) {
                    None => assert!(fixed > left),
                    Some(answer) => {
                        assert!(claim.amount(answer) <= left || rate == 0);
                        assert!(rate == 0 || claim.amount(answer + 1 + MILLION / rate) > left);
                    }
                }
            }
        }
    }
}
