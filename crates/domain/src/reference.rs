//! References into the public frameworks that rules, attacks and risks cite.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A catalogue of techniques or weaknesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framework {
    /// MITRE ATLAS, for example `AML.T0051.001`.
    Atlas,
    /// OWASP Top 10 for LLM applications, for example `LLM01:2025`.
    OwaspLlm,
    /// Common Weakness Enumeration, for example `CWE-502`.
    Cwe,
}

/// An id whose shape fits its framework. Whether the id exists is checked against the pinned catalogues by the rules' lint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameworkRef {
    framework: Framework,
    id: String,
}

/// A text that fits no framework's ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameworkRefError(pub String);

impl FrameworkRef {
    /// The framework that the id belongs to.
    #[must_use]
    pub fn framework(&self) -> Framework {
        self.framework
    }

    /// The id as the framework writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

impl FromStr for FrameworkRef {
    type Err = FrameworkRefError;

    fn from_str(text: &str) -> Result<Self, FrameworkRefError> {
        let digits = |s: &str, n: std::ops::RangeInclusive<usize>| {
            n.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit())
        };
        let framework = if let Some(rest) = text.strip_prefix("AML.T") {
            let (main, sub) = rest.split_once('.').map_or((rest, None), |(m, s)| (m, Some(s)));
            (digits(main, 4..=4) && sub.is_none_or(|s| digits(s, 3..=3))).then_some(Framework::Atlas)
        } else if let Some(rest) = text.strip_prefix("LLM") {
            rest.split_once(':')
                .is_some_and(|(n, year)| digits(n, 2..=2) && digits(year, 4..=4))
                .then_some(Framework::OwaspLlm)
        } else if let Some(rest) = text.strip_prefix("CWE-") {
            digits(rest, 1..=5).then_some(Framework::Cwe)
        } else {
            None
        };
        framework
            .map(|framework| Self { framework, id: text.to_owned() })
            .ok_or_else(|| FrameworkRefError(text.to_owned()))
    }
}

impl TryFrom<String> for FrameworkRef {
    type Error = FrameworkRefError;

    fn try_from(text: String) -> Result<Self, FrameworkRefError> {
        text.parse()
    }
}

impl From<FrameworkRef> for String {
    fn from(r: FrameworkRef) -> Self {
        r.id
    }
}

impl fmt::Display for FrameworkRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an id of ATLAS (AML.T0051), OWASP (LLM01:2025) or CWE (CWE-502)", self.0)
    }
}

impl std::error::Error for FrameworkRefError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_shapes() {
        for good in ["AML.T0051", "AML.T0051.001", "LLM01:2025", "CWE-502"] {
            assert_eq!(good.parse::<FrameworkRef>().unwrap().as_str(), good);
        }
        for bad in ["T0051", "AML.T51", "AML.T0051.1", "LLM1:2025", "LLM01", "CWE-", "CWE-x"] {
            assert!(bad.parse::<FrameworkRef>().is_err(), "{bad}");
        }
    }
}
