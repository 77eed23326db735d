//! What a caller is told of its limits: header fields in the form that its SDK reads.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use stockade_domain::Micros;

use super::ledger::Level;
use super::rule::Measure;
use crate::dialect::Family;

/// Fields of an answer.
pub(crate) type Fields = Vec<(HeaderName, HeaderValue)>;

/// OpenAI's fields (<https://platform.openai.com/docs/guides/rate-limits>) or Anthropic's
/// (<https://docs.anthropic.com/en/api/rate-limits>). Of several limits the one with the least left is told.
pub(crate) fn of(levels: &[Level], family: Family, now: Micros) -> Fields {
    let mut fields = Vec::new();
    for (measure, word) in [(Measure::Requests, "requests"), (Measure::Tokens, "tokens")] {
        let tightest = levels.iter().filter(|l| l.key.measure == measure).min_by_key(|l| l.left());
        let Some(level) = tightest else { continue };
        let told = [level.most.to_string(), level.left().to_string()];
        let (names, reset) = match family {
            Family::OpenAi | Family::Ollama | Family::Predict => (
                ["limit", "remaining", "reset"].map(|what| format!("x-ratelimit-{what}-{word}")),
                length(level.resets),
            ),
            Family::Anthropic => (
                ["limit", "remaining", "reset"].map(|what| format!("anthropic-ratelimit-{word}-{what}")),
                whole_seconds(now.plus(level.resets)),
            ),
        };
        let [limit, left] = told;
        for (name, value) in names.into_iter().zip([limit, left, reset]) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                fields.push((name, value));
            }
        }
    }
    fields
}

/// As OpenAI writes lengths of time: `6m0s`.
fn length(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1_000);
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// RFC 3339, without a fraction.
fn whole_seconds(time: Micros) -> String {
    let up = time.as_i64().saturating_add(999_999).div_euclid(1_000_000).saturating_mul(1_000_000);
    Micros::from_i64(up).to_string().replace(".000000", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_sdks_read_them() {
        assert_eq!(length(Duration::from_millis(1)), "1s");
        assert_eq!(length(Duration::from_secs(360)), "6m0s");
        assert_eq!(length(Duration::from_secs(3_661)), "1h1m1s");
        assert_eq!(whole_seconds(Micros::from_i64(1)), "1970-01-01T00:00:01Z");
    }
}
