//! The answer of a model that is not generative: softened as policy asks, then filtered like any other.

use bytes::{Bytes, BytesMut};
use stockade_domain::EndReason;
use stockade_egress::evidence::{Cut, FilterStats, Held, ResponseFilter};

use super::Softening;
use crate::answer::AnswerFilter;

/// Holds an answer until it is whole.
pub(crate) struct PredictFilter {
    softening: Softening,
    held: BytesMut,
    cap: usize,
    inner: AnswerFilter,
}

impl PredictFilter {
    /// At most so many bytes are held.
    pub(crate) fn new(softening: Softening, cap: usize, inner: AnswerFilter) -> Self {
        Self { softening, held: BytesMut::new(), cap, inner }
    }
}

impl ResponseFilter for PredictFilter {
    fn push(&mut self, piece: Bytes) -> Result<Held, Cut> {
        if self.held.len().saturating_add(piece.len()) > self.cap {
            return Err(self.inner.cut("upstream_too_large", EndReason::UpstreamFailed));
        }
        self.held.extend_from_slice(&piece);
        Ok(Held::default())
    }

    fn finish(&mut self) -> Result<Bytes, Cut> {
        let body = self.held.split().freeze();
        let Some(body) = self.softening.apply(&body) else {
            return Err(self.inner.cut("upstream_malformed", EndReason::UpstreamFailed));
        };
        let held = self.inner.push(Bytes::from(body))?;
        let rest = self.inner.finish()?;
        Ok(Bytes::from([held.out, rest].concat()))
    }

    fn cut(&mut self, code: &'static str, end: EndReason) -> Cut {
        self.inner.cut(code, end)
    }

    fn heartbeat(&self) -> Option<&'static [u8]> {
        None
    }

    fn stats(&mut self) -> FilterStats {
        self.inner.stats()
    }
}
