//! Whether labels that text gets have somewhere to go.

use stockade_domain::Workload;
use stockade_platform::LabelledInfo;

use super::Check;
use crate::config::Config;
use crate::control::{Client, Request};
use crate::home::Home;

const NAME: &str = "labels";

/// A label that no workload or no upstream may have denies whatever it is found in.
pub(super) fn check(home: &Home, config: &Config) -> Check {
    let known = Client::reach(home).and_then(|client| client.ask::<Vec<LabelledInfo>>(Request::LabelList));
    let texts = if home.exists() { known.unwrap_or_default() } else { Vec::new() };
    let order = config.label_order();
    let given = texts.iter().map(|text| text.label.as_str());
    let given: Vec<&str> = given.chain(config.labels.rules.iter().map(|rule| rule.label.as_str())).collect();
    if given.is_empty() {
        return Check::ok(NAME, "no text is registered and no rule gives a label: everything is `public`");
    }
    if let Some(unknown) = given.iter().find(|label| !order.iter().any(|known| known.as_str() == **label)) {
        let detail = format!(
            "a registered text is `{unknown}`, which `labels.order` does not name: it is denied everywhere"
        );
        return Check::fail(
            NAME,
            detail,
            "name it in `labels.order`, or register the text under another label",
        );
    }
    let rank = |label: &str| order.iter().position(|known| known.as_str() == label);
    let highest = given.iter().filter_map(|label| rank(label)).max();
    let workloads: Vec<Workload> =
        Client::reach(home).and_then(|client| client.ask(Request::WorkloadList)).unwrap_or_default();
    let may = workloads.iter().filter_map(|workload| rank(workload.label.as_str())).max();
    let name = |rank: Option<usize>| {
        rank.and_then(|rank| order.iter().nth(rank)).map_or_else(String::new, ToString::to_string)
    };
    if !workloads.is_empty() && may < highest {
        let detail =
            format!("text can be `{}`, and no workload may handle more than `{}`", name(highest), name(may));
        return Check::warn(NAME, detail, "`stockade workload set NAME --label LABEL` for those that may");
    }
    let upstreams =
        config.upstreams.values().filter_map(|upstream| rank(config.clearance(upstream).as_str())).max();
    if upstreams.is_some() && upstreams < highest {
        let detail = format!(
            "text can be `{}`, and no upstream may have more than `{}`",
            name(highest),
            name(upstreams)
        );
        return Check::warn(
            NAME,
            detail,
            "raise `label_max` of an upstream that may have it, or leave it denied",
        );
    }
    Check::ok(NAME, format!("{} registered texts, {} rules", texts.len(), config.labels.rules.len()))
}
