//! The description of the interface (OpenAPI 3.1). Its golden file is the contract: a change shows in review.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::error::Problem;
use crate::routes;
use crate::wire;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stockade",
        description = "What the gateway did: requests, decisions, findings and proofs. Callers are people signed in at \
                       the console, on the same origin, and programs with a token of `stockade tokens create`; errors are problem documents (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(routes::status, routes::requests, routes::request, routes::proof),
    components(schemas(Problem, wire::Status, wire::RequestPage, wire::RequestDetail)),
    modifiers(&Callers),
    security(("session" = []), ("bearer" = [])),
    tags(
        (name = "status", description = "How the installation is"),
        (name = "requests", description = "What was asked, decided, changed and answered")
    )
)]
struct Description;

/// Says how a person and a program show who they are.
struct Callers;

impl Modify for Callers {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("stockade")));
        components.add_security_scheme("session", session);
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer);
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
