//! Actions, effects and obligations: the words of a decision.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a caller wants to do. The names are those of the Cedar schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send anything at all; decided on headers alone, before a body is read.
    Connect,
    /// Have a generative model answer.
    Invoke,
    /// Have a model turn text into vectors.
    Embed,
    /// Have a model that is not generative predict: classify, score, forecast.
    Predict,
    /// List the models that the caller may use.
    ListModels,
    /// Hand a model's tool call to the caller.
    CallTool,
    /// Look at recorded traffic.
    ReadResult,
    /// Take records out of the installation.
    Export,
}

/// Permit or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It may happen, under the obligations.
    Permit,
    /// It may not.
    Deny,
}

/// What must be done for a permit to hold. Written in policies as `@obligation("redact:secret|strict")`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obligation {
    /// Replace findings of this kind or type by a mark.
    Redact(String),
    /// Replace findings of this kind or type by stable pseudonyms.
    Pseudonymise(String),
    /// Remove hidden characters (zero-width, bidi controls, tags).
    Strip,
    /// Let it pass, but say in headers and records what was found.
    Annotate,
    /// Write the intent durably before anything is dispatched.
    Strict,
    /// Of each score of a prediction leave so many digits behind the point.
    Round(u8),
    /// Of the scores of each thing predicted leave so many, the largest.
    TopK(u16),
    /// Of each thing predicted leave only which class is the best, and no score.
    LabelOnly,
}

/// An obligation that this version does not know. It denies: an obligation that cannot be met must not be skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObligationError(pub String);

impl Action {
    /// Every action.
    pub const ALL: [Self; 8] = [
        Self::Connect,
        Self::Invoke,
        Self::Embed,
        Self::Predict,
        Self::ListModels,
        Self::CallTool,
        Self::ReadResult,
        Self::Export,
    ];

    /// The name in Cedar and in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Invoke => "invoke",
            Self::Embed => "embed",
            Self::Predict => "predict",
            Self::ListModels => "list_models",
            Self::CallTool => "call_tool",
            Self::ReadResult => "read_result",
            Self::Export => "export",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redact(what) => write!(f, "redact:{what}"),
            Self::Pseudonymise(what) => write!(f, "pseudonymise:{what}"),
            Self::Strip => f.write_str("strip"),
            Self::Annotate => f.write_str("annotate"),
            Self::Strict => f.write_str("strict"),
            Self::Round(digits) => write!(f, "round:{digits}"),
            Self::TopK(count) => write!(f, "top_k:{count}"),
            Self::LabelOnly => f.write_str("label_only"),
        }
    }
}

impl FromStr for Obligation {
    type Err = ObligationError;

    fn from_str(text: &str) -> Result<Self, ObligationError> {
        let word = |w: &str| {
            !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let plain = |digits: &str| digits == "0" || digits.starts_with(|c: char| matches!(c, '1'..='9'));
        match text.split_once(':') {
            None if text == "strip" => Ok(Self::Strip),
            None if text == "annotate" => Ok(Self::Annotate),
            None if text == "strict" => Ok(Self::Strict),
            None if text == "label_only" => Ok(Self::LabelOnly),
            Some(("redact", what)) if word(what) => Ok(Self::Redact(what.to_owned())),
            Some(("pseudonymise", what)) if word(what) => Ok(Self::Pseudonymise(what.to_owned())),
            // No float has more digits, and no sign or leading zero makes another spelling of the same.
            Some(("round", digits)) => match digits.parse() {
                Ok(count) if count <= 17 && plain(digits) => Ok(Self::Round(count)),
                _ => Err(ObligationError(text.to_owned())),
            },
            Some(("top_k", count)) => match count.parse() {
                Ok(most) if most > 0 && plain(count) => Ok(Self::TopK(most)),
                _ => Err(ObligationError(text.to_owned())),
            },
            _ => Err(ObligationError(text.to_owned())),
        }
    }
}

impl Serialize for Obligation {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Obligation {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ObligationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an obligation that this version can carry out", self.0)
    }
}

impl std::error::Error for ObligationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obligations_round_trip_and_unknown_ones_are_refused() {
        for text in [
            "redact:secret",
            "pseudonymise:email",
            "strip",
            "annotate",
            "strict",
            "round:3",
            "round:0",
            "top_k:1",
            "label_only",
        ] {
            assert_eq!(text.parse::<Obligation>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "redact",
            "redact:",
            "redact:a b",
            "approve",
            "round",
            "round:+3",
            "round:03",
            "round:18",
            "top_k:0",
            "STRICT",
        ] {
            assert!(text.parse::<Obligation>().is_err(), "{text}");
        }
    }
}
