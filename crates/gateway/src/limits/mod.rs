//! Limits of use: requests, tokens and money, and requests at one time, for each key, user, workload and model.
//!
//! Before a request is looked at, what it may come to is reserved: its prompt, and the answer that it asks for. When it has
//! ended, however it ends, the reservation becomes what was really used. A request begins, and a stream goes on, only while
//! settled and reserved use together are within every limit that fits. So no number of callers at once gets a token more.

mod ask;
mod fields;
mod hold;
mod ledger;
mod meters;
mod rule;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::error::{Refusal, Wait};

pub use ledger::{Level, Reached, Reserved, Spent, Tokens, UsageLedger};
pub use meters::{Change, Meters, SavedUse};
pub use rule::{Claim, CounterKey, DEFAULT_ANSWER, LimitRule, LimitSet, Measure, Per, Price, Window};

pub(crate) use ask::Ask;
pub(crate) use fields::{Fields, of as fields};
pub(crate) use hold::{Hold, Terms, prompt_tokens};
pub(crate) use rule::{Asking, NoPrice};

/// What limits use.
#[derive(Clone)]
pub struct Limits {
    /// Limits and prices; replaced whole when configuration changes.
    pub set: Arc<ArcSwap<LimitSet>>,
    /// What is used.
    pub ledger: Arc<dyn UsageLedger>,
}

/// What a caller is told when a limit is reached.
pub(crate) fn refusal(reached: &Reached, fields: Fields) -> Refusal {
    let Level { key, most, .. } = &reached.at;
    let limit = match key.measure {
        Measure::Money => format!("of money in one {}", key.window),
        Measure::Concurrent => format!("of {most} requests at one time"),
        _ => format!("of {most} {} in one {}", key.measure, key.window),
    };
    let code = if reached.retry.is_some() { "limit_reached" } else { "request_over_limit" };
    let then = match reached.retry {
        Some(wait) => format!("is reached; there may be room in {} s", wait.as_millis().div_ceil(1_000)),
        None => "is smaller than what this request alone may come to: ask for fewer tokens".to_owned(),
    };
    let message = format!("the limit `{}` {limit} {then}", key.limit);
    let wait = reached.retry.map_or(Wait::Forever, Wait::For);
    Refusal { wait, fields, ..Refusal::new(code).with_message(message) }
}

/// What a caller is told when nobody knows what its request costs.
pub(crate) fn no_price(NoPrice(limit): &NoPrice) -> Refusal {
    Refusal::new("price_unknown").with_message(format!(
        "the limit `{limit}` is one of money, and the operator has given no price for this model"
    ))
}
