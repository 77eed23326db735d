use axum::body::Body;
use axum::http::header;

use crate::call::{app, get, look, open, post, request_path, send, stranger};
use crate::sample::Sample;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let app = app(Sample::new());
    let css = asset(&app).await;
    let requests = [
        get("/").body(Body::empty()).unwrap(),
        get("/events").body(Body::empty()).unwrap(),
        get(&request_path(0)).body(Body::empty()).unwrap(),
        get("/nothing").body(Body::empty()).unwrap(),
        get("/requests/req_x").body(Body::empty()).unwrap(),
        get("/?effect=maybe").body(Body::empty()).unwrap(),
        get("/signin").body(Body::empty()).unwrap(),
        stranger("/").body(Body::empty()).unwrap(),
        stranger("/signin?token=abc").body(Body::empty()).unwrap(),
        stranger(&css).body(Body::empty()).unwrap(),
        post("/signout", "csrf=wrong"),
        post("/", ""),
        get("/").header(header::ORIGIN, "http://evil.example").body(Body::empty()).unwrap(),
    ];
    for request in requests {
        let what = format!("{} {}", request.method(), request.uri());
        let response = open(&app, request).await;
        let headers = response.headers();
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(headers[name], value, "{what}");
        }
        assert!(headers.contains_key("x-request-id"), "{what}");
        let kept = if what.contains("/assets/") { "public, max-age=31536000, immutable" } else { "no-store" };
        if !what.contains("/events") {
            assert_eq!(headers["cache-control"], kept, "{what}");
        }
    }
}

/// What the policy forbids is not there to begin with.
#[tokio::test]
async fn no_page_has_anything_inline_or_from_elsewhere() {
    let app = app(Sample::new());
    for path in ["/", "/requests", "/keys", "/policies", "/ledger", &request_path(0), "/nothing"] {
        let page = look(&app, path).await.body;
        for word in ["style=\"", "<style", "javascript:", " onclick", " onload", "src=\"http", "href=\"http"]
        {
            assert!(!page.contains(word), "{path} has {word}");
        }
        for script in page.match_indices("<script") {
            let tag = &page[script.0..];
            assert!(tag.starts_with("<script type=\"module\" src=\"/assets/"), "{path}");
            assert!(tag[..tag.find("</script>").unwrap()].ends_with('>'), "{path}");
        }
    }
}

#[tokio::test]
async fn the_assets_are_there_under_their_hash_only() {
    let app = app(Sample::new());
    let css = asset(&app).await;
    let base = css.strip_suffix("/console.css").unwrap();
    for (name, kind) in [
        ("console.css", "text/css; charset=utf-8"),
        ("console.js", "text/javascript; charset=utf-8"),
        ("live.js", "text/javascript; charset=utf-8"),
        ("verify.js", "text/javascript; charset=utf-8"),
        ("keys.js", "text/javascript; charset=utf-8"),
        ("mark.svg", "image/svg+xml"),
    ] {
        let file = send(&app, stranger(&format!("{base}/{name}")).body(Body::empty()).unwrap()).await;
        assert_eq!((file.status.as_u16(), file.headers["content-type"].to_str().unwrap()), (200, kind));
    }
    for path in ["/assets/0000000000000000/console.css".to_owned(), format!("{base}/..%2fCargo.toml")] {
        assert_eq!(look(&app, &path).await.status.as_u16(), 404, "{path}");
    }
}

/// Scripts put text into pages as text; none of them knows another way.
#[test]
fn no_script_makes_markup_or_code_from_text() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for sink in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "srcdoc"]
        {
            assert!(!text.contains(sink), "{} has {sink}", path.display());
        }
    }
}

async fn asset(app: &axum::Router) -> String {
    let page = look(app, "/").await.body;
    let at = page.find("/assets/").unwrap();
    page[at..].split('"').find(|part| part.ends_with("mark.svg")).unwrap().replace("mark.svg", "console.css")
}
