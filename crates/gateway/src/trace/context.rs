//! `traceparent` (W3C Trace Context, <https://www.w3.org/TR/trace-context/>, section 3.2). `tracestate` is not passed on: it may
//! hold any text, which nobody would have looked at.

use http::HeaderMap;
use stockade_crypto::{from_hex, to_hex};

const FIELD: &str = "traceparent";

/// The trace that a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) trace: [u8; 16],
    /// The span of whoever sent the request; none where the trace begins here.
    pub(crate) span: Option<[u8; 8]>,
    pub(crate) sampled: bool,
}

impl Parent {
    /// What a request says. More than one field, or one that is malformed, counts as none (section 3.2.2.3).
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(FIELD).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.to_str().ok()?),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let [version, trace, span, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
        let byte = |hex: &str| -> Option<u8> {
            from_hex(hex)?.as_slice().first().copied().filter(|_| hex.len() == 2)
        };
        let version = byte(version).filter(|version| *version != 0xff)?;
        // Later versions may say more behind what this one says.
        if version == 0 && parts.next().is_some() {
            return None;
        }
        let trace: [u8; 16] = from_hex(trace)?.try_into().ok()?;
        let span: [u8; 8] = from_hex(span)?.try_into().ok()?;
        let sampled = byte(flags)? & 1 == 1;
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span: Some(span), sampled })
    }

    /// What the next one is told: the trace, and the span that asks it.
    pub(crate) fn told(&self, span: [u8; 8]) -> String {
        let sampled = u8::from(self.sampled);
        format!("00-{}-{}-{sampled:02x}", to_hex(&self.trace), to_hex(&span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_as_the_specification_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent = Parent::parse(good).unwrap();
        assert!(parent.sampled);
        assert_eq!(parent.told(parent.span.unwrap()), good);
        assert!(!Parent::parse(&good.replace("-01", "-00")).unwrap().sampled);
        assert!(Parent::parse(&format!("{}-more", good.replacen("00", "01", 1))).is_some());
        for bad in [
            "",
            "00",
            &format!("{good}-more"),
            &good.replacen("00", "ff", 1),
            &good.to_uppercase(),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert!(Parent::parse(bad).is_none(), "{bad}");
        }
    }
}
