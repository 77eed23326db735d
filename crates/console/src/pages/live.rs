//! New rows as they come (server-sent events, HTML Living Standard section 9.2), and the status line now and then.
//!
//! A row is JSON of texts; the script puts each into its place as text. The stream ends with the session.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::Serialize;
use stockade_api::{ApiError, BadParameter, ListQuery, within};
use stockade_views::RequestRow;

use crate::door::SignedIn;
use crate::pages::list::StatusView;
use crate::present::row::RowView;
use crate::router::App;

/// How often the status line is sent; also how soon a stream notices that its session has ended.
const BEAT: Duration = Duration::from_secs(5);

enum Item {
    Row(Box<RequestRow>),
    Beat,
    /// Nothing comes any more.
    End,
}

/// The stream of one page.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| BadParameter::Unknown)?;
    let filter = query.filter()?;
    let place = Arc::clone(&app.live).try_acquire_owned().map_err(|_| ApiError::TooManyStreams)?;
    let rows = app
        .views
        .live()
        .filter_map(move |row| {
            let item = filter.admits(&row).then(|| Item::Row(Box::new(row)));
            async { item }
        })
        .chain(stream::once(async { Item::End }));
    let sessions = Arc::clone(&app.sessions);
    let items = stream::select(rows, beats()).take_while(move |item| {
        let _held = &place;
        let goes_on = !matches!(item, Item::End) && sessions.session(&signed_in.cookie).is_some();
        async move { goes_on }
    });
    let events = items.filter_map(move |item| {
        let app = Arc::clone(&app);
        async move { event(&app, item).await.map(Ok::<_, Infallible>) }
    });
    Ok(Sse::new(events).into_response())
}

fn beats() -> impl Stream<Item = Item> {
    stream::unfold(tokio::time::interval(BEAT), async |mut interval| {
        interval.tick().await;
        Some((Item::Beat, interval))
    })
}

async fn event(app: &App, item: Item) -> Option<Event> {
    match item {
        Item::Row(row) => json("request", &RowView::new(&row)),
        Item::Beat => match within(app.views.status()).await {
            Ok(status) => json("status", &StatusView::new(&status)),
            // A comment keeps the connection open.
            Err(_) => Some(Event::default().comment("status unavailable")),
        },
        Item::End => None,
    }
}

fn json(name: &str, data: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}
