//! The embedded driver against the conformance suite and a model of the request index.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use stockade_domain::{RequestId, WorkloadId};
use stockade_store::{Db, RequestFilter, RequestRow, SqliteDb, Store};
use tempfile::TempDir;

use crate::conformance;
use crate::samples::{NOW, at, request, workload};

fn fresh() -> (TempDir, Arc<dyn Db>) {
    let dir = TempDir::new().unwrap();
    let db = SqliteDb::open(&dir.path().join("store.db")).unwrap();
    (dir, Arc::new(db))
}

conformance::suite!(fresh());

#[test]
fn what_was_written_is_there_after_opening_again() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("store.db");
    let first = workload("first");
    Store::open(&path, NOW).unwrap().workloads().create(&first, NOW).unwrap();
    let kept = Store::open(&path, at(1)).unwrap().workloads().get(first.id).unwrap().unwrap();
    assert_eq!((kept.workload, kept.created), (first, NOW));
}

/// A write, or a page that is asked for.
#[derive(Debug, Clone)]
enum Step {
    Write(Vec<RequestRow>),
    Forget(i64),
    Page(RequestFilter, u32),
}

fn owner(number: bool) -> WorkloadId {
    workload(if number { "one" } else { "two" }).id
}

prop_compose! {
    fn row()(second in 0_i64..40, first: bool, ended: bool, intent in any::<Option<u32>>(), count in 0..9_u64) -> RequestRow {
        // A request never changes its workload or time, so both follow from its second.
        let mut row = request(second, owner(second % 3 == 0));
        row.end = row.end.filter(|_| ended);
        row.intent_index = intent.map(u64::from);
        row.duration_us = u64::from(first);
        row.counts.insert("pii".to_owned(), count);
        row
    }
}

fn step() -> impl Strategy<Value = Step> {
    let effect = prop_oneof![
        Just(None),
        Just(Some(stockade_domain::Effect::Permit)),
        Just(Some(stockade_domain::Effect::Deny))
    ];
    let filter =
        (any::<Option<bool>>(), effect, prop::option::of(0_i64..40)).prop_map(|(of, effect, before)| {
            RequestFilter {
                workload: of.map(owner),
                effect,
                before: before.map(|second| RequestId::new(at(second), [7; 10])),
                ..RequestFilter::default()
            }
        });
    prop_oneof![
        4 => prop::collection::vec(row(), 0..6).prop_map(Step::Write),
        1 => (0_i64..40).prop_map(Step::Forget),
        3 => (filter, 0_u32..12).prop_map(|(filter, limit)| Step::Page(filter, limit)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_request_index_behaves_like_a_sorted_map(steps in prop::collection::vec(step(), 1..12)) {
        let (_dir, db) = fresh();
        let store = Store::new(db, NOW).unwrap();
        let mut model: BTreeMap<RequestId, RequestRow> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Write(rows) => {
                    store.requests().write(&rows, None).unwrap();
                    for mut row in rows {
                        if let Some(old) = model.get(&row.id) {
                            row.end = row.end.or(old.end);
                            row.intent_index = row.intent_index.or(old.intent_index);
                        }
                        model.insert(row.id, row);
                    }
                }
                Step::Forget(second) => {
                    store.requests().forget_before(at(second), 1_000).unwrap();
                    model.retain(|_, row| row.time >= at(second));
                }
                Step::Page(filter, limit) => {
                    let fits = |row: &&RequestRow| {
                        filter.workload.is_none_or(|w| w == row.workload)
                            && filter.effect.is_none_or(|e| e == row.effect)
                            && filter.before.is_none_or(|id| row.id < id)
                    };
                    let page = store.requests().list(&filter, limit).unwrap();
                    let wanted: Vec<_> = model.values().rev().filter(fits).take(limit as usize).cloned().collect();
                    prop_assert_eq!(page, wanted);
                }
            }
        }
    }

    #[test]
    fn any_workload_comes_back_as_it_was(
        owner in "\\PC{0,40}", label in "\\PC{1,20}", lists in prop::collection::vec("\\PC{0,20}", 0..5),
    ) {
        let (_dir, db) = fresh();
        let store = Store::new(db, NOW).unwrap();
        let mut one = workload("one");
        one.owner = owner;
        one.label = stockade_domain::Label::new(&label);
        one.tools = lists.clone();
        one.traits = lists;
        store.workloads().create(&one, NOW).unwrap();
        prop_assert_eq!(store.workloads().get(one.id).unwrap().unwrap().workload, one);
    }
}
