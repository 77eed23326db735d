//! The aggregate root: an application, agent or prediction service together with what it may use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{TenantId, WorkloadId};
use crate::label::Label;

/// Who the workload's answers are meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Anyone.
    Public,
    /// The organisation's own people.
    Employees,
    /// One team.
    Team,
    /// People who are named one by one.
    Named,
}

/// From where the workload can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// From the internet.
    Internet,
    /// From the organisation's networks.
    Internal,
    /// From nowhere but its own enclave or host.
    Isolated,
}

/// A workload's name: 1 to 63 characters of `a-z 0-9 -`, beginning and ending with a letter or digit (RFC 1123 label).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkloadName(String);

/// A text that is not a [`WorkloadName`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadNameError;

/// An AI workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Its id.
    pub id: WorkloadId,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// Its name, unique in the tenant.
    pub name: WorkloadName,
    /// Who its answers are for.
    pub audience: Audience,
    /// From where it can be reached.
    pub exposure: Exposure,
    /// The person or team that answers for it, as the operator writes it.
    pub owner: String,
    /// The highest label that its content may carry.
    pub label: Label,
    /// Models that it may use; empty means none.
    pub models: Vec<String>,
    /// Tools that its models may call, by name; `*` at the end of a name stands for any rest.
    pub tools: Vec<String>,
    /// Free attributes that policies can read, for example `asserts_users`.
    pub traits: Vec<String>,
}

impl Audience {
    /// The word used in policies and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Employees => "employees",
            Self::Team => "team",
            Self::Named => "named",
        }
    }
}

impl Exposure {
    /// The word used in policies and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Internal => "internal",
            Self::Isolated => "isolated",
        }
    }
}

macro_rules! word {
    ($type:ident, $what:literal, $($variant:ident),+) => {
        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                [$(Self::$variant),+]
                    .into_iter()
                    .find(|v| v.as_str() == text)
                    .ok_or_else(|| {
                        let all = [$(Self::$variant.as_str()),+].join(", ");
                        format!("`{text}` is not {}: use one of {all}", $what)
                    })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

word!(Audience, "an audience", Public, Employees, Team, Named);
word!(Exposure, "an exposure", Internet, Internal, Isolated);

impl WorkloadName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkloadName {
    type Err = WorkloadNameError;

    fn from_str(text: &str) -> Result<Self, WorkloadNameError> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let ok = (1..=63).contains(&text.len())
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if ok { Ok(Self(text.to_owned())) } else { Err(WorkloadNameError) }
    }
}

impl TryFrom<String> for WorkloadName {
    type Error = WorkloadNameError;

    fn try_from(text: String) -> Result<Self, WorkloadNameError> {
        text.parse()
    }
}

impl From<WorkloadName> for String {
    fn from(name: WorkloadName) -> Self {
        name.0
    }
}

impl fmt::Display for WorkloadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for WorkloadNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a workload name is 1 to 63 characters of a-z, 0-9 and `-`, and neither begins nor ends with `-`",
        )
    }
}

impl std::error::Error for WorkloadNameError {}
