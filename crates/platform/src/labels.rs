//! Labelled texts, and what is remembered of labelled conversations. Neither is kept as text: digests under a key of the key
//! ring, which is not in the data directory.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use stockade_crypto::{CryptoError, KeyRing, KeyRole, from_hex, to_hex};
use stockade_domain::{Clock, Label, Micros};
use stockade_gateway::labels::{LabelKey, LabelRules, Labels, MarkId, Marks, SavedMark};
use stockade_inspect::excerpt::{Excerpts, Print, split};
use stockade_store::{LabelMark, LabelledText, Store};

use crate::audit::Journal;
use crate::error::PlatformError;

/// The longest name of a text, in bytes.
const MAX_NAME: usize = 200;

/// So many digests all texts have together, at most: they are kept in memory, some 40 bytes each.
const MAX_DIGESTS: usize = 4_000_000;

/// Labelled texts and conversations.
pub struct LabelBook {
    store: Store,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    key: LabelKey,
    registered: Arc<ArcSwap<Excerpts<Label>>>,
    marks: Arc<Marks>,
    changes: Mutex<()>,
}

/// A labelled text, as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledInfo {
    /// A keyed digest of it, in hexadecimal.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The label of its paragraphs.
    pub label: String,
    /// How many paragraphs it has that are long enough to be known by.
    pub paragraphs: usize,
    /// How many are too short; known when it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<usize>,
    /// When it was registered.
    pub created: Micros,
}

/// What is known of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledAs {
    /// The labels of registered paragraphs that stand in it, with the names of their texts.
    pub found: Vec<(String, String)>,
}

impl LabelBook {
    pub(crate) fn open(
        store: Store,
        journal: Arc<Journal>,
        ring: &KeyRing,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PlatformError> {
        let mac = ring.mac_key(KeyRole::Fingerprint, 1, b"labels").map_err(|CryptoError| CryptoError)?;
        let key = LabelKey::new(mac);
        let marks = Arc::new(Marks::new(Arc::clone(&clock)));
        marks.restore(store.label_marks().list()?.into_iter().filter_map(read));
        let registered = Arc::new(ArcSwap::from_pointee(Excerpts::new(key.excerpts.clone())));
        let book = Self { store, journal, clock, key, registered, marks, changes: Mutex::new(()) };
        book.reload()?;
        Ok(book)
    }

    /// What the gateway knows labels by.
    #[must_use]
    pub fn gateway(&self, rules: Arc<ArcSwap<LabelRules>>) -> Labels {
        Labels {
            key: self.key.clone(),
            rules,
            registered: Arc::clone(&self.registered),
            marks: Arc::clone(&self.marks),
        }
    }

    /// How many conversations and lines of answers are remembered.
    #[must_use]
    pub fn marks(&self) -> &Arc<Marks> {
        &self.marks
    }

    /// How many paragraphs are registered.
    #[must_use]
    pub fn paragraphs(&self) -> usize {
        self.registered.load().len()
    }

    /// Registers the paragraphs of a text under a label. The record is durable before they count.
    ///
    /// # Errors
    /// [`PlatformError::Invalid`] for a text without a paragraph that is long enough, a name of more than a line, or too
    /// many paragraphs.
    pub fn add(
        &self,
        name: &str,
        label: &Label,
        text: &str,
        actor: &str,
    ) -> Result<LabelledInfo, PlatformError> {
        let invalid = |message: String| Err(PlatformError::Invalid(message));
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return invalid(format!("a name is one line of at most {MAX_NAME} bytes"));
        }
        let split = split(&self.key.excerpts, text);
        if split.prints.is_empty() {
            return invalid(format!(
                "`{name}` has no paragraph of 6 words and 24 letters: what is shorter stands in other texts by chance. \
                 A rule with a pattern tells short texts"
            ));
        }
        let _changing = self.changes.lock();
        let all = self.store.labelled_texts().list()?;
        let digests = |prints: &str| {
            serde_json::from_str::<Vec<Print>>(prints).map_or(0, |all| all.iter().map(Print::len).sum())
        };
        let known: usize = all.iter().map(|text| digests(&text.prints)).sum();
        let new: usize = split.prints.iter().map(Print::len).sum();
        if known.saturating_add(new) > MAX_DIGESTS {
            return invalid(
                "so many paragraphs are registered that there is no room for these: remove some".to_owned(),
            );
        }
        let prints = serde_json::to_string(&split.prints)
            .map_err(|error| PlatformError::Invalid(format!("the digests cannot be written: {error}")))?;
        let id = self.key.id_of(&prints);
        let paragraphs = split.prints.len();
        let kept = LabelledText {
            id: to_hex(&id),
            name: name.to_owned(),
            label: label.to_string(),
            paragraphs: i64::try_from(paragraphs).unwrap_or(i64::MAX),
            prints,
            created: self.clock.now(),
        };
        let detail = [
            ("text", kept.id.clone()),
            ("label", kept.label.clone()),
            ("paragraphs", paragraphs.to_string()),
        ];
        self.journal.admin("label.add", actor, detail)?;
        self.store.labelled_texts().put(&kept)?;
        self.reload()?;
        Ok(LabelledInfo { short: Some(split.short), ..info(kept) })
    }

