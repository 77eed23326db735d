//! Listening: connections within bounds, TLS where it is asked for, and a graceful end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::Gateway;
use crate::connections::{Connections, GRACE, Life, Over, Place, Until};
use crate::explain::Explained;

/// Where a server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Takes requests.
    Running,
    /// Takes no new connections; requests under way go on.
    Draining,
    /// Running answers end, each in its dialect.
    Stopping,
}

/// TLS of a listener; a new one is put in place under running connections, which keep theirs.
pub type SharedTls = Arc<ArcSwap<rustls::ServerConfig>>;

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    /// The connection is TLS.
    pub(crate) secure: bool,
    /// The certificate that the client showed, in DER; TLS has verified it.
    pub(crate) certificate: Option<Arc<[u8]>>,
    /// The connection's place; none where a test speaks without one.
    pub(crate) place: Option<Arc<Place>>,
}

impl Client {
    /// The caller has shown who it is.
    pub(crate) fn known(&self) {
        if let Some(place) = &self.place {
            place.known();
        }
    }
}

/// For the TLS handshake, and for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// After running answers were told to end, so long until connections are dropped.
const LAST_GRACE: Duration = Duration::from_secs(2);

impl Gateway {
    /// Serves a listener until the phase says otherwise; returns when the last connection is gone.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<SharedTls>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let connections = Connections::new(self.options.connections);
        while *phase.borrow() == Phase::Running {
            tokio::select! {
                () = connections.room() => {}
                _ = phase.changed() => continue,
            }
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = phase.changed() => continue,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: waiting a little lets others end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = connections.take(peer.ip()) else {
                // Closed at once: an answer would cost what the bound is to save.
                self.metrics.refused("too_many_connections");
                self.parts.audit.rejected("too_many_connections");
                continue;
            };
            // What is in force now: certificates are renewed while we run.
            let (this, tls, phase) =
                (Arc::clone(&self), tls.as_ref().map(|tls| tls.load_full()), phase.clone());
            tokio::spawn(async move {
                let acceptor = tls.map(TlsAcceptor::from);
                this.connection(stream, peer, Arc::new(place), acceptor, phase).await;
            });
        }
        drop(listener);
        let ended = async {
            let _ = phase.wait_for(|p| *p == Phase::Stopping).await;
            tokio::time::sleep(LAST_GRACE).await;
        };
        tokio::select! {
            () = connections.empty() => {}
            () = ended => {}
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        place: Arc<Place>,
        acceptor: Option<TlsAcceptor>,
        phase: watch::Receiver<Phase>,
    ) {
        let _ = stream.set_nodelay(true);
        match acceptor {
            None => {
                let client = Client { ip: peer.ip(), secure: false, certificate: None, place: Some(place) };
                self.http(stream, client, phase).await;
            }
            Some(acceptor) => match self.shaken(&acceptor, stream, &place.life).await {
                Some(stream) => {
                    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                    let certificate = shown.map(|certificate| Arc::from(certificate.as_ref()));
                    let client = Client { ip: peer.ip(), secure: true, certificate, place: Some(place) };
                    self.http(stream, client, phase).await;
                }
                None => self.parts.audit.rejected("tls_handshake_failed"),
            },
        }
    }

    /// The handshake. Half of one holds a place like any other stranger does: no longer than it may, and not when the place
    /// is needed.
    async fn shaken(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
        life: &Life,
    ) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
        tokio::select! {
            shaken = tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)) => shaken.ok()?.ok(),
            _ = life.over() => None,
        }
    }

    async fn http<S>(self: Arc<Self>, stream: S, client: Client, mut phase: watch::Receiver<Phase>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let this = Arc::clone(&self);
        let _open = this.metrics.connection();
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(self.options.header_block)
            .max_headers(100);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(100)
            .max_header_list_size(u32::try_from(self.options.header_block).unwrap_or(32_768))
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        let life = client.place.as_ref().map(|place| Arc::clone(&place.life));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (this, client) = (Arc::clone(&self), client.clone());
            async move {
                let underway = client.place.as_ref().map(|place| place.life.underway());
                let (head, body) = request.into_parts();
                let answer = this.answer(head, body, &client).await;
                // The answer's body is under way until it was sent or dropped.
                Ok::<_, Infallible>(answer.map(|body| Until { body, underway }))
            }
        });
        let connection = builder.serve_connection(TokioIo::new(Explained::new(stream)), service);
        let mut connection = pin!(connection.into_owned());
        let over = async move {
            match life {
                Some(life) => life.over().await,
                None => std::future::pending().await,
            }
        };
        let leaving = async move {
            let _ = phase.wait_for(|phase| *phase != Phase::Running).await;
        };
        let is_over = tokio::select! {
            ended = connection.as_mut() => return this.ended(ended),
            over = over => match over {
                Over::Time => true,
                Over::Room => return,
            },
            () = leaving => false,
        };
        connection.as_mut().graceful_shutdown();
        if is_over {
            // Dropped when it does not take the hint.
            let _ = tokio::time::timeout(GRACE, connection).await;
        } else {
            this.ended(connection.await);
        }
    }

    /// A connection whose bytes were no HTTP is counted.
    fn ended(&self, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
        if let Err(error) = ended
            && let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_parse()
        {
            let code = if error.is_parse_too_large() { "header_block_too_large" } else { "malformed_http" };
            self.metrics.refused(code);
            self.parts.audit.rejected(code);
        }
    }
}
