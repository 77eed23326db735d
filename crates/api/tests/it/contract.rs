//! The golden file is the contract. `STOCKADE_UPDATE_GOLDEN=1 cargo test -p stockade-api` writes it anew.

use std::path::Path;

use crate::sample::{call, get};

#[test]
fn the_description_is_the_golden_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi.json");
    let mut now = stockade_api::document().to_pretty_json().unwrap();
    now.push('\n');
    if std::env::var_os("STOCKADE_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == now,
        "the API's description has changed; if that is meant, run this test with STOCKADE_UPDATE_GOLDEN=1"
    );
}

#[tokio::test]
async fn the_description_is_served_and_names_only_what_is_there() {
    let served = call(get("/openapi.json")).await.json();
    let described = serde_json::to_value(stockade_api::document()).unwrap();
    assert_eq!(served, described);
    for path in served["paths"].as_object().unwrap().keys() {
        let answer = call(get(&path.replace("{id}", &crate::sample::id().to_string()))).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}");
    }
}

#[tokio::test]
async fn answers_have_the_fields_that_are_described() {
    let described = serde_json::to_value(stockade_api::document()).unwrap();
    let detail = call(get(&format!("/api/v1/requests/{}", crate::sample::id()))).await.json();
    let fields = |schema: &str| {
        let properties = &described["components"]["schemas"][schema]["properties"];
        properties.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields("RequestDetail"), keys(&detail));
    assert_eq!(fields("RequestRow"), keys(&detail["request"]));
}
