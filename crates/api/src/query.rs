//! The query of a list of requests, which the page's filter form and the API share.

use serde::Deserialize;
use stockade_domain::Effect;
use stockade_views::{Ending, MAX_PAGE, RequestFilter};
use utoipa::IntoParams;

/// The longest name that is searched for, in bytes.
const MAX_NAME: usize = 128;

/// Which requests, as a query string. An empty value is as good as none: that is what a form sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only this workload's, by exact name.
    pub workload: Option<String>,
    /// `permit` or `deny`.
    pub effect: Option<String>,
    /// Where it stands: `open`, `interrupted`, or an end such as `completed`.
    pub end: Option<String>,
    /// Only those older than this request: `next` of the page before.
    pub before: Option<String>,
    /// Rows on a page, 1 to 100; 50 when not said.
    pub limit: Option<String>,
}

/// A parameter that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadParameter {
    /// Not one that this route knows, or given twice.
    #[error("a parameter of the query is unknown or given twice")]
    Unknown,
    /// Too long.
    #[error("`workload` is longer than 128 bytes")]
    Workload,
    /// Not an effect.
    #[error("`effect` is neither `permit` nor `deny`")]
    Effect,
    /// Not an ending.
    #[error("`end` is not a word for how a request ends")]
    End,
    /// Not a request's id.
    #[error("`before` is not a request's id")]
    Before,
    /// Not a number in range.
    #[error("`limit` is not a number from 1 to 100")]
    Limit,
}

impl ListQuery {
    /// The filter that it asks for.
    ///
    /// # Errors
    /// [`BadParameter`] names the first that is wrong.
    pub fn filter(&self) -> Result<RequestFilter, BadParameter> {
        let given = |value: &'_ Option<String>| value.clone().filter(|v| !v.is_empty());
        let workload = given(&self.workload);
        if workload.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err(BadParameter::Workload);
        }
        let effect = match given(&self.effect).as_deref() {
            None => None,
            Some("permit") => Some(Effect::Permit),
            Some("deny") => Some(Effect::Deny),
            Some(_) => return Err(BadParameter::Effect),
        };
        let end = given(&self.end).map(|word| word.parse::<Ending>());
        let before = given(&self.before).map(|id| id.parse());
        let limit = given(&self.limit).map_or(Ok(RequestFilter::default().limit), |n| n.parse());
        Ok(RequestFilter {
            workload,
            effect,
            end: end.transpose().map_err(|_| BadParameter::End)?,
            before: before.transpose().map_err(|_| BadParameter::Before)?,
            limit: limit.ok().filter(|n| (1..=MAX_PAGE).contains(n)).ok_or(BadParameter::Limit)?,
        })
    }
}
