//! The index of requests. The ledger is the record; this is where a person finds the entry. It is written in batches,
//! off the path of a request, and can be made again from the ledger.

use std::collections::BTreeMap;

use stockade_domain::{Effect, EndReason, KeyId, Micros, RequestId, WorkloadId};

use super::repository;
use super::settings::{Settings, set};
use crate::error::StoreError;
use crate::value::{Row, Value};

repository! {
    /// The repository of the request index.
    Requests
}

/// The setting that says up to which entry the index is complete.
const COMPLETE: &str = "index.next";

/// How many rows a page may have.
const MAX_PAGE: u32 = 1_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Its id; ids sort by time.
    pub id: RequestId,
    /// When it came.
    pub time: Micros,
    /// The workload that asked.
    pub workload: WorkloadId,
    /// The key that was used, if it was a key.
    pub key: Option<KeyId>,
    /// Surface, for example `openai.chat`.
    pub surface: String,
    /// The model; empty where there is none.
    pub model: String,
    /// The upstream that answered; empty where none did.
    pub upstream: String,
    /// What was decided.
    pub effect: Effect,
    /// The HTTP status that the client got; 0 as long as it has none.
    pub status: u16,
    /// How it ended; absent as long as it has not.
    pub end: Option<EndReason>,
    /// Counts of findings and the like, by stable names.
    pub counts: BTreeMap<String, u64>,
    /// The number of its intent entry in the ledger.
    pub intent_index: Option<u64>,
    /// The number of its outcome entry in the ledger.
    pub outcome_index: Option<u64>,
    /// From its first byte to its end, in microseconds.
    pub duration_us: u64,
}

/// Requests of one workload that came to the same, for counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// The workload that asked.
    pub workload: WorkloadId,
    /// What was decided.
    pub effect: Effect,
    /// As of [`RequestRow::counts`].
    pub counts: BTreeMap<String, u64>,
    /// How many requests.
    pub requests: u64,
    /// When the last of them came.
    pub last: Micros,
}

/// Which requests to list: those that fit everything that is given, newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Of this workload.
    pub workload: Option<WorkloadId>,
    /// With this decision.
    pub effect: Option<Effect>,
    /// With this HTTP status.
    pub status: Option<u16>,
    /// With this end.
    pub end: Option<EndReason>,
    /// Older than this one: the last id of the page before.
    pub before: Option<RequestId>,
}

const COLUMNS: &str = "id, time, workload, api_key, surface, model, upstream, effect, status, end_reason, counts, \
                       intent_index, outcome_index, duration_us";

const UPSERT: &str = "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
    ON CONFLICT (id) DO UPDATE SET upstream = excluded.upstream, effect = excluded.effect, status = excluded.status, \
    end_reason = COALESCE(excluded.end_reason, requests.end_reason), counts = excluded.counts, \
    intent_index = COALESCE(excluded.intent_index, requests.intent_index), \
    outcome_index = COALESCE(excluded.outcome_index, requests.outcome_index), duration_us = excluded.duration_us";

