//! What every driver has to do, generic over the database. A new driver calls [`suite!`] with a function that gives a
//! fresh, empty database, and is right when all of it passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stockade_domain::{Effect, EndReason, RequestId, WorkloadId};
use stockade_store::{
    ApiToken, Db, LabelMark, LabelledText, MIGRATIONS, RegisteredPrompt, RequestFilter, RequestRow, Sql,
    Store, StoreError, UsageCounter, Value, migrate,
};

use crate::samples::{NOW, at, counter, key, mark, request, text, workload};

/// Declares one test for each check, over the databases that `$fresh` makes. `$fresh` gives something to keep alive
/// beside the database.
macro_rules! suite {
    ($fresh:expr; $($check:ident),+ $(,)?) => {
        $(#[test]
        fn $check() {
            let (_keep, db) = $fresh;
            crate::conformance::$check(db);
        })+
    };
    ($fresh:expr) => {
        crate::conformance::suite! { $fresh;
            parameters_are_bound_by_number, a_failed_transaction_leaves_nothing, values_round_trip,
            migrations_run_once_and_never_backwards, workloads_are_kept_and_changed, names_are_unique_in_a_tenant,
            keys_are_found_by_short_id, keys_belong_to_workloads_and_are_unique, a_key_is_revoked_once,
            last_use_only_moves_forward, validity_has_sharp_edges, requests_are_paged_newest_first,
            requests_are_filtered, a_request_goes_on, old_requests_are_forgotten, a_link_opens_once_for_one,
            links_and_sessions_run_out, tokens_are_revoked_once, settings_are_set_and_drawn_once, prompts_are_registered,
            use_is_replaced_and_forgotten, labels_are_kept_replaced_and_forgotten, newest_requests_are_counted_by_what_they_came_to, hostile_texts_are_only_texts,
        }
    };
}

pub(crate) use suite;

type Database = Arc<dyn Db>;

fn store(db: Database) -> Store {
    Store::new(db, NOW).unwrap()
}

pub(crate) fn parameters_are_bound_by_number(db: Database) {
    let params = [Value::Int(1), Value::from("two"), Value::Int(3)];
    let rows = db.query("SELECT $3, $1, $3, $2", &params).unwrap();
    let row = rows.first().unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap(), row.int(2).unwrap()), (3, 1, 3));
    assert_eq!(row.text(3).unwrap(), "two");
    assert!(db.query("SELECT $1", &params).is_err());
    assert!(db.query("SELECT nothing FROM nowhere", &[]).is_err());
}

pub(crate) fn a_failed_transaction_leaves_nothing(db: Database) {
    let store = store(Arc::clone(&db));
    let insert = "INSERT INTO settings (name, value) VALUES ($1, $2)";
    let error = db.transaction(&mut |tx: &dyn Sql| {
        tx.execute(insert, &["a".into(), "b".into()])?;
        assert_eq!(tx.query("SELECT value FROM settings", &[])?.len(), 1);
        Err(StoreError::Data("on purpose".to_owned()))
    });
    assert_eq!(error.unwrap_err().code(), "store_data");
    assert_eq!(store.settings().get("a").unwrap(), None);
    db.transaction(&mut |tx| tx.execute(insert, &["a".into(), "b".into()]).map(drop)).unwrap();
    assert_eq!(store.settings().get("a").unwrap().as_deref(), Some("b"));
}

pub(crate) fn values_round_trip(db: Database) {
    for number in [0, 1, -1, i64::MAX, i64::MIN] {
        let rows = db.query("SELECT CAST($1 AS BIGINT)", &[Value::Int(number)]).unwrap();
        assert_eq!(rows.first().unwrap().int(0).unwrap(), number);
    }
    for text in ["", "a'b\"c", "日本語 🦀", "line\nline\ttab"] {
        let rows = db.query("SELECT CAST($1 AS TEXT)", &[text.into()]).unwrap();
        assert_eq!(rows.first().unwrap().text(0).unwrap(), text);
    }
    let rows = db.query("SELECT CAST($1 AS BIGINT)", &[Value::Null]).unwrap();
    assert_eq!(rows.first().unwrap().maybe_int(0).unwrap(), None);
    assert_eq!(rows.first().unwrap().int(0).unwrap_err().code(), "store_data");
}

