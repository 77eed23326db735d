//! The pages as they are written. `STOCKADE_UPDATE_GOLDEN=1 cargo test -p stockade-console` writes them anew.

use std::path::Path;

use crate::call::{app, look, request_path};
use crate::sample::Sample;

async fn compare(name: &str, path: &str) {
    let page = look(&app(Sample::new()), path).await.body;
    // The assets' version changes with every edit of a style; what a page says does not.
    let at = page.find("/assets/").unwrap() + "/assets/".len();
    let now = page.replace(&page[at..at + 16], "VERSION");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("STOCKADE_UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        golden == now,
        "{name} has changed; if that is meant, run this test with STOCKADE_UPDATE_GOLDEN=1"
    );
}

#[tokio::test]
async fn the_list() {
    compare("requests.html", "/requests").await;
}

#[tokio::test]
async fn the_other_places() {
    compare("overview.html", "/").await;
    compare("keys.html", "/keys").await;
    compare("policies.html", "/policies?workload=invoice-agent&action=invoke&model=gpt-4.1&injection=on")
        .await;
    compare("ledger.html", "/ledger").await;
}

#[tokio::test]
async fn one_request() {
    compare("request.html", &request_path(0)).await;
}
