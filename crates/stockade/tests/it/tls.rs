//! Listeners that other machines can reach speak TLS, and have no sandbox.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{Place, eventually, text};

/// One request over TLS, with the certificate checked.
fn get(root: &CertificateDer<'static>, port: &str, path: &str, key: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("gateway.test").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: gateway.test:{port}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The end may come without TLS's own goodbye.
    let _cut_short = stream.read_to_end(&mut answer);
    text(&answer)
}

#[test]
fn beyond_loopback_there_is_tls_and_no_sandbox_even_after_a_reload() {
    let place = Place::new();
    let made = rcgen::generate_simple_self_signed(vec!["gateway.test".to_owned()]).unwrap();
    fs::write(place.path("chain.pem"), made.cert.pem()).unwrap();
    fs::write(place.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let server = "[server]\ngateway = \"127.0.0.1:0\"\nhosts = [\"gateway.test\"]\n\
                  tls_certificate = \"chain.pem\"\ntls_key = \"key.pem\"\n";
    let upstream = |name: &str| {
        format!("{server}[upstreams.mock]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"{name}\"]\n")
    };
    let file = place.path("stockade.toml");
    fs::write(&file, upstream("first")).unwrap();
    let args = [
        "up",
        "--no-env-upstreams",
        "--gateway",
        "0.0.0.0:0",
        "--console",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ];
    let server = place.start_with(&args);
    let port = server.address("gateway").rsplit_once(':').unwrap().1;
    let models = || get(made.cert.der(), port, "/v1/models", &place.key());
    let before = models();
    assert!(before.starts_with("HTTP/1.1 200") && before.contains("first"), "{before}");
    assert!(!before.contains("sandbox"), "{before}");
    fs::write(&file, upstream("second")).unwrap();
    server.signal(Signal::HUP);
    let after = eventually(|| Some(models()).filter(|models| models.contains("second")));
    assert!(!after.contains("sandbox"), "{after}");
}
