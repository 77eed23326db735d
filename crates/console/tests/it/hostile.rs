use crate::call::{app, look, request_path};
use crate::sample::{HOSTILE, Sample};

/// What must not be in a page in any place that outside text reaches.
fn assert_inert(page: &str, what: &str) {
    for raw in ["<script>alert", "<img src=x", "</pre><", "'\"{{7*7}}"] {
        assert!(!page.contains(raw), "{what}: `{raw}` is markup");
    }
    assert!(page.contains("{{7*7}}"), "{what}: a template ran what it was given");
    for hidden in ['\u{202e}', '\u{200b}', '\u{e0041}'] {
        assert!(!page.contains(hidden), "{what}: U+{:04X} is in the page", u32::from(hidden));
    }
}

#[tokio::test]
async fn hostile_text_is_text_on_every_page() {
    let app = app(Sample::stopped());
    assert!(HOSTILE.contains('\u{202e}'));
    for n in 0..3 {
        let page = look(&app, &request_path(n)).await;
        assert_eq!(page.status.as_u16(), 200);
        assert_inert(&page.body, &request_path(n));
        assert!(page.body.contains("&#60;script&#62;alert(1)"), "it is still readable");
        assert!(page.body.contains("U+202E"), "what was hidden can be seen");
    }
    for path in ["/", "/requests", "/keys", "/policies", "/ledger"] {
        let page = look(&app, path).await.body;
        assert_inert(&page, path);
        assert!(page.contains("\\u{202e}") || page.contains("U+202E"), "{path}");
    }
}

#[tokio::test]
async fn a_hostile_filter_comes_back_as_text() {
    let app = app(Sample::new());
    let path = "/requests?workload=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE";
    let page = look(&app, path).await.body;
    assert!(!page.contains("<script>alert") && page.contains("&#34;&#62;&#60;script&#62;"), "{page}");
}
