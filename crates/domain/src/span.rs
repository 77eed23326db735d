//! Spans: the labelled pieces of text that every protocol is parsed into.
//!
//! Policy, inspection, limits, audit and detection see spans and nothing else; edits are spliced back into the raw
//! bytes. A generic walker makes the spans; a dialect's table only names their channels and roles.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What part of a message a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// What a person or model says.
    Content,
    /// A model's reasoning that is shown in clear.
    Reasoning,
    /// A model's refusal.
    Refusal,
    /// The arguments of a tool call.
    ToolArgs,
    /// The name of a tool that is called.
    ToolName,
    /// What a tool gave back.
    ToolResult,
    /// The definition of a tool: name, description, schema.
    ToolDefinition,
    /// A system or developer prompt.
    System,
    /// A key of a free-form object.
    Key,
    /// Text that no table names; it meets the strictest policy.
    Unlabelled,
    /// An identifier or enum value with a grammar; a finding inside one blocks.
    Atom,
}

/// Who said it, as the client claims. Roles are chosen by the client and prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// System or developer.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
    /// Not said.
    None,
}

/// Which way the text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the caller to a model or tool.
    Request,
    /// From a model or tool to the caller.
    Response,
}

/// A piece of text with its place. Cheap to pass around; borrows from the parsed message.
#[derive(Debug, Clone, Copy)]
pub struct SpanRef<'a> {
    /// What part of the message it is.
    pub channel: Channel,
    /// Who is said to have said it.
    pub role: Role,
    /// Where it stands, as a JSON Pointer (RFC 6901).
    pub path: &'a str,
    /// The decoded text.
    pub text: &'a str,
}

/// A piece of text that owns its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What part of the message it is.
    pub channel: Channel,
    /// Who is said to have said it.
    pub role: Role,
    /// Where it stands, as a JSON Pointer (RFC 6901).
    pub path: String,
    /// The decoded text.
    pub text: String,
}

impl Span {
    /// Borrows the span.
    #[must_use]
    pub fn as_ref(&self) -> SpanRef<'_> {
        SpanRef { channel: self.channel, role: self.role, path: &self.path, text: &self.text }
    }
}

impl Channel {
    /// The word used in records, metrics and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Reasoning => "reasoning",
            Self::Refusal => "refusal",
            Self::ToolArgs => "tool_args",
            Self::ToolName => "tool_name",
            Self::ToolResult => "tool_result",
            Self::ToolDefinition => "tool_definition",
            Self::System => "system",
            Self::Key => "key",
            Self::Unlabelled => "unlabelled",
            Self::Atom => "atom",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
