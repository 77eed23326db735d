//! The recorded text, as the gateway writes it: spans of pieces, each with what was done to it.

use serde::Deserialize;
use stockade_domain::{Channel, Role};
use stockade_ledger::PayloadState;
use stockade_views::{Mark, PayloadView, Piece, SpanView};

#[derive(Deserialize)]
struct Recorded {
    spans: Vec<Span>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Span {
    channel: Channel,
    role: Role,
    path: String,
    pieces: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
enum Part {
    Plain { text: String },
    Redacted { ty: String },
    Pseudonym { ty: String, text: String },
    Restored { text: String },
}

/// What there is to see of a payload, at most `limit` pieces of it.
pub(super) fn view(state: PayloadState, limit: usize) -> PayloadView {
    let text = match state {
        PayloadState::None => return PayloadView::None,
        PayloadState::Erased => return PayloadView::Erased,
        PayloadState::Text(text) => text,
    };
    // A form that this version does not know is shown as missing its end, never guessed at.
    let Ok(recorded) = serde_json::from_slice::<Recorded>(&text) else {
        return PayloadView::Recorded { spans: Vec::new(), cut: true };
    };
    let mut left = limit;
    let mut cut = recorded.truncated;
    let mut spans = Vec::new();
    for span in recorded.spans {
        if left == 0 {
            cut = true;
            break;
        }
        cut |= span.pieces.len() > left;
        let pieces: Vec<Piece> = span.pieces.into_iter().take(left).map(piece).collect();
        left = left.saturating_sub(pieces.len().max(1));
        spans.push(SpanView { channel: span.channel, role: span.role, path: span.path, pieces });
    }
    PayloadView::Recorded { spans, cut }
}

fn piece(part: Part) -> Piece {
    match part {
        Part::Plain { text } => Piece { text, mark: Mark::Plain },
        Part::Redacted { ty } => Piece { text: format!("[redacted:{ty}]"), mark: Mark::Redacted(ty) },
        Part::Pseudonym { ty, text } => Piece { text, mark: Mark::Pseudonym(ty) },
        Part::Restored { text } => Piece { text, mark: Mark::Restored },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> PayloadState {
        PayloadState::Text(json.as_bytes().to_vec())
    }

    #[test]
    fn reads_what_the_gateway_writes_and_stops_in_time() {
        let json = r#"{"about":null,"truncated":false,"spans":[{"channel":"content","role":"user","path":"/m","pieces":[
            {"mark":"plain","text":"a"},{"mark":"redacted","ty":"email"},{"mark":"pseudonym","ty":"iban","text":"x"}]}]}"#;
        let PayloadView::Recorded { spans, cut: false } = view(text(json), 10) else {
            panic!("not recorded")
        };
        assert_eq!(spans[0].pieces[1].text, "[redacted:email]");
        assert_eq!(spans[0].pieces[2].mark, Mark::Pseudonym("iban".to_owned()));
        let PayloadView::Recorded { spans, cut: true } = view(text(json), 2) else { panic!("not cut") };
        assert_eq!(spans[0].pieces.len(), 2);
        assert!(matches!(view(text("{"), 10), PayloadView::Recorded { cut: true, .. }));
    }
}
