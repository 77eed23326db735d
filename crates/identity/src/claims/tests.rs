use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::algorithm::Algorithm;

const NOW: i64 = 1_795_176_000;

pub(crate) fn options() -> IssuerOptions {
    IssuerOptions {
        name: "corp".to_owned(),
        issuer: "https://login.example.com".to_owned(),
        jwks_uri: None,
        audiences: vec!["https://ai.example.com".to_owned(), "ai".to_owned()],
        algorithms: Algorithm::DEFAULT.to_vec(),
        types: vec!["at+jwt".to_owned(), "JWT".to_owned()],
        client: ClientRule {
            claim: None,
            workloads: BTreeMap::from([("chat".to_owned(), "assistant".to_owned())]),
            otherwise: None,
        },
        user_claim: Some("sub".to_owned()),
        groups_claim: Some("groups".to_owned()),
        roles_claim: Some("roles".to_owned()),
        required_scopes: Vec::new(),
        clock_skew: Duration::from_secs(10),
        max_age: Duration::from_secs(3_600),
        refresh: Duration::from_secs(600),
        stale: Duration::from_secs(6_000),
        entra_tenant: None,
    }
}

fn good() -> Value {
    serde_json::json!({
        "iss": "https://login.example.com", "aud": "ai", "sub": "alice", "azp": "chat",
        "iat": NOW - 60, "exp": NOW + 240, "jti": "t1", "groups": ["g1", "g2"], "roles": ["r"],
    })
}

