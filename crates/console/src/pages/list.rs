//! The list of requests. Filters live in the address, so that a view can be kept, shared and gone back to.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Serialize;
use stockade_api::{ApiError, BadParameter, ListQuery, within};
use stockade_domain::Effect;
use stockade_views::{Ending, RequestFilter, StatusSummary};

use crate::door::{SignedIn, html};
use crate::present::row::RowView;
use crate::present::{text, units, words};
use crate::router::App;

#[derive(Template)]
#[template(path = "requests.html")]
struct ListPage<'a> {
    assets: &'a str,
    csrf: &'a str,
    place: &'static str,
    status: StatusView,
    workload: &'a str,
    effects: Vec<Choice>,
    ends: Vec<Choice>,
    filtered: bool,
    /// Whether this is the newest page, which new rows are added to.
    newest: bool,
    events: String,
    rows: Vec<RowView>,
    blank: RowView,
    next: Option<String>,
    endpoint: &'a str,
    sample_model: &'a str,
}

/// One choice of a filter.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) label: &'static str,
    pub(crate) chosen: bool,
}

/// The line in the page's head. Field names are the `data-f` names of `parts/status.html`.
#[derive(Default, Serialize)]
pub(crate) struct StatusView {
    pub(crate) state: &'static str,
    pub(crate) entries: String,
    pub(crate) signed: String,
    pub(crate) open: String,
    pub(crate) stopped: Option<String>,
}

/// Where the list is.
const LIST: &str = "/requests";

/// The address of the requests of a workload.
pub(crate) fn of_workload(name: &str) -> String {
    address(LIST, &RequestFilter { workload: Some(name.to_owned()), ..RequestFilter::default() })
}

/// Shows a page of the list.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| BadParameter::Unknown)?;
    let filter = query.filter()?;
    let page = within(app.views.requests(filter.clone())).await?;
    let status = StatusView::new(&within(app.views.status()).await?);
    Ok(html(&ListPage {
        assets: app.assets.base(),
        csrf: &signed_in.session.csrf,
        place: "requests",
        status,
        workload: filter.workload.as_deref().unwrap_or_default(),
        effects: effects(filter.effect),
        ends: ends(filter.end),
        filtered: filter.workload.is_some() || filter.effect.is_some() || filter.end.is_some(),
        newest: filter.before.is_none(),
        events: address("/events", &RequestFilter { before: None, ..filter.clone() }),
        rows: page.rows.iter().map(RowView::new).collect(),
        blank: RowView::default(),
        next: page.next.map(|id| address(LIST, &RequestFilter { before: Some(id), ..filter.clone() })),
        endpoint: &app.options.endpoint,
        sample_model: &app.options.sample_model,
    }))
}

fn effects(chosen: Option<Effect>) -> Vec<Choice> {
    [
        ("", "Any decision", None),
        ("permit", "Permitted", Some(Effect::Permit)),
        ("deny", "Denied", Some(Effect::Deny)),
    ]
    .map(|(value, label, effect)| Choice { value, label, chosen: effect == chosen })
    .into()
}

fn ends(chosen: Option<Ending>) -> Vec<Choice> {
    let any = Choice { value: "", label: "Any outcome", chosen: chosen.is_none() };
    let each = Ending::ALL.into_iter().map(|end| Choice {
        value: end.as_str(),
        label: words::ending(end),
        chosen: Some(end) == chosen,
    });
    std::iter::once(any).chain(each).collect()
}

/// The address of a list with this filter.
fn address(path: &str, filter: &RequestFilter) -> String {
    let mut query = Vec::new();
    if let Some(workload) = &filter.workload {
        query.push(format!("workload={}", encoded(workload)));
    }
    if let Some(effect) = filter.effect {
        query.push(format!("effect={}", words::effect(Some(effect)).0));
    }
    if let Some(end) = filter.end {
        query.push(format!("end={end}"));
    }
    if let Some(before) = filter.before {
        query.push(format!("before={before}"));
    }
    if filter.limit != RequestFilter::default().limit {
        query.push(format!("limit={}", filter.limit));
    }
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// Percent-encoding of everything but unreserved characters (RFC 3986 section 2.3).
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

// === impl StatusView ===

impl StatusView {
    pub(crate) fn new(status: &StatusSummary) -> Self {
        let waiting = status.entries.saturating_sub(status.signed);
        let (state, signed) = match (&status.stopped, waiting) {
            (Some(_), _) => ("stopped", "stopped".to_owned()),
            (None, 0) if status.entries == 0 => ("ok", "nothing to sign yet".to_owned()),
            (None, 0) => ("ok", "all signed".to_owned()),
            (None, n) => ("waiting", format!("{} to be signed", units::count(n))),
        };
        Self {
            state,
            entries: match status.entries {
                1 => "1 entry".to_owned(),
                n => format!("{} entries", units::count(n)),
            },
            signed,
            open: units::count(status.open),
            stopped: status.stopped.as_deref().map(text::line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_filter_again() {
        let filter = RequestFilter {
            workload: Some("a b&c=\"é".to_owned()),
            effect: Some(Effect::Deny),
            end: Some(Ending::Open),
            ..RequestFilter::default()
        };
        assert_eq!(address("/", &filter), "/?workload=a%20b%26c%3D%22%C3%A9&effect=deny&end=open");
        assert_eq!(address("/", &RequestFilter::default()), "/");
    }
}
