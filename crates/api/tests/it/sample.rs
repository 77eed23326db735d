//! One request, one session, and a way to call the router.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header, request};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http_body_util::BodyExt as _;
use stockade_api::{Site, router};
use stockade_domain::{Effect, EndReason, FindingKind, Micros, RequestId};
use stockade_views::{
    Ending, LinkError, NewSession, Page, PayloadView, Reader, RequestDetail, RequestFilter, RequestRow,
    Session, Sessions, StatusSummary, Tokens, Verification, ViewError, Views,
};

pub(crate) const HOST: &str = "stockade.localhost:8471";

pub(crate) struct Records;
pub(crate) struct Ana;

/// An answer in parts.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn id() -> RequestId {
    RequestId::new(Micros::from_i64(1_795_176_000_000_000), [7; 10])
}

/// A request of a signed-in page.
pub(crate) fn get(path: &str) -> request::Builder {
    Request::get(path)
        .header(header::HOST, HOST)
        .header(header::COOKIE, "stockade=ana")
        .header("sec-fetch-site", "same-origin")
}

pub(crate) async fn call(request: request::Builder) -> Answer {
    use tower::ServiceExt as _;
    let app: Router = router(Site::new([HOST], false), Arc::new(Records), Arc::new(Ana), Arc::new(Ana));
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Views for Records {
    fn requests(&self, filter: RequestFilter) -> BoxFuture<'_, Result<Page<RequestRow>, ViewError>> {
        Box::pin(async move {
            if filter.workload.as_deref() == Some("broken") {
                return Err(ViewError::Unavailable("the secret path /var/lib/x".into()));
            }
            let rows = Some(row()).filter(|r| filter.admits(r)).into_iter().collect();
            Ok(Page { rows, next: Some(id()) })
        })
    }

    fn request(
        &self,
        wanted: RequestId,
        reader: Reader,
    ) -> BoxFuture<'_, Result<Option<RequestDetail>, ViewError>> {
        let text = match reader {
            Reader::OfRecords => PayloadView::Withheld,
            Reader::OfText(_) => PayloadView::Erased,
        };
        Box::pin(async move {
            Ok((wanted == id()).then(|| RequestDetail {
                row: row(),
                intent: None,
                outcome: None,
                request: text,
                response: PayloadView::None,
            }))
        })
    }

    fn verify(&self, _: RequestId) -> BoxFuture<'_, Result<Verification, ViewError>> {
        Box::pin(async { Ok(Verification { steps: Vec::new() }) })
    }

    fn proof(&self, wanted: RequestId) -> BoxFuture<'_, Result<Vec<u8>, ViewError>> {
        Box::pin(async move { if wanted == id() { Ok(b"{}".to_vec()) } else { Err(ViewError::NotSigned) } })
    }

    fn live(&self) -> BoxStream<'static, RequestRow> {
        stream::pending().boxed()
    }

    fn status(&self) -> BoxFuture<'_, Result<StatusSummary, ViewError>> {
        Box::pin(async {
            Ok(StatusSummary {
                version: "0.1.0".to_owned(),
                origin: "stockade/test".to_owned(),
                entries: 4,
                signed: 3,
                signed_at: None,
                stopped: None,
                open: 1,
            })
        })
    }
}

fn row() -> RequestRow {
    RequestRow {
        id: id(),
        time: Micros::from_i64(1_795_176_000_000_000),
        workload: "playground".to_owned(),
        model: "sandbox".to_owned(),
        surface: "openai.chat".to_owned(),
        stream: true,
        effect: Some(Effect::Deny),
        end: Ending::Ended(EndReason::Denied),
        status: 403,
        findings: [(FindingKind::Injection, 2)].into(),
        redactions: 0,
        duration_us: 1_930,
        intent: Some(2),
        outcome: Some(3),
    }
}

impl Tokens for Ana {
    fn reader(&self, presented: &str) -> Option<Reader> {
        match presented {
            "records" => Some(Reader::OfRecords),
            "text" => Some(Reader::OfText("token:x".to_owned())),
            _ => None,
        }
    }
}

impl Sessions for Ana {
    fn consume_link(&self, _: &str) -> Result<NewSession, LinkError> {
        Err(LinkError::Spent)
    }

    fn session(&self, cookie: &str) -> Option<Session> {
        (cookie == "ana").then(|| Session {
            role: stockade_views::Role::Admin,
            who: "console".to_owned(),
            csrf: "c".to_owned(),
            since: Micros::from_i64(0),
            expires: Micros::from_i64(1),
        })
    }

    fn end(&self, _: &str) {}
}
