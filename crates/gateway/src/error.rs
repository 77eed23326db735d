//! What a caller is told when there is no answer: a status, a stable code and a sentence that is safe to show.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use stockade_domain::RequestId;

use crate::dialect::Family;
use crate::limits::Fields;

/// A request that gets no answer. The message never holds anything of the request or of the upstream but checked ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// A word of the dialect by which its SDK knows that it can go on without.
    pub(crate) detail: Option<&'static str>,
    /// When it is worth asking again, where the status says that it is.
    pub(crate) wait: Wait,
    /// What else stands in the answer's head.
    pub(crate) fields: Fields,
}

/// When a request that was refused is worth repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// In a moment.
    Moment,
    /// After so long.
    For(Duration),
    /// Never, as it is.
    Forever,
}

/// Who is to wait longer than this is told not to ask again by itself: SDKs take no longer time for serious and would come
/// back at once (`openai` and `anthropic`, `_calculate_retry_timeout`).
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Every code that the gateway can answer with: status, code, and what to do. `docs/errors.md` is made from it.
pub const CODES: &[(u16, &str, &str)] = &[
    (400, "malformed_http", "The request is not HTTP (RFC 9112)."),
    (400, "invalid_json", "The body is not JSON (RFC 8259). The message names the byte."),
    (400, "invalid_utf8", "The body is not UTF-8. The message names the byte."),
    (400, "duplicate_key", "A key stands twice in one object; readers disagree on which one counts."),
    (400, "json_too_deep", "Arrays and objects are nested deeper than `limits.json_depth`."),
    (400, "json_too_large", "The body has more values than are read."),
    (400, "invalid_request", "The body lacks something that the operation needs."),
    (400, "body_incomplete", "The body broke off."),
    (
        400,
        "binary_tensors",
        "Tensors behind the JSON (`Inference-Header-Content-Length`) cannot be read here: send them as JSON, `binary_data=False` in Triton's client.",
    ),
    (400, "operation_unsupported", "The model's upstream does not offer this operation."),
    (
        400,
        "untranslatable",
        "The model's upstream speaks another API, in which a part of the request cannot be said. The message names it.",
    ),
    (
        400,
        "upstream_rejected",
        "The upstream did not accept the request. The operator's log has its status, not its words.",
    ),
    (
        400,
        "context_length_exceeded",
        "prompt is too long: the request is longer than the model's context. Send less of the conversation.",
    ),
    (
        401,
        "invalid_api_key",
        "The key is missing, malformed, unknown, expired or revoked: use a key of this installation.",
    ),
    (401, "key_expired", "The key or token ran out while the answer was under way."),
    (
        401,
        "key_revoked",
        "The key was revoked, or the token's issuer removed, while the answer was under way.",
    ),
    (
        401,
        "invalid_token",
        "The token is not accepted here: its issuer, audience, client, signature or times are not what they must be. `stockade identity check` tells operators which.",
    ),
    (401, "token_expired", "The token has expired: get a new one from its issuer."),
    (
        401,
        "invalid_dpop_proof",
        "The DPoP proof is missing, not of this request and token, too old, or was used before.",
    ),
    (
        401,
        "use_dpop_nonce",
        "The DPoP proof must carry the nonce that the field `DPoP-Nonce` of this answer brings.",
    ),
    (
        401,
        "invalid_user_token",
        "The token in `x-stockade-user-token` is not accepted, or speaks of no person.",
    ),
    (403, "policy_denied", "A policy forbids it. Operators find the reason under the request id."),
    (403, "obligation_unmet", "A policy asks for something that cannot be done to this request."),
    (403, "policy_error", "A policy could not be evaluated, so nothing is permitted."),
    (
        403,
        "label_too_high",
        "The request's label is above what the model or the workload may have: the message says which, whence and what is allowed.",
    ),
    (
        403,
        "label_untrusted",
        "Only a trusted workload labels its text or names its conversations: `stockade workload set NAME --trait sets_labels`.",
    ),
    (403, "answer_blocked", "The answer held something that may not leave and cannot be taken out of it."),
    (
        403,
        "tool_denied",
        "The model called a tool that this workload may not let it call. An operator lists it: `stockade workload set NAME --tool TOOL`.",
    ),
    (
        403,
        "price_unknown",
        "A limit of money holds for the request, and its model has no price: the operator adds one to `[[prices]]`.",
    ),
    (
        403,
        "management_denied",
        "The server's models are managed at the server itself: nobody pulls, pushes, creates, copies or deletes one through the gateway.",
    ),
    (403, "foreign_host", "The `Host` header does not name this gateway."),
    (403, "foreign_origin", "Requests from web pages of other origins are refused."),
    (404, "model_not_found", "No upstream serves this model: see `GET /v1/models`."),
    (404, "unknown_route", "There is nothing at this path."),
    (405, "method_not_allowed", "The path exists, the method does not."),
    (408, "request_timeout", "The body did not arrive in time."),
    (413, "body_too_large", "The body is larger than `limits.body`."),
    (415, "unsupported_media_type", "Send `Content-Type: application/json`."),
    (415, "encoded_body", "Send the body without `Content-Encoding`."),
    (
        429,
        "limit_reached",
        "A limit of use is reached; the message names it. `Retry-After` says when there may be room again.",
    ),
    (
        429,
        "request_over_limit",
        "The request alone may come to more than a limit of use: shorten it, or ask for fewer tokens of answer.",
    ),
    (429, "upstream_rate_limited", "The upstream asks to slow down."),
    (
        431,
        "header_block_too_large",
        "The header block is larger than `limits.header_block`, or has too many fields.",
    ),
    (501, "transfer_coding", "Send the body without a `Transfer-Encoding` other than `chunked`."),
    (502, "upstream_failed", "The upstream could not be reached or broke off."),
    (
        502,
        "upstream_unauthorized",
        "The upstream did not accept the gateway's own credential: an operator checks the upstream's `api_key`.",
    ),
    (502, "upstream_malformed", "The upstream's answer cannot be read, so it cannot be checked."),
    (502, "upstream_encoded", "The upstream encoded its answer although it was asked not to."),
    (502, "upstream_too_large", "The upstream's answer, or one event of it, is larger than `limits.event`."),
    (503, "ledger_unavailable", "Nothing can be recorded, so nothing is answered."),
    (503, "labels_full", "So many labelled conversations are remembered that there is no room for another."),
    (503, "identity_unavailable", "The keys of the token's issuer cannot be had, so it cannot be checked."),
    (503, "overloaded", "Too many requests at once."),
    (503, "upstream_overloaded", "The upstream has too much to do."),
    (503, "shutting_down", "The server is stopping."),
    (504, "upstream_timeout", "The upstream did not answer in time."),
];

