//! Closed sets of words as schemas. The types themselves live in lower layers, which know nothing of OpenAPI.

use stockade_domain::{Channel, FindingKind};
use stockade_views::Ending;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};

fn one_of(words: impl IntoIterator<Item = &'static str>) -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build())
}

fn counts(description: &str) -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build();
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(description))
            .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(number)))))
            .build(),
    )
}

pub(super) fn effect() -> Schema {
    one_of(["permit", "deny"])
}

/// An effect, or `null` where no decision was made.
pub(super) fn effect_or_null() -> Schema {
    let words = ["permit", "deny"].map(serde_json::Value::from);
    Schema::Object(
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .enum_values(Some(words.into_iter().chain([serde_json::Value::Null])))
            .build(),
    )
}

pub(super) fn ending() -> Schema {
    one_of(Ending::ALL.map(Ending::as_str))
}

pub(super) fn kind() -> Schema {
    use FindingKind::{Injection, Leak, Pii, Secret};
    one_of([Pii, Secret, Injection, Leak].map(FindingKind::as_str))
}

pub(super) fn counts_by_kind() -> Schema {
    counts("Counts by kind of finding: `pii`, `secret`, `injection`, `leak`.")
}

pub(super) fn bytes_by_channel() -> Schema {
    counts("Bytes of text by channel.")
}

pub(super) fn mode() -> Schema {
    one_of(["overlap", "strict"])
}

pub(super) fn user_proof() -> Schema {
    one_of(["asserted", "token", "passed"])
}

pub(super) fn handling() -> Schema {
    one_of(["noted", "redacted", "pseudonymised", "blocked"])
}

pub(super) fn role() -> Schema {
    one_of(["system", "user", "assistant", "tool", "none"])
}

pub(super) fn channel() -> Schema {
    use Channel::{
        Atom, Content, Key, Reasoning, Refusal, System, ToolArgs, ToolDefinition, ToolName, ToolResult,
        Unlabelled,
    };
    one_of(
        [
            Content,
            Reasoning,
            Refusal,
            ToolArgs,
            ToolName,
            ToolResult,
            ToolDefinition,
            System,
            Key,
            Unlabelled,
            Atom,
        ]
        .map(Channel::as_str),
    )
}

pub(super) fn obligations() -> Schema {
    let word = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("`redact:KIND`, `pseudonymise:KIND`, `strip`, `annotate` or `strict`."))
        .build();
    Schema::Array(ArrayBuilder::new().items(RefOr::T(Schema::Object(word))).build())
}
