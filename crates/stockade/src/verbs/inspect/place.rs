//! Where a text stands in a conversation, by the names that people use for it.

use clap::ValueEnum;
use stockade_domain::{Channel, Direction, Role};
use stockade_inspect::Context;

/// A place of a text. What is said is read for what it asks; what a model is given to read counts as data, where orders
/// weigh more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Place {
    /// What a user says.
    #[default]
    #[value(aliases = ["human", "content", "input", "prompt"])]
    User,
    /// A system or developer prompt.
    #[value(alias = "developer")]
    System,
    /// What a model answers.
    #[value(aliases = ["output", "assistant_output", "model", "refusal"])]
    Assistant,
    /// A model's reasoning.
    Reasoning,
    /// The arguments of a tool call, as JSON source.
    #[value(alias = "tool_call_args")]
    ToolArgs,
    /// What a tool gave back.
    #[value(aliases = ["tool", "tool_output", "function"])]
    ToolResult,
    /// The name, description and schema of a tool.
    ToolDefinition,
    /// A document that was retrieved for the model to read.
    #[value(aliases = ["retrieved", "retrieved_doc", "rag", "data", "file"])]
    Document,
    /// Text that no name fits; read like data.
    Unlabelled,
    /// An identifier or enum value, in which nothing can be redacted.
    Atom,
}

impl Place {
    /// The place of a name, if it is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        <Self as ValueEnum>::from_str(name, true).ok()
    }

    pub(super) const fn context(self) -> Context {
        use Direction::{Request, Response};
        match self {
            Self::User => Context::new(Request, Channel::Content, Role::User),
            Self::System => Context::new(Request, Channel::System, Role::System),
            Self::Assistant => Context::new(Response, Channel::Content, Role::Assistant),
            Self::Reasoning => Context::new(Response, Channel::Reasoning, Role::Assistant),
            Self::ToolArgs => Context::new(Response, Channel::ToolArgs, Role::Assistant),
            Self::ToolResult | Self::Document => Context::new(Request, Channel::ToolResult, Role::Tool),
            Self::ToolDefinition => Context::new(Request, Channel::ToolDefinition, Role::None),
            Self::Unlabelled => Context::new(Request, Channel::Unlabelled, Role::None),
            Self::Atom => Context::new(Request, Channel::Atom, Role::None),
        }
    }
}
