//! The channels of predictions: texts, keys and names among a model's numbers.

use super::{AnswerChannel, RequestChannel, Talk};

const fn answer(name: &'static str, whole: &'static str) -> AnswerChannel {
    AnswerChannel { talk: Talk::Predict, name, stream: None, whole: Some(whole), is_inner: false }
}

const fn request(name: &'static str, body: &'static str, place: Option<&'static str>) -> RequestChannel {
    RequestChannel { talk: Talk::Predict, name, body, place, is_inner: false }
}

/// Where a model puts the text.
pub(super) const ANSWERS: &[AnswerChannel] = &[
    answer("predictions", r#"{"predictions":["@hole@",{"label":"@hole@","score":0.5},[0.25,"@hole@"]]}"#),
    answer("a bare list", r#"["@hole@",0.5]"#),
    answer("keys and unknown fields", r#"{"predictions":[{"@hole@":0.5}],"extra":{"deep":["@hole@"]}}"#),
    answer(
        "tensors and their names",
        r#"{"model_name":"@hole@","id":"@hole@","outputs":[{"name":"@hole@","datatype":"@hole@","shape":[1],"data":["@hole@"],"parameters":{"x":"@hole@"}}]}"#,
    ),
];

/// Where a client puts the text. The case's number comes last: pseudonyms hang on what a request says first.
pub(super) const REQUESTS: &[RequestChannel] = &[
    request("instances", r#"{"instances":["@hole@"],"note":"@model@"}"#, Some("instances.0")),
    request(
        "data frame",
        r#"{"dataframe_split":{"columns":["a","@hole@"],"data":[[1.5,"@hole@"]]},"note":"@model@"}"#,
        Some("dataframe_split.data.0.1"),
    ),
    request(
        "keys",
        r#"{"dataframe_records":[{"@hole@":1}],"params":{"@hole@":"@hole@"},"note":"@model@"}"#,
        None,
    ),
    request(
        "tensors and their names",
        r#"{"id":"@hole@","inputs":[{"name":"@hole@","datatype":"@hole@","shape":[1],"data":["@hole@"],"parameters":{"x":"@hole@"}}],"note":"@model@"}"#,
        None,
    ),
];