pub(crate) fn migrations_run_once_and_never_backwards(db: Database) {
    let newest = MIGRATIONS.last().unwrap().version;
    assert_eq!(migrate(db.as_ref(), NOW).unwrap(), 0);
    assert_eq!(migrate(db.as_ref(), NOW).unwrap(), newest);
    let sql = "INSERT INTO schema_version (version, applied) VALUES ($1, $2)";
    db.execute(sql, &[Value::Int(newest + 1), NOW.into()]).unwrap();
    let error = migrate(db.as_ref(), NOW).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found, known } if found == newest + 1 && known == newest));
    assert!(error.to_string().contains("newer version"));
}

pub(crate) fn workloads_are_kept_and_changed(db: Database) {
    let store = store(db);
    let mut first = workload("first");
    store.workloads().create(&first, NOW).unwrap();
    store.workloads().create(&workload("a-second"), NOW).unwrap();
    let kept = store.workloads().get(first.id).unwrap().unwrap();
    assert_eq!((&kept.workload, kept.created, kept.updated), (&first, NOW, NOW));

    first.traits = vec!["asserts_users".to_owned()];
    first.name = "renamed".parse().unwrap();
    assert!(store.workloads().update(&first, at(5)).unwrap());
    let kept = store.workloads().by_name(&first.tenant, &first.name).unwrap().unwrap();
    assert_eq!((&kept.workload, kept.created, kept.updated), (&first, NOW, at(5)));
    let names: Vec<_> =
        store.workloads().list().unwrap().into_iter().map(|w| w.workload.name.to_string()).collect();
    assert_eq!(names, ["a-second", "renamed"]);
    assert!(!store.workloads().update(&workload("absent"), NOW).unwrap());
    assert!(store.workloads().get(workload("absent").id).unwrap().is_none());
}

pub(crate) fn names_are_unique_in_a_tenant(db: Database) {
    let store = store(db);
    let first = workload("same");
    store.workloads().create(&first, NOW).unwrap();
    let mut second = workload("other");
    store.workloads().create(&second, NOW).unwrap();
    second.name = first.name.clone();
    assert_eq!(store.workloads().update(&second, NOW).unwrap_err().code(), "store_conflict");
    second.id = WorkloadId::new(NOW, [99; 10]);
    assert_eq!(store.workloads().create(&second, NOW).unwrap_err().code(), "store_conflict");
    second.tenant = stockade_domain::TenantId::new("elsewhere");
    store.workloads().create(&second, NOW).unwrap();
}

pub(crate) fn keys_are_found_by_short_id(db: Database) {
    let store = store(db);
    let (one, two) = (workload("one"), workload("two"));
    store.workloads().create(&one, NOW).unwrap();
    store.workloads().create(&two, NOW).unwrap();
    let keys = [key(1, one.id), key(2, two.id), key(3, one.id)];
    for key in &keys {
        store.keys().create(key).unwrap();
    }
    assert_eq!(store.keys().by_short_id("short00002").unwrap().as_ref(), Some(&keys[1]));
    assert_eq!(store.keys().by_short_id("short0000").unwrap(), None);
    assert_eq!(store.keys().get(keys[2].id).unwrap().as_ref(), Some(&keys[2]));
    assert_eq!(store.keys().list(None).unwrap(), keys);
    assert_eq!(store.keys().list(Some(one.id)).unwrap(), [keys[0].clone(), keys[2].clone()]);
}

pub(crate) fn keys_belong_to_workloads_and_are_unique(db: Database) {
    let store = store(db);
    let owner = workload("one");
    assert_eq!(store.keys().create(&key(1, owner.id)).unwrap_err().code(), "store_conflict");
    store.workloads().create(&owner, NOW).unwrap();
    store.keys().create(&key(1, owner.id)).unwrap();
    let mut twin = key(2, owner.id);
    twin.short_id = "short00001".to_owned();
    assert_eq!(store.keys().create(&twin).unwrap_err().code(), "store_conflict");
}

