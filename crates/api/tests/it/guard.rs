use axum::http::{Request, StatusCode, header};
use proptest::prelude::*;
use stockade_api::Site;

use crate::sample::{HOST, call, get};

/// What the guard says to a request with these headers.
fn admitted(method: &str, headers: &[(&str, &str)]) -> bool {
    let mut request = Request::builder().method(method).uri("/x");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Site::new([HOST], false).admit(&request.body(()).unwrap().into_parts().0).is_ok()
}

#[test]
fn only_our_hosts_are_answered() {
    for (headers, good) in [
        (&[("host", HOST)][..], true),
        (&[("host", "Stockade.LOCALHOST:8471")], true),
        (&[("host", "stockade.localhost")], false),
        (&[("host", "stockade.localhost:8471.evil.example")], false),
        (&[("host", "evil.example:8471")], false),
        (&[("host", "127.0.0.1:8471")], false),
        (&[("host", "")], false),
        (&[("host", HOST), ("host", "evil.example")], false),
        (&[], false),
    ] {
        assert_eq!(admitted("GET", headers), good, "{headers:?}");
    }
}

#[test]
fn an_absolute_target_does_not_get_round_the_host() {
    let request = |uri: &str, host: Option<&str>| {
        let mut request = Request::get(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        Site::new([HOST], false).admit(&request.body(()).unwrap().into_parts().0).is_ok()
    };
    assert!(request("http://stockade.localhost:8471/", None));
    assert!(request("http://stockade.localhost:8471/", Some(HOST)));
    assert!(!request("http://evil.example/", Some(HOST)));
    assert!(!request("http://stockade.localhost:8471/", Some("evil.example")));
}

#[test]
fn other_sites_are_refused_and_links_are_not() {
    let navigation = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);
    let cases: &[Case<'_>] = &[
        ("GET", &[("sec-fetch-site", "same-origin")], true),
        ("GET", &[("sec-fetch-site", "none")], true),
        ("GET", &[("sec-fetch-site", "cross-site")], false),
        // Another port of the same name is the same site and still not us.
        ("GET", &[("sec-fetch-site", "same-site")], false),
        ("GET", &[("sec-fetch-site", "cross-site"), navigation[0], navigation[1]], true),
        ("GET", &[("sec-fetch-site", "cross-site"), navigation[0], ("sec-fetch-dest", "iframe")], false),
        ("POST", &[("sec-fetch-site", "cross-site"), navigation[0], navigation[1]], false),
        ("GET", &[("origin", "http://evil.example")], false),
        ("GET", &[("origin", "https://stockade.localhost:8471")], false),
        ("GET", &[("origin", "http://stockade.localhost:8471")], true),
        ("GET", &[("origin", "null")], false),
        ("POST", &[], false),
        ("POST", &[("sec-fetch-site", "none")], false),
        ("POST", &[("origin", "null")], false),
        ("POST", &[("origin", "http://stockade.localhost:8471")], true),
        ("POST", &[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
        ("POST", &[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")], false),
        ("POST", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
    ];
    for (method, headers, good) in cases {
        let all: Vec<_> = std::iter::once(&("host", HOST)).chain(*headers).copied().collect();
        assert_eq!(admitted(method, &all), *good, "{method} {headers:?}");
    }
}

#[tokio::test]
async fn a_cookie_is_needed_and_a_planted_second_one_is_fatal() {
    for cookie in [None, Some("stockade=mallory"), Some("stockade=ana; stockade=mallory"), Some("stockade=")]
    {
        let mut request = Request::get("/api/v1/status").header(header::HOST, HOST);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let answer = call(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{cookie:?}");
        assert_eq!(answer.json()["code"], "not_signed_in");
    }
    assert_eq!(call(get("/api/v1/status")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refusal_comes_before_the_session() {
    let answer = call(Request::get("/api/v1/status").header(header::HOST, "evil.example")).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(answer.json()["code"], "unknown_host");
}

proptest! {
    #[test]
    fn no_other_host_and_no_other_origin_gets_in(host in "[a-z0-9.:\\-@/]{0,40}", origin in "[ -~]{0,40}") {
        prop_assume!(host != HOST);
        prop_assert!(!admitted("GET", &[("host", &host)]));
        prop_assume!(origin != "http://stockade.localhost:8471");
        prop_assert!(!admitted("POST", &[("host", HOST), ("origin", &origin)]));
    }
}

#[tokio::test]
async fn a_program_shows_its_token_and_sees_what_its_scope_has() {
    let path = format!("/api/v1/requests/{}", crate::sample::id());
    let with = |token: &str| {
        let request = Request::get(&path).header(header::HOST, HOST);
        call(request.header(header::AUTHORIZATION, token))
    };
    let records = with("Bearer records").await;
    assert_eq!(
        (records.status, &records.json()["request_text"]["state"]),
        (StatusCode::OK, &"withheld".into())
    );
    let text = with("bearer text").await;
    assert_eq!((text.status, &text.json()["request_text"]["state"]), (StatusCode::OK, &"erased".into()));
    for wrong in ["Bearer other", "Bearer", "Basic cmVjb3Jkcw==", "records", "Bearer "] {
        let refused = with(wrong).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(refused.json()["code"], "invalid_token", "{wrong}");
        assert!(refused.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
    }
    // A token that is no good is not made up for by a cookie, nor one by two of them.
    let both = get(&path).header(header::AUTHORIZATION, "Bearer other");
    assert_eq!(call(both).await.status, StatusCode::UNAUTHORIZED);
    let twice =
        get(&path).header(header::AUTHORIZATION, "Bearer text").header(header::AUTHORIZATION, "Bearer text");
    assert_eq!(call(twice).await.status, StatusCode::UNAUTHORIZED);
    // Nor does it open the door to another site's page.
    let foreign = Request::get(&path)
        .header(header::HOST, HOST)
        .header(header::AUTHORIZATION, "Bearer text")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(call(foreign).await.status, StatusCode::FORBIDDEN);
}
