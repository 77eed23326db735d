//! What one request has reserved, from before it is looked at until its answer has ended, however it ends.

use std::sync::Arc;

use stockade_domain::{Charge, Usage};

use super::ledger::{Level, Reached, Spent, Tokens, UsageLedger};
use super::rule::{Claim, Price, cost};

/// A reservation. Dropped, it is settled with what is known: nothing where nothing was sent, the prompt where it was, and
/// what was read of the answer.
#[derive(Default)]
pub(crate) struct Hold {
    /// Nothing where neither limits nor prices are configured.
    held: Option<Box<Held>>,
}

struct Held {
    ledger: Arc<dyn UsageLedger>,
    claims: Arc<[Claim]>,
    price: Option<Price>,
    /// Tokens reserved for the answer.
    answer: u64,
    /// Bytes of the request's body.
    body: u64,
    has_tokens: bool,
    stage: Stage,
    read: Read,
    usage: Option<Usage>,
    reached: Option<Arc<str>>,
}

/// How far the request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing has left.
    Waiting,
    /// The upstream has it.
    Sent,
    /// It was answered whole.
    Answered,
}

/// What was read of an answer.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    bytes: u64,
    pieces: u64,
}

/// What a reservation is made from.
pub(crate) struct Terms {
    pub(crate) ledger: Arc<dyn UsageLedger>,
    pub(crate) claims: Arc<[Claim]>,
    pub(crate) price: Option<Price>,
    pub(crate) body: u64,
    pub(crate) has_tokens: bool,
}

/// A stream draws so many tokens ahead.
pub(crate) const STEP: u64 = 256;

/// Without an upstream's word a token is counted for so many bytes.
const BYTES_OF_TOKEN: u64 = 4;

/// For a prompt so many bytes of its body are reserved as one token: more than most prompts come to.
const BYTES_RESERVED: u64 = 3;

/// The tokens that are reserved for a prompt.
pub(crate) fn prompt_tokens(body: u64) -> u64 {
    body.div_ceil(BYTES_RESERVED)
}

impl Hold {
    /// Reserves, with an answer of as many tokens as there is room for.
    pub(crate) async fn take(terms: Terms, tokens: Tokens) -> Result<(Self, Vec<Level>), Box<Reached>> {
        let Terms { ledger, claims, price, body, has_tokens } = terms;
        let reserved = ledger.reserve(Arc::clone(&claims), tokens).await.map_err(Box::new)?;
        let held = Held {
            ledger,
            claims,
            price,
            answer: reserved.answer,
            body,
            has_tokens,
            stage: Stage::Waiting,
            read: Read::default(),
            usage: None,
            reached: None,
        };
        Ok((Self { held: Some(Box::new(held)) }, reserved.levels))
    }

    /// How long an answer may be, where that is limited.
    pub(crate) fn answer(&self) -> Option<u64> {
        let held = self.held.as_ref()?;
        held.claims.iter().any(|claim| claim.rate > 0).then_some(held.answer)
    }

    /// The request leaves for an upstream.
    pub(crate) fn sent(&mut self) {
        if let Some(held) = &mut self.held {
            held.stage = Stage::Sent;
        }
    }

    /// The upstream has refused it: nothing was used.
    pub(crate) fn refused(&mut self) {
        if let Some(held) = &mut self.held {
            held.stage = Stage::Waiting;
        }
    }

    /// The upstream has said all.
    pub(crate) fn answered(&mut self) {
        if let Some(held) = &mut self.held {
            held.stage = Stage::Answered;
        }
    }

    /// What the upstream says it used, so far.
    pub(crate) fn told(&mut self, usage: Option<Usage>) {
        if let (Some(held), Some(_)) = (&mut self.held, usage) {
            held.usage = usage;
        }
    }

    /// Text of the answer was read: so many bytes in so many pieces, each of which is a token at least. `false` when the
    /// answer must end because there is no room for it.
    pub(crate) fn read(&mut self, bytes: usize, pieces: usize) -> bool {
        let Some(held) = &mut self.held else { return true };
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        held.read.bytes = held.read.bytes.saturating_add(wide(bytes));
        held.read.pieces = held.read.pieces.saturating_add(wide(pieces));
        held.draw()
    }

    /// Settles, and says what was charged. Once.
    pub(crate) fn settle(&mut self) -> Option<Charge> {
        let held = self.held.take()?;
        let charge = held.charge();
        held.ledger.settle(&held.claims, held.answer, Spent { tokens: charge.tokens, money: charge.money });
        Some(charge)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Held {
    fn draw(&mut self) -> bool {
        let told = self.usage.map_or(0, |usage| usage.completion_tokens);
        let used = self.read.tokens().max(told);
        let Some(least) = used.checked_sub(self.answer).filter(|more| *more > 0) else { return true };
        if self.claims.iter().all(|claim| claim.rate == 0) {
            self.answer = used;
            return true;
        }
        let tokens = Tokens { least, most: least.max(STEP) };
        match self.ledger.extend(&self.claims, self.answer, tokens) {
            Ok(more) => {
                self.answer = self.answer.saturating_add(more);
                true
            }
            Err(reached) => {
                self.reached = Some(reached.at.key.limit);
                // What does not leave is not charged.
                self.read = Read { bytes: self.answer.saturating_mul(BYTES_OF_TOKEN), pieces: self.answer };
                false
            }
        }
    }

    fn charge(&self) -> Charge {
        let nothing = Usage::default();
        let counted = Usage {
            prompt_tokens: self.body.div_ceil(BYTES_OF_TOKEN),
            completion_tokens: self.read.tokens(),
            ..nothing
        };
        let (used, is_counted) = match (self.stage, self.usage) {
            _ if !self.has_tokens => (nothing, false),
            (Stage::Waiting, _) => (nothing, false),
            (Stage::Answered, Some(told)) => (told, false),
            // An answer that broke off has said too little of itself.
            (_, Some(told)) => {
                let completion_tokens = told.completion_tokens.max(counted.completion_tokens);
                (Usage { completion_tokens, ..told }, completion_tokens > told.completion_tokens)
            }
            (_, None) => (counted, true),
        };
        let money = self.price.as_ref().map_or(0, |price| {
            let cached = used.cached_tokens.min(used.prompt_tokens);
            cost(used.prompt_tokens.saturating_sub(cached), price.input)
                .saturating_add(cost(cached, price.cached))
                .saturating_add(cost(used.completion_tokens, price.output))
        });
        Charge {
            tokens: used.prompt_tokens.saturating_add(used.completion_tokens),
            reserved: if self.has_tokens { prompt_tokens(self.body).saturating_add(self.answer) } else { 0 },
            money,
            counted: is_counted,
            reached: self.reached.as_deref().map(str::to_owned),
        }
    }
}

impl Read {
    fn tokens(self) -> u64 {
        self.bytes.div_ceil(BYTES_OF_TOKEN).max(self.pieces)
    }
}
