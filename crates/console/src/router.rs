//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use stockade_api::{ApiError, Site};
use stockade_views::{Installation, Login, Sessions, Views};
use tokio::sync::Semaphore;

use crate::assets::Assets;
use crate::door;
use crate::pages::{keys, ledger, list, live, login, overview, policies, request, signin};

/// The longest form that a page sends, in bytes.
const MAX_FORM: usize = 4 * 1024;
/// How many live views may be open at once, over all sessions.
const MAX_LIVE: usize = 64;

/// What the console is told about the installation that it belongs to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The names that the listener answers for, and whether it speaks TLS.
    pub site: Site,
    /// The gateway's OpenAI-compatible base URL, for example `http://127.0.0.1:8470/v1`; shown to newcomers.
    pub endpoint: String,
    /// A model that a newcomer can try, for example `sandbox`.
    pub sample_model: String,
    /// An identity provider that people can sign in with.
    pub login: Option<Arc<dyn Login>>,
}

/// What the handlers share.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) assets: Assets,
    pub(crate) views: Arc<dyn Views>,
    pub(crate) installation: Arc<dyn Installation>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) live: Arc<Semaphore>,
}

impl App {
    /// What the identity provider is called, if there is one.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.options.login.as_ref().map(|login| login.provider())
    }
}

/// The console's pages. The router has a fallback of its own; the API's routes can be merged into it.
pub fn router(
    options: Options,
    views: Arc<dyn Views>,
    installation: Arc<dyn Installation>,
    sessions: Arc<dyn Sessions>,
) -> Router {
    let assets = Assets::embedded();
    let live = Arc::new(Semaphore::new(MAX_LIVE));
    let app = Arc::new(App { options, assets, views, installation, sessions, live });
    let signed_in = Router::new()
        .route("/", get(overview::show))
        .route("/requests", get(list::show))
        .route("/keys", get(keys::show))
        .route("/keys/{id}/revoke", post(keys::revoke))
        .route("/policies", get(policies::show))
        .route("/ledger", get(ledger::show))
        .route("/events", get(live::events))
        .route("/requests/{id}", get(request::show))
        .route("/requests/{id}/verify", get(request::verified).post(request::verify))
        .route("/requests/{id}/proof", get(request::proof))
        .route("/signout", post(signin::end))
        .fallback(async || ApiError::NotFound)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), door::signed_in));
    Router::new()
        .route("/signin", get(signin::ask).post(signin::begin))
        .route("/signin/provider", get(login::begin))
        .route(login::CALLBACK, get(login::finish))
        .route("/assets/{version}/{name}", get(crate::assets::serve))
        .merge(signed_in)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), door::guard))
        .with_state(app)
}