fn with(change: Value) -> Object {
    let mut claims = good().as_object().cloned().unwrap();
    for (name, value) in change.as_object().cloned().unwrap() {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    claims
}

fn read_at(claims: &Object, options: &IssuerOptions, seconds: i64) -> Result<Identity, Reason> {
    read(claims, options, Micros::from_i64(seconds * 1_000_000))
}

fn read_with(change: Value) -> Result<Identity, Reason> {
    read_at(&with(change), &options(), NOW)
}

#[test]
fn a_good_token_says_who() {
    let identity = read_with(serde_json::json!({})).unwrap();
    assert_eq!(identity.client.as_deref(), Some("chat"));
    assert_eq!(identity.workload.as_deref(), Some("assistant"));
    assert_eq!(identity.roles, ["corp:r"]);
    assert_eq!(identity.ends, Micros::from_i64((NOW + 240) * 1_000_000));
    let person = identity.person.unwrap();
    assert_eq!((person.id.as_str(), person.groups_known), ("corp:alice", true));
    assert_eq!(person.groups, ["corp:g1", "corp:g2"]);
}

#[test]
fn what_is_refused() {
    use serde_json::json;
    for (change, reason) in [
        (json!({"aud": null}), Reason::Claim),
        (json!({"aud": "AI"}), Reason::Audience),
        (json!({"aud": []}), Reason::Audience),
        (json!({"aud": ["x", "ai "]}), Reason::Audience),
        (json!({"aud": ["ai", 1]}), Reason::Claim),
        (json!({"aud": {"ai": true}}), Reason::Claim),
        (json!({"exp": null}), Reason::Claim),
        (json!({"exp": (NOW + 240).to_string()}), Reason::Claim),
        (json!({"exp": true}), Reason::Claim),
        (json!({"exp": -1}), Reason::Claim),
        (json!({"exp": 1e300}), Reason::Claim),
        (json!({"exp": NOW - 10}), Reason::Expired),
        (json!({"exp": 0}), Reason::Expired),
        (json!({"iat": null}), Reason::Claim),
        (json!({"iat": "1"}), Reason::Claim),
        (json!({"iat": NOW + 11}), Reason::NotYet),
        (json!({"iat": NOW - 3_700}), Reason::TooOld),
        (json!({"nbf": NOW + 11}), Reason::NotYet),
        (json!({"nbf": "0"}), Reason::Claim),
        (json!({"events": {}}), Reason::Event),
        (json!({"cnf": {}}), Reason::Bound),
        (json!({"cnf": {"jwk": {}}}), Reason::Bound),
        (json!({"cnf": {"jkt": "x", "kid": "y"}}), Reason::Bound),
        (json!({"cnf": {"jkt": 1}}), Reason::Claim),
        (json!({"cnf": "x"}), Reason::Claim),
        (json!({"client_id": "other"}), Reason::ClientConflict),
        (json!({"azp": 7}), Reason::Claim),
        (json!({"azp": ["chat"]}), Reason::Claim),
        (json!({"sub": 7}), Reason::Claim),
        (json!({"sub": ""}), Reason::Claim),
        (json!({"sub": "a\nb"}), Reason::Claim),
        (json!({"sub": "x".repeat(257)}), Reason::Claim),
        (json!({"groups": [1]}), Reason::Claim),
        (json!({"groups": {"g1": 1}}), Reason::Claim),
        (json!({"roles": true}), Reason::Claim),
        (json!({"scope": 1}), Reason::Claim),
    ] {
        assert_eq!(read_with(change.clone()), Err(reason), "{change}");
    }
}

#[test]
fn what_is_accepted_beside() {
    use serde_json::json;
    for change in [
        json!({"aud": ["x", "ai"]}),
        json!({"exp": NOW - 9}),
        json!({"exp": NOW as f64 + 0.5}),
        json!({"iat": NOW + 10, "nbf": NOW + 10}),
        json!({"client_id": "chat", "appid": "chat"}),
        json!({"azp": null, "appid": "chat"}),
        json!({"groups": "one"}),
        json!({"act": {"sub": "agent"}, "may_act": {}}),
    ] {
        assert!(read_with(change.clone()).is_ok(), "{change}");
    }
}

#[test]
fn the_end_is_the_earliest() {
    use serde_json::json;
    let ends = |change| read_with(change).unwrap().ends.as_i64() / 1_000_000 - NOW;
    assert_eq!(ends(json!({"exp": NOW + 86_400})), 3_540);
    assert_eq!(ends(json!({"exp": NOW - 1})), 9);
}

#[test]
fn a_program_is_no_person() {
    use serde_json::json;
    for change in [
        json!({"sub": "chat"}),
        json!({"sub": null}),
        json!({"idtyp": "app"}),
        json!({"gty": "client-credentials"}),
    ] {
        assert_eq!(read_with(change.clone()).unwrap().person, None, "{change}");
    }
    let never = IssuerOptions { user_claim: None, ..options() };
    assert_eq!(read_at(&with(json!({})), &never, NOW).unwrap().person, None);
}

#[test]
fn programs_and_workloads() {
    use serde_json::json;
    assert_eq!(read_with(json!({"azp": "other"})).unwrap().workload, None);
    assert_eq!(read_with(json!({"azp": null})).unwrap().workload, None);
    let mut any = options();
    any.client.otherwise = Some("rest".to_owned());
    let workload = |change, options: &IssuerOptions| read_at(&with(change), options, NOW).unwrap().workload;
    assert_eq!(workload(json!({"azp": "other"}), &any).as_deref(), Some("rest"));
    assert_eq!(workload(json!({}), &any).as_deref(), Some("assistant"));
    any.client.claim = Some("sub".to_owned());
    any.client.workloads.insert("alice".to_owned(), "hers".to_owned());
    assert_eq!(workload(json!({}), &any).as_deref(), Some("hers"));
}

#[test]
fn scopes_and_nested_claims() {
    use serde_json::json;
    let asked = IssuerOptions { required_scopes: vec!["ai.invoke".to_owned()], ..options() };
    let check = |change| read_at(&with(change), &asked, NOW);
    assert_eq!(check(json!({})), Err(Reason::Scope));
    assert_eq!(check(json!({"scope": "ai.invoke2"})), Err(Reason::Scope));
    assert_eq!(check(json!({"scope": "a  ai.invoke"})).unwrap().scopes, ["a", "ai.invoke"]);
    assert!(check(json!({"scp": ["ai.invoke"]})).is_ok());
    let keycloak = IssuerOptions { roles_claim: Some("realm_access.roles".to_owned()), ..options() };
    let claims = with(json!({"realm_access": {"roles": ["admin"]}}));
    assert_eq!(read_at(&claims, &keycloak, NOW).unwrap().roles, ["corp:admin"]);
    let spaced = IssuerOptions { roles_claim: Some("https://example.com/roles".to_owned()), ..options() };
    let claims = with(json!({"https://example.com/roles": ["admin"]}));
    assert_eq!(read_at(&claims, &spaced, NOW).unwrap().roles, ["corp:admin"]);
}

#[test]
fn groups_that_are_elsewhere_are_not_none() {
    use serde_json::json;
    for change in [
        json!({"groups": null, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}),
        json!({"groups": null, "hasgroups": true}),
        json!({"groups": null, "hasgroups": "true"}),
    ] {
        let person = read_with(change.clone()).unwrap().person.unwrap();
        assert!(!person.groups_known && person.groups.is_empty(), "{change}");
    }
    let none = read_with(json!({"groups": null, "_claim_names": {"address": "src1"}})).unwrap();
    assert!(none.person.unwrap().groups_known);
    assert_eq!(read_with(json!({"_claim_names": "groups"})), Err(Reason::Claim));
    let unasked = IssuerOptions { groups_claim: None, ..options() };
    let claims = with(json!({"hasgroups": true}));
    assert!(read_at(&claims, &unasked, NOW).unwrap().person.unwrap().groups_known);
}

#[test]
fn entra() {
    use serde_json::json;
    let tenant = "11111111-2222-3333-4444-555555555555";
    let entra = IssuerOptions {
        entra_tenant: Some(tenant.to_owned()),
        user_claim: Some("oid".to_owned()),
        ..options()
    };
    let user = json!({"tid": tenant, "oid": "o1", "scp": "ai.invoke", "upn": "a@b", "wids": ["w1"]});
    let identity = read_at(&with(user), &entra, NOW).unwrap();
    assert_eq!(identity.person.unwrap().id, format!("corp:{tenant}:o1"));
    assert_eq!(identity.roles, ["corp:r", "corp:w1"]);
    let app = json!({"tid": tenant, "oid": "o1", "azp": null, "appid": "chat"});
    let identity = read_at(&with(app), &entra, NOW).unwrap();
    assert_eq!((identity.person, identity.workload.as_deref()), (None, Some("assistant")));
    for (change, reason) in [
        (json!({"scp": "x"}), Reason::Tenant),
        (json!({"tid": "other", "scp": "x"}), Reason::Tenant),
        (json!({"tid": tenant, "scp": "x", "azp": null}), Reason::Claim),
    ] {
        assert_eq!(read_at(&with(change.clone()), &entra, NOW), Err(reason), "{change}");
    }
}