    /// All registered texts, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self) -> Result<Vec<LabelledInfo>, PlatformError> {
        let mut all: Vec<LabelledInfo> = self.store.labelled_texts().list()?.into_iter().map(info).collect();
        all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(all)
    }

    /// Forgets a text, by its id, the beginning of it, or its name. Conversations that had it keep their label.
    ///
    /// # Errors
    /// [`PlatformError::NotFound`] when there is none, [`PlatformError::Invalid`] when several fit.
    pub fn remove(&self, which: &str, actor: &str) -> Result<LabelledInfo, PlatformError> {
        let _changing = self.changes.lock();
        let fits =
            |text: &LabelledText| text.name == which || (which.len() >= 4 && text.id.starts_with(which));
        let mut fitting = self.store.labelled_texts().list()?.into_iter().filter(fits);
        let text =
            fitting.next().ok_or_else(|| PlatformError::NotFound(format!("labelled text `{which}`")))?;
        if fitting.next().is_some() {
            return Err(PlatformError::Invalid(format!("several texts fit `{which}`: give the id")));
        }
        let detail = [("text", text.id.clone()), ("label", text.label.clone())];
        self.journal.admin("label.remove", actor, detail)?;
        self.store.labelled_texts().remove(&text.id)?;
        self.reload()?;
        Ok(info(text))
    }

    /// Which registered paragraphs stand in a text.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn check(&self, text: &str) -> Result<LabelledAs, PlatformError> {
        let mut all = Excerpts::new(self.key.excerpts.clone());
        for known in self.store.labelled_texts().list()? {
            for print in prints(&known)? {
                all.insert(&print, (known.label.clone(), known.name.clone()));
            }
        }
        let mut found: Vec<(String, String)> = all.found_in(text).cloned().collect();
        found.sort();
        found.dedup();
        Ok(LabelledAs { found })
    }

    /// Saves what is remembered of conversations. Blocks.
    ///
    /// # Errors
    /// When the store cannot be written; it is tried again with the next call.
    pub fn save(&self) -> Result<(), PlatformError> {
        let changes = self.marks.take_changes();
        if changes.is_empty() {
            return Ok(());
        }
        let rows: Vec<LabelMark> = changes.iter().map(written).collect();
        let saved = self.store.label_marks().write(&rows);
        if saved.is_err() {
            self.marks.put_back(changes);
        }
        Ok(saved?)
    }

    fn reload(&self) -> Result<(), PlatformError> {
        let mut all = Excerpts::new(self.key.excerpts.clone());
        for known in self.store.labelled_texts().list()? {
            let label = Label::new(&known.label);
            prints(&known)?.iter().for_each(|print| all.insert(print, label.clone()));
        }
        self.registered.store(Arc::new(all));
        Ok(())
    }
}

impl std::fmt::Debug for LabelBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabelBook").field("paragraphs", &self.paragraphs()).finish_non_exhaustive()
    }
}

fn prints(text: &LabelledText) -> Result<Vec<Print>, PlatformError> {
    serde_json::from_str(&text.prints).map_err(|error| {
        PlatformError::Invalid(format!("the digests of `{}` are damaged: {error}", text.name))
    })
}

fn info(text: LabelledText) -> LabelledInfo {
    let paragraphs = usize::try_from(text.paragraphs).unwrap_or_default();
    let LabelledText { id, name, label, created, .. } = text;
    LabelledInfo { id, name, label, paragraphs, short: None, created }
}

const LINE: &str = "line";
const CONVERSATION: &str = "conversation";

fn written(saved: &SavedMark) -> LabelMark {
    LabelMark {
        kind: if saved.id.is_line { LINE } else { CONVERSATION }.to_owned(),
        digest: to_hex(&saved.id.digest),
        mark: saved.mark.as_ref().map(|(label, until)| (label.to_string(), *until)),
    }
}

/// A mark in words that this version does not know is none.
fn read(row: LabelMark) -> Option<SavedMark> {
    let is_line = match row.kind.as_str() {
        LINE => true,
        CONVERSATION => false,
        _ => return None,
    };
    let digest = from_hex(&row.digest)?.try_into().ok()?;
    let (label, until) = row.mark?;
    Some(SavedMark { id: MarkId { is_line, digest }, mark: Some((Label::new(&label), until)) })
}
