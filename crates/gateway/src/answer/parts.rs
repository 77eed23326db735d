//! Which lane a text of a message flows through, and how it stands to the others there.

use stockade_domain::Channel;

use super::event::{LaneKey, Part, Piece, RawLeaf, Shape, lane_place};
use crate::dialect::{Dialect, Place};
use crate::json::LeafKind;
use crate::label;

/// One text in the object that a tool is called with.
pub(super) fn argument(
    leaf: RawLeaf,
    place: Place,
    shape: Shape,
    previous: Option<&(String, String)>,
) -> Part {
    // Anthropic's deltas go on from a block's start; a response's items are complete each time.
    let is_whole = shape.is_stream && (shape.dialect == Dialect::Responses || shape.dialect.calls_at_once());
    let is = if is_whole { Piece::Whole } else { Piece::Part };
    // All values of a call are one text, since the name of one says what it is, and lines of a file may be a list.
    let previous = previous.map(|(path, text)| (path.as_str(), text.as_str()));
    let lead = Some(label::before(&leaf.path, previous));
    let lane = LaneKey::new(&place, OBJECT.to_owned());
    let (text, raw) = (leaf.text, leaf.raw);
    Part::Text { lane, channel: Channel::ToolArgs, text, raw, is, lead, begins: false }
}

pub(super) fn text(leaf: RawLeaf, channel: Channel, place: Place, shape: Shape) -> Part {
    // A list of tokens is one text in pieces, in a whole body too, and so are the parts of a message.
    let at = match &place.lane {
        Some(lane) if leaf.kind != LeafKind::Key => lane.clone(),
        _ if !shape.is_stream
            && !shape.dialect.is_predict()
            && !leaf.path.contains("/logprobs/")
            && !is_part(&leaf.path) =>
        {
            leaf.path.clone()
        }
        _ => lane_place(&leaf.path),
    };
    let at = if leaf.kind == LeafKind::Key { format!("{at}#key") } else { at };
    let is = if place.is_whole && shape.is_stream { Piece::Whole } else { Piece::Part };
    let (text, raw) = (leaf.text, leaf.raw);
    // Log probabilities are tokens of one text; of all else an element of a list, a block or an item begins anew.
    let begins =
        !leaf.path.contains("/logprobs/") && (!shape.is_stream || is == Piece::Whole || place.begins_part);
    Part::Text { lane: LaneKey::new(&place, at), channel, text, raw, is, lead: None, begins }
}

/// Whether a text is a part of a message's content.
fn is_part(path: &str) -> bool {
    path.strip_suffix("/text")
        .and_then(|list| list.rsplit_once('/'))
        .is_some_and(|(list, _)| list.ends_with("/content"))
}

/// The place of all values of the object that a tool is called with.
const OBJECT: &str = "arguments";
