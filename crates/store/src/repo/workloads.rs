//! Workloads: whom keys belong to.

use stockade_domain::{Label, Micros, TenantId, Workload, WorkloadId, WorkloadName};

use super::repository;
use crate::error::StoreError;
use crate::value::{Row, Value};

repository! {
    /// The repository of workloads.
    Workloads
}

/// A workload with the times of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWorkload {
    /// The workload.
    pub workload: Workload,
    /// When it was made.
    pub created: Micros,
    /// When it was last changed.
    pub updated: Micros,
}

const COLUMNS: &str =
    "id, tenant, name, audience, exposure, owner, label, models, tools, traits, created, updated";

impl Workloads<'_> {
    /// Adds a workload.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id, or its name in its tenant, is taken.
    pub fn create(&self, workload: &Workload, now: Micros) -> Result<(), StoreError> {
        let mut params = fields(workload)?;
        params.extend([now.into(), now.into()]);
        let sql = format!(
            "INSERT INTO workloads ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        );
        self.db.execute(&sql, &params).map(drop)
    }

    /// Replaces a workload's fields; `false` when there is none with its id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its new name is taken.
    pub fn update(&self, workload: &Workload, now: Micros) -> Result<bool, StoreError> {
        let mut params = fields(workload)?;
        params.push(now.into());
        let sql = "UPDATE workloads SET tenant = $2, name = $3, audience = $4, exposure = $5, owner = $6, label = $7, \
                   models = $8, tools = $9, traits = $10, updated = $11 WHERE id = $1";
        Ok(self.db.execute(sql, &params)? == 1)
    }

    /// The workload with an id.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn get(&self, id: WorkloadId) -> Result<Option<StoredWorkload>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM workloads WHERE id = $1");
        self.db.query(&sql, &[Value::show(id)])?.first().map(read).transpose()
    }

    /// The workload with a name.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn by_name(
        &self,
        tenant: &TenantId,
        name: &WorkloadName,
    ) -> Result<Option<StoredWorkload>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM workloads WHERE tenant = $1 AND name = $2");
        self.db.query(&sql, &[tenant.as_str().into(), name.as_str().into()])?.first().map(read).transpose()
    }

    /// All workloads, by tenant and name.
    ///
    /// # Errors
    /// When the database fails or holds something invalid.
    pub fn list(&self) -> Result<Vec<StoredWorkload>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM workloads ORDER BY tenant, name");
        self.db.query(&sql, &[])?.iter().map(read).collect()
    }
}

fn fields(workload: &Workload) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        Value::show(workload.id),
        workload.tenant.as_str().into(),
        workload.name.as_str().into(),
        workload.audience.as_str().into(),
        workload.exposure.as_str().into(),
        workload.owner.as_str().into(),
        workload.label.as_str().into(),
        Value::json(&workload.models)?,
        Value::json(&workload.tools)?,
        Value::json(&workload.traits)?,
    ])
}

fn read(row: &Row) -> Result<StoredWorkload, StoreError> {
    let workload = Workload {
        id: row.parse(0)?,
        tenant: TenantId::new(row.text(1)?),
        name: row.parse(2)?,
        audience: row.parse(3)?,
        exposure: row.parse(4)?,
        owner: row.text(5)?.to_owned(),
        label: Label::new(row.text(6)?),
        models: row.json(7)?,
        tools: row.json(8)?,
        traits: row.json(9)?,
    };
    Ok(StoredWorkload { workload, created: row.time(10)?, updated: row.time(11)? })
}
