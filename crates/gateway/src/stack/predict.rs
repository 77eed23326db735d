//! Models that are not generative: where their paths lead, and what is said of their servers.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;
use stockade_authz::Resource;
use stockade_domain::{Action, Effect};
use stockade_egress::evidence::Authenticated;

use super::routes::{ByPath, Route, Stray};
use super::wire::local;
use super::{Answer, Call, Step};
use crate::dialect::{Dialect, is_atom};
use crate::error::Refusal;
use crate::predict::Below;

/// What is said of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It lives and takes requests.
    Health,
    /// Its name and version, as the Open Inference Protocol has it.
    About,
    /// Its version, as MLflow has it.
    Version,
}

/// Finds what is asked for; none where there is nothing.
pub(super) fn find(method: &Method, path: &str) -> Option<Result<Route, Stray>> {
    let (model, below) = path.strip_prefix("/predict/")?.split_once('/')?;
    if !is_name(model) {
        return None;
    }
    let told = |told| Some((Method::GET, Route::Server { model: model.to_owned(), told }));
    let at = |dialect, method| {
        let below = Below { model: model.to_owned(), path: format!("/{below}") };
        Some((method, Route::Model { dialect, named: ByPath::Below(below) }))
    };
    let (wanted, asked) = match below.split('/').collect::<Vec<_>>().as_slice() {
        ["invocations" | "score"] => at(Dialect::Predict, Method::POST),
        ["ping" | "health"] | ["v2", "health", "live" | "ready"] => told(Told::Health),
        ["version"] => told(Told::Version),
        ["v2"] => told(Told::About),
        ["v2", "models", name, rest @ ..] => {
            // The path names the model twice; the first is the one that policy decides on.
            if *name != model {
                return None;
            }
            let rest = match rest {
                ["versions", version, rest @ ..] if is_name(version) => rest,
                rest => rest,
            };
            match rest {
                ["infer"] => at(Dialect::Predict, Method::POST),
                ["ready"] => told(Told::Health),
                [] | ["config"] => at(Dialect::PredictAbout, Method::GET),
                _ => None,
            }
        }
        _ => None,
    }?;
    Some(if *method == wanted { Ok(asked) } else { Err(Stray::Method) })
}

/// Names are atoms, and no steps of a path.
fn is_name(text: &str) -> bool {
    is_atom(text) && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

impl Call<'_> {
    /// Says what a server says of itself, to whoever may use the model.
    pub(super) async fn tell_server(
        &self,
        authenticated: Authenticated,
        model: &str,
        told: Told,
    ) -> Step<Answer> {
        let caller = authenticated.caller().clone();
        let admitted = self.admit_listing(authenticated, "predict.server").await?;
        let parts = &self.gateway.parts;
        let is_usable = parts.catalog.load().resolve(model, 0).first().is_some_and(|found| {
            let resource = Resource::Model(&found.model);
            let asked = parts.pdp.ask(&caller, Action::Predict, resource, &self.bare_context());
            found.apis.predict && asked.effect == Effect::Permit
        });
        if !is_usable {
            return Err(self.refuse(admitted.proceed().into_ticket(), Refusal::new("model_not_found")));
        }
        match told {
            Told::Health => self.say(admitted, &json!({"live": true, "ready": true, "name": model})).await,
            Told::About => {
                let about =
                    json!({"name": "stockade", "version": env!("CARGO_PKG_VERSION"), "extensions": []});
                self.say(admitted, &about).await
            }
            Told::Version => {
                let version = Bytes::from_static(env!("CARGO_PKG_VERSION").as_bytes());
                let length = u64::try_from(version.len()).unwrap_or(u64::MAX);
                admitted.answer(200, length).await.map_err(|error| self.unrecorded(&error.to_string()))?;
                Ok(local(StatusCode::OK, "text/plain; charset=utf-8", version))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_models_and_name_one_only() {
        let dialect = |method: &Method, path: &str| match find(method, path) {
            Some(Ok(Route::Model { dialect, named: ByPath::Below(below) })) => Some((dialect, below.path)),
            _ => None,
        };
        let infer = "/predict/iris/v2/models/iris/versions/3/infer";
        assert_eq!(
            dialect(&Method::POST, infer),
            Some((Dialect::Predict, "/v2/models/iris/versions/3/infer".to_owned()))
        );
        assert_eq!(
            dialect(&Method::POST, "/predict/iris/invocations"),
            Some((Dialect::Predict, "/invocations".to_owned()))
        );
        assert_eq!(
            dialect(&Method::GET, "/predict/iris/v2/models/iris"),
            Some((Dialect::PredictAbout, "/v2/models/iris".to_owned()))
        );
        assert_eq!(find(&Method::GET, infer), Some(Err(Stray::Method)));
        for stray in [
            "/predict/iris",
            "/predict//invocations",
            "/predict/iris/v2/models/other/infer",
            "/predict/iris/v2/models/iris/../other/infer",
            "/predict/iris/v2/models/iris/versions/..%2f/infer",
            "/predict/iris/v2/repository/index",
            "/predict/iris/v2/models/iris/versions/../infer",
            "/predict/../v2/models/../infer",
            "/predict/a%2fb/score",
        ] {
            assert_eq!(find(&Method::POST, stray), None, "{stray}");
        }
    }
}
