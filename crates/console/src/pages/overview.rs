//! The first page: every workload, what was declared of it and what it did in the last day.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use stockade_api::{ApiError, within};
use stockade_views::{Overview, WorkloadRow};

use crate::door::{SignedIn, html};
use crate::pages::list::{StatusView, of_workload};
use crate::present::{text, units};
use crate::router::App;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    assets: &'a str,
    csrf: &'a str,
    place: &'static str,
    status: StatusView,
    since: String,
    capped: bool,
    tiles: [Tile; 4],
    workloads: Vec<Line>,
    quiet: bool,
    endpoint: &'a str,
    sample_model: &'a str,
}

/// A number that stands for all workloads.
struct Tile {
    name: &'static str,
    count: String,
    meaning: &'static str,
    tone: &'static str,
}

/// A workload.
struct Line {
    name: String,
    href: String,
    owner: String,
    declared: [String; 3],
    models: String,
    tools: String,
    keys: String,
    counts: [(&'static str, String); 4],
    last: Option<(String, String)>,
}

/// Shows the page.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
) -> Result<Response, ApiError> {
    let overview = within(app.installation.overview()).await?;
    let status = StatusView::new(&within(app.views.status()).await?);
    let (date, clock) = units::date_and_clock(overview.since);
    let total = |of: fn(&WorkloadRow) -> u64| overview.workloads.iter().map(of).sum::<u64>();
    Ok(html(&OverviewPage {
        assets: app.assets.base(),
        csrf: &signed_in.session.csrf,
        place: "overview",
        status,
        since: format!("{date} {} UTC", clock.get(..5).unwrap_or_default()),
        capped: overview.capped,
        quiet: total(|row| row.seen) == 0,
        tiles: tiles(&overview),
        workloads: overview.workloads.into_iter().map(Line::new).collect(),
        endpoint: &app.options.endpoint,
        sample_model: &app.options.sample_model,
    }))
}

fn tiles(overview: &Overview) -> [Tile; 4] {
    let total = |of: fn(&WorkloadRow) -> u64| overview.workloads.iter().map(of).sum::<u64>();
    let tile = |name, count, meaning, tone: &'static str| Tile {
        name,
        meaning,
        tone: if count == 0 { "quiet" } else { tone },
        count: units::count(count),
    };
    [
        tile("Requests", total(|row| row.seen), "authenticated, inspected and recorded", "live"),
        tile("Attacked", total(|row| row.attacked), "an attempt to steer a model was found", "warn"),
        tile("Denied", total(|row| row.denied), "policy let nothing through", "bad"),
        tile("Protected", total(|row| row.protected), "personal data or secrets were replaced", "good"),
    ]
}

impl Line {
    fn new(row: WorkloadRow) -> Self {
        let list = |all: &[String], noun: &str| match all {
            [] => format!("no {noun}"),
            [one] if one == "*" => format!("every {noun}"),
            [one] => text::line(one),
            [one, rest @ ..] => format!("{} and {} more", text::line(one), units::count(rest.len() as u64)),
        };
        Self {
            href: of_workload(&row.name),
            name: text::line(&row.name),
            owner: text::line(&row.owner),
            declared: [&row.audience, &row.exposure, &row.label].map(|word| text::line(word)),
            models: list(&row.models, "model"),
            tools: list(&row.tools, "tool"),
            keys: units::counted(row.keys, "key"),
            counts: [
                ("seen", row.seen),
                ("attacked", row.attacked),
                ("denied", row.denied),
                ("protected", row.protected),
            ]
            .map(|(name, count)| (name, if count == 0 { "–".to_owned() } else { units::count(count) })),
            last: row.last.map(units::date_and_clock),
        }
    }
}
