use std::time::Duration;

use stockade_gateway::ports::{AuthError, KeyDirectory as _};
use stockade_platform::{KeyState, PLAYGROUND, PlatformError, WorkloadChange};

use crate::support::Place;

#[test]
fn a_first_run_makes_one_workload_and_its_key_outlives_a_restart() {
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap();
    assert_eq!(workload.name.as_str(), PLAYGROUND);
    assert!(platform.roster.first_workload().unwrap().is_none());
    let key = platform.roster.create_key(&workload.name, Some(Duration::from_secs(60)), "", "cli").unwrap();
    let grant = platform.roster.directory().authenticate(key.text.reveal()).unwrap();
    assert_eq!(grant.caller.workload.id, workload.id);
    platform.close().unwrap();
    drop(platform);

    let platform = place.open();
    assert!(platform.roster.directory().authenticate(key.text.reveal()).is_ok());
    let listed = platform.roster.list_keys().unwrap();
    assert_eq!((listed.len(), listed[0].state), (1, KeyState::Good));
    assert!(listed[0].last_used.is_some(), "uses are written down at the end");
    place.clock.advance(61);
    assert_eq!(platform.roster.list_keys().unwrap()[0].state, KeyState::Expired);
    let refused = platform.roster.directory().authenticate(key.text.reveal()).unwrap_err();
    assert_eq!(refused, AuthError::Expired);
}

#[tokio::test]
async fn a_revoked_key_ends_what_runs_and_stays_revoked() {
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap();
    let key = platform.roster.create_key(&workload.name, None, "a note", "cli").unwrap();
    let grant = platform.roster.directory().authenticate(key.text.reveal()).unwrap();
    assert!(platform.roster.revoke_key(&key.info.short_id, "cli").unwrap());
    grant.lease.ended.await;
    assert!(!platform.roster.revoke_key(&key.info.id.to_string(), "cli").unwrap(), "the first time stays");
    platform.close().unwrap();
    drop(platform);
    let platform = place.open();
    let refused = platform.roster.directory().authenticate(key.text.reveal()).unwrap_err();
    assert_eq!(refused, AuthError::Revoked);
    assert!(matches!(platform.roster.revoke_key("0123456789", "cli"), Err(PlatformError::NotFound(_))));
}

#[test]
fn a_change_of_a_workload_is_seen_by_the_next_request() {
    let place = Place::new();
    let platform = place.open();
    let name = "reports".parse().unwrap();
    platform.roster.create_workload(&name, &WorkloadChange::default(), "cli").unwrap();
    let again = platform.roster.create_workload(&name, &WorkloadChange::default(), "cli");
    assert!(matches!(again, Err(PlatformError::Conflict(_))));
    let key = platform.roster.create_key(&name, None, "", "cli").unwrap();
    let change = WorkloadChange { models: Some(vec!["gpt-*".to_owned()]), ..WorkloadChange::default() };
    platform.roster.set_workload(&name, &change, "cli").unwrap();
    let grant = platform.roster.directory().authenticate(key.text.reveal()).unwrap();
    assert_eq!(grant.caller.workload.models, ["gpt-*"]);
    let bad = WorkloadChange { tools: Some(vec![String::new()]), ..WorkloadChange::default() };
    assert!(matches!(platform.roster.set_workload(&name, &bad, "cli"), Err(PlatformError::Invalid(_))));
}

#[test]
fn nothing_is_done_without_its_record() {
    let place = Place::new();
    let platform = place.open();
    let workload = platform.roster.first_workload().unwrap().unwrap();
    platform.journal.ledger().close().unwrap();
    assert!(platform.roster.create_key(&workload.name, None, "", "cli").is_err());
    assert!(platform.sessions.new_link("cli").is_err());
    drop(platform);
    assert!(place.open().roster.list_keys().unwrap().is_empty());
}