pub(crate) fn a_key_is_revoked_once(db: Database) {
    let store = store(db);
    let owner = workload("one");
    store.workloads().create(&owner, NOW).unwrap();
    let key = key(1, owner.id);
    store.keys().create(&key).unwrap();
    assert!(store.keys().revoke(key.id, at(1)).unwrap());
    assert!(!store.keys().revoke(key.id, at(2)).unwrap());
    let kept = store.keys().get(key.id).unwrap().unwrap();
    assert_eq!(kept.revoked, Some(at(1)));
    assert!(!kept.is_valid(NOW));
}

pub(crate) fn last_use_only_moves_forward(db: Database) {
    let store = store(db);
    let owner = workload("one");
    store.workloads().create(&owner, NOW).unwrap();
    let (one, two) = (key(1, owner.id), key(2, owner.id));
    store.keys().create(&one).unwrap();
    store.keys().create(&two).unwrap();
    store.keys().touch(&[(one.id, at(9)), (two.id, at(1)), (one.id, at(3))]).unwrap();
    store.keys().touch(&[]).unwrap();
    let used = |id| store.keys().get(id).unwrap().unwrap().last_used;
    assert_eq!((used(one.id), used(two.id)), (Some(at(9)), Some(at(1))));
}

pub(crate) fn validity_has_sharp_edges(_: Database) {
    let key = key(1, workload("one").id);
    assert!(key.is_valid(NOW) && !key.is_valid(at(3_600)) && key.is_valid(at(3_599)));
}

pub(crate) fn requests_are_paged_newest_first(db: Database) {
    let store = store(db);
    let owner = workload("one").id;
    let rows: Vec<_> = (0..25).map(|second| request(second, owner)).collect();
    store.requests().write(&rows, None).unwrap();
    let mut seen = Vec::new();
    let mut filter = RequestFilter::default();
    loop {
        let page = store.requests().list(&filter, 10).unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(last.id);
        seen.extend(page);
    }
    seen.reverse();
    assert_eq!(seen, rows);
    assert_eq!(store.requests().get(rows[3].id).unwrap().as_ref(), Some(&rows[3]));
    assert_eq!(store.requests().get(RequestId::new(NOW, [0; 10])).unwrap(), None);
}

pub(crate) fn requests_are_filtered(db: Database) {
    let store = store(db);
    let (one, two) = (workload("one").id, workload("two").id);
    let rows: Vec<_> = (0..8).map(|second| request(second, if second < 5 { one } else { two })).collect();
    store.requests().write(&rows, None).unwrap();
    let count = |filter: RequestFilter| store.requests().list(&filter, 100).unwrap().len();
    let all = RequestFilter::default();
    assert_eq!(count(RequestFilter { workload: Some(one), ..all }), 5);
    assert_eq!(count(RequestFilter { effect: Some(Effect::Deny), ..all }), 4);
    assert_eq!(count(RequestFilter { status: Some(403), workload: Some(two), ..all }), 2);
    assert_eq!(count(RequestFilter { end: Some(EndReason::Completed), before: Some(rows[4].id), ..all }), 2);
    assert_eq!(count(RequestFilter { status: Some(500), ..all }), 0);
}

pub(crate) fn a_request_goes_on(db: Database) {
    let store = store(db);
    let mut row = request(2, workload("one").id);
    (row.end, row.status) = (None, 0);
    store.requests().write(std::slice::from_ref(&row), None).unwrap();
    row.outcome_index = Some(9);
    row.intent_index = None;
    row.upstream = "openai".to_owned();
    row.end = Some(EndReason::ClientAborted);
    row.counts.insert("pii".to_owned(), 1);
    store.requests().write(std::slice::from_ref(&row), None).unwrap();
    row.intent_index = Some(2);
    assert_eq!(store.requests().get(row.id).unwrap(), Some(row));
}

