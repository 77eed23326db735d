//! How the messages of a stream are told apart: events, or lines.

use bytes::Bytes;

use crate::dialect::Framing;
use crate::ndjson::{LineReader, write_line};
use crate::sse::{SseError, SseReader, write_event};

/// Reads and writes the messages of a stream.
#[derive(Debug)]
pub(super) enum Frames {
    Events(SseReader),
    Lines(LineReader),
}

impl Frames {
    /// One message has at most so many bytes.
    pub(super) fn new(framing: Framing, cap: usize) -> Self {
        match framing {
            Framing::Events => Self::Events(SseReader::new(cap)),
            Framing::Lines => Self::Lines(LineReader::new(cap)),
        }
    }

    /// Takes a piece and tells each message that ends in it.
    pub(super) fn push<E: From<SseError>>(
        &mut self,
        piece: &[u8],
        message: impl FnMut(Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Events(reader) => reader.push(piece, message),
            Self::Lines(reader) => reader.push(piece, message),
        }
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_mid_message(&self) -> bool {
        match self {
            Self::Events(reader) => reader.is_mid_event(),
            Self::Lines(reader) => reader.is_mid_line(),
        }
    }

    /// Whether a line has begun that may be whole.
    pub(super) fn ends_line(&self) -> bool {
        matches!(self, Self::Lines(reader) if reader.is_mid_line())
    }

    /// Writes a message; a line has no kind.
    pub(super) fn write(&self, out: &mut Vec<u8>, kind: &str, data: &[u8]) {
        match self {
            Self::Events(_) => write_event(out, kind, data),
            Self::Lines(_) => write_line(out, data),
        }
    }
}
