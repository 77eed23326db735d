//! Models that are not generative, as tables: Open Inference Protocol v2
//! (<https://github.com/kserve/open-inference-protocol>), MLflow's `/invocations`
//! (<https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/>) and Azure ML's `/score`.

use stockade_domain::{Channel, Role};

use super::{AnswerTable, Named, Place, RequestTable, SaidBy, Seen, starred};

/// What a model is given.
pub(crate) struct Request;

/// What it makes of it, or what a server says of a model.
pub(crate) struct Answer;

impl RequestTable for Request {
    fn name(&self, path: &[&str], _: &Seen) -> Named {
        match path {
            ["id"] | ["inputs" | "outputs", _, "name" | "datatype"] => Named::Atom,
            // Memory of the server's, filled by whoever can reach it.
            ["inputs" | "outputs", _, "parameters", key, ..] if key.starts_with("shared_memory") => {
                Named::Reference("shared_memory")
            }
            // Whatever is in the data of a client's own shape.
            _ => Named::Text(Channel::Content),
        }
    }

    fn said_by(&self, _: &[&str]) -> SaidBy {
        SaidBy::Is(Role::User)
    }

    fn subject(&self) -> &'static str {
        ""
    }

    fn takes_numbers(&self) -> bool {
        true
    }
}

impl AnswerTable for Answer {
    fn name(&self, _: &str, path: &[&str], _: &Seen) -> Named {
        match path {
            ["id" | "model_name" | "model_version" | "name" | "platform"] | ["versions", _] => Named::Atom,
            ["inputs" | "outputs", _, "name" | "datatype"] => Named::Atom,
            // Numbers are what a model is asked for; a text among them is read all the same.
            _ => Named::Prediction,
        }
    }

    fn place(&self, _: &str, path: &[&str], _: &Seen) -> Place {
        // All texts of a column are one: an answer may have very many.
        Place { choice: Some(0), lane: Some(starred(path)), ..Place::default() }
    }
}