pub(crate) fn old_requests_are_forgotten(db: Database) {
    let store = store(db);
    let rows: Vec<_> = (0..10).map(|second| request(second, workload("one").id)).collect();
    store.requests().write(&rows, None).unwrap();
    let forget = || store.requests().forget_before(at(7), 4).unwrap();
    assert_eq!([forget(), forget(), forget()], [4, 3, 0]);
    assert_eq!(store.requests().list(&RequestFilter::default(), 100).unwrap().len(), 3);
}

pub(crate) fn a_link_opens_once_for_one(db: Database) {
    let store = store(db);
    store.signin_links().create("h", NOW, at(600)).unwrap();
    let opened = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                if store.signin_links().consume("h", at(1)).unwrap() {
                    opened.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(opened.into_inner(), 1);
    assert!(!store.signin_links().consume("other", NOW).unwrap());
}

pub(crate) fn links_and_sessions_run_out(db: Database) {
    let store = store(db);
    store.signin_links().create("late", NOW, at(600)).unwrap();
    assert!(!store.signin_links().consume("late", at(600)).unwrap());
    assert!(!store.signin_links().consume("late", at(-1)).unwrap(), "a clock that jumped back");
    assert_eq!(store.signin_links().forget_expired(at(600)).unwrap(), 1);

    store.sessions().create("s", NOW, at(10)).unwrap();
    store.sessions().create("t", NOW, at(99)).unwrap();
    assert_eq!(store.sessions().create("s", NOW, at(10)).unwrap_err().code(), "store_conflict");
    let open = |hash, time| store.sessions().is_open(hash, time).unwrap();
    assert!(open("s", at(9)) && !open("s", at(10)) && !open("u", NOW));
    assert_eq!(store.sessions().forget_expired(at(10)).unwrap(), 1);
    assert!(open("t", at(10)) && store.sessions().end("t").unwrap() && !open("t", at(10)));
    assert!(!store.sessions().end("t").unwrap());
    assert_eq!(store.sessions().end_all().unwrap(), 0);
}

pub(crate) fn tokens_are_revoked_once(db: Database) {
    let store = store(db);
    let token = ApiToken {
        short_id: "A123456789".to_owned(),
        mac: "ab".repeat(32),
        ring_version: 1,
        scope: "records".to_owned(),
        note: "for the dashboard".to_owned(),
        created: NOW,
        expires: at(60),
        revoked: None,
    };
    let tokens = store.api_tokens();
    tokens.create(&token).unwrap();
    assert_eq!(tokens.create(&token).unwrap_err().code(), "store_conflict");
    assert_eq!(tokens.list().unwrap(), std::slice::from_ref(&token));
    assert!(tokens.revoke(&token.short_id, at(1)).unwrap());
    assert!(!tokens.revoke(&token.short_id, at(2)).unwrap() && !tokens.revoke("other", at(2)).unwrap());
    assert_eq!(tokens.list().unwrap()[0].revoked, Some(at(1)));
}

pub(crate) fn settings_are_set_and_drawn_once(db: Database) {
    let store = store(db);
    let settings = store.settings();
    assert_eq!(settings.get("instance").unwrap(), None);
    assert_eq!(settings.get_or_set("instance", "first").unwrap(), "first");
    assert_eq!(settings.get_or_set("instance", "second").unwrap(), "first");
    settings.set("instance", "third").unwrap();
    assert_eq!(settings.get("instance").unwrap().as_deref(), Some("third"));
}

pub(crate) fn prompts_are_registered(db: Database) {
    let store = store(db);
    let owner = workload("one");
    let mut prompt =
        RegisteredPrompt { workload: owner.id, digest: "cd".repeat(32), note: "v1".to_owned(), created: NOW };
    assert_eq!(store.registered_prompts().register(&prompt).unwrap_err().code(), "store_conflict");
    store.workloads().create(&owner, NOW).unwrap();
    store.registered_prompts().register(&prompt).unwrap();
    prompt.note = "v2".to_owned();
    store.registered_prompts().register(&prompt).unwrap();
    assert_eq!(store.registered_prompts().list().unwrap(), [prompt.clone()]);
    assert!(store.registered_prompts().remove(owner.id, &prompt.digest).unwrap());
    assert!(!store.registered_prompts().remove(owner.id, &prompt.digest).unwrap());
}

pub(crate) fn use_is_replaced_and_forgotten(db: Database) {
    let store = store(db);
    let [first, second] = ["a", "b"].map(counter);
    store.usage_counters().write(&[second.clone(), first.clone()]).unwrap();
    assert_eq!(store.usage_counters().list().unwrap(), [first.clone(), second.clone()]);
    let changed = UsageCounter { state: Some("{\"x\":1}".to_owned()), ..first };
    store.usage_counters().write(&[changed.clone(), UsageCounter { state: None, ..second }]).unwrap();
    assert_eq!(store.usage_counters().list().unwrap(), [changed]);
}

pub(crate) fn newest_requests_are_counted_by_what_they_came_to(db: Database) {
    let store = store(db);
    let owner = workload("one");
    let row = |n: i64, injections: u64| RequestRow {
        counts: [("injection".to_owned(), injections)].into(),
        effect: Effect::Permit,
        ..request(n, owner.id)
    };
    store.requests().write(&[row(1, 1), row(2, 2), row(3, 1), row(4, 1)], None).unwrap();
    let counted = |since, limit| {
        let mut all = store.requests().recent(since, limit).unwrap();
        all.sort_by_key(|some| some.counts.clone());
        all.into_iter().map(|some| (some.counts["injection"], some.requests, some.last)).collect::<Vec<_>>()
    };
    assert_eq!(counted(NOW, 100), [(1, 3, at(4)), (2, 1, at(2))]);
    assert_eq!(counted(NOW, 2), [(1, 2, at(4))]);
    assert_eq!(counted(at(2), 100), [(1, 2, at(4)), (2, 1, at(2))]);
    assert_eq!(counted(at(5), 100), []);
}

pub(crate) fn labels_are_kept_replaced_and_forgotten(db: Database) {
    let store = store(db);
    let kept = text("a");
    store.labelled_texts().put(&kept).unwrap();
    let renamed = LabelledText { name: "b".to_owned(), label: "restricted".to_owned(), ..kept };
    store.labelled_texts().put(&renamed).unwrap();
    assert_eq!(store.labelled_texts().list().unwrap(), std::slice::from_ref(&renamed));
    assert!(store.labelled_texts().remove(&renamed.id).unwrap());
    assert!(!store.labelled_texts().remove(&renamed.id).unwrap());
    let [first, second] = ["conversation", "line"].map(mark);
    store.label_marks().write(&[second.clone(), first.clone()]).unwrap();
    assert_eq!(store.label_marks().list().unwrap(), [first.clone(), second.clone()]);
    let raised = LabelMark { mark: Some(("restricted".to_owned(), at(9))), ..first };
    store.label_marks().write(&[raised.clone(), LabelMark { mark: None, ..second }]).unwrap();
    assert_eq!(store.label_marks().list().unwrap(), [raised]);
}

pub(crate) fn hostile_texts_are_only_texts(db: Database) {
    let store = store(db);
    let mut owner = workload("one");
    for text in ["'; DROP TABLE workloads; --", "$1", "%_\\", "{\"a\":1}", "\u{202e}\u{0}x"] {
        text.clone_into(&mut owner.owner);
        owner.models = vec![text.to_owned(), "\",\"".to_owned()];
        // PostgreSQL has no text with a zero byte; a driver may refuse it, and must not change it.
        match store.workloads().get(owner.id).unwrap() {
            None => store.workloads().create(&owner, NOW).unwrap(),
            Some(_) if text.contains('\0') && store.workloads().update(&owner, NOW).is_err() => continue,
            Some(_) => assert!(store.workloads().update(&owner, NOW).unwrap()),
        }
        assert_eq!(store.workloads().get(owner.id).unwrap().unwrap().workload, owner);
    }
}
