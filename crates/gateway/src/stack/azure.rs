//! What Azure OpenAI is told of who asks, so that its alerts name an application and a person and not the gateway
//! (<https://learn.microsoft.com/azure/defender-for-cloud/gain-end-user-context-ai>).

use serde_json::json;
use stockade_domain::{Caller, UserProof};
use stockade_egress::evidence::Parsed;

use super::{Asked, Call};
use crate::dialect::Dialect;
use crate::json::{Edit, LeafKind, Limits, walk};

impl Call<'_> {
    /// Puts `user_security_context` into a chat, in place of what the caller says there: it is not the caller's to say. Only
    /// where every upstream that may be asked is one that the operator wants to tell.
    pub(super) fn security_edit(&self, parsed: &Parsed, asked: &Asked) -> Option<Edit> {
        let mut all = std::iter::once(&asked.resolved).chain(&asked.others);
        let is_wanted = asked.dialect == Dialect::Chat
            && asked.translation.is_none()
            && all.all(|resolved| resolved.apis.user_security_context);
        if !is_wanted {
            return None;
        }
        let options = &self.gateway.options;
        let limits = Limits { depth: options.json_depth, leaves: options.json_leaves };
        edit(&parsed.message().body, &self.told(parsed.caller()), limits)
    }

    fn told(&self, caller: &Caller) -> String {
        let mut told = json!({"application_name": caller.workload.name});
        let user = caller.user.as_ref().map(|user| match user.proof {
            UserProof::Asserted => user.id.as_str(),
            // Behind the issuer's name stands its own identifier of the person.
            UserProof::Token | UserProof::Passed => user.id.split_once(':').map_or("", |(_, id)| id),
        });
        let address = self.peer.map(|peer| peer.to_string());
        if let Some(members) = told.as_object_mut() {
            members.extend(user.map(|user| ("end_user_id".to_owned(), json!(user))));
            members.extend(address.map(|address| ("source_ip".to_owned(), json!(address))));
        }
        told.to_string()
    }
}

/// The member of the object, new or in place of the one that is there.
fn edit(body: &[u8], told: &str, limits: Limits) -> Option<Edit> {
    let (mut there, mut begin) = (None, None);
    // It was walked before: what is wrong with it was told then.
    let _walked = walk(body, limits, |leaf| match (leaf.path, leaf.kind) {
        ("/user_security_context", LeafKind::Key) => {}
        ("/user_security_context", _) => there = Some(leaf.raw),
        ("", LeafKind::Container) => begin = Some(leaf.raw.start.saturating_add(1)),
        _ => {}
    });
    Some(match there {
        Some(raw) => Edit { raw, with: told.as_bytes().to_vec() },
        // A chat has a model, so something follows.
        None => Edit { raw: begin?..begin?, with: format!("\"user_security_context\":{told},").into_bytes() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::splice;

    #[test]
    fn what_is_told_stands_in_place_of_what_a_caller_says() {
        let limits = Limits { depth: 16, leaves: 100 };
        let edited = |body: &str| {
            let edit = edit(body.as_bytes(), r#"{"a":1}"#, limits).unwrap();
            String::from_utf8(splice(body.as_bytes(), &mut [edit]).unwrap()).unwrap()
        };
        assert_eq!(edited(r#"{"model":"m"}"#), r#"{"user_security_context":{"a":1},"model":"m"}"#);
        assert_eq!(
            edited(r#"{"model":"m","user_security_context":{"end_user_id":"x"}}"#),
            r#"{"model":"m","user_security_context":{"a":1}}"#
        );
    }
}
