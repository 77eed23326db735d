use axum::body::Body;
use axum::http::{Request, header};

use crate::call::{app, get, look, post, request_path, send, stranger};
use crate::sample::{COOKIE, CSRF, Sample, TOKEN};

fn press(token: &str) -> Request<Body> {
    stranger("/signin")
        .method("POST")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("token={token}")))
        .unwrap()
}

fn with_cookie(path: &str, cookie: &str) -> Request<Body> {
    stranger(path).header(header::COOKIE, format!("stockade={cookie}")).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_stranger_sees_how_to_sign_in_and_nothing_else() {
    let app = app(Sample::new());
    for path in ["/", "/events", "/nothing", &request_path(0), &format!("{}/proof", request_path(0))] {
        let answer = send(&app, stranger(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), 401, "{path}");
        assert!(answer.body.contains("stockade signin") && !answer.body.contains("playground"), "{path}");
    }
}

#[tokio::test]
async fn looking_at_the_link_does_not_use_it_up_and_the_button_does() {
    let app = app(Sample::new());
    for _ in 0..3 {
        let page = send(&app, stranger(&format!("/signin?token={TOKEN}")).body(Body::empty()).unwrap()).await;
        assert_eq!(page.status.as_u16(), 200);
        assert!(page.body.contains(TOKEN) && !page.headers.contains_key(header::SET_COOKIE));
    }
    let begun = send(&app, press(TOKEN)).await;
    assert_eq!((begun.status.as_u16(), begun.headers[header::LOCATION].to_str().unwrap()), (303, "/"));
    assert_eq!(
        begun.headers[header::SET_COOKIE],
        "stockade=new-cookie; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"
    );
    assert_eq!(send(&app, with_cookie("/", "new-cookie")).await.status.as_u16(), 200);

    let again = send(&app, press(TOKEN)).await;
    assert_eq!(again.status.as_u16(), 403);
    assert!(!again.headers.contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_token_that_is_none_is_not_echoed() {
    let app = app(Sample::new());
    for token in ["%3Cscript%3E", "a%22b", &"a".repeat(257), ""] {
        let page = send(&app, stranger(&format!("/signin?token={token}")).body(Body::empty()).unwrap()).await;
        assert!(!page.body.contains("name=\"token\""), "{token}");
        assert_eq!(send(&app, press(token)).await.status.as_u16(), 403, "{token}");
    }
}

#[tokio::test]
async fn a_new_session_ends_the_one_before() {
    let app = app(Sample::new());
    let mut request = press(TOKEN);
    request.headers_mut().insert(header::COOKIE, format!("stockade={COOKIE}").parse().unwrap());
    assert_eq!(send(&app, request).await.status.as_u16(), 303);
    assert_eq!(look(&app, "/").await.status.as_u16(), 401);
}

#[tokio::test]
async fn signing_out_needs_the_token_and_ends_the_session() {
    let app = app(Sample::new());
    for form in ["", "csrf=", "csrf=wrong", "csrf=form-token-of-an", "token=form-token-of-ana"] {
        assert_eq!(send(&app, post("/signout", form)).await.status.as_u16(), 403, "{form}");
    }
    assert_eq!(look(&app, "/signout").await.status.as_u16(), 405);
    assert_eq!(look(&app, "/").await.status.as_u16(), 200);
    let out = send(&app, post("/signout", &format!("csrf={CSRF}"))).await;
    assert_eq!(out.status.as_u16(), 303);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().starts_with("stockade=; Path=/; Max-Age=0;"));
    assert_eq!(look(&app, "/").await.status.as_u16(), 401);
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing_even_with_the_token() {
    let app = app(Sample::new());
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "http://evil.example")]
    {
        let mut request = post("/signout", &format!("csrf={CSRF}"));
        request.headers_mut().insert(name, value.parse().unwrap());
        let answer = send(&app, request).await;
        assert_eq!(answer.status.as_u16(), 403, "{name}: {value}");
        assert!(answer.body.contains("cross_site"));
    }
    assert_eq!(look(&app, "/").await.status.as_u16(), 200);
}

#[tokio::test]
async fn another_host_is_refused_before_anything_else() {
    let app = app(Sample::new());
    for path in ["/", "/signin", "/assets/x/console.css"] {
        let mut request = get(path).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::HOST, "rebound.example:8471".parse().unwrap());
        let answer = send(&app, request).await;
        assert_eq!(answer.status.as_u16(), 421, "{path}");
        assert!(!answer.body.contains("playground"));
    }
}

#[tokio::test]
async fn a_form_is_bounded() {
    let app = app(Sample::new());
    let answer = send(&app, post("/signout", &format!("csrf={CSRF}&x={}", "y".repeat(5_000)))).await;
    assert_eq!(answer.status.as_u16(), 403);
    assert_eq!(look(&app, "/").await.status.as_u16(), 200);
}
