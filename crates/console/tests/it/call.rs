//! A way to call the router.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header, request};
use axum::response::Response;
use http_body_util::BodyExt as _;
use stockade_api::Site;
use stockade_console::Options;
use tower::ServiceExt as _;

use crate::sample::{COOKIE, NoTokens, People, Sample, details};

pub(crate) const HOST: &str = "stockade.localhost:8471";

/// An answer in parts.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) fn app(sample: Sample) -> Router {
    app_with(sample, Arc::new(People::default()))
}

/// Both routers of the listener, as the binary merges them.
pub(crate) fn app_with(sample: Sample, people: Arc<People>) -> Router {
    let site = Site::new([HOST], false);
    let options = Options {
        site: site.clone(),
        endpoint: "http://127.0.0.1:8470/v1".to_owned(),
        sample_model: "sandbox".to_owned(),
        login: None,
    };
    let sample = Arc::new(sample);
    stockade_console::router(options, sample.clone(), sample.clone(), people.clone())
        .merge(stockade_api::router(site, sample, people, Arc::new(NoTokens)))
}

/// A request of a page of ours that somebody is signed in at.
pub(crate) fn get(path: &str) -> request::Builder {
    stranger(path).header(header::COOKIE, format!("stockade={COOKIE}"))
}

/// A request of a page of ours without a session.
pub(crate) fn stranger(path: &str) -> request::Builder {
    Request::get(path).header(header::HOST, HOST).header("sec-fetch-site", "same-origin")
}

/// A form of a page of ours that somebody is signed in at.
pub(crate) fn post(path: &str, form: &str) -> Request<Body> {
    get(path)
        .method("POST")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = open(app, request).await.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// The answer with its body unread.
pub(crate) async fn open(app: &Router, request: Request<Body>) -> Response {
    app.clone().oneshot(request).await.unwrap()
}

/// What a signed-in person sees there.
pub(crate) async fn look(app: &Router, path: &str) -> Answer {
    send(app, get(path).body(Body::empty()).unwrap()).await
}

/// The address of the sample's `n`th request.
pub(crate) fn request_path(n: usize) -> String {
    format!("/requests/{}", details()[n].row.id)
}
