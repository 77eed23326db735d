//! The way back: an upstream's answer becomes bytes for the client only through a filter.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use http_body::{Body, Frame};
use stockade_domain::{Charge, DecisionRecord, EndReason, Inspection, Usage};
use tokio::time::Instant;

use super::audit::Payload;
use super::cleared::{Dispatch, Permit, Recorded};
use super::stages::LeaseEnd;
use super::ticket::Ticket;
use crate::client::{SendError, UpstreamBody, UpstreamResponse};

/// How an answer is cut short, in the client's dialect.
#[derive(Debug)]
pub struct Cut {
    /// The stable code for the record.
    pub code: &'static str,
    /// How it is recorded.
    pub end: EndReason,
    /// The HTTP status of an answer of which nothing has left.
    pub status: u16,
    /// The last bytes that the client gets: a well-formed end in its dialect.
    pub last_words: Bytes,
}

/// What a filter did, for the record.
#[derive(Debug, Default)]
pub struct FilterStats {
    /// What inspection saw and what was done.
    pub inspection: Option<Inspection>,
    /// Decisions on tool calls.
    pub tool_decisions: Vec<DecisionRecord>,
    /// Tokens, when the upstream said.
    pub usage: Option<Usage>,
    /// What it was charged, where use is limited or has a price.
    pub charge: Option<Charge>,
    /// Readable detail after filtering.
    pub payload: Option<Payload>,
}

/// What may leave now.
#[derive(Debug, Default)]
pub struct Held {
    /// Bytes for the client; may be empty while text is held back.
    pub out: Bytes,
    /// The answer is complete: nothing of the upstream's is read any more.
    pub done: bool,
}

