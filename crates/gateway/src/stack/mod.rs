//! The request stack, on one screen. [`Call::run`] is the screen; the steps below it come in the order in which it takes them.

mod asks;
mod azure;
mod ends;
mod identity;
mod labels;
mod limit;
mod meant;
mod models;
mod ollama;
mod predict;
mod records;
mod routes;
mod send;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts as Head;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{Either, Full};
use stockade_authz::{InspectionContext, Resource};
use stockade_domain::{Action, DecisionRecord, Effect, EndReason, Obligation, RequestId};
use stockade_egress::evidence::{
    Authenticated, Cleared, Examined, Filtered, Parsed, Ticket, admit, clear, filter,
};
use stockade_inspect::Engine;

use crate::Gateway;
use crate::answer::{AnswerFilter, AnswerLimits, AnswerParts};
use crate::dialect::Dialect;
use crate::error::Refusal;
use crate::flow;
use crate::json::Limits;
use crate::ports::Resolved;
use crate::predict::{PredictFilter, Softening};
use crate::read;
use crate::redact::Redactor;
use crate::request::{self, Apply, Handover};
use crate::seals;
use crate::server::Client;
use crate::trace::Stage;
use crate::translated::{self, TranslatedFilter, Translation};
use ends::blocked;
use labels::Labelled;
use limit::Room;
use routes::{ByPath, Route, Stray};
use send::Sent;
use wire::{annotation, local, read_body, with_common_headers};

/// What goes to a client: an answer of ours, or an upstream's through the filter.
pub(crate) type Answer = Response<Either<Full<Bytes>, Filtered>>;

/// Why a request goes no further, with the record of it already under way.
type Step<T> = Result<T, Refusal>;

/// What a request asks for, and of whom.
struct Asked {
    resolved: Resolved,
    /// Who is asked next when that one fails.
    others: Vec<Resolved>,
    /// How many are asked, at most.
    attempts: usize,
    dialect: Dialect,
    /// For an upstream of another API.
    translation: Option<Translation>,
}

/// A request on its way: what every step needs beside the evidence.
struct Call<'a> {
    gateway: &'a Gateway,
    request: RequestId,
    head: &'a Head,
    peer: Option<IpAddr>,
    client: &'a Client,
}

impl Gateway {
    /// Answers one request. Every path through here ends in a record.
    pub(crate) async fn answer<B>(&self, head: Head, body: B, client: &Client) -> Answer
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let _in_flight = self.metrics.request();
        let begun = Instant::now();
        let request = RequestId::new(self.parts.clock.now(), self.random_tail());
        if let Some(tracer) = &self.parts.tracer {
            tracer.begin(request, &head.headers);
        }
        let call = Call { gateway: self, request, head: &head, peer: Some(client.ip), client };
        let answer = match call.run(request, body).await {
            Ok(answer) => {
                self.metrics.answered(begun.elapsed());
                answer
            }
            Err(refusal) => {
                self.metrics.refused(refusal.code);
                flow::hold_back(refusal.code, begun.elapsed()).await;
                let family = routes::family(head.uri.path(), &head.headers);
                refusal.response(family, request).map(Either::Left)
            }
        };
        let mut answer = with_common_headers(answer, request, routes::family(head.uri.path(), &head.headers));
        if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
            // RFC 9110, section 15.5.6.
            let lists = head.uri.path().split('/').any(|segment| segment == "models");
            let allowed = HeaderValue::from_static(if lists { "GET" } else { "POST" });
            answer.headers_mut().insert(header::ALLOW, allowed);
        }
        if head.headers.contains_key(identity::PROOF)
            && let Some(nonce) = self.parts.tokens.nonce().and_then(|nonce| HeaderValue::try_from(nonce).ok())
        {
            answer.headers_mut().insert("dpop-nonce", nonce);
        }
        answer
    }
}

