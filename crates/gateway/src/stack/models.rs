//! `GET /v1/models`: an answer that the gateway gives itself, decided and recorded like any other.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use stockade_authz::Resource;
use stockade_domain::{Action, Caller, Effect};
use stockade_egress::evidence::{Admitted, Authenticated, admit};

use super::wire::local;
use super::{Answer, Call, Step};
use crate::dialect::Family;
use crate::error::Refusal;
use crate::ports::{Catalog, Resolved};

impl Call<'_> {
    /// The models that exist and that this caller may use.
    pub(super) async fn list_models(
        &self,
        authenticated: Authenticated,
        one: Option<&str>,
        family: Family,
    ) -> Step<Answer> {
        let caller = authenticated.caller().clone();
        let surface = match family {
            Family::OpenAi | Family::Ollama | Family::Predict => "openai.models",
            Family::Anthropic => "anthropic.models",
        };
        let admitted = self.admit_listing(authenticated, surface).await?;
        let catalog = self.gateway.parts.catalog.load();
        let entry = |(name, resolved): (&str, Resolved)| match family {
            Family::OpenAi | Family::Ollama | Family::Predict => {
                json!({"id": name, "object": "model", "created": 0, "owned_by": resolved.target.id().as_str()})
            }
            Family::Anthropic => json!({
                "type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z",
            }),
        };
        let body = match one {
            Some(name) => match self.usable(&catalog, &caller, name) {
                Some(resolved) => entry((name, resolved)),
                None => {
                    let ticket = admitted.proceed().into_ticket();
                    return Err(self.refuse(ticket, Refusal::new("model_not_found")));
                }
            },
            None => {
                let data: Vec<_> = self.all_usable(&catalog, &caller).map(entry).collect();
                match family {
                    Family::OpenAi | Family::Ollama | Family::Predict => {
                        json!({"object": "list", "data": data})
                    }
                    Family::Anthropic => {
                        let id = |entry: Option<&Value>| entry.and_then(|e| e.get("id")).cloned();
                        json!({
                            "first_id": id(data.first()), "last_id": id(data.last()), "has_more": false, "data": data,
                        })
                    }
                }
            }
        };
        self.say(admitted, &body).await
    }

    /// Decides whether the caller may see which models there are.
    pub(super) async fn admit_listing(
        &self,
        authenticated: Authenticated,
        surface: &'static str,
    ) -> Step<Admitted> {
        let parts = &self.gateway.parts;
        let (caller, context) = (authenticated.caller(), self.bare_context());
        let decision = parts.pdp.decide(caller, Action::ListModels, Resource::Gateway, &context);
        let record = self.record_of(caller);
        match admit(parts.egress.authority(), authenticated, decision, Action::ListModels, surface, record) {
            Ok(admitted) => Ok(admitted),
            Err(denied) => Err(self.deny(denied, Vec::new()).await),
        }
    }

    /// A model that exists and that the caller may use.
    pub(super) fn usable(&self, catalog: &Catalog, caller: &Caller, name: &str) -> Option<Resolved> {
        catalog.resolve(name, 0).into_iter().next().filter(|resolved| {
            let model = Resource::Model(&resolved.model);
            let asked = self.gateway.parts.pdp.ask(caller, Action::Invoke, model, &self.bare_context());
            asked.effect == Effect::Permit
        })
    }

    /// All of them that have a name.
    pub(super) fn all_usable<'a>(
        &self,
        catalog: &'a Catalog,
        caller: &Caller,
    ) -> impl Iterator<Item = (&'a str, Resolved)> {
        catalog.named().filter_map(|name| Some((name, self.usable(catalog, caller, name)?)))
    }

    /// Answers by itself, once that is recorded.
    pub(super) async fn say(&self, admitted: Admitted, body: &Value) -> Step<Answer> {
        let body = Bytes::from(body.to_string());
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        admitted.answer(200, length).await.map_err(|error| self.unrecorded(&error.to_string()))?;
        Ok(local(StatusCode::OK, "application/json", body))
    }
}
