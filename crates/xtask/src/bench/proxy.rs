//! Tier T0: a bare proxy with the libraries that the gateway is made of, and none of its checks.
//!
//! It passes bytes on and looks at nothing. What a tier costs is the distance from here.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::http::uri::{Authority, Scheme};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Forward = Client<HttpConnector, Incoming>;

/// Serves for ever; prints the address that it listens on as one line.
pub(crate) fn serve(upstream: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot bind")?;
        println!("{}", listener.local_addr()?);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Forward =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1024).build(connector);
        let authority = Authority::try_from(upstream.to_string())?;
        loop {
            let (socket, _) = listener.accept().await.context("cannot accept")?;
            socket.set_nodelay(true)?;
            let (client, authority) = (client.clone(), authority.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| forward(client.clone(), authority.clone(), request));
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    })
}

async fn forward(
    client: Forward,
    authority: Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>> {
    let mut target = request.uri().clone().into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(target)?;
    request.headers_mut().remove(HOST);
    Ok(client.request(request).await?)
}
