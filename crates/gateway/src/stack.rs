//! The request stack, on one screen.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::request::Parts as Head;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full};
use stockade_authz::{InspectionContext, Resource};
use stockade_crypto::{Hasher, to_hex};
use stockade_domain::{
    Action, CallerRecord, Channel, Effect, EndReason, EndUser, FindingKind, FindingRecord, Handling,
    Obligation, RequestId, Role,
};
use stockade_egress::evidence::{
    Authenticated, Cleared, Denied, Dispatch, Examined, Filtered, Parsed, Recorded, Ticket, admit, clear,
    filter,
};
use stockade_egress::{SendError, UpstreamResponse};

use crate::Gateway;
use crate::answer::{AnswerFilter, AnswerLimits, AnswerParts, ToolJudge};
use crate::error::Refusal;
use crate::json::Limits;
use crate::ports::Resolved;
use crate::pseudonyms::Pseudonyms;
use crate::redact::{Recording, Redactor};
use crate::request::{self, Apply};

/// What goes to a client: an answer of ours, or an upstream's through the filter.
pub(crate) type Answer = Response<Either<Full<Bytes>, Filtered>>;

/// Why a request goes no further, with the record of it already under way.
type Step<T> = Result<T, Refusal>;

/// A request on its way: what every step needs beside the evidence.
struct Call<'a> {
    gateway: &'a Gateway,
    head: &'a Head,
    peer: Option<IpAddr>,
}

impl Gateway {
    /// Answers one request. Every path through here ends in a record.
    pub(crate) async fn answer<B>(&self, head: Head, body: B, peer: Option<IpAddr>) -> Answer
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let _in_flight = self.metrics.request();
        let begun = Instant::now();
        let request = RequestId::new(self.parts.clock.now(), self.random_tail());
        let call = Call { gateway: self, head: &head, peer };
        let answer = match call.run(request, body).await {
            Ok(answer) => {
                self.metrics.answered(begun.elapsed());
                answer
            }
            Err(refusal) => {
                self.metrics.refused(refusal.code);
                refusal.response(request).map(Either::Left)
            }
        };
        with_common_headers(answer, request)
    }
}

