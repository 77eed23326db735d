//! `GET /v1/models`: an answer that the gateway gives itself, decided and recorded like any other.

use bytes::Bytes;
use http::StatusCode;
use stockade_authz::Resource;
use stockade_domain::{Action, Effect};
use stockade_egress::evidence::{Authenticated, admit};

use super::wire::local;
use super::{Answer, Call, Step};
use crate::dialect::Family;
use crate::error::Refusal;

impl Call<'_> {
    /// The models that exist and that this caller may use.
    pub(super) async fn list_models(
        &self,
        authenticated: Authenticated,
        one: Option<&str>,
        family: Family,
    ) -> Step<Answer> {
        let parts = &self.gateway.parts;
        let context = self.bare_context();
        let caller = authenticated.caller().clone();
        let decision = parts.pdp.decide(&caller, Action::ListModels, Resource::Gateway, &context);
        let record = self.record_of(&caller);
        let authority = parts.egress.authority();
        let surface = match family {
            Family::OpenAi => "openai.models",
            Family::Anthropic => "anthropic.models",
        };
        let admitted = match admit(authority, authenticated, decision, Action::ListModels, surface, record) {
            Ok(admitted) => admitted,
            Err(denied) => return Err(self.deny(denied, Vec::new()).await),
        };
        let catalog = parts.catalog.load();
        let usable = |name: &str| {
            catalog.resolve(name, 0).first().is_some_and(|r| {
                let asked = parts.pdp.ask(&caller, Action::Invoke, Resource::Model(&r.model), &context);
                asked.effect == Effect::Permit
            })
        };
        let entry = |name: &str| {
            let owner = catalog.resolve(name, 0).first().map(|r| r.target.id().as_str().to_owned());
            match family {
                Family::OpenAi => {
                    serde_json::json!({"id": name, "object": "model", "created": 0, "owned_by": owner})
                }
                Family::Anthropic => serde_json::json!({
                    "type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z",
                }),
            }
        };
        let body = match one {
            Some(name) if usable(name) => entry(name),
            Some(_) => {
                let ticket = admitted.proceed().into_ticket();
                return Err(self.refuse(ticket, Refusal::new("model_not_found")));
            }
            None => {
                let data: Vec<_> = catalog.named().filter(|n| usable(n)).map(entry).collect();
                match family {
                    Family::OpenAi => serde_json::json!({"object": "list", "data": data}),
                    Family::Anthropic => {
                        let id = |entry: Option<&serde_json::Value>| entry.and_then(|e| e.get("id")).cloned();
                        serde_json::json!({
                            "first_id": id(data.first()), "last_id": id(data.last()), "has_more": false, "data": data,
                        })
                    }
                }
            }
        };
        let body = Bytes::from(body.to_string());
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        admitted.answer(200, length).await.map_err(|error| self.unrecorded(&error.to_string()))?;
        Ok(local(StatusCode::OK, "application/json", body))
    }
}
