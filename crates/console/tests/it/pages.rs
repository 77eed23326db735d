use axum::body::Body;
use axum::http::header;

use crate::call::{app, get, look, post, request_path, send};
use crate::sample::{CSRF, Sample};

#[tokio::test]
async fn filters_live_in_the_address() {
    let app = app(Sample::new());
    let denied = look(&app, "/requests?workload=&effect=deny&end=").await.body;
    assert!(denied.contains("invoice-agent") && !denied.contains("nightly-evaluation"));
    assert!(denied.contains("<option value=\"deny\" selected>"));
    assert!(denied.contains("data-events=\"/events?effect=deny\""));
    for bad in [
        "/requests?effect=maybe",
        "/requests?end=soon",
        "/requests?before=x",
        "/requests?limit=1000",
        "/requests?colour=red",
    ] {
        assert_eq!(look(&app, bad).await.status.as_u16(), 400, "{bad}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let app = app(Sample::new());
    let (mut path, mut seen) = ("/requests?limit=3".to_owned(), Vec::new());
    for _ in 0..5 {
        let page = look(&app, &path).await.body;
        let ids = page.match_indices("data-id=\"req_").map(|(at, _)| page[at + 9..at + 39].to_owned());
        seen.extend(ids);
        match page.split_once("rel=\"next\" href=\"") {
            Some((_, rest)) => path = rest.split('"').next().unwrap().replace("&#38;", "&"),
            None => break,
        }
    }
    let all: Vec<_> = crate::sample::details().iter().map(|d| d.row.id.to_string()).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_newcomer_is_told_what_to_type() {
    let page = look(&app(Sample::empty()), "/requests").await.body;
    for words in ["export OPENAI_BASE_URL=http://127.0.0.1:8470/v1", "stockade keys create", "stockade tour"]
    {
        assert!(page.contains(words), "{words}");
    }
    let filtered = look(&app(Sample::empty()), "/requests?effect=deny").await.body;
    assert!(filtered.contains("No request matches") && !filtered.contains("OPENAI_BASE_URL"));
}

#[tokio::test]
async fn a_stopped_ledger_is_said_first() {
    let page = look(&app(Sample::stopped()), "/requests").await.body;
    assert!(page.contains("<p class=\"stopped\" id=\"stopped\" role=\"alert\">"));
    assert!(
        look(&app(Sample::new()), "/requests").await.body.contains("id=\"stopped\" role=\"alert\" hidden>")
    );
}

#[tokio::test]
async fn verifying_is_a_form_and_for_a_script_data() {
    let app = app(Sample::new());
    let path = format!("{}/verify", request_path(0));
    assert_eq!(send(&app, post(&path, "csrf=wrong")).await.status.as_u16(), 403);

    let page = send(&app, post(&path, &format!("csrf={CSRF}"))).await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.body.contains("Every check holds") && page.body.contains("<ol class=\"timeline\">"));

    let mut request = post(&path, &format!("csrf={CSRF}"));
    request.headers_mut().insert(header::ACCEPT, "application/json".parse().unwrap());
    let data: serde_json::Value = serde_json::from_str(&send(&app, request).await.body).unwrap();
    assert_eq!(data["result"], "passed");
    assert_eq!(data["steps"].as_array().unwrap().len(), 7);

    let again = look(&app, &path).await;
    assert_eq!(
        (again.status.as_u16(), again.headers["location"].to_str().unwrap()),
        (303, &*request_path(0))
    );
}

#[tokio::test]
async fn a_proof_is_a_file_once_it_is_signed() {
    let app = app(Sample::new());
    let proof = look(&app, &format!("{}/proof", request_path(0))).await;
    assert_eq!((proof.status.as_u16(), proof.body.as_str()), (200, "{\"v\":1}"));
    assert!(
        proof.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment; filename=\"stockade-proof-req_")
    );
    assert_eq!(look(&app, &format!("{}/proof", request_path(3))).await.status.as_u16(), 409);
}

#[tokio::test]
async fn every_state_of_a_request_has_its_page() {
    let app = app(Sample::new());
    for (n, words) in [
        (1, "Nothing was sent to any upstream."),
        (2, "The answer was cut"),
        (3, "The request is under way."),
        (4, "The request ended before a decision was made."),
        (5, "its outcome is unknown"),
        (6, "The client left"),
    ] {
        let page = look(&app, &request_path(n)).await;
        assert_eq!(page.status.as_u16(), 200, "{n}");
        assert!(page.body.contains(words), "{n}: {words}");
    }
}

#[tokio::test]
async fn the_api_stands_beside_the_pages() {
    let app = app(Sample::new());
    let list = look(&app, "/api/v1/requests?limit=1").await;
    assert_eq!(
        (list.status.as_u16(), list.headers["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    let lost = look(&app, "/api/nothing").await;
    assert_eq!(lost.headers["content-type"], "application/problem+json");
    let lost = send(&app, get("/nothing").body(Body::empty()).unwrap()).await;
    assert_eq!(lost.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn the_overview_leads_to_the_requests_of_a_workload() {
    let page = look(&app(Sample::new()), "/").await.body;
    assert!(page.contains("href=\"/requests?workload=invoice-agent\"") && page.contains("1,204"));
    assert!(!page.contains("No request yet"));
    assert!(look(&app(Sample::empty()), "/").await.body.contains("No request yet"));
}

#[tokio::test]
async fn a_key_is_revoked_by_a_form_of_the_page_alone() {
    let app = app(Sample::new());
    let page = look(&app, "/keys").await.body;
    assert_eq!(page.matches("/revoke\"").count(), 2, "only keys that can be used have the button");
    let at = page.find("action=\"/keys/").unwrap() + "action=\"".len();
    let path = page[at..].split('"').next().unwrap();
    assert_eq!(send(&app, post(path, "csrf=wrong")).await.status.as_u16(), 403);
    let done = send(&app, post(path, &format!("csrf={CSRF}"))).await;
    assert_eq!((done.status.as_u16(), done.headers["location"].to_str().unwrap()), (303, "/keys"));
    let lost = send(&app, post("/keys/key_00000000000000000000000000/revoke", &format!("csrf={CSRF}"))).await;
    assert_eq!(lost.status.as_u16(), 404);
}

#[tokio::test]
async fn policies_are_asked_in_the_address() {
    let app = app(Sample::new());
    let denied = look(&app, "/policies?workload=invoice-agent&injection=on").await.body;
    assert!(denied.contains("id=\"policy-no-injection\" open") && denied.contains("Denied"));
    let permitted = look(&app, "/policies?workload=invoice-agent&label=internal").await.body;
    assert!(
        permitted.contains("replace every secret finding") && permitted.contains("<option selected>internal")
    );
    assert!(look(&app, "/policies?workload=nobody").await.body.contains("There is no such workload"));
    for bad in ["/policies?workload=a&action=fly", "/policies?workload=a&label=x", "/policies?colour=red"] {
        assert_eq!(look(&app, bad).await.status.as_u16(), 400, "{bad}");
    }
}

#[tokio::test]
async fn the_ledger_goes_on_below_an_entry() {
    let app = app(Sample::new());
    let page = look(&app, "/ledger").await.body;
    assert!(page.contains("href=\"/ledger?before=1201\"") && page.contains("stockade/0k7s+8f21c3d0"));
    assert!(look(&app, "/ledger?before=1201").await.body.contains(">Newest</a>"));
    assert_eq!(look(&app, "/ledger?before=x").await.status.as_u16(), 400);
}
