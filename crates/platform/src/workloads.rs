//! Workloads: made, listed, changed; and the first one, `playground`.

use serde::{Deserialize, Serialize};
use stockade_domain::{Audience, Exposure, Label, TenantId, Workload, WorkloadId, WorkloadName};
use stockade_store::StoreError;

use crate::error::PlatformError;
use crate::roster::Roster;

/// The workload of the first key.
pub const PLAYGROUND: &str = "playground";

/// The most models, tools or traits that a workload can list, and the longest of them in bytes.
const MAX_LIST: usize = 256;
const MAX_WORD: usize = 200;

/// What an operator says of a workload. What is left out stays as it is, or gets the narrowest default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkloadChange {
    /// Who its answers are for; `employees` by default.
    pub audience: Option<Audience>,
    /// From where it can be reached; `internal` by default.
    pub exposure: Option<Exposure>,
    /// The person or team that answers for it.
    pub owner: Option<String>,
    /// The highest label of its content; `public` by default.
    pub label: Option<Label>,
    /// Models that it may use; none by default.
    pub models: Option<Vec<String>>,
    /// Tools that its models may call; none by default.
    pub tools: Option<Vec<String>>,
    /// Attributes that policies read.
    pub traits: Option<Vec<String>>,
}

impl Roster {
    /// Makes a workload. The record is durable before it is there.
    ///
    /// # Errors
    /// [`PlatformError::Conflict`] when the name is taken, [`PlatformError::Invalid`] for values that are too long.
    pub fn create_workload(
        &self,
        name: &WorkloadName,
        change: &WorkloadChange,
        actor: &str,
    ) -> Result<Workload, PlatformError> {
        let _changing = self.changing();
        let now = self.clock.now();
        if self.store.workloads().by_name(&TenantId::default(), name)?.is_some() {
            return Err(PlatformError::Conflict(format!("there is a workload `{name}` already")));
        }
        let workload = change.apply(Workload {
            id: WorkloadId::new(now, self.ten_random()?),
            tenant: TenantId::default(),
            name: name.clone(),
            audience: Audience::Employees,
            exposure: Exposure::Internal,
            owner: String::new(),
            label: Label::default(),
            models: Vec::new(),
            tools: Vec::new(),
            traits: Vec::new(),
        })?;
        self.journal.admin("workload.create", actor, detail(&workload))?;
        self.store.workloads().create(&workload, now).map_err(|error| match error {
            StoreError::Conflict(_) => {
                PlatformError::Conflict(format!("there is a workload `{name}` already"))
            }
            other => other.into(),
        })?;
        self.reload()?;
        Ok(workload)
    }

    /// Changes a workload. Requests under way keep what they began with; the next ones meet the change.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] without such a workload.
    pub fn set_workload(
        &self,
        name: &WorkloadName,
        change: &WorkloadChange,
        actor: &str,
    ) -> Result<Workload, PlatformError> {
        let _changing = self.changing();
        let workload = change.apply(self.workload(name)?)?;
        self.journal.admin("workload.set", actor, detail(&workload))?;
        self.store.workloads().update(&workload, self.clock.now())?;
        self.reload()?;
        Ok(workload)
    }

    /// All workloads, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list_workloads(&self) -> Result<Vec<Workload>, PlatformError> {
        Ok(self.store.workloads().list()?.into_iter().map(|stored| stored.workload).collect())
    }

    /// One workload.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] without such a workload.
    pub fn workload(&self, name: &WorkloadName) -> Result<Workload, PlatformError> {
        let found = self.store.workloads().by_name(&TenantId::default(), name)?;
        found
            .map(|stored| stored.workload)
            .ok_or_else(|| PlatformError::NotFound(format!("workload `{name}`")))
    }

    /// Makes the workload `playground` when there is no workload at all; `None` when there is one.
    ///
    /// It may use every model, as one person on one machine tries things out; the model without protection only
    /// because it is named in full. Its tools are the sandbox's and those of the person's own program, which the
    /// gateway cannot know.
    ///
    /// # Errors
    /// When record or store fail.
    pub fn first_workload(&self) -> Result<Option<Workload>, PlatformError> {
        if !self.store.workloads().list()?.is_empty() {
            return Ok(None);
        }
        let words = |list: &[&str]| Some(list.iter().map(|w| (*w).to_owned()).collect());
        let change = WorkloadChange {
            owner: Some("whoever started this installation".to_owned()),
            label: Some(Label::new("internal")),
            models: words(&["sandbox", "sandbox-observe", "*"]),
            tools: words(&["*"]),
            traits: words(&[]),
            ..WorkloadChange::default()
        };
        let name = PLAYGROUND.parse().map_err(|e| PlatformError::Invalid(format!("{e}")))?;
        self.create_workload(&name, &change, "system").map(Some)
    }
}

impl WorkloadChange {
    fn apply(&self, mut workload: Workload) -> Result<Workload, PlatformError> {
        for (what, list) in [("models", &self.models), ("tools", &self.tools), ("traits", &self.traits)] {
            for word in list.iter().flatten() {
                if word.is_empty() || word.len() > MAX_WORD || word.chars().any(char::is_control) {
                    return Err(PlatformError::Invalid(format!(
                        "{what}: an entry is 1 to {MAX_WORD} bytes without control characters"
                    )));
                }
            }
            if list.as_ref().is_some_and(|list| list.len() > MAX_LIST) {
                return Err(PlatformError::Invalid(format!("{what}: at most {MAX_LIST} entries")));
            }
        }
        if self.owner.as_ref().is_some_and(|o| o.len() > MAX_WORD || o.chars().any(char::is_control)) {
            return Err(PlatformError::Invalid(format!("owner: one line of at most {MAX_WORD} bytes")));
        }
        let Self { audience, exposure, owner, label, models, tools, traits } = self.clone();
        workload.audience = audience.unwrap_or(workload.audience);
        workload.exposure = exposure.unwrap_or(workload.exposure);
        workload.owner = owner.unwrap_or(workload.owner);
        workload.label = label.unwrap_or(workload.label);
        workload.models = models.unwrap_or(workload.models);
        workload.tools = tools.unwrap_or(workload.tools);
        workload.traits = traits.unwrap_or(workload.traits);
        Ok(workload)
    }
}

/// What the ledger is told: ids and closed words. The owner is a person's name and stays out.
fn detail(workload: &Workload) -> [(&'static str, String); 6] {
    [
        ("workload", workload.id.to_string()),
        ("audience", workload.audience.to_string()),
        ("exposure", workload.exposure.to_string()),
        ("label", workload.label.to_string()),
        ("models", workload.models.len().to_string()),
        ("tools", workload.tools.len().to_string()),
    ]
}