impl Call<'_> {
    async fn run<B: Body<Data = Bytes> + Unpin>(&self, request: RequestId, body: B) -> Step<Answer> {
        if let Some(health) = self.health() {
            return Ok(health);
        }
        let ticket = self.open(request)?;
        let ticket = self.guard(ticket)?;
        let authenticated = self.authenticate(ticket)?;
        match (&self.head.method, self.head.uri.path()) {
            (&Method::POST, "/v1/chat/completions") => {
                let authenticated = self.connect(authenticated).await?;
                let (authenticated, body) = self.receive(authenticated, body).await?;
                let (parsed, resolved) = self.parse(authenticated, body)?;
                let (examined, context) = self.examine(parsed);
                let (cleared, pseudonyms) = self.clear(examined, &context, &resolved).await?;
                let (dispatch, response, recorded) = self.send(cleared, &resolved).await?;
                self.filter(dispatch, response, recorded, pseudonyms, &resolved, &context).await
            }
            (&Method::GET, "/v1/models") => self.list_models(authenticated, None).await,
            (&Method::GET, path) if path.starts_with("/v1/models/") => {
                self.list_models(authenticated, path.strip_prefix("/v1/models/")).await
            }
            (_, "/v1/chat/completions" | "/v1/models") => {
                Err(self.refuse(authenticated.into_ticket(), Refusal::new("method_not_allowed")))
            }
            _ => Err(self.refuse(authenticated.into_ticket(), Refusal::new("unknown_route"))),
        }
    }

    /// Liveness and readiness need no key and say nothing else.
    fn health(&self) -> Option<Answer> {
        let ready = match (&self.head.method, self.head.uri.path()) {
            (&Method::GET, "/healthz") => true,
            (&Method::GET, "/readyz") => self.gateway.is_ready(),
            _ => return None,
        };
        let (status, text) =
            if ready { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") };
        Some(local(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes())))
    }

    fn open(&self, request: RequestId) -> Step<Ticket> {
        let parts = &self.gateway.parts;
        Ticket::open(request, Arc::clone(&parts.audit), Arc::clone(&parts.clock)).map_err(|error| {
            tracing::error!(%request, %error, "a request was refused because it could not be recorded");
            Refusal::new("ledger_unavailable")
        })
    }

    fn guard(&self, ticket: Ticket) -> Step<Ticket> {
        match self.gateway.parts.hosts.check(&self.head.uri, &self.head.headers) {
            Ok(()) => Ok(ticket),
            Err(code) => {
                ticket.reject(code);
                Err(Refusal::new(code))
            }
        }
    }

    /// Who calls: an API key, and the end user that the workload asserts. Whether it may assert one, policy says.
    fn authenticate(&self, ticket: Ticket) -> Step<Authenticated> {
        let presented = bearer(&self.head.headers);
        let mut grant = match presented.map(|key| self.gateway.parts.keys.authenticate(key)) {
            Some(Ok(grant)) => grant,
            Some(Err(_)) | None => {
                ticket.reject("invalid_api_key");
                return Err(Refusal::new("invalid_api_key"));
            }
        };
        let user = asserted_user(&self.head.headers);
        grant.caller.user = user.clone().ok().flatten().map(|id| EndUser { id });
        let record = self.record_of(&grant.caller);
        let authenticated = ticket.authenticate(grant.caller, record, grant.lease);
        match user {
            Ok(_) => Ok(authenticated),
            Err(refusal) => Err(self.refuse(authenticated.into_ticket(), refusal)),
        }
    }

    /// The first phase of the decision: on headers alone.
    async fn connect(&self, authenticated: Authenticated) -> Step<Authenticated> {
        let decision = self.gateway.parts.pdp.decide(
            authenticated.caller(),
            Action::Connect,
            Resource::Gateway,
            &self.bare_context(),
        );
        let record = self.record_of(authenticated.caller());
        let authority = self.gateway.parts.egress.authority();
        match admit(authority, authenticated, decision, Action::Connect, "openai.chat", record) {
            Ok(admitted) => Ok(admitted.proceed()),
            Err(denied) => Err(self.deny(denied, Vec::new()).await),
        }
    }

    /// The body, within bounds of size and time.
    async fn receive<B>(&self, mut authenticated: Authenticated, body: B) -> Step<(Authenticated, Bytes)>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let limits = &self.gateway.options;
        let read = match self.check_body_headers() {
            Ok(()) => tokio::time::timeout(limits.body_timeout, read_body(body, limits.body)).await,
            Err(code) => Ok(Err(code)),
        };
        match read {
            Ok(Ok(bytes)) => {
                authenticated.draft().bytes_in = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                Ok((authenticated, bytes))
            }
            Ok(Err(code)) => Err(self.refuse(authenticated.into_ticket(), Refusal::new(code))),
            Err(_) => Err(self.refuse(authenticated.into_ticket(), Refusal::new("request_timeout"))),
        }
    }

    fn check_body_headers(&self) -> Result<(), &'static str> {
        let headers = &self.head.headers;
        let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/json") {
            return Err("unsupported_media_type");
        }
        if headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err("encoded_body");
        }
        let length =
            headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        if length.is_some_and(|l: usize| l > self.gateway.options.body) {
            Err("body_too_large")
        } else {
            Ok(())
        }
    }

    fn parse(&self, authenticated: Authenticated, body: Bytes) -> Step<(Parsed, Resolved)> {
        let limits =
            Limits { depth: self.gateway.options.json_depth, leaves: self.gateway.options.json_leaves };
        let message = match request::parse_chat(body, limits) {
            Ok(message) => message,
            Err(refusal) => return Err(self.refuse(authenticated.into_ticket(), refusal)),
        };
        match self.gateway.parts.catalog.load().resolve(&message.model) {
            Some(resolved) => Ok((authenticated.parse(message), resolved)),
            None => Err(self.refuse(authenticated.into_ticket(), Refusal::new("model_not_found"))),
        }
    }

    fn examine(&self, parsed: Parsed) -> (Examined, InspectionContext) {
        let begun = Instant::now();
        let parts = &self.gateway.parts;
        let workload = parsed.caller().workload.id;
        let inspected = aside(parsed.message().body.len(), || {
            request::inspect(&parts.engine, parsed.message(), workload, parts.prompts.as_ref())
        });
        self.gateway.metrics.examined(begun.elapsed());
        let context = InspectionContext { addr: self.peer, now: parts.clock.now(), ..inspected.context };
        (parsed.examine(inspected.findings, inspected.inspection), context)
    }

    /// The second phase of the decision: on everything that is known. Obligations are carried out here.
    async fn clear(
        &self,
        examined: Examined,
        context: &InspectionContext,
        resolved: &Resolved,
    ) -> Step<(Cleared, Option<Pseudonyms>)> {
        let parts = &self.gateway.parts;
        let decision =
            parts.pdp.decide(examined.caller(), Action::Invoke, Resource::Model(&resolved.model), context);
        let record = self.record_of(examined.caller());
        let found = examined.inspection().findings.clone();
        let seen = (decision.record().effect == Effect::Deny).then(|| self.denied_payload(&examined));
        let mut pseudonyms = None;
        let apply = Apply {
            pseudonyms: self.pseudonyms(&examined),
            record_limit: self.gateway.options.record_limit,
            about: self.about(),
            handover: &mut pseudonyms,
        };
        let targets = vec![resolved.target.id().clone()];
        match clear(parts.egress.authority(), examined, decision, targets, record, apply) {
            Ok(cleared) => Ok((cleared, pseudonyms)),
            Err(mut denied) => {
                if let Some(seen) = seen {
                    denied.attach(seen);
                }
                Err(self.deny(denied, blocked(found)).await)
            }
        }
    }

    /// Dispatches, and waits for the upstream and for the record at the same time. Under `strict` the record comes first.
    async fn send(
        &self,
        cleared: Cleared,
        resolved: &Resolved,
    ) -> Step<(Dispatch, UpstreamResponse, Recorded)> {
        let (mut dispatch, intent) =
            cleared.dispatch().await.map_err(|error| self.unrecorded(&error.to_string()))?;
        let egress = &self.gateway.parts.egress;
        let sent = async {
            let attempt = dispatch.attempt(&resolved.target).map_err(|_| SendError::Permit)?;
            egress.send(attempt).await
        };
        let (sent, recorded) = tokio::join!(sent, intent.durable());
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                drop(dispatch.into_ticket().close(EndReason::Internal));
                return Err(self.unrecorded(&error.to_string()));
            }
        };
        let refusal = match sent {
            Ok(response) => match check_head(&response, dispatch.message().stream) {
                None => return Ok((dispatch, response, recorded)),
                Some(code) => {
                    tracing::warn!(request = %dispatch.permit().request(), status = %response.status(), code, "the upstream's answer was not taken");
                    Refusal::new(code)
                }
            },
            Err(error) => {
                tracing::warn!(request = %dispatch.permit().request(), %error, "the upstream did not answer");
                Refusal::new(if matches!(error, SendError::Timeout) {
                    "upstream_timeout"
                } else {
                    "upstream_failed"
                })
            }
        };
        Err(self.end(dispatch.into_ticket(), refusal, EndReason::UpstreamFailed))
    }

    async fn filter(
        &self,
        dispatch: Dispatch,
        response: UpstreamResponse,
        recorded: Recorded,
        pseudonyms: Option<Pseudonyms>,
        resolved: &Resolved,
        context: &InspectionContext,
    ) -> Step<Answer> {
        let options = &self.gateway.options;
        let stream = dispatch.message().stream;
        let annotation = annotation(dispatch.permit().obligations(), context);
        let pseudonyms = pseudonyms.unwrap_or_else(|| self.gateway.no_pseudonyms(dispatch.permit().caller()));
        let filtered = filter(
            dispatch,
            recorded,
            response,
            200,
            |permit| {
                Box::new(AnswerFilter::new(AnswerParts {
                    stream,
                    engine: self.gateway.parts.engine.clone(),
                    redactor: Redactor::new(permit.obligations(), pseudonyms),
                    judge: self.judge(permit.caller().clone(), resolved),
                    limits: AnswerLimits {
                        event: options.event,
                        held: options.body,
                        depth: options.json_depth,
                    },
                    record_limit: options.record_limit,
                }))
            },
            self.gateway.stopping(),
        );
        let mut answer = if stream {
            let mut answer = Response::new(Either::Right(filtered));
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            answer
        } else {
            let (status, body) = filtered.collect().await;
            local(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), "application/json", body)
        };
        if let Some(value) = annotation {
            answer.headers_mut().insert("x-stockade-annotations", value);
        }
        Ok(answer)
    }

    /// Decides a model's tool calls under the same caller.
    fn judge(&self, caller: stockade_domain::Caller, resolved: &Resolved) -> ToolJudge {
        let pdp = Arc::clone(&self.gateway.parts.pdp);
        let clock = Arc::clone(&self.gateway.parts.clock);
        let model = resolved.model.clone();
        let addr = self.peer;
        Arc::new(move |name, context| {
            let context = InspectionContext { addr, now: clock.now(), ..context.clone() };
            pdp.ask(&caller, Action::CallTool, Resource::Tool { name, model: &model }, &context)
        })
    }

    /// The models that exist and that this caller may use.
    async fn list_models(&self, authenticated: Authenticated, one: Option<&str>) -> Step<Answer> {
        let parts = &self.gateway.parts;
        let context = self.bare_context();
        let caller = authenticated.caller().clone();
        let decision = parts.pdp.decide(&caller, Action::ListModels, Resource::Gateway, &context);
        let record = self.record_of(&caller);
        let authority = parts.egress.authority();
        let admitted =
            match admit(authority, authenticated, decision, Action::ListModels, "openai.models", record) {
                Ok(admitted) => admitted,
                Err(denied) => return Err(self.deny(denied, Vec::new()).await),
            };
        let catalog = parts.catalog.load();
        let usable = |name: &str| {
            catalog.resolve(name).is_some_and(|r| {
                let asked = parts.pdp.ask(&caller, Action::Invoke, Resource::Model(&r.model), &context);
                asked.effect == Effect::Permit
            })
        };
        let entry = |name: &str| {
            let owner = catalog.resolve(name).map(|r| r.target.id().as_str().to_owned());
            serde_json::json!({"id": name, "object": "model", "created": 0, "owned_by": owner})
        };
        let body = match one {
            Some(name) if usable(name) => entry(name),
            Some(_) => {
                let ticket = admitted.proceed().into_ticket();
                return Err(self.refuse(ticket, Refusal::new("model_not_found")));
            }
            None => {
                let data: Vec<_> =
                    catalog.named().filter(|(n, _)| usable(n)).map(|(n, _)| entry(n)).collect();
                serde_json::json!({"object": "list", "data": data})
            }
        };
        let body = Bytes::from(body.to_string());
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        admitted.answer(200, length).await.map_err(|error| self.unrecorded(&error.to_string()))?;
        Ok(local(StatusCode::OK, "application/json", body))
    }

    // --- ends ---

    /// Records a denial, waits for the record, and says no more than the category.
    async fn deny(&self, denied: Box<Denied>, findings: Vec<FindingRecord>) -> Refusal {
        let refusal = Refusal::new(denied.code());
        match denied.record(refusal.status.as_u16(), findings).await {
            Ok(_) => refusal,
            Err(error) => self.unrecorded(&error.to_string()),
        }
    }

    /// Records that a request of a known caller was refused.
    fn refuse(&self, ticket: Ticket, refusal: Refusal) -> Refusal {
        self.end(ticket, refusal, EndReason::Refused)
    }

    fn end(&self, mut ticket: Ticket, refusal: Refusal, end: EndReason) -> Refusal {
        let draft = ticket.draft();
        draft.status = refusal.status.as_u16();
        draft.code = Some(refusal.code);
        drop(ticket.close(end));
        refusal
    }

    fn unrecorded(&self, error: &str) -> Refusal {
        tracing::error!(error, "a request was answered with 503 because its record failed");
        Refusal::new("ledger_unavailable")
    }

    // --- what records hold ---

    fn record_of(&self, caller: &stockade_domain::Caller) -> CallerRecord {
        let tenant = caller.workload.tenant.as_str().as_bytes();
        caller.record(|user| {
            let tag = self.gateway.parts.people.mac_parts(&[tenant, user.as_bytes()]);
            to_hex(tag.get(..16).unwrap_or_default())
        })
    }

    fn bare_context(&self) -> InspectionContext {
        InspectionContext {
            addr: self.peer,
            now: self.gateway.parts.clock.now(),
            ..InspectionContext::default()
        }
    }

    fn about(&self) -> serde_json::Value {
        let text = |name: header::HeaderName| {
            self.head
                .headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(|v| v.chars().take(256).collect::<String>())
        };
        serde_json::json!({
            "peer": self.peer.map(|p| p.to_string()),
            "user_agent": text(header::USER_AGENT),
            "user": text(header::HeaderName::from_static("x-stockade-user")),
        })
    }

    /// What a denied request said, with everything redacted that can be.
    fn denied_payload(&self, examined: &Examined) -> Vec<u8> {
        let limit = self.gateway.options.record_limit;
        let about = self.about();
        let obligations = [Obligation::Redact("secret".to_owned()), Obligation::Redact("pii".to_owned())];
        let mut redactor = Redactor::new(&obligations, self.gateway.no_pseudonyms(examined.caller()));
        let mut recording = Recording::new(limit);
        // What could not be inspected cannot be redacted either, so it is not kept.
        let known = limit > 0 && examined.inspection().incomplete.is_empty();
        for (index, span) in examined.message().spans.iter().enumerate().filter(|_| known) {
            if matches!(span.channel, Channel::Atom | Channel::Key | Channel::ToolDefinition) {
                continue;
            }
            let found = examined.findings().iter().filter(|f| f.span == index).map(|f| &f.finding);
            let regions = redactor.regions(found);
            recording.add(span.channel, span.role, &span.path, redactor.edit(&span.text, &regions).1);
        }
        recording.into_payload(about)
    }

    /// The request's pseudonyms. Their scope is the conversation: caller, system prompt and first thing a user said, which
    /// a client sends again with every turn.
    fn pseudonyms(&self, examined: &Examined) -> Pseudonyms {
        let caller = examined.caller();
        let mut scope = Hasher::new();
        let mut add = |text: &str| {
            scope.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            scope.update(text.as_bytes());
        };
        add(caller.user.as_ref().map_or("", |u| &u.id));
        let spans = &examined.message().spans;
        spans.iter().filter(|s| s.channel == Channel::System).for_each(|s| add(&s.text));
        spans
            .iter()
            .find(|s| s.role == Role::User && s.channel == Channel::Content)
            .into_iter()
            .for_each(|s| add(&s.text));
        self.gateway.pseudonyms(caller, scope.finish())
    }
}

