//! Style and scripts, inside the binary. Their address holds their hash, so a browser may keep them for ever and a new
//! version is fetched at once. The modules import each other by relative address and so keep to one version.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use stockade_api::ApiError;
use stockade_crypto::{Hasher, to_hex};

use crate::router::App;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

const FILES: [Asset; 6] = [
    Asset { name: "console.css", media_type: CSS, body: include_str!("../assets/console.css") },
    Asset { name: "console.js", media_type: JS, body: include_str!("../assets/console.js") },
    Asset { name: "keys.js", media_type: JS, body: include_str!("../assets/keys.js") },
    Asset { name: "live.js", media_type: JS, body: include_str!("../assets/live.js") },
    Asset { name: "verify.js", media_type: JS, body: include_str!("../assets/verify.js") },
    Asset { name: "mark.svg", media_type: SVG, body: include_str!("../assets/mark.svg") },
];

/// The embedded files under their common version.
pub(crate) struct Assets {
    base: String,
}

impl Assets {
    pub(crate) fn embedded() -> Self {
        let mut hasher = Hasher::new();
        for file in &FILES {
            for part in [file.name, file.body] {
                hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hasher.update(part.as_bytes());
            }
        }
        let mut version = to_hex(&hasher.finish());
        version.truncate(16);
        Self { base: format!("/assets/{version}") }
    }

    /// The folder that the files are served in, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    Path((version, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let current = app.assets.base().strip_prefix("/assets/") == Some(version.as_str());
    let file = FILES.iter().find(|file| current && file.name == name).ok_or(ApiError::NotFound)?;
    let mut response = file.body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}
