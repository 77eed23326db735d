//! Use under limits, as it stood when it was saved last.

use super::repository;
use crate::error::StoreError;
use crate::value::Row;

repository! {
    /// The repository of use under limits.
    UsageCounters
}

/// What is kept of the use of one limit by one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageCounter {
    /// The limit's name.
    pub limit: String,
    /// What is counted, as a word.
    pub measure: String,
    /// Over which time, as a word.
    pub window: String,
    /// Whose use it is.
    pub subject: String,
    /// The use, as JSON; `None` when there is none any more.
    pub state: Option<String>,
}

impl UsageCounters<'_> {
    /// Everything that is kept.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<UsageCounter>, StoreError> {
        let mut counters = Vec::new();
        let mut after: [String; 4] = Default::default();
        loop {
            let sql = "SELECT limit_name, measure, time_window, subject, state FROM usage_counters \
                       WHERE (limit_name, measure, time_window, subject) > ($1, $2, $3, $4) \
                       ORDER BY limit_name, measure, time_window, subject LIMIT 10000";
            let params = after.each_ref().map(|part| part.as_str().into());
            let rows = self.db.query(sql, &params)?;
            let Some(last) = rows.last() else { return Ok(counters) };
            let last = read(last)?;
            after = [last.limit, last.measure, last.window, last.subject];
            for row in &rows {
                counters.push(read(row)?);
            }
        }
    }

    /// Replaces what is kept of these, and forgets those without a state. A power loss soon after may take it away again;
    /// the end of the process does not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn write(&self, counters: &[UsageCounter]) -> Result<(), StoreError> {
        self.db.transaction_soon(&mut |tx| {
            for counter in counters {
                let UsageCounter { limit, measure, window, subject, state } = counter;
                let key = [limit, measure, window, subject].map(|part| part.as_str().into());
                match state {
                    Some(state) => {
                        let sql = "INSERT INTO usage_counters (limit_name, measure, time_window, subject, state) \
                                   VALUES ($1, $2, $3, $4, $5) \
                                   ON CONFLICT (limit_name, measure, time_window, subject) \
                                   DO UPDATE SET state = excluded.state";
                        let [limit, measure, window, subject] = key;
                        tx.execute(sql, &[limit, measure, window, subject, state.as_str().into()])?;
                    }
                    None => {
                        let sql = "DELETE FROM usage_counters WHERE limit_name = $1 AND measure = $2 \
                                   AND time_window = $3 AND subject = $4";
                        tx.execute(sql, &key)?;
                    }
                }
            }
            Ok(())
        })
    }
}

fn read(row: &Row) -> Result<UsageCounter, StoreError> {
    Ok(UsageCounter {
        limit: row.text(0)?.to_owned(),
        measure: row.text(1)?.to_owned(),
        window: row.text(2)?.to_owned(),
        subject: row.text(3)?.to_owned(),
        state: Some(row.text(4)?.to_owned()),
    })
}
