//! Listeners: bound before anything else happens, so that a taken port stops the start with a clear word.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use stockade_gateway::{Gateway, Phase, SharedTls};
use stockade_platform::{Identities, Logins, Platform};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::config::{Config, ServerConfig};

/// The three listeners with the addresses that they really have.
pub(super) struct Listeners {
    pub(super) gateway: TcpListener,
    pub(super) gateway_address: SocketAddr,
    pub(super) console: TcpListener,
    pub(super) console_address: SocketAddr,
    pub(super) metrics: TcpListener,
    pub(super) metrics_address: SocketAddr,
}

pub(super) async fn bind(server: &ServerConfig) -> Result<Listeners> {
    let (gateway, gateway_address) = bind_one(server.gateway, "gateway").await?;
    let (console, console_address) = bind_one(server.console, "console").await?;
    let (metrics, metrics_address) = bind_one(server.metrics, "metrics").await?;
    Ok(Listeners { gateway, gateway_address, console, console_address, metrics, metrics_address })
}

async fn bind_one(address: SocketAddr, flag: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let fix = format!("choose another with --{flag} {}:PORT (0 takes a free one)", address.ip());
        match error.kind() {
            std::io::ErrorKind::AddrInUse => anyhow!("{address} is taken: {fix}"),
            _ => anyhow!("{address} cannot be listened on ({error}): {fix}"),
        }
    })?;
    let real = listener.local_addr()?;
    Ok((listener, real))
}

impl Listeners {
    /// The ports that are really listened on.
    pub(super) fn ports(&self) -> [u16; 3] {
        [self.gateway_address, self.console_address, self.metrics_address].map(|address| address.port())
    }
}

/// Console and API.
pub(super) fn console(
    config: &Config,
    listeners: &Listeners,
    secure: bool,
    platform: &Arc<Platform>,
    here: super::installation::Here,
    login: Option<Arc<Logins>>,
) -> Router {
    let port = listeners.console_address.port();
    let names = ["stockade.localhost", "localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
    // A browser leaves out its scheme's own port (RFC 9110 section 4.2.3).
    let default_port = if secure { 443 } else { 80 };
    let hosts = names.into_iter().chain(config.server.hosts.iter().cloned());
    let hosts: Vec<String> =
        hosts.map(|name| if port == default_port { name } else { format!("{name}:{port}") }).collect();
    let site = stockade_api::Site::new(hosts, secure);
    let scheme = if secure { "https" } else { "http" };
    let options = stockade_console::Options {
        site: site.clone(),
        endpoint: format!("{scheme}://{}/v1", listeners.gateway_address),
        sample_model: "sandbox".to_owned(),
        login: login.map(|login| login as Arc<dyn stockade_views::Login>),
    };
    let views: Arc<dyn stockade_views::Views> = Arc::new(platform.views.clone());
    let sessions: Arc<dyn stockade_views::Sessions> =
        Arc::<stockade_platform::Sessions>::clone(&platform.sessions);
    let tokens: Arc<dyn stockade_views::Tokens> = Arc::<stockade_platform::Tokens>::clone(&platform.tokens);
    stockade_console::router(options, Arc::clone(&views), Arc::new(here), Arc::clone(&sessions))
        .merge(stockade_api::router(site, views, sessions, tokens))
}

/// Metrics and health, on a listener of their own.
pub(super) fn metrics(gateway: Arc<Gateway>, platform: Arc<Platform>, identities: Arc<Identities>) -> Router {
    let (ready, recording) = (Arc::clone(&gateway), Arc::clone(&platform));
    let text = move || {
        let body = format!(
            "{}{}{}",
            gateway.metrics().render(),
            super::metrics::render(&platform, &gateway),
            super::metrics::issuers(&identities)
        );
        async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], body) }
    };
    let addressed = Arc::clone(&ready);
    let guard = move |request: Request, next: Next| {
        let admitted = addressed.is_addressed(request.uri(), request.headers());
        async move {
            if admitted {
                next.run(request).await
            } else {
                (StatusCode::FORBIDDEN, "not this host\n").into_response()
            }
        }
    };
    let routes = Router::new().route("/metrics", get(text)).route("/healthz", get(async || "ok\n")).route(
        "/readyz",
        get(move || async move {
            if !ready.is_ready() {
                (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
            } else if recording.journal.ledger().status().stopped.is_some() {
                (StatusCode::SERVICE_UNAVAILABLE, "the ledger has stopped\n")
            } else {
                (StatusCode::OK, "ok\n")
            }
        }),
    );
    routes.layer(middleware::from_fn(guard))
}

/// Serves a router until the phase says otherwise.
pub(super) async fn serve_router(
    listener: TcpListener,
    router: Router,
    tls: Option<SharedTls>,
    mut phase: watch::Receiver<Phase>,
) {
    let graceful = GracefulShutdown::new();
    while *phase.borrow() == Phase::Running {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.changed() => continue,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(tls.load_full()));
        let (router, watcher) = (router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(15));
            let service = TowerToHyperService::new(router);
            match acceptor {
                None => {
                    let _ = watcher
                        .watch(builder.serve_connection(TokioIo::new(stream), service).into_owned())
                        .await;
                }
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = watcher
                            .watch(builder.serve_connection(TokioIo::new(stream), service).into_owned())
                            .await;
                    }
                }
            }
        });
    }
    drop(listener);
    // A live view stays open for ever: it is not waited for long.
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
    }
}
