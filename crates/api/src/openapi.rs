//! The description of the interface (OpenAPI 3.1). Its golden file is the contract: a change shows in review.

use utoipa::OpenApi;

use crate::error::Problem;
use crate::routes;
use crate::wire;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stockade",
        description = "What the gateway did: requests, decisions, findings and proofs. Callers are people signed in at \
                       the console, on the same origin; errors are problem documents (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(routes::status, routes::requests, routes::request, routes::proof),
    components(schemas(Problem, wire::Status, wire::RequestPage, wire::RequestDetail)),
    tags(
        (name = "status", description = "How the installation is"),
        (name = "requests", description = "What was asked, decided, changed and answered")
    )
)]
struct Description;

/// The OpenAPI document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
