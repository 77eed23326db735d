//! What the console shows of the installation: the platform's records, and the policies that decide now.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use stockade_authz::{FindingCounts, InspectionContext, Pdp, Resource};
use stockade_domain::{
    Action, Caller, Clock as _, CredentialKind, DecisionRecord, EndUser, KeyId, WorkloadName,
};
use stockade_gateway::labels::LabelRules;
use stockade_gateway::ports::Catalog;
use stockade_platform::{Platform, PlatformError};
use stockade_views::{
    Installation, KeyRow, LedgerPage, Overview, PolicyRow, PolicySheet, Question, ViewError,
};

use crate::system::SystemClock;

/// The installation that runs here.
pub(super) struct Here {
    pub(super) platform: Arc<Platform>,
    pub(super) pdp: Arc<Pdp>,
    pub(super) catalog: Arc<ArcSwap<Catalog>>,
    pub(super) labels: Arc<ArcSwap<LabelRules>>,
}

/// The signal that an attempt to steer a model stands for where a person only says that there is one.
const BLOCKING: [&str; 1] = ["prompt-injection"];

impl Here {
    /// Does blocking work where it may block.
    fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Platform) -> Result<T, ViewError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ViewError>> {
        let platform = Arc::clone(&self.platform);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&platform)).await;
            done.unwrap_or_else(|error| Err(ViewError::Unavailable(Box::new(error))))
        })
    }
}

impl Installation for Here {
    fn overview(&self) -> BoxFuture<'_, Result<Overview, ViewError>> {
        self.work(|platform| platform.views.overview())
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, ViewError>> {
        self.work(|platform| platform.views.names())
    }

    fn keys(&self) -> BoxFuture<'_, Result<Vec<KeyRow>, ViewError>> {
        self.work(|platform| platform.views.keys())
    }

    fn revoke(&self, key: KeyId, who: String) -> BoxFuture<'_, Result<(), ViewError>> {
        self.work(move |platform| {
            let revoked = platform.roster.revoke_key(&key.to_string(), &who);
            revoked.map(drop).map_err(refused)
        })
    }

    fn policies(&self) -> PolicySheet {
        let rules = self.pdp.rules();
        let set = rules.engine.policies();
        let policies = set.sheet().into_iter().map(|policy| PolicyRow {
            id: policy.id,
            title: policy.title,
            why: policy.why,
            kind: policy.kind,
            says: policy.says,
            file: policy.file,
            line: policy.line,
            text: policy.text,
        });
        PolicySheet {
            hash: set.hash().to_owned(),
            policies: policies.collect(),
            labels: rules.labels.iter().map(ToString::to_string).collect(),
        }
    }

    fn ask(&self, question: Question) -> BoxFuture<'_, Result<DecisionRecord, ViewError>> {
        let (pdp, catalog) = (Arc::clone(&self.pdp), self.catalog.load_full());
        let labels = self.labels.load_full();
        self.work(move |platform| {
            let name: WorkloadName = question.workload.parse().map_err(|_| ViewError::NotFound)?;
            let workload = platform.roster.workload(&name).map_err(refused)?;
            let now = SystemClock.now();
            let caller = Caller {
                workload: Arc::new(workload),
                // No key asks: policies are about workloads and people.
                key: None,
                credential: CredentialKind::ApiKey,
                certificate: None,
                token: None,
                user: (!question.user.is_empty()).then(|| EndUser::asserted(question.user.clone())),
                chain: Vec::new(),
            };
            let [pii, secret, injection, leak] = question.findings;
            let context = InspectionContext {
                label: question.label.clone().unwrap_or_default(),
                signals: if injection > 0 { BLOCKING.map(str::to_owned).into() } else { Default::default() },
                findings: FindingCounts { pii, secret, injection, leak },
                incomplete: question.incomplete,
                tools: u64::from(!question.tool.is_empty()),
                now,
                ..InspectionContext::default()
            };
            let found = || {
                let mut found = catalog.resolve(&question.model, 0).into_iter().next();
                found.iter_mut().for_each(|found| labels.cap(&mut found.model));
                found.ok_or(ViewError::NotFound)
            };
            Ok(match question.action {
                action @ (Action::Invoke | Action::Embed | Action::Predict) => {
                    pdp.ask(&caller, action, Resource::Model(&found()?.model), &context)
                }
                Action::CallTool => {
                    let model = found()?.model;
                    let label_max = labels.tool(&question.tool);
                    pdp.ask(
                        &caller,
                        Action::CallTool,
                        Resource::Tool { name: &question.tool, model: &model, label_max: &label_max },
                        &context,
                    )
                }
                action => pdp.ask(&caller, action, Resource::Gateway, &context),
            })
        })
    }

    fn ledger(&self, before: Option<u64>) -> BoxFuture<'_, Result<LedgerPage, ViewError>> {
        self.work(move |platform| platform.views.ledger(before))
    }
}

fn refused(error: PlatformError) -> ViewError {
    match error {
        PlatformError::NotFound(_) => ViewError::NotFound,
        other => ViewError::Unavailable(Box::new(other)),
    }
}
