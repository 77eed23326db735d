//! A preview of the console with sample records: `cargo run -p stockade-console --example demo`, then the address that
//! it prints. Look at a change in light, dark and at 360 pixels before it goes in.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::sync::Arc;
use std::time::Duration;

use stockade_api::Site;
use stockade_console::Options;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let site = Site::new(
        ["127.0.0.1", "localhost", "stockade.localhost"].map(|name| format!("{name}:{port}")),
        false,
    );
    let options = Options {
        site: site.clone(),
        endpoint: "http://127.0.0.1:8470/v1".to_owned(),
        sample_model: "sandbox".to_owned(),
        login: None,
    };
    let views = Arc::new(match std::env::args().nth(1).as_deref() {
        Some("empty") => sample::Sample::empty(),
        Some("stopped") => sample::Sample::stopped(),
        _ => sample::Sample::live(Duration::from_secs(3)),
    });
    let people = Arc::new(sample::People::default());
    let app = stockade_console::router(options, views.clone(), views.clone(), people.clone())
        .merge(stockade_api::router(site, views, people, Arc::new(sample::NoTokens)));
    eprintln!("http://stockade.localhost:{port}/signin?token={}", sample::TOKEN);
    axum::serve(listener, app).await
}
