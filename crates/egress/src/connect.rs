//! Dialling: resolution whose every answer is checked, then TCP, then TLS.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Makes connections for the HTTP client.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: Arc<rustls::ClientConfig>,
    timeout: Duration,
    /// Where clouds tell machines who they are, and nowhere else.
    is_metadata: bool,
}

/// A connection, plain (loopback only) or TLS.
pub(crate) enum Conn {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connector {
    pub(crate) fn new(tls: Arc<rustls::ClientConfig>, timeout: Duration) -> Self {
        Self { tls, timeout, is_metadata: false }
    }

    /// The same, for nothing but the metadata service of the machine that this is.
    pub(crate) fn into_metadata(self) -> Self {
        Self { is_metadata: true, ..self }
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Conn;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Conn>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            tokio::time::timeout(this.timeout, dial(&uri, this.tls, this.is_metadata)).await.map_err(
                |_| {
                    io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the upstream did not accept a connection in time",
                    )
                },
            )?
        })
    }
}

async fn dial(uri: &Uri, tls: Arc<rustls::ClientConfig>, is_metadata: bool) -> io::Result<Conn> {
    let secure = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the upstream's name has no address");
    for address in tokio::net::lookup_host((host.as_str(), port)).await? {
        let is_allowed = if is_metadata { address == METADATA } else { allowed(address, secure) };
        if !is_allowed {
            last = io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the upstream's name resolves to an address that is never dialled",
            );
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                if !secure {
                    return Ok(Conn::Plain(TokioIo::new(tcp)));
                }
                let name = ServerName::try_from(host.clone())
                    .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
                let stream = TlsConnector::from(tls).connect(name, tcp).await?;
                return Ok(Conn::Tls(Box::new(TokioIo::new(stream))));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Where Azure's metadata service is (<https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>); it has no
/// TLS, and its address leads nowhere but to the machine's own host.
const METADATA: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 169, 254)), 80);

/// Link-local addresses are where clouds keep their metadata services (169.254.169.254, fe80::/10, fd00:ec2::254): a
/// name that resolves there is an attack. Plain HTTP is for loopback only, whatever the name promised.
fn allowed(address: SocketAddr, secure: bool) -> bool {
    let ip = address.ip().to_canonical();
    let forbidden = match ip {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.is_multicast() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    };
    !forbidden && (secure || ip.is_loopback())
}

// === impl Conn ===

impl Connection for Conn {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

macro_rules! each {
    ($self:ident, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Conn::Plain(plain) => {
                let $io = Pin::new(plain);
                $call
            }
            Conn::Tls(tls) => {
                let $io = Pin::new(tls.as_mut());
                $call
            }
        }
    };
}

impl Read for Conn {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_read(cx, buf))
    }
}

impl Write for Conn {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, io => io.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, io => io.poll_write_vectored(cx, bufs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_and_plain_http_abroad_are_never_dialled() {
        let ok = |text: &str, secure| allowed(text.parse().unwrap(), secure);
        assert!(ok("127.0.0.1:80", false) && ok("[::1]:80", false) && ok("10.0.0.1:443", true));
        for (address, secure) in [
            ("169.254.169.254:80", true),
            ("[::ffff:169.254.169.254]:443", true),
            ("[fe80::1]:443", true),
            ("[fd00:ec2::254]:443", true),
            ("0.0.0.0:443", true),
            ("10.0.0.1:80", false),
        ] {
            assert!(!ok(address, secure), "{address}");
        }
    }
}
