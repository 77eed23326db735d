//! Texts whose paragraphs carry a label, and what is remembered of labelled conversations. Keyed digests only.

use stockade_domain::Micros;

use super::repository;
use crate::error::StoreError;
use crate::value::{Row, Value};

repository! {
    /// The repository of labelled texts.
    LabelledTexts
}

repository! {
    /// The repository of marks on conversations and answers.
    LabelMarks
}

/// A text whose paragraphs carry a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledText {
    /// A keyed digest of the text, in hexadecimal.
    pub id: String,
    /// What the operator calls it.
    pub name: String,
    /// The label.
    pub label: String,
    /// How many paragraphs it has.
    pub paragraphs: i64,
    /// Digests of its paragraphs, as JSON.
    pub prints: String,
    /// When it was registered.
    pub created: Micros,
}

/// A mark on a conversation or on a line of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMark {
    /// `conversation` or `line`.
    pub kind: String,
    /// A keyed digest, in hexadecimal.
    pub digest: String,
    /// The label and the time until which it is remembered; `None` when it is forgotten.
    pub mark: Option<(String, Micros)>,
}

const COLUMNS: &str = "id, name, label, paragraphs, prints, created";

/// How many texts are read at one time: each may have a megabyte of digests.
const PAGE: usize = 100;

impl LabelledTexts<'_> {
    /// Keeps a text; one that is there already gets the new name and label.
    ///
    /// # Errors
    /// When the database fails.
    pub fn put(&self, text: &LabelledText) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO labelled_texts ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, label = excluded.label"
        );
        let params = [
            text.id.as_str().into(),
            text.name.as_str().into(),
            text.label.as_str().into(),
            Value::Int(text.paragraphs),
            text.prints.as_str().into(),
            text.created.into(),
        ];
        self.db.execute(&sql, &params).map(drop)
    }

    /// Forgets a text; `false` when there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.db.execute("DELETE FROM labelled_texts WHERE id = $1", &[id.into()])? == 1)
    }

    /// All texts, by id.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<LabelledText>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM labelled_texts WHERE id > $1 ORDER BY id LIMIT {PAGE}");
        let mut texts: Vec<LabelledText> = Vec::new();
        loop {
            let after = texts.last().map_or("", |text| text.id.as_str());
            let rows = self.db.query(&sql, &[after.into()])?;
            if rows.is_empty() {
                return Ok(texts);
            }
            for row in &rows {
                texts.push(text(row)?);
            }
        }
    }
}

impl LabelMarks<'_> {
    /// Everything that is remembered.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<LabelMark>, StoreError> {
        let sql = "SELECT kind, digest, label, until FROM label_marks WHERE (kind, digest) > ($1, $2) \
                   ORDER BY kind, digest LIMIT 10000";
        let mut marks: Vec<LabelMark> = Vec::new();
        loop {
            let (kind, digest) =
                marks.last().map_or(("", ""), |mark| (mark.kind.as_str(), mark.digest.as_str()));
            let rows = self.db.query(sql, &[kind.into(), digest.into()])?;
            if rows.is_empty() {
                return Ok(marks);
            }
            for row in &rows {
                marks.push(mark(row)?);
            }
        }
    }

    /// Replaces what is remembered of these, and forgets those without a label. A power loss soon after may take it away
    /// again; the end of the process does not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn write(&self, marks: &[LabelMark]) -> Result<(), StoreError> {
        self.db.transaction_soon(&mut |tx| {
            for LabelMark { kind, digest, mark } in marks {
                let (kind, digest) = (Value::from(kind.as_str()), Value::from(digest.as_str()));
                match mark {
                    Some((label, until)) => {
                        let sql = "INSERT INTO label_marks (kind, digest, label, until) VALUES ($1, $2, $3, $4) \
                                   ON CONFLICT (kind, digest) DO UPDATE SET label = excluded.label, until = excluded.until";
                        tx.execute(sql, &[kind, digest, label.as_str().into(), (*until).into()])?;
                    }
                    None => {
                        let sql = "DELETE FROM label_marks WHERE kind = $1 AND digest = $2";
                        tx.execute(sql, &[kind, digest])?;
                    }
                }
            }
            Ok(())
        })
    }
}

fn text(row: &Row) -> Result<LabelledText, StoreError> {
    Ok(LabelledText {
        id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        label: row.text(2)?.to_owned(),
        paragraphs: row.int(3)?,
        prints: row.text(4)?.to_owned(),
        created: row.time(5)?,
    })
}

fn mark(row: &Row) -> Result<LabelMark, StoreError> {
    Ok(LabelMark {
        kind: row.text(0)?.to_owned(),
        digest: row.text(1)?.to_owned(),
        mark: Some((row.text(2)?.to_owned(), row.time(3)?)),
    })
}
