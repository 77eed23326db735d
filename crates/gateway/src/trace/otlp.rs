//! `ExportTraceServiceRequest` in the binary form of Protocol Buffers (OTLP 1.x over HTTP,
//! <https://opentelemetry.io/docs/specs/otlp/#binary-protobuf-encoding>). The message is small and frozen, and only written, so
//! the few lines that write it stand here.

use super::spans::{Span, Value};

/// A message that is being written.
#[derive(Debug, Default)]
struct Writer(Vec<u8>);

/// What the sender says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) service: String,
    pub(super) version: &'static str,
}

impl Writer {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            // The low seven bits fit a byte.
            self.0.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap_or_default());
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.varint((field << 3) | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint((field << 3) | 2);
        self.varint(u64::try_from(value.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(value);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn attribute(&mut self, field: u64, key: &str, value: &Value) {
        self.message(field, |pair| {
            pair.bytes(1, key.as_bytes());
            pair.message(2, |any| match value {
                Value::Text(text) => any.bytes(1, text.as_bytes()),
                Value::Flag(flag) => any.number(2, u64::from(*flag)),
                Value::Count(count) => any.number(3, (*count).min(i64::MAX.unsigned_abs())),
                Value::List(list) => any.message(5, |array| {
                    list.iter().for_each(|text| array.message(1, |any| any.bytes(1, text.as_bytes())));
                }),
            });
        });
    }

    fn span(&mut self, span: &Span) {
        self.bytes(1, &span.trace);
        self.bytes(2, &span.id);
        if let Some(parent) = &span.parent {
            self.bytes(4, parent);
        }
        self.bytes(5, span.name.as_bytes());
        self.number(6, span.kind as u64);
        self.fixed(7, span.start.saturating_mul(1_000));
        self.fixed(8, span.end.saturating_mul(1_000));
        span.attributes.iter().for_each(|(key, value)| self.attribute(9, key, value));
        if span.failed {
            // STATUS_CODE_ERROR
            self.message(15, |status| status.number(3, 2));
        }
    }
}

/// Spans of several requests as one message.
pub(super) fn encode(resource: &Resource, spans: &[Span]) -> Vec<u8> {
    let mut all = Writer::default();
    all.message(1, |group| {
        group.message(1, |who| {
            who.attribute(1, "service.name", &Value::Text(resource.service.clone()));
            who.attribute(1, "service.version", &Value::Text(resource.version.to_owned()));
        });
        group.message(2, |scoped| {
            scoped.message(1, |scope| {
                scope.bytes(1, b"stockade.gateway");
                scope.bytes(2, resource.version.as_bytes());
            });
            spans.iter().for_each(|span| scoped.message(2, |message| message.span(span)));
        });
    });
    all.0
}