/// Reads an upstream's bytes and says which may leave. Pure: it is given pieces, it does no IO.
pub trait ResponseFilter: Send {
    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Cut`] ends the answer.
    fn push(&mut self, piece: Bytes) -> Result<Held, Cut>;

    /// The upstream has ended its body.
    ///
    /// # Errors
    /// [`Cut`] ends the answer.
    fn finish(&mut self) -> Result<Bytes, Cut>;

    /// Ends the answer for a reason of ours: revocation, shutdown, an upstream that broke off.
    fn cut(&mut self, code: &'static str, end: EndReason) -> Cut;

    /// What can be said at any time, when an answer goes on and nothing of it may leave yet. `None` where that would change
    /// the answer.
    fn heartbeat(&self) -> Option<&'static [u8]> {
        None
    }

    /// What was done, asked for once, at the end (also an early one).
    fn stats(&mut self) -> FilterStats;
}

/// A filtered answer: the only body that the gateway can give to a client whose request was dispatched. It keeps the
/// permit and the ticket, so that whatever ends it is recorded.
pub struct Filtered {
    upstream: Option<UpstreamBody>,
    filter: Box<dyn ResponseFilter>,
    ticket: Option<Ticket>,
    permit: Permit,
    ended: BoxFuture<'static, LeaseEnd>,
    stop: BoxFuture<'static, ()>,
    status: u16,
    first: bool,
    /// When something was last said to the client.
    said: Instant,
}

/// An answer that goes on is heard of at least so often: clients and proxies give up on silence after 30 seconds and more.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Puts a filter between an upstream's answer and the client. `recorded` proves that the intent is on disk: no byte of an
/// answer leaves before. `stop` resolves when the server must end running answers.
///
/// # Errors
/// The ticket comes back when the proof is of another request: nothing may leave.
pub fn filter(
    dispatch: Dispatch,
    recorded: Recorded,
    response: UpstreamResponse,
    status: u16,
    make: impl FnOnce(&Permit) -> Box<dyn ResponseFilter>,
    stop: BoxFuture<'static, ()>,
) -> Result<Filtered, Box<Ticket>> {
    let Dispatch { mut ticket, permit, lease, .. } = dispatch;
    if recorded.request != permit.request() {
        return Err(Box::new(ticket));
    }
    ticket.draft().status = status;
    let filter = make(&permit);
    Ok(Filtered {
        upstream: Some(response.into_body()),
        filter,
        ticket: Some(ticket),
        permit,
        ended: lease.ended,
        stop,
        status,
        first: true,
        said: Instant::now(),
    })
}

// === impl Filtered ===

impl Filtered {
    /// The permit under which the answer runs.
    #[must_use]
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    fn emit(&mut self, out: Bytes) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        self.said = Instant::now();
        if let Some(ticket) = &mut self.ticket {
            let elapsed = ticket.elapsed_us();
            let draft = ticket.draft();
            if std::mem::take(&mut self.first) {
                draft.first_byte_us = elapsed;
            }
            draft.bytes_out = draft.bytes_out.saturating_add(u64::try_from(out.len()).unwrap_or(u64::MAX));
        }
        Poll::Ready(Some(Ok(Frame::data(out))))
    }

    fn conclude(&mut self, end: EndReason, code: Option<&'static str>) {
        self.upstream = None;
        if let Some(mut ticket) = self.ticket.take() {
            fill(&mut ticket, self.filter.stats());
            ticket.draft().code = code;
            drop(ticket.close(end));
        }
    }

    /// The last bytes go out before the outcome is written, so that they are counted.
    fn last(
        &mut self,
        out: Bytes,
        end: EndReason,
        code: Option<&'static str>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let frame = if out.is_empty() { Poll::Ready(None) } else { self.emit(out) };
        self.conclude(end, code);
        frame
    }

    fn cut_with(&mut self, cut: Cut) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        if self.first {
            self.status = cut.status;
            if let Some(ticket) = &mut self.ticket {
                ticket.draft().status = cut.status;
            }
        }
        self.last(cut.last_words, cut.end, Some(cut.code))
    }

    /// Reads an answer that is not a stream to its end: its status is known only then.
    pub async fn collect(mut self) -> (u16, Bytes) {
        let mut out = BytesMut::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
            if let Some(data) = frame.ok().and_then(|f| f.into_data().ok()) {
                out.extend_from_slice(&data);
            }
        }
        (self.status, out.freeze())
    }
}

fn fill(ticket: &mut Ticket, stats: FilterStats) {
    let draft = ticket.draft();
    draft.inspection = stats.inspection;
    draft.tool_decisions = stats.tool_decisions;
    draft.usage = stats.usage;
    draft.charge = stats.charge;
    draft.payload = stats.payload;
}

impl Body for Filtered {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        let this = &mut *self;
        // Bounds the work of one poll: an upstream whose pieces are all held back must not starve other connections.
        for _ in 0..64 {
            if this.upstream.is_none() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(end) = this.ended.as_mut().poll(cx) {
                let cut = match end {
                    LeaseEnd::Revoked => this.filter.cut("key_revoked", EndReason::Revoked),
                    LeaseEnd::Expired => this.filter.cut("key_expired", EndReason::Expired),
                };
                return this.cut_with(cut);
            }
            if this.stop.as_mut().poll(cx).is_ready() {
                let cut = this.filter.cut("shutting_down", EndReason::Shutdown);
                return this.cut_with(cut);
            }
            let Some(upstream) = &mut this.upstream else { return Poll::Ready(None) };
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are not forwarded: nobody reads them as text.
                    let Ok(piece) = frame.into_data() else { continue };
                    match this.filter.push(piece) {
                        Ok(held) if held.done => return this.last(held.out, EndReason::Completed, None),
                        Ok(held) if held.out.is_empty() => {
                            if this.said.elapsed() >= HEARTBEAT
                                && let Some(beat) = this.filter.heartbeat()
                            {
                                return this.emit(Bytes::from_static(beat));
                            }
                        }
                        Ok(held) => return this.emit(held.out),
                        Err(cut) => return this.cut_with(cut),
                    }
                }
                Poll::Ready(None) => {
                    return match this.filter.finish() {
                        Ok(out) => this.last(out, EndReason::Completed, None),
                        Err(cut) => this.cut_with(cut),
                    };
                }
                Poll::Ready(Some(Err(error))) => {
                    let code = if matches!(error, SendError::Timeout) {
                        "upstream_timeout"
                    } else {
                        "upstream_failed"
                    };
                    let cut = this.filter.cut(code, EndReason::UpstreamFailed);
                    return this.cut_with(cut);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_none()
    }
}

impl Drop for Filtered {
    fn drop(&mut self) {
        // The client left, or the connection broke: the ticket's own drop records it, with what is known so far.
        if let Some(ticket) = &mut self.ticket {
            fill(ticket, self.filter.stats());
            ticket.draft().code = Some("client_aborted");
        }
    }
}

impl std::fmt::Debug for Filtered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filtered").field("permit", &self.permit).finish_non_exhaustive()
    }
}
