//! The policies that decide, and a form that asks them. The question lives in the address, so that it can be shared.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use stockade_api::{ApiError, BadParameter, within};
use stockade_domain::{Action, Label};
use stockade_views::{PolicySheet, Question};

use crate::door::{SignedIn, html};
use crate::pages::list::{Choice, StatusView};
use crate::present::station::DecisionView;
use crate::present::text::{self, Run};
use crate::router::App;

/// The longest name that is asked for, in bytes.
const MAX_NAME: usize = 256;

#[derive(Template)]
#[template(path = "policies.html")]
struct PoliciesPage<'a> {
    assets: &'a str,
    csrf: &'a str,
    place: &'static str,
    status: StatusView,
    hash: &'a str,
    asked: Asked,
    workloads: Vec<String>,
    actions: Vec<Choice>,
    labels: Vec<(String, bool)>,
    decision: Option<DecisionView>,
    failed: Option<&'static str>,
    policies: Vec<Line>,
}

/// The question as the form sends it.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    workload: String,
    user: String,
    action: String,
    model: String,
    tool: String,
    label: String,
    pii: Option<String>,
    secret: Option<String>,
    injection: Option<String>,
    leak: Option<String>,
    incomplete: Option<String>,
}

struct Line {
    id: String,
    title: String,
    why: String,
    kind: &'static str,
    badge: &'static str,
    says: Vec<String>,
    place: String,
    text: Vec<Run>,
    decided: bool,
}

/// Shows the policies and, where something is asked, what they say.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Extension(signed_in): Extension<SignedIn>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(asked) = query.map_err(|_| BadParameter::Unknown)?;
    let named = [&asked.workload, &asked.user, &asked.model, &asked.tool, &asked.label];
    if named.into_iter().any(|name| name.len() > MAX_NAME) {
        return Err(BadParameter::Unknown.into());
    }
    let sheet = app.installation.policies();
    let names = within(app.installation.names()).await?;
    let status = StatusView::new(&within(app.views.status()).await?);
    let (decision, failed) = match asked.question(&sheet)? {
        None => (None, None),
        Some(question) => match within(app.installation.ask(question)).await {
            Ok(decision) => (Some(decision), None),
            Err(ApiError::NotFound) => {
                (None, Some("There is no such workload, or no upstream has this model."))
            }
            Err(other) => return Err(other),
        },
    };
    let decided = |id: &str| {
        decision.as_ref().is_some_and(|decision| decision.policies.iter().any(|known| known == id))
    };
    let policies = sheet.policies.iter().map(|policy| Line {
        decided: decided(&policy.id),
        id: text::line(&policy.id),
        title: text::line(&policy.title),
        why: text::line(&policy.why),
        kind: policy.kind,
        badge: match policy.kind {
            "permit" => "permit",
            "forbid" => "deny",
            _ => "",
        },
        says: policy.says.iter().map(|word| text::line(word)).collect(),
        place: format!("{}:{}", text::line(&policy.file), policy.line),
        text: text::runs(&policy.text),
    });
    Ok(html(&PoliciesPage {
        assets: app.assets.base(),
        csrf: &signed_in.session.csrf,
        place: "policies",
        status,
        hash: &sheet.hash,
        workloads: names.iter().map(|name| text::line(name)).collect(),
        actions: actions(&asked.action),
        labels: sheet.labels.iter().map(|label| (text::line(label), *label == asked.label)).collect(),
        decision: decision.as_ref().map(DecisionView::new),
        failed,
        policies: policies.collect(),
        asked,
    }))
}

fn actions(chosen: &str) -> Vec<Choice> {
    [
        ("invoke", "Invoke a model", Action::Invoke),
        ("embed", "Embed a text", Action::Embed),
        ("predict", "Ask for a prediction", Action::Predict),
        ("call_tool", "Call a tool", Action::CallTool),
        ("connect", "Connect", Action::Connect),
        ("list_models", "List models", Action::ListModels),
    ]
    .map(|(value, label, _)| Choice { value, label, chosen: value == chosen })
    .into()
}

impl Asked {
    /// The question; none as long as no workload is named.
    fn question(&self, sheet: &PolicySheet) -> Result<Option<Question>, ApiError> {
        if self.workload.trim().is_empty() {
            return Ok(None);
        }
        let action = match self.action.as_str() {
            "" | "invoke" => Action::Invoke,
            "embed" => Action::Embed,
            "predict" => Action::Predict,
            "call_tool" => Action::CallTool,
            "connect" => Action::Connect,
            "list_models" => Action::ListModels,
            _ => return Err(BadParameter::Unknown.into()),
        };
        let label = match self.label.as_str() {
            "" => None,
            label if sheet.labels.iter().any(|known| known == label) => Some(Label::new(label)),
            _ => return Err(BadParameter::Unknown.into()),
        };
        let is_set = |field: &Option<String>| u64::from(field.is_some());
        Ok(Some(Question {
            workload: self.workload.trim().to_owned(),
            user: self.user.trim().to_owned(),
            action,
            model: self.model.trim().to_owned(),
            tool: self.tool.trim().to_owned(),
            label,
            findings: [&self.pii, &self.secret, &self.injection, &self.leak].map(is_set),
            incomplete: self.incomplete.is_some(),
        }))
    }
}
