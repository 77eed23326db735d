use axum::http::{Request, StatusCode, header};

use crate::sample::{HOST, call, get, id};

#[tokio::test]
async fn a_list_says_what_it_is_asked() {
    let page = call(get("/api/v1/requests?workload=playground&effect=deny&end=denied&limit=1&before=")).await;
    assert_eq!(page.status, StatusCode::OK);
    let json = page.json();
    assert_eq!(json["requests"][0]["id"], id().to_string());
    assert_eq!(json["requests"][0]["findings"]["injection"], 2);
    assert_eq!(json["next"], id().to_string());
    let other = call(get("/api/v1/requests?effect=permit")).await.json();
    assert_eq!(other["requests"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn every_error_is_a_problem_document() {
    let missing = format!("/api/v1/requests/{}", id().to_string().replace("req_0", "req_1"));
    let unsigned = format!("{missing}/proof");
    for (path, status, code) in [
        ("/api/v1/requests?effect=maybe", 400, "bad_parameter"),
        ("/api/v1/requests?limit=101", 400, "bad_parameter"),
        ("/api/v1/requests?limit=0", 400, "bad_parameter"),
        ("/api/v1/requests?before=req_x", 400, "bad_parameter"),
        ("/api/v1/requests?colour=red", 400, "bad_parameter"),
        ("/api/v1/requests?end=open&end=cut", 400, "bad_parameter"),
        ("/api/v1/requests/req_x", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/api", 404, "not_found"),
        (missing.as_str(), 404, "not_found"),
        (unsigned.as_str(), 409, "not_signed_yet"),
        ("/api/v1/requests?workload=broken", 503, "records_unavailable"),
    ] {
        let answer = call(get(path)).await;
        let json = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(json["code"], code, "{path}");
        assert_eq!(json["status"], status, "{path}");
        assert_eq!(json["request_id"].as_str().unwrap(), answer.headers["x-request-id"].to_str().unwrap());
        assert!(!json.to_string().contains("/var/lib"), "an internal cause got out: {json}");
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let request = Request::delete("/api/v1/status")
        .header(header::HOST, HOST)
        .header(header::COOKIE, "stockade=ana")
        .header("sec-fetch-site", "same-origin");
    let answer = call(request).await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD");
}

#[tokio::test]
async fn a_proof_is_a_file() {
    let answer = call(get(&format!("/api/v1/requests/{}/proof", id()))).await;
    let disposition = answer.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(disposition, format!("attachment; filename=\"stockade-proof-{}.json\"", id()));
    assert_eq!(answer.body, b"{}");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    for path in ["/openapi.json", "/api/v1/status", "/api/v1/nothing"] {
        let headers = call(get(path)).await.headers;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(
            headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"),
            "{path}"
        );
    }
}
