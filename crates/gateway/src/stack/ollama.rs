//! What Ollama says of itself and its models, said by the gateway: from what is configured, and never in a server's words.

use bytes::Bytes;
use http_body::Body;
use serde_json::{Value, json};
use stockade_crypto::sha256;
use stockade_egress::evidence::Authenticated;

use super::routes::Told;
use super::{Answer, Call, Step};
use crate::error::Refusal;
use crate::ports::Apis;

/// The version of Ollama whose protocol is spoken here: clients ask before they use what came later.
const VERSION: &str = "0.12.6";

impl Call<'_> {
    /// Answers one of the questions.
    pub(super) async fn tell_ollama<B>(
        &self,
        authenticated: Authenticated,
        told: Told,
        body: B,
    ) -> Step<Answer>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let caller = authenticated.caller().clone();
        let catalog = self.gateway.parts.catalog.load();
        match told {
            Told::Version => {
                let admitted = self.admit_listing(authenticated, "ollama.version").await?;
                self.say(admitted, &json!({"version": VERSION})).await
            }
            Told::Loaded => {
                // What is loaded, and until when, is the server's own affair.
                let admitted = self.admit_listing(authenticated, "ollama.ps").await?;
                self.say(admitted, &json!({"models": []})).await
            }
            Told::Tags => {
                let admitted = self.admit_listing(authenticated, "ollama.tags").await?;
                let models: Vec<Value> =
                    self.all_usable(&catalog, &caller).map(|(name, _)| tag(name)).collect();
                self.say(admitted, &json!({"models": models})).await
            }
            Told::Show => {
                let authenticated = self.connect(authenticated, "ollama.show").await?;
                let (authenticated, body) = self.receive(authenticated, body).await?;
                let name = asked(&body);
                let found = name.as_deref().and_then(|name| self.usable(&catalog, &caller, name));
                let admitted = self.admit_listing(authenticated, "ollama.show").await?;
                let Some(found) = found else {
                    let code = if name.is_some() { "model_not_found" } else { "invalid_request" };
                    return Err(self.refuse(admitted.proceed().into_ticket(), Refusal::new(code)));
                };
                let shown = json!({
                    "modified_at": LONG_AGO, "details": details(), "model_info": {}, "capabilities": capabilities(found.apis),
                });
                self.say(admitted, &shown).await
            }
        }
    }
}

/// Nobody here knows when a model was made.
const LONG_AGO: &str = "1970-01-01T00:00:00Z";

/// The model that is asked for; older clients call it `name`.
fn asked(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    ["model", "name"].iter().find_map(|key| body.get(key)?.as_str().map(str::to_owned))
}

/// An entry of the list. Clients want a digest: it is that of the name.
fn tag(name: &str) -> Value {
    let digest: String = sha256(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "name": name, "model": name, "modified_at": LONG_AGO, "size": 0, "digest": digest, "details": details(),
    })
}

fn details() -> Value {
    json!({
        "parent_model": "", "format": "", "family": "", "families": [], "parameter_size": "", "quantization_level": "",
    })
}

/// What the upstream offers. Whether a model also sees or thinks, only the model knows.
fn capabilities(apis: Apis) -> Vec<&'static str> {
    let mut out = Vec::new();
    if apis.chat || apis.messages || apis.ollama {
        out.extend(["completion", "tools"]);
    }
    if apis.embeddings || apis.ollama {
        out.push("embedding");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_asked_for_under_either_name() {
        assert_eq!(asked(br#"{"name":"a"}"#).as_deref(), Some("a"));
        assert_eq!(asked(br#"{"model":"b","name":"a"}"#).as_deref(), Some("b"));
        assert_eq!(asked(b"[]"), None);
        assert_eq!(tag("m").pointer("/digest").and_then(Value::as_str).map(str::len), Some(64));
    }
}