impl Requests<'_> {
    /// Writes requests, new ones and ones that went on, and up to which entry of the ledger the index is then complete, in
    /// one transaction that does not wait for the disk. Ledger numbers and an end that are there already are not taken
    /// away.
    ///
    /// # Errors
    /// When the database fails; then nothing is written.
    pub fn write(&self, rows: &[RequestRow], complete: Option<u64>) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO requests ({COLUMNS}) {UPSERT}");
        self.db.transaction_soon(&mut |tx| {
            rows.iter().try_for_each(|row| tx.execute(&sql, &fields(row)?).map(drop))?;
            complete.map_or(Ok(()), |next| set(tx, COMPLETE, &next.to_string()))
        })
    }

    /// Up to which entry of the ledger the index is complete.
    ///
    /// # Errors
    /// When the database fails.
    pub fn complete(&self) -> Result<u64, StoreError> {
        Ok(Settings::new(self.db).get(COMPLETE)?.and_then(|n| n.parse().ok()).unwrap_or(0))
    }

    /// The request with an id.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn get(&self, id: RequestId) -> Result<Option<RequestRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = $1");
        self.db.query(&sql, &[Value::show(id)])?.first().map(read).transpose()
    }

    /// A page of requests, newest first. At most 1,000 whatever `limit` says.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self, filter: &RequestFilter, limit: u32) -> Result<Vec<RequestRow>, StoreError> {
        let mut conditions = String::from("1 = 1");
        let mut params = Vec::new();
        let mut add = |condition: &str, value: Value| {
            params.push(value);
            conditions.push_str(&format!(" AND {condition} ${}", params.len()));
        };
        if let Some(id) = filter.workload {
            add("workload =", Value::show(id));
        }
        // The indexes of what is rare are for denials and for ends other than `completed`, and are taken where a query says
        // so in the same words (<https://www.sqlite.org/partialindex.html>, section 3).
        let mut rare = String::new();
        match filter.effect {
            Some(Effect::Deny) => rare.push_str(" AND effect = 'deny'"),
            Some(effect) => add("effect =", Value::word(&effect)?),
            None => {}
        }
        if filter.end.is_some_and(|end| end != EndReason::Completed) {
            rare.push_str(" AND end_reason <> 'completed'");
        }
        if let Some(status) = filter.status {
            add("status =", i64::from(status).into());
        }
        if let Some(end) = filter.end {
            add("end_reason =", Value::word(&end)?);
        }
        if let Some(id) = filter.before {
            add("id <", Value::show(id));
        }
        let limit = limit.min(MAX_PAGE);
        let sql =
            format!("SELECT {COLUMNS} FROM requests WHERE {conditions}{rare} ORDER BY id DESC LIMIT {limit}");
        self.db.query(&sql, &params)?.iter().map(read).collect()
    }

    /// What the newest requests since a time came to, at most `limit` of them: counted in the database, since it is asked
    /// for with each look at the overview, and most requests come to the same.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn recent(&self, since: Micros, limit: u32) -> Result<Vec<Recent>, StoreError> {
        let sql = format!(
            "SELECT workload, effect, counts, COUNT(*), MAX(time) FROM \
             (SELECT workload, effect, counts, time FROM requests WHERE id >= $1 ORDER BY id DESC LIMIT {limit}) AS newest \
             GROUP BY workload, effect, counts"
        );
        let read = |row: &Row| {
            Ok(Recent {
                workload: row.parse(0)?,
                effect: row.word(1)?,
                counts: row.json(2)?,
                requests: row.count(3)?,
                last: row.time(4)?,
            })
        };
        self.db.query(&sql, &[Value::show(RequestId::new(since, [0; 10]))])?.iter().map(read).collect()
    }

    /// Forgets requests that came before a time, at most `limit`; gives how many. Call it until it gives 0.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_before(&self, time: Micros, limit: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE time < $1 ORDER BY time LIMIT $2)";
        self.db.execute(sql, &[time.into(), i64::from(limit).into()])
    }
}

fn fields(row: &RequestRow) -> Result<[Value; 14], StoreError> {
    Ok([
        Value::show(row.id),
        row.time.into(),
        Value::show(row.workload),
        // The column is older than callers without a key: none is empty.
        row.key.map_or_else(|| "".into(), Value::show),
        row.surface.as_str().into(),
        row.model.as_str().into(),
        row.upstream.as_str().into(),
        Value::word(&row.effect)?,
        i64::from(row.status).into(),
        row.end.map_or(Ok(Value::Null), |end| Value::word(&end))?,
        Value::json(&row.counts)?,
        row.intent_index.map_or(Value::Null, Value::count),
        row.outcome_index.map_or(Value::Null, Value::count),
        Value::count(row.duration_us),
    ])
}

fn read(row: &Row) -> Result<RequestRow, StoreError> {
    let maybe = |column| row.maybe_int(column)?.map(|_| row.count(column)).transpose();
    Ok(RequestRow {
        id: row.parse(0)?,
        time: row.time(1)?,
        workload: row.parse(2)?,
        key: if row.text(3)?.is_empty() { None } else { Some(row.parse(3)?) },
        surface: row.text(4)?.to_owned(),
        model: row.text(5)?.to_owned(),
        upstream: row.text(6)?.to_owned(),
        effect: row.word(7)?,
        status: row.count(8)?,
        end: if row.is_null(9) { None } else { Some(row.word(9)?) },
        counts: row.json(10)?,
        intent_index: maybe(11)?,
        outcome_index: maybe(12)?,
        duration_us: row.count(13)?,
    })
}
