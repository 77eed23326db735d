//! What one question shares with the next: Cedar's form of workloads, models, addresses and the second of the clock.
//! Making it anew costs more than the policies do. A cache never changes an answer: what is kept is compared with what
//! is asked about, and made again when it differs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use cedar_policy::{Entity, RestrictedExpression as Expr};
use parking_lot::Mutex;
use stockade_domain::{LabelOrder, Micros, Workload, WorkloadId};

use crate::query::Model;
use crate::request::Unaskable;

/// How many of each kind are kept. When there are more, all are let go: simple, bounded, and rare.
const MAX_KEPT: usize = 1_024;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    workloads: Mutex<HashMap<WorkloadId, Kept>>,
    addresses: Mutex<HashMap<IpAddr, Expr>>,
    second: Mutex<Option<(i64, Expr)>>,
}

/// A workload, and the models that it has asked for.
#[derive(Debug)]
struct Kept {
    workload: Arc<Workload>,
    order: LabelOrder,
    entity: Entity,
    models: HashMap<String, (Model, Entity)>,
}

impl Kept {
    fn is_of(&self, workload: &Arc<Workload>, order: &LabelOrder) -> bool {
        (Arc::ptr_eq(&self.workload, workload) || self.workload == *workload) && self.order == *order
    }
}

impl Cache {
    pub(crate) fn workload(
        &self,
        workload: &Arc<Workload>,
        order: &LabelOrder,
        make: impl FnOnce() -> Result<Entity, Unaskable>,
    ) -> Result<Entity, Unaskable> {
        let mut workloads = self.workloads.lock();
        if let Some(kept) = workloads.get(&workload.id).filter(|kept| kept.is_of(workload, order)) {
            return Ok(kept.entity.clone());
        }
        let entity = make()?;
        let kept = Kept {
            workload: Arc::clone(workload),
            order: order.clone(),
            entity: entity.clone(),
            models: HashMap::new(),
        };
        make_room(&mut workloads);
        workloads.insert(workload.id, kept);
        Ok(entity)
    }

    /// A model as one workload sees it: whether the workload lists it is a part of the entity.
    pub(crate) fn model(
        &self,
        workload: &Arc<Workload>,
        order: &LabelOrder,
        model: &Model,
        make: impl FnOnce() -> Result<Entity, Unaskable>,
    ) -> Result<Entity, Unaskable> {
        let mut workloads = self.workloads.lock();
        let Some(kept) = workloads.get_mut(&workload.id).filter(|kept| kept.is_of(workload, order)) else {
            drop(workloads);
            return make();
        };
        if let Some((_, entity)) = kept.models.get(&model.name).filter(|(known, _)| known == model) {
            return Ok(entity.clone());
        }
        let entity = make()?;
        make_room(&mut kept.models);
        kept.models.insert(model.name.clone(), (model.clone(), entity.clone()));
        Ok(entity)
    }

    pub(crate) fn address(&self, address: IpAddr) -> Expr {
        let mut addresses = self.addresses.lock();
        if let Some(known) = addresses.get(&address) {
            return known.clone();
        }
        // An IPv4 address that came in over an IPv6 socket (RFC 4291 section 2.5.5.2) matches IPv4 ranges.
        let made = Expr::new_ip(address.to_canonical().to_string());
        make_room(&mut addresses);
        addresses.insert(address, made.clone());
        made
    }

    /// The time to the second, which is as fine as policies see it.
    pub(crate) fn second(&self, now: Micros) -> Expr {
        let second = now.as_i64().div_euclid(1_000_000);
        let mut kept = self.second.lock();
        match &*kept {
            Some((known, expr)) if *known == second => expr.clone(),
            _ => {
                let made = Expr::new_datetime(datetime(second));
                *kept = Some((second, made.clone()));
                made
            }
        }
    }
}

/// Cedar's `datetime` is written `YYYY-MM-DDThh:mm:ssZ`.
fn datetime(second: i64) -> String {
    let text = Micros::from_i64(second.saturating_mul(1_000_000)).to_string();
    match text.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => text,
    }
}

fn make_room<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= MAX_KEPT {
        map.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_cedar_reads_them() {
        assert_eq!(datetime(1_795_176_000), "2026-11-20T12:00:00Z");
        assert_eq!(datetime(-1), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn room_is_bounded() {
        let cache = Cache::default();
        for n in 0..3_000_u32 {
            let _ = cache.address(IpAddr::from(n.to_be_bytes()));
        }
        assert!(cache.addresses.lock().len() <= MAX_KEPT);
    }
}