impl Refusal {
    pub(crate) fn new(code: &'static str) -> Self {
        let (status, text) = CODES
            .iter()
            .find(|(_, c, _)| *c == code)
            .map_or((500, "Something failed inside."), |(status, _, text)| (*status, *text));
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            message: text.to_owned(),
            detail: None,
            wait: Wait::Moment,
            fields: Vec::new(),
        }
    }

    pub(crate) fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// In the caller's dialect: OpenAI's (<https://platform.openai.com/docs/guides/error-codes>), Anthropic's
    /// (<https://docs.anthropic.com/en/api/errors>) or Ollama's (<https://github.com/ollama/ollama/blob/main/docs/api/errors.mdx>).
    pub(crate) fn to_json(&self, family: Family) -> Vec<u8> {
        match family {
            Family::OpenAi => self.to_openai(),
            Family::Anthropic => self.to_anthropic(),
            Family::Ollama | Family::Predict => serde_json::json!({"error": self.message, "code": self.code}),
        }
        .to_string()
        .into_bytes()
    }

    fn to_anthropic(&self) -> serde_json::Value {
        let kind = match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            503 => "overloaded_error",
            504 => "timeout_error",
            _ => "api_error",
        };
        let mut error = serde_json::json!({"type": kind, "message": self.message, "code": self.code});
        if let (Some(detail), Some(fields)) = (self.detail, error.as_object_mut()) {
            fields.insert("details".to_owned(), serde_json::json!({"error_code": detail}));
        }
        serde_json::json!({"type": "error", "error": error})
    }

    fn to_openai(&self) -> serde_json::Value {
        let kind = match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        };
        serde_json::json!({"error": {"message": self.message, "type": kind, "code": self.code, "param": null}})
    }

    /// What a 401 must say (RFC 9110 section 15.5.2), in the words of RFC 6750 section 3.
    fn challenge(&self) -> Option<&'static str> {
        match (self.status, self.code) {
            (StatusCode::UNAUTHORIZED, "invalid_token" | "token_expired") => {
                Some(r#"Bearer error="invalid_token""#)
            }
            (StatusCode::UNAUTHORIZED, "use_dpop_nonce") => Some(r#"DPoP error="use_dpop_nonce""#),
            (StatusCode::UNAUTHORIZED, "invalid_dpop_proof") => Some(r#"DPoP error="invalid_dpop_proof""#),
            (StatusCode::UNAUTHORIZED, _) => Some("Bearer"),
            _ => None,
        }
    }

    /// The whole answer. SDKs repeat a request on most errors: they are told not to where that would not help.
    pub(crate) fn response(&self, family: Family, request: RequestId) -> Response<Full<Bytes>> {
        let body = match family {
            Family::OpenAi | Family::Ollama | Family::Predict => self.to_json(family),
            Family::Anthropic => {
                let mut body = self.to_anthropic();
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("request_id".to_owned(), serde_json::json!(request.to_string()));
                }
                body.to_string().into_bytes()
            }
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(id) = HeaderValue::try_from(request.to_string()) {
            headers.insert("x-request-id", id);
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        match self.status.as_u16() {
            429 | 503 => self.wait.tell(headers),
            502 | 504 if self.code != "upstream_unauthorized" => {}
            _ => {
                headers.insert("x-should-retry", HeaderValue::from_static("false"));
            }
        }
        for (name, value) in &self.fields {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

impl Wait {
    fn tell(self, headers: &mut HeaderMap) {
        let seconds = match self {
            Self::Moment => Some(1),
            Self::For(wait) => {
                Some(u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1))
            }
            Self::Forever => None,
        };
        if let Some(seconds) = seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if seconds.is_none_or(|seconds| seconds > LONGEST_WAIT.as_secs()) {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
    }
}
