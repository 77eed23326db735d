//! One request from its caller to its proof.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Json};
use stockade_api::{ApiError, Refusal, wire, within};
use stockade_domain::{Effect, RequestId};
use stockade_views::{RequestDetail, Verification};

use crate::door::{SignedIn, html};
use crate::pages::list::StatusView;
use crate::pages::signin::Change;
use crate::present::inspection::InspectionView;
use crate::present::row::RowView;
use crate::present::station::{DecisionView, IdentityView, Offsets, UpstreamView};
use crate::present::text::{Run, TextView, line};
use crate::present::verification::{StepView, VerificationView};
use crate::present::{units, words};
use crate::router::App;

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage<'a> {
    assets: &'a str,
    csrf: &'a str,
    place: &'static str,
    status: StatusView,
    row: RowView,
    ending: &'static str,
    code: Option<String>,
    offsets: Offsets,
    identity: Option<IdentityView>,
    action: &'static str,
    decision: Option<DecisionView>,
    mode: &'static str,
    asked: Option<InspectionView>,
    request_text: TextView,
    upstream: UpstreamView,
    answered: Option<InspectionView>,
    response_text: TextView,
    tool_decisions: Vec<DecisionView>,
    intent: Option<String>,
    outcome: Option<String>,
    verification: Option<VerificationView>,
    /// A step without content: what the script copies.
    blank: StepView,
}

/// Shows a request.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    page(&app, &signed_in, parse(&id)?, None).await
}

/// Checks a request's record, and shows the request with the result; to a script, the result alone.
pub(crate) async fn verify(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Change>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.map_err(|_| Refusal::Token)?;
    form.check(&signed_in)?;
    let id = parse(&id)?;
    let verification = within(app.views.verify(id)).await?;
    if headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json") {
        return Ok(Json(VerificationView::new(&verification)).into_response());
    }
    page(&app, &signed_in, id, Some(&verification)).await
}

/// Where a result was shown; opened again, that address leads back to the request.
pub(crate) async fn verified(Path(id): Path<String>) -> Result<Redirect, ApiError> {
    Ok(Redirect::to(&format!("/requests/{}", parse(&id)?)))
}

/// The proof bundle as a file.
pub(crate) async fn proof(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = parse(&id)?;
    Ok(wire::proof_file(id, within(app.views.proof(id)).await?))
}

fn parse(id: &str) -> Result<RequestId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}

async fn page(
    app: &App,
    signed_in: &SignedIn,
    id: RequestId,
    verification: Option<&Verification>,
) -> Result<Response, ApiError> {
    let detail =
        within(app.views.request(id, signed_in.session.reader())).await?.ok_or(ApiError::NotFound)?;
    let status = StatusView::new(&within(app.views.status()).await?);
    let page = RequestPage {
        assets: app.assets.base(),
        csrf: &signed_in.session.csrf,
        status,
        verification: verification.map(VerificationView::new),
        ..RequestPage::new(detail)
    };
    Ok(html(&page))
}

// === impl RequestPage ===

impl RequestPage<'_> {
    /// What the page says of the request itself.
    fn new(detail: RequestDetail) -> Self {
        let RequestDetail { row, intent, outcome, request, response } = detail;
        let (intent, outcome) = (intent.as_ref(), outcome.as_ref());
        let caller = intent.map(|i| &i.caller).or_else(|| outcome.and_then(|o| o.caller.as_ref()));
        Self {
            assets: "",
            csrf: "",
            place: "requests",
            status: StatusView::default(),
            ending: words::ending_sentence(row.end),
            code: outcome.and_then(|o| o.code.as_deref()).map(line),
            offsets: Offsets::new(&row, intent, outcome),
            identity: caller.map(IdentityView::new),
            action: intent.map_or("", |i| i.action.as_str()),
            decision: intent.map(|i| DecisionView::new(&i.decision)),
            mode: intent.filter(|i| i.decision.effect == Effect::Permit).map_or("", |i| words::mode(i.mode)),
            asked: intent.map(|i| InspectionView::new(&i.inspection)),
            request_text: TextView::new(request),
            upstream: UpstreamView::new(row.end, intent, outcome),
            answered: outcome.and_then(|o| o.inspection.as_ref()).map(InspectionView::new),
            response_text: TextView::new(response),
            tool_decisions: outcome
                .map(|o| o.tool_decisions.iter().map(DecisionView::new).collect())
                .unwrap_or_default(),
            intent: row.intent.map(units::count),
            outcome: row.outcome.map(units::count),
            verification: None,
            blank: StepView::default(),
            row: RowView::new(&row),
        }
    }
}
