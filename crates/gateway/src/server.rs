//! Listening: connections within bounds, TLS where it is asked for, and a graceful end.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::Gateway;
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

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    /// The connection is TLS.
    pub(crate) secure: bool,
    /// The certificate that the client showed, in DER; TLS has verified it.
    pub(crate) certificate: Option<Arc<[u8]>>,
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
        tls: Option<Arc<rustls::ServerConfig>>,
        mut phase: watch::Receiver<Phase>,
    ) {
        let slots = Arc::new(Semaphore::new(self.options.connections));
        let graceful = GracefulShutdown::new();
        let acceptor = tls.map(TlsAcceptor::from);
        while *phase.borrow() == Phase::Running {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
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
            let (this, acceptor, watcher) = (Arc::clone(&self), acceptor.clone(), graceful.watcher());
            tokio::spawn(async move {
                let _slot = slot;
                this.connection(stream, peer, acceptor, watcher).await;
            });
        }
        drop(listener);
        let ended = async {
            let _ = phase.wait_for(|p| *p == Phase::Stopping).await;
            tokio::time::sleep(LAST_GRACE).await;
        };
        tokio::select! {
            () = graceful.shutdown() => {}
            () = ended => {}
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        acceptor: Option<TlsAcceptor>,
        watcher: hyper_util::server::graceful::Watcher,
    ) {
        let _ = stream.set_nodelay(true);
        match acceptor {
            None => {
                let client = Client { ip: peer.ip(), secure: false, certificate: None };
                self.http(stream, client, watcher).await;
            }
            Some(acceptor) => match tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                    let certificate = shown.map(|certificate| Arc::from(certificate.as_ref()));
                    let client = Client { ip: peer.ip(), secure: true, certificate };
                    self.http(stream, client, watcher).await;
                }
                Ok(Err(_)) | Err(_) => self.parts.audit.rejected("tls_handshake_failed"),
            },
        }
    }

    async fn http<S>(
        self: Arc<Self>,
        stream: S,
        client: Client,
        watcher: hyper_util::server::graceful::Watcher,
    ) where
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
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (this, client) = (Arc::clone(&self), client.clone());
            async move {
                let (head, body) = request.into_parts();
                Ok::<_, Infallible>(this.answer(head, body, &client).await)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(Explained::new(stream)), service);
        if let Err(error) = watcher.watch(connection.into_owned()).await
            && let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_parse()
        {
            let code = if error.is_parse_too_large() { "header_block_too_large" } else { "malformed_http" };
            this.metrics.refused(code);
            this.parts.audit.rejected(code);
        }
    }
}