/// Findings that a denial was for.
fn blocked(found: Vec<FindingRecord>) -> Vec<FindingRecord> {
    let steers = |f: &FindingRecord| matches!(f.kind, FindingKind::Injection | FindingKind::Leak);
    found
        .into_iter()
        .map(|f| if steers(&f) { FindingRecord { handling: Handling::Blocked, ..f } } else { f })
        .collect()
}

/// The end user that the workload asserts: one field, of visible ASCII, at most 256 bytes.
fn asserted_user(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all("x-stockade-user").iter();
    match (values.next().map(|v| v.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(id)), None) if (1..=256).contains(&id.len()) => Ok(Some(id.to_owned())),
        _ => Err(Refusal::new("invalid_request")
            .with_message("`x-stockade-user` is one field of at most 256 visible ASCII characters")),
    }
}

/// Texts from this size on take longer to inspect than other requests should wait for the thread.
const LONG_TEXT: usize = 256 << 10;

/// Does a long computation where it may take its time: other tasks of the thread move to another one meanwhile.
fn aside<T>(size: usize, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    if size >= LONG_TEXT && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

async fn read_body<B: Body<Data = Bytes> + Unpin>(mut body: B, limit: usize) -> Result<Bytes, &'static str> {
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| "body_incomplete")?.into_data() else { continue };
        if out.len().saturating_add(data.len()) > limit {
            return Err("body_too_large");
        }
        out.extend_from_slice(&data);
    }
    Ok(out.freeze())
}

