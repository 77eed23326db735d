//! The step in which use is reserved: before a request is looked at, so that one for which there is no room costs little.

use http::StatusCode;
use stockade_domain::{Action, Charge, EndReason};
use stockade_egress::evidence::{Authenticated, Message, Parsed, Ticket};

use super::{Asked, Call, Step};
use crate::dialect::{Dialect, Family};
use crate::error::{Refusal, Wait};
use crate::flow::{AGAIN, OVERLOADED, Pass, Shed, Sort};
use crate::json::{Edit, Limits};
use crate::limits::{self, Ask, Asking, Fields, Hold, Reached, Terms};

/// What a request has reserved, and what follows from it.
pub(super) struct Room {
    /// Its place at the upstream.
    pub(super) pass: Pass,
    pub(super) hold: Hold,
    /// What the upstream is told.
    pub(super) edits: Vec<Edit>,
    /// The upstream was asked to tell its usage, and not by the client.
    pub(super) hides_usage: bool,
    /// What the caller is told.
    pub(super) fields: Fields,
}

impl Room {
    /// The request leaves.
    pub(super) fn sent(&mut self) {
        self.hold.sent();
        self.pass.sent();
    }

    /// The answer has begun. How long a whole one took is judged when its length is known.
    pub(super) fn begun(&self, message: &Message) {
        match (message.stream, message.action) {
            (true, _) => self.pass.begun(Sort::Stream),
            (false, Action::Embed | Action::Predict) => self.pass.begun(Sort::Short),
            (false, _) => {}
        }
    }

    /// The upstream has said no. What it does not answer is not used.
    pub(super) fn refused(&mut self, status: StatusCode) {
        // 529 is Anthropic's word for having too much to do (<https://docs.anthropic.com/en/api/errors>).
        if matches!(status.as_u16(), 429 | 500..=599) {
            self.pass.trouble();
        }
        if status != StatusCode::OK {
            self.hold.refused();
        }
    }

    /// The upstream has said nothing.
    pub(super) fn failed(&self) {
        self.pass.trouble();
    }
}

fn overloaded() -> Refusal {
    Refusal { wait: Wait::For(AGAIN), ..Refusal::new(OVERLOADED) }
}

impl Call<'_> {
    /// Where everything is full, a request of whoever crowds it most is not read. It is counted and not recorded one by
    /// one: there may be very many.
    pub(super) fn turn_away(&self, authenticated: Authenticated) -> Step<Authenticated> {
        if !self.gateway.flow.turns_away(authenticated.caller().workload.id) {
            return Ok(authenticated);
        }
        authenticated.into_ticket().reject(OVERLOADED);
        Err(overloaded())
    }

    /// Waits for a place at the upstream.
    pub(super) async fn enter(&self, parsed: Parsed, asked: &Asked) -> Step<(Parsed, Pass)> {
        let workload = parsed.caller().workload.id;
        match self.gateway.flow.enter(asked.resolved.target.id(), workload).await {
            Ok(pass) => Ok((parsed, pass)),
            Err(Shed) => Err(self.refuse(parsed.into_ticket(), overloaded())),
        }
    }

    /// Reserves what the request may come to under every limit that fits it.
    pub(super) async fn reserve(&self, parsed: Parsed, asked: &Asked, pass: Pass) -> Step<(Parsed, Room)> {
        let parts = &self.gateway.parts;
        let set = parts.limits.set.load_full();
        if set.is_empty() {
            let (edits, fields) = (self.security_edit(&parsed, asked).into_iter().collect(), Fields::new());
            return Ok((parsed, Room { pass, hold: Hold::default(), edits, hides_usage: false, fields }));
        }
        let model = &asked.resolved.model;
        let message = parsed.message();
        let body = u64::try_from(message.body.len()).unwrap_or(u64::MAX);
        let record = self.record_of(parsed.caller());
        let has_tokens = asked.dialect != Dialect::CountTokens && !asked.dialect.is_predict();
        let asking = Asking {
            caller: parsed.caller(),
            user: record.user.as_deref(),
            model: &model.name,
            prompt: limits::prompt_tokens(body),
            has_tokens,
        };
        let claims = match set.claims(&asking, model.sandbox) {
            Ok(claims) => claims,
            Err(unknown) => {
                return Err(self.refuse_for(parsed.into_ticket(), &unknown.0, limits::no_price(&unknown)));
            }
        };
        let depth =
            Limits { depth: self.gateway.options.json_depth, leaves: self.gateway.options.json_leaves };
        let names_completion = asked.resolved.apis.completion_limit || asked.translation.is_some();
        let ask = Ask::read(asked.dialect, &message.body, message.stream, names_completion, depth);
        let price = set.price(&model.name).cloned();
        let tokens = ask.tokens(price.as_ref().and_then(|price| price.answer));
        let family = asked.dialect.family();
        let terms = Terms {
            ledger: std::sync::Arc::clone(&parts.limits.ledger),
            claims: claims.into(),
            price,
            body,
            has_tokens,
        };
        match Hold::take(terms, tokens).await {
            Ok((hold, levels)) => {
                let length = hold.answer().and_then(|answer| ask.edit(&parsed.message().body, answer));
                // A translated answer tells its usage in any case.
                let is_asked = asked.translation.is_none();
                let usage = ask.usage_edit(&parsed.message().body).filter(|_| is_asked);
                let hides_usage = usage.is_some();
                let told = self.security_edit(&parsed, asked);
                let edits = length.into_iter().chain(usage).chain(told).collect();
                let fields = limits::fields(&levels, family, parts.clock.now());
                Ok((parsed, Room { pass, hold, edits, hides_usage, fields }))
            }
            Err(reached) => Err(self.refuse_reached(parsed.into_ticket(), &reached, family)),
        }
    }

    fn refuse_reached(&self, ticket: Ticket, reached: &Reached, family: Family) -> Refusal {
        let fields = limits::fields(&reached.levels, family, self.gateway.parts.clock.now());
        self.refuse_for(ticket, &reached.at.key.limit, limits::refusal(reached, fields))
    }

    /// Records which limit a request was refused for.
    fn refuse_for(&self, mut ticket: Ticket, limit: &str, refusal: Refusal) -> Refusal {
        self.gateway.metrics.limited(limit);
        ticket.draft().charge = Some(Charge { reached: Some(limit.to_owned()), ..Charge::default() });
        self.end(ticket, refusal, EndReason::Refused)
    }
}
