//! How much an answer comes to: what the upstream says, and what is read of it.

use stockade_domain::{Channel, EndReason, Usage};
use stockade_egress::evidence::Cut;

use super::AnswerFilter;
use super::event::{Event, Part, Piece};

impl AnswerFilter {
    /// Counts what an event brings. A stream ends where there is no room for it.
    pub(super) fn meter(&mut self, event: &Event) -> Result<(), Cut> {
        let (bytes, pieces) = event.brings(self.shape.dialect.calls_at_once());
        let goes_on = self.hold.read(bytes, pieces);
        if goes_on || !self.shape.is_stream {
            return Ok(());
        }
        Err(self.end("limit_reached", EndReason::Limited))
    }

    /// The upstream's own count, where it is told otherwise than in the answer that is filtered.
    pub(crate) fn count(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// The answer has ended: what it came to is told to whom it concerns.
    pub(super) fn counted(&mut self) {
        self.hold.told(self.usage);
        if self.done {
            self.hold.answered();
        }
        if let Some(pass) = self.pass.take()
            && let Some(usage) = self.usage.filter(|usage| usage.completion_tokens > 0)
            && self.done
            && !self.shape.is_stream
        {
            pass.whole(usage.completion_tokens);
        }
    }
}

impl Event {
    /// Tokens as the upstream counts them. Anthropic counts what came from its cache, or was put there, beside the rest of
    /// the prompt (<https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>).
    pub(super) fn uses(&mut self, path: &[&str], tokens: u64) {
        let usage = self.usage.get_or_insert_default();
        let (count, is_cached) = match path {
            ["completion_tokens" | "output_tokens"] => (&mut usage.completion_tokens, false),
            ["prompt_tokens" | "input_tokens" | "cache_creation_input_tokens"] => {
                (&mut usage.prompt_tokens, false)
            }
            ["cache_read_input_tokens"] => (&mut usage.prompt_tokens, true),
            ["prompt_tokens_details" | "input_tokens_details", "cached_tokens"] => {
                usage.cached_tokens = tokens;
                return;
            }
            _ => return,
        };
        *count = count.saturating_add(tokens);
        if is_cached {
            usage.cached_tokens = tokens;
        }
    }

    /// How much of an answer it brings: bytes of text, in so many pieces. What repeats text that came before is left out.
    /// Calls that stand whole in one message repeat nothing.
    pub(super) fn brings(&self, calls_at_once: bool) -> (usize, usize) {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { lane, channel, text, is, .. }
                if is_answer(*channel) && (calls_at_once || *is == Piece::Part) =>
            {
                (!lane.place.contains("logprobs") && !text.is_empty()).then_some(text.len())
            }
            _ => None,
        });
        texts.fold((0, 0), |(bytes, pieces), length| (bytes.saturating_add(length), pieces.saturating_add(1)))
    }
}

/// Whether what stands in a channel of an answer was made token by token.
fn is_answer(channel: Channel) -> bool {
    matches!(
        channel,
        Channel::Content | Channel::Reasoning | Channel::Refusal | Channel::ToolArgs | Channel::ToolName
    )
}