/// Why an answer's head is not taken. Its body is then never read: an upstream's error text is not the client's business.
fn check_head(response: &UpstreamResponse, stream: bool) -> Option<&'static str> {
    let status = response.status();
    let wanted = if stream { "text/event-stream" } else { "application/json" };
    match status.as_u16() {
        200 if response.is_encoded() => Some("upstream_encoded"),
        200 if response.media_type().as_deref() == Some(wanted) => None,
        200 => Some("upstream_malformed"),
        429 => Some("upstream_rate_limited"),
        400 | 404 | 413 | 415 | 422 => Some("upstream_rejected"),
        408 | 504 => Some("upstream_timeout"),
        _ => Some("upstream_failed"),
    }
}

/// Signals that were let through with a note.
fn annotation(obligations: &[Obligation], context: &InspectionContext) -> Option<HeaderValue> {
    if !obligations.contains(&Obligation::Annotate) {
        return None;
    }
    let signals: Vec<&str> =
        context.system_signals.iter().chain(&context.signals).map(String::as_str).collect();
    HeaderValue::try_from(signals.join(",")).ok()
}

fn local(status: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn with_common_headers(mut answer: Answer, request: RequestId) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::try_from(request.to_string()) {
        headers.insert("x-request-id", id);
    }
    answer
}

/// How long a body may take, whatever its size.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(120);
