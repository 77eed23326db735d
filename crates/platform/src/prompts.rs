//! Registered system prompts: which texts a workload may send as its instructions without their being inspected for
//! attempts to steer. Only digests are kept.

use serde::{Deserialize, Serialize};
use stockade_crypto::{sha256, to_hex};
use stockade_domain::{Micros, WorkloadName};
use stockade_store::RegisteredPrompt;

use crate::error::PlatformError;
use crate::roster::Roster;

/// The longest note, in bytes.
const MAX_NOTE: usize = 200;

/// How many prompts all workloads can have together: all are kept in memory.
const MAX_PROMPTS: usize = 10_000;

/// A registered prompt, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptInfo {
    /// The workload that may send it.
    pub workload: String,
    /// SHA-256 of its text, in hexadecimal.
    pub digest: String,
    /// What the operator wrote beside it.
    pub note: String,
    /// When it was registered.
    pub created: Micros,
}

impl Roster {
    /// Registers a text as a system prompt of a workload. The record is durable before it counts.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] without such a workload, [`PlatformError::Invalid`] for an empty text, a note of more
    /// than a line, or too many prompts.
    pub fn register_prompt(
        &self,
        workload: &WorkloadName,
        text: &str,
        note: &str,
        actor: &str,
    ) -> Result<PromptInfo, PlatformError> {
        if text.is_empty() {
            return Err(PlatformError::Invalid("the prompt is empty".to_owned()));
        }
        if note.len() > MAX_NOTE || note.chars().any(char::is_control) {
            return Err(PlatformError::Invalid(format!("a note is one line of at most {MAX_NOTE} bytes")));
        }
        let _changing = self.changing();
        let workload = self.workload(workload)?;
        if self.store.registered_prompts().list()?.len() >= MAX_PROMPTS {
            return Err(PlatformError::Invalid(format!(
                "there are {MAX_PROMPTS} prompts already: remove some"
            )));
        }
        let prompt = RegisteredPrompt {
            workload: workload.id,
            digest: to_hex(&sha256(text.as_bytes())),
            note: note.to_owned(),
            created: self.clock.now(),
        };
        let detail = [("workload", workload.id.to_string()), ("digest", prompt.digest.clone())];
        self.journal.admin("prompt.register", actor, detail)?;
        self.store.registered_prompts().register(&prompt)?;
        self.reload()?;
        Ok(info(workload.name.to_string(), prompt))
    }

    /// All registered prompts, by workload.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list_prompts(&self) -> Result<Vec<PromptInfo>, PlatformError> {
        let all = self.store.registered_prompts().list()?;
        Ok(all.into_iter().map(|prompt| info(self.name_of(prompt.workload), prompt)).collect())
    }

    /// Takes a registration back, by the digest or the beginning of it; requests from now on are inspected again.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] when no prompt of the workload has that digest, [`PlatformError::Invalid`] when several
    /// begin like that.
    pub fn remove_prompt(
        &self,
        workload: &WorkloadName,
        digest: &str,
        actor: &str,
    ) -> Result<PromptInfo, PlatformError> {
        let _changing = self.changing();
        let workload = self.workload(workload)?;
        let all = self.store.registered_prompts().list()?;
        let mut fitting = all
            .into_iter()
            .filter(|p| p.workload == workload.id && !digest.is_empty() && p.digest.starts_with(digest));
        let prompt = fitting.next().ok_or_else(|| {
            PlatformError::NotFound(format!("prompt `{digest}` of workload `{}`", workload.name))
        })?;
        if fitting.next().is_some() {
            return Err(PlatformError::Invalid(format!("several prompts begin with `{digest}`")));
        }
        let detail = [("workload", workload.id.to_string()), ("digest", prompt.digest.clone())];
        self.journal.admin("prompt.remove", actor, detail)?;
        self.store.registered_prompts().remove(workload.id, &prompt.digest)?;
        self.reload()?;
        Ok(info(workload.name.to_string(), prompt))
    }
}

fn info(workload: String, prompt: RegisteredPrompt) -> PromptInfo {
    PromptInfo { workload, digest: prompt.digest, note: prompt.note, created: prompt.created }
}