impl Call<'_> {
    async fn run<B: Body<Data = Bytes> + Unpin>(&self, request: RequestId, body: B) -> Step<Answer> {
        if let Some(health) = self.health() {
            return Ok(health);
        }
        let ticket = self.open(request)?;
        let ticket = self.guard(ticket)?;
        let authenticated = self.authenticate(ticket).await?;
        match routes::route(&self.head.method, self.head.uri.path(), &self.head.headers) {
            Ok(Route::Model { dialect, named }) => {
                let authenticated = self.turn_away(authenticated)?;
                let authenticated = self.connect(authenticated, dialect.surface()).await?;
                let (authenticated, body) = match dialect {
                    Dialect::PredictAbout => (authenticated, Bytes::new()),
                    _ => self.receive(authenticated, body).await?,
                };
                let (parsed, mut asked) = self.parse(authenticated, body, dialect, named)?;
                self.cap_by_hosted_tools(&mut asked, parsed.message());
                let (parsed, pass) = self.enter(parsed, &asked).await?;
                let (parsed, mut room) = self.reserve(parsed, &asked, pass).await?;
                let (examined, mut context) = self.examine(parsed);
                let (examined, labelled) = self.label(examined, &mut context)?;
                let other = self.cleared_for(&asked, &examined, &context);
                let asked = self.reroute(asked, other, examined.caller().workload.id, &mut room).await;
                let (cleared, handover) = self.clear(examined, &context, &asked, &mut room).await?;
                self.remember(&labelled);
                let sent = self.send(cleared, &asked, &mut room).await?;
                self.filter(sent, handover, room, labelled, &asked, &context).await
            }
            Ok(Route::Models { one, family }) => {
                self.list_models(authenticated, one.as_deref(), family).await
            }
            Ok(Route::Server { model, told }) => self.tell_server(authenticated, &model, told).await,
            Ok(Route::Ollama(told)) => self.tell_ollama(authenticated, told, body).await,
            Err(Stray::Management) => {
                Err(self.refuse(authenticated.into_ticket(), Refusal::new("management_denied")))
            }
            Err(Stray::Method) => {
                Err(self.refuse(authenticated.into_ticket(), Refusal::new("method_not_allowed")))
            }
            Err(Stray::Path) => Err(self.refuse(authenticated.into_ticket(), Refusal::new("unknown_route"))),
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
        // Two lengths (RFC 9112 section 6.3). Where the coding comes first, hyper has dropped the other already.
        let fields = &self.head.headers;
        let two_lengths =
            fields.contains_key(header::TRANSFER_ENCODING) && fields.contains_key(header::CONTENT_LENGTH);
        // Any other coding than `chunked` alone hides what the body is (RFC 9112 section 6.1).
        let is_coded = fields
            .get_all(header::TRANSFER_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
        let checked = match (two_lengths, is_coded) {
            (true, _) => Err("malformed_http"),
            (_, true) => Err("transfer_coding"),
            _ => Ok(()),
        };
        match checked.and_then(|()| self.gateway.parts.hosts.check(&self.head.uri, fields)) {
            Ok(()) => Ok(ticket),
            Err(code) => {
                ticket.reject(code);
                Err(Refusal::new(code))
            }
        }
    }

    /// The first phase of the decision: on headers alone.
    async fn connect(&self, authenticated: Authenticated, surface: &'static str) -> Step<Authenticated> {
        let decision = self.gateway.parts.pdp.decide(
            authenticated.caller(),
            Action::Connect,
            Resource::Gateway,
            &self.bare_context(),
        );
        let record = self.record_of(authenticated.caller());
        let authority = self.gateway.parts.egress.authority();
        match admit(authority, authenticated, decision, Action::Connect, surface, record) {
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
        if headers.contains_key("inference-header-content-length") {
            return Err("binary_tensors");
        }
        // Triton's client does not say what it sends.
        let is_told =
            headers.contains_key(header::CONTENT_TYPE) || !self.head.uri.path().starts_with("/predict/");
        let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        if is_told && !media.eq_ignore_ascii_case("application/json") {
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

    fn parse(
        &self,
        authenticated: Authenticated,
        body: Bytes,
        dialect: Dialect,
        named: ByPath,
    ) -> Step<(Parsed, Asked)> {
        let limits =
            Limits { depth: self.gateway.options.json_depth, leaves: self.gateway.options.json_leaves };
        let read = self.read(body, dialect, &named, limits).and_then(|mut message| {
            let (resolved, way, others) = self.resolve(&message.model, dialect)?;
            let attempts = self.gateway.parts.catalog.load().attempts(&message.model);
            if let Some(translation) = &way.translation {
                translation.request(&message.body)?;
            }
            if matches!(named, ByPath::Nothing | ByPath::Model(_)) {
                message.path = way.path.into();
            }
            meant::note(&mut message, dialect, &self.head.headers, way.translation.is_none())?;
            message.fields.extend(self.trace_field());
            Ok((message, Asked { resolved, others, attempts, dialect, translation: way.translation }))
        });
        match read {
            Ok((message, asked)) => Ok((authenticated.parse(message), asked)),
            Err(refusal) => Err(self.refuse(authenticated.into_ticket(), refusal)),
        }
    }

    fn read(
        &self,
        body: Bytes,
        dialect: Dialect,
        named: &ByPath,
        limits: Limits,
    ) -> Result<stockade_egress::evidence::Message, Refusal> {
        let body = match named {
            ByPath::Below(below) => {
                return crate::predict::parse(dialect, body, below, limits, &self.gateway.parts.people);
            }
            ByPath::Model(model) => read::with_model(&body, model, limits)?,
            ByPath::Nothing => body,
        };
        let body = seals::leave_out_empty(dialect, body, limits)
            .map_err(|error| Refusal::new(error.kind.code()).with_message(error.to_string()))?;
        read::parse(dialect, body, limits)
    }

    /// What an upstream is told of the trace that the request belongs to.
    fn trace_field(&self) -> Option<(HeaderName, HeaderValue)> {
        let told = self.gateway.parts.tracer.as_ref()?.outgoing(self.request)?;
        Some((HeaderName::from_static("traceparent"), HeaderValue::try_from(told).ok()?))
    }

    fn examine(&self, parsed: Parsed) -> (Examined, InspectionContext) {
        let begun = Instant::now();
        let parts = &self.gateway.parts;
        let workload = parsed.caller().workload.id;
        let inspected = aside(parsed.message().body.len(), || {
            request::inspect(&parts.engine.load(), parsed.message(), workload, parts.prompts.as_ref())
        });
        self.gateway.metrics.examined(begun.elapsed());
        self.traced(Stage::Inspect, begun);
        let context = InspectionContext { addr: self.peer, now: parts.clock.now(), ..inspected.context };
        (parsed.examine(inspected.findings, inspected.inspection), context)
    }

    /// The second phase of the decision: on everything that is known. Obligations are carried out here.
    async fn clear(
        &self,
        examined: Examined,
        context: &InspectionContext,
        asked: &Asked,
        room: &mut Room,
    ) -> Step<(Cleared, Option<Handover>)> {
        let begun = Instant::now();
        let resolved = &asked.resolved;
        let parts = &self.gateway.parts;
        let action = examined.message().action;
        let decision = parts.pdp.decide(examined.caller(), action, Resource::Model(&resolved.model), context);
        let record = self.record_of(examined.caller());
        let found = examined.inspection().findings.clone();
        let seen = (decision.record().effect == Effect::Deny).then(|| self.denied_payload(&examined));
        let mut handover = None;
        let apply = Apply {
            pseudonyms: self.pseudonyms(&examined),
            record_limit: self.gateway.options.record_limit,
            about: self.about(&examined),
            leaks: &parts.leaks,
            now: context.now,
            room: std::mem::take(&mut room.edits),
            translation: asked.translation,
            handover: &mut handover,
        };
        let targets = self.targets(&examined, &decision, context, asked);
        let about = self.about_label(decision.record(), examined.caller(), resolved);
        let cleared = clear(parts.egress.authority(), examined, decision, targets, record, apply);
        self.traced(Stage::Decide, begun);
        match cleared {
            Ok(cleared) => Ok((cleared, handover)),
            Err(mut denied) => {
                if let Some(seen) = seen {
                    denied.attach(seen);
                }
                let refusal = self.deny(denied, blocked(found)).await;
                Err(match about.filter(|_| refusal.code == DecisionRecord::LABEL_TOO_HIGH) {
                    Some(message) => refusal.with_message(message),
                    None => refusal,
                })
            }
        }
    }

    async fn filter(
        &self,
        Sent { dispatch, response, recorded, by: resolved }: Sent<'_>,
        handover: Option<Handover>,
        Room { hold, fields, pass, hides_usage, .. }: Room,
        labelled: Labelled,
        asked: &Asked,
        context: &InspectionContext,
    ) -> Step<Answer> {
        let Asked { dialect, translation, .. } = asked;
        let options = &self.gateway.options;
        let limits = AnswerLimits { event: options.event, held: options.body, depth: options.json_depth };
        let facts = translation
            .map(|_| translated::facts(dispatch.message(), dispatch.permit().request(), context.now));
        let stream = dispatch.message().stream;
        let annotation = annotation(dispatch.permit().obligations(), context);
        let Some(Handover { pseudonyms, guards }) = handover else {
            return Err(self.end(
                dispatch.into_ticket(),
                Refusal::new("obligation_unmet"),
                EndReason::Internal,
            ));
        };
        let filtered = filter(
            dispatch,
            recorded,
            response,
            200,
            |permit| {
                let filter = AnswerFilter::new(AnswerParts {
                    dialect: *dialect,
                    stream,
                    engine: Engine::clone(&self.gateway.parts.engine.load()),
                    redactor: Redactor::new(permit.obligations(), pseudonyms),
                    guards,
                    buffers: self.gateway.reads_whole,
                    strips: permit.obligations().contains(&Obligation::Strip),
                    passes_sealed: self.passes(
                        permit,
                        resolved,
                        InspectionContext { sealed: true, ..self.bare_context() },
                    ),
                    passes_opaque: self.passes(
                        permit,
                        resolved,
                        InspectionContext { opaque: true, ..self.bare_context() },
                    ),
                    judge: self.judge(permit.caller().clone(), resolved, Arc::clone(&labelled.known)),
                    hearing: self.hearing(labelled),
                    hold,
                    pass,
                    hides_usage,
                    limits,
                    record_limit: options.record_limit,
                });
                if let Some(softening) = Softening::of(permit.obligations()) {
                    return Box::new(PredictFilter::new(softening, limits.held, filter)) as Box<_>;
                }
                match (translation, facts) {
                    (Some(translation), Some(facts)) => {
                        Box::new(TranslatedFilter::new(translation, stream, facts, limits, filter))
                    }
                    _ => Box::new(filter),
                }
            },
            self.gateway.stopping(),
        )
        .map_err(|ticket| self.end(*ticket, Refusal::new("ledger_unavailable"), EndReason::Internal))?;
        let mut answer = if stream {
            let mut answer = Response::new(Either::Right(filtered));
            let media_type = wire::stream_type(dialect.framing());
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            answer
        } else {
            let (status, body) = filtered.collect().await;
            local(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), "application/json", body)
        };
        answer.headers_mut().extend(fields);
        if let Some(value) = annotation {
            answer.headers_mut().insert("x-stockade-annotations", value);
        }
        Ok(answer)
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

/// How long a body may take, whatever its size.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(120);
