//! The way to an upstream, and to another when that one fails.
//!
//! A failure is one only before a byte of an answer: a request that has none can be put to another upstream, since asking a
//! model changes nothing at it. Each attempt borrows the dispatch and is recorded, and the permit names whom it may go to.

use std::time::{Duration, Instant};

use http::StatusCode;
use stockade_authz::{InspectionContext, Resource};
use stockade_domain::{Effect, EndReason};
use stockade_egress::evidence::{Cleared, Decision, Dispatch, Examined, Recorded};
use stockade_egress::{SendError, TargetId, UpstreamResponse};

use super::limit::Room;
use super::wire::check_head;
use super::{Asked, Call, Step};
use crate::dialect::{Dialect, Framing};
use crate::error::{Refusal, Wait};
use crate::ports::Resolved;
use crate::trace::Stage;
use crate::translated::Way;

/// A request that an upstream answers.
pub(super) struct Sent<'a> {
    pub(super) dispatch: Dispatch,
    pub(super) response: UpstreamResponse,
    pub(super) recorded: Recorded,
    /// Who answers.
    pub(super) by: &'a Resolved,
}

/// Why an attempt came to nothing.
struct Failure {
    refusal: Refusal,
    /// Another upstream may do better.
    is_worth_another: bool,
}

impl Failure {
    fn new(code: &'static str, is_worth_another: bool) -> Self {
        Self { refusal: Refusal::new(code), is_worth_another }
    }
}

impl Asked {
    /// How the upstream tells the messages of a stream apart.
    fn upstream_framing(&self) -> Framing {
        // All that requests are translated into streams events.
        self.translation.map_or(self.dialect.framing(), |_| Framing::Events)
    }
}

