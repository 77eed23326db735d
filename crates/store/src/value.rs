//! Values that go into statements and come out of rows: the types that both databases share.

use serde::Serialize;
use serde::de::DeserializeOwned;
use stockade_domain::Micros;

use crate::error::StoreError;

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number: times in microseconds, counts, flags.
    Int(i64),
    /// A text: ids, words, JSON, hex.
    Text(String),
}

/// A row of a result; columns are read by position, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(Vec<Value>);

impl Row {
    /// A row of values, as a driver makes it.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// A text.
    ///
    /// # Errors
    /// [`StoreError::Data`] when the column holds something else.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(wrong(column, "a text", other)),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// [`StoreError::Data`] when the column holds something else.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Ok(*number),
            other => Err(wrong(column, "a number", other)),
        }
    }

    /// A number, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Data`] when the column holds something else.
    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.int(column).map(Some),
        }
    }

    /// Whether a column holds nothing.
    pub(crate) fn is_null(&self, column: usize) -> bool {
        matches!(self.0.get(column), Some(Value::Null))
    }

    /// A number of another width.
    pub(crate) fn count<T: TryFrom<i64>>(&self, column: usize) -> Result<T, StoreError> {
        let number = self.int(column)?;
        T::try_from(number)
            .map_err(|_| StoreError::Data(format!("column {column}: {number} is out of range")))
    }

    pub(crate) fn time(&self, column: usize) -> Result<Micros, StoreError> {
        self.int(column).map(Micros::from_i64)
    }

    pub(crate) fn maybe_time(&self, column: usize) -> Result<Option<Micros>, StoreError> {
        Ok(self.maybe_int(column)?.map(Micros::from_i64))
    }

    /// A text in the form that `T` parses.
    pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        column: usize,
    ) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| StoreError::Data(format!("column {column}: {error}")))
    }

    /// A JSON document.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.text(column)?)
            .map_err(|error| StoreError::Data(format!("column {column}: {error}")))
    }

    /// A word that `serde` knows as a variant of an enumeration.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: usize) -> Result<T, StoreError> {
        serde_json::from_value(serde_json::Value::String(self.text(column)?.to_owned()))
            .map_err(|error| StoreError::Data(format!("column {column}: {error}")))
    }
}

impl Value {
    /// An id or other value, in its text form.
    pub(crate) fn show(value: impl std::fmt::Display) -> Self {
        Self::Text(value.to_string())
    }

    /// A JSON document.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, StoreError> {
        serde_json::to_string(value).map(Self::Text).map_err(|error| StoreError::Data(error.to_string()))
    }

    /// The word of a variant.
    pub(crate) fn word(value: &impl Serialize) -> Result<Self, StoreError> {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::String(word)) => Ok(Self::Text(word)),
            Ok(other) => Err(StoreError::Data(format!("{other} is not a word"))),
            Err(error) => Err(StoreError::Data(error.to_string())),
        }
    }

    /// A count; what does not fit stays at the highest.
    pub(crate) fn count(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Micros> for Value {
    fn from(time: Micros) -> Self {
        Self::Int(time.as_i64())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

fn wrong(column: usize, wanted: &str, found: Option<&Value>) -> StoreError {
    let found = match found {
        None => "no such column",
        Some(Value::Null) => "nothing",
        Some(Value::Int(_)) => "a number",
        Some(Value::Text(_)) => "a text",
    };
    StoreError::Data(format!("column {column}: {wanted} was expected, found {found}"))
}
