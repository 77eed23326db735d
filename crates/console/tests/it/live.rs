use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt as _;
use stockade_views::Sessions as _;

use crate::call::{app, app_with, get, open};
use crate::sample::{COOKIE, People, Sample};

/// Reads the stream until it holds this text; panics after a while.
async fn read_until(response: &mut Response, wanted: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let frame = response.body_mut().frame().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("it comes in time");
    text
}

#[tokio::test]
async fn rows_come_as_texts_and_hostile_ones_too() {
    let app = app(Sample::live(Duration::from_millis(1)));
    let mut response = open(&app, get("/events").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = read_until(&mut response, "support-chat").await;
    let rows: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .filter(|json: &serde_json::Value| json.get("href").is_some())
        .collect();
    assert_eq!(rows[0]["workload"], "playground");
    assert_eq!(rows[0]["effect_text"], "Permitted");
    let hostile = rows.iter().find(|row| row["workload"] == "support-chat").unwrap();
    assert!(hostile["model"].as_str().unwrap().contains("<script>"), "text stays whole");
    assert!(!text.contains('\u{202e}'));
    assert!(text.contains("event: status"));
}

#[tokio::test]
async fn the_filter_holds_for_new_rows() {
    let app = app(Sample::live(Duration::from_millis(1)));
    let mut response = open(&app, get("/events?effect=deny").body(Body::empty()).unwrap()).await;
    let text = read_until(&mut response, "invoice-agent").await;
    assert!(!text.contains("playground") && !text.contains("support-chat"));
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let people = Arc::new(People::default());
    let app = app_with(Sample::live(Duration::from_millis(1)), Arc::clone(&people));
    let mut response = open(&app, get("/events").body(Body::empty()).unwrap()).await;
    read_until(&mut response, "playground").await;
    people.end(COOKIE);
    let rest = tokio::time::timeout(Duration::from_secs(20), response.body_mut().collect()).await;
    rest.expect("the stream ends").unwrap();
}

#[tokio::test]
async fn live_views_are_counted_and_a_closed_one_makes_room() {
    let app = app(Sample::new());
    let mut open_ones = Vec::new();
    for _ in 0..64 {
        let response = open(&app, get("/events").body(Body::empty()).unwrap()).await;
        assert_eq!(response.status().as_u16(), 200);
        open_ones.push(response);
    }
    let more = open(&app, get("/events").body(Body::empty()).unwrap()).await;
    assert_eq!((more.status().as_u16(), more.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    open_ones.pop();
    assert_eq!(open(&app, get("/events").body(Body::empty()).unwrap()).await.status().as_u16(), 200);
}