impl Call<'_> {
    /// Who serves a model, how it is asked, and who is asked next. Those that failed lately come last; those that would have to
    /// be asked in another way than the first are left out, since the request is put into words once.
    pub(super) fn resolve(&self, model: &str, dialect: Dialect) -> Step<(Resolved, Way, Vec<Resolved>)> {
        let draw = u64::from_be_bytes(self.gateway.random_tail().first_chunk().copied().unwrap_or_default());
        let mut found = self.gateway.parts.catalog.load().resolve(model, draw);
        if found.is_empty() {
            return Err(Refusal::new("model_not_found"));
        }
        let rules = self.gateway.parts.labels.rules.load();
        found.iter_mut().for_each(|resolved| rules.cap(&mut resolved.model));
        found.sort_by_key(|resolved| self.gateway.flow.is_ailing(resolved.target.id()));
        let mut ways = found.into_iter().filter_map(|resolved| {
            let way = Way::to(resolved.apis, dialect)?;
            Some((resolved, way))
        });
        let (first, way) = ways.next().ok_or_else(|| Refusal::new("operation_unsupported"))?;
        let others = ways.filter(|(_, other)| *other == way).map(|(resolved, _)| resolved).collect();
        Ok((first, way, others))
    }

    /// Whom the request may go to. Another upstream needs another decision: one that permits, and asks for nothing that the
    /// first does not ask for.
    pub(super) fn targets(
        &self,
        examined: &Examined,
        decision: &Decision,
        context: &InspectionContext,
        asked: &Asked,
    ) -> Vec<TargetId> {
        let action = examined.message().action;
        let may = |other: &&Resolved| {
            let pdp = &self.gateway.parts.pdp;
            let own = pdp.ask(examined.caller(), action, Resource::Model(&other.model), context);
            let met = &decision.record().obligations;
            own.effect == Effect::Permit && own.obligations.iter().all(|obligation| met.contains(obligation))
        };
        let others = asked.others.iter().filter(may).take(asked.attempts.saturating_sub(1));
        std::iter::once(&asked.resolved).chain(others).map(|resolved| resolved.target.id().clone()).collect()
    }

    /// Dispatches, and waits for an upstream and for the record at the same time. Under `strict` the record comes first.
    pub(super) async fn send<'a>(
        &self,
        cleared: Cleared,
        asked: &'a Asked,
        room: &mut Room,
    ) -> Step<Sent<'a>> {
        let begun = Instant::now();
        let (mut dispatch, intent) =
            cleared.dispatch().await.map_err(|error| self.unrecorded(&error.to_string()))?;
        let (sent, recorded) = tokio::join!(self.attempts(&mut dispatch, asked, room), intent.durable());
        self.traced(Stage::Upstream, begun);
        let recorded = match recorded {
            Ok(recorded) => recorded,
            Err(error) => {
                drop(dispatch.into_ticket().close(EndReason::Internal));
                return Err(self.unrecorded(&error.to_string()));
            }
        };
        match sent {
            Ok((response, by)) => Ok(Sent { dispatch, response, recorded, by }),
            Err(refusal) => {
                let mut ticket = dispatch.into_ticket();
                ticket.draft().charge = room.hold.settle();
                Err(self.end(ticket, refusal, EndReason::UpstreamFailed))
            }
        }
    }

    /// Asks one upstream after the other until one begins to answer.
    async fn attempts<'a>(
        &self,
        dispatch: &mut Dispatch,
        asked: &'a Asked,
        room: &mut Room,
    ) -> Result<(UpstreamResponse, &'a Resolved), Refusal> {
        let mut failure = match self.attempt(dispatch, &asked.resolved, asked.upstream_framing(), room).await
        {
            Ok(response) => return Ok((response, &asked.resolved)),
            Err(failure) => failure,
        };
        let mut left = asked.attempts.saturating_sub(1);
        for other in &asked.others {
            if !failure.is_worth_another || left == 0 {
                break;
            }
            // The permit says whether it may be asked, the gate whether it can be.
            if !dispatch.permit().names(other.target.id()) {
                continue;
            }
            left = left.saturating_sub(1);
            let workload = dispatch.permit().caller().workload.id;
            let Ok(pass) = self.gateway.flow.enter(other.target.id(), workload).await else { continue };
            room.pass = pass;
            match self.attempt(dispatch, other, asked.upstream_framing(), room).await {
                Ok(response) => return Ok((response, other)),
                Err(next) => failure = next,
            }
        }
        Err(failure.refusal)
    }

    async fn attempt(
        &self,
        dispatch: &mut Dispatch,
        to: &Resolved,
        framing: Framing,
        room: &mut Room,
    ) -> Result<UpstreamResponse, Failure> {
        let (request, stream) = (dispatch.permit().request(), dispatch.message().stream);
        let Ok(attempt) = dispatch.attempt(&to.target) else {
            return Err(Failure::new("upstream_failed", true));
        };
        room.sent();
        match self.gateway.parts.egress.send(attempt).await {
            Ok(response) => match check_head(&response, stream.then_some(framing)) {
                None => {
                    room.begun(dispatch.message());
                    Ok(response)
                }
                Some(code) => {
                    let status = response.status();
                    room.refused(status);
                    tracing::warn!(%request, upstream = to.target.id().as_str(), %status, code, "the upstream's answer was not taken");
                    Err(Failure {
                        refusal: rejected(response, code).await,
                        is_worth_another: is_trouble(status),
                    })
                }
            },
            Err(error) => {
                tracing::warn!(%request, upstream = to.target.id().as_str(), %error, "the upstream did not answer");
                room.failed();
                Err(match error {
                    // Whoever has waited so long does not wait as long again.
                    SendError::Token(_) => Failure::new("upstream_unauthorized", true),
                    SendError::Timeout => Failure::new("upstream_timeout", false),
                    _ => Failure::new("upstream_failed", true),
                })
            }
        }
    }
}

/// What a caller is told of an upstream's refusal: of its words nothing, but what helps to do better.
async fn rejected(response: UpstreamResponse, code: &'static str) -> Refusal {
    let wait = response.retry_after().map_or(Wait::Moment, |seconds| Wait::For(Duration::from_secs(seconds)));
    let is_too_long = code == "upstream_rejected" && response.is_too_long().await;
    let refusal = Refusal::new(if is_too_long { "context_length_exceeded" } else { code });
    Refusal { wait, ..refusal }
}

/// Whether a status speaks of the upstream and not of the request.
fn is_trouble(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 408 | 429 | 500..=599)
}
