//! A line of the list, made of texts only: the page and the live view fill the same places with them.

use serde::Serialize;
use stockade_views::RequestRow;

use super::{text, units, words};

/// A line of the list. Field names are the `data-f` names of `parts/row.html`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct RowView {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) time: String,
    pub(crate) date: String,
    pub(crate) clock: String,
    pub(crate) workload: String,
    pub(crate) model: String,
    pub(crate) surface: String,
    pub(crate) effect: &'static str,
    pub(crate) effect_text: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) end_text: &'static str,
    pub(crate) status: String,
    pub(crate) findings: Vec<KindCount>,
    pub(crate) redactions: String,
    pub(crate) duration: String,
}

/// Findings of one kind.
#[derive(Debug, Serialize)]
pub(crate) struct KindCount {
    pub(crate) kind: &'static str,
    pub(crate) count: String,
}

impl RowView {
    pub(crate) fn new(row: &RequestRow) -> Self {
        let (effect, effect_text) = words::effect(row.effect);
        let (date, clock) = units::date_and_clock(row.time);
        let stream = if row.stream { ", streamed" } else { "" };
        let findings = row.findings.iter().filter(|(_, n)| **n > 0);
        Self {
            id: row.id.to_string(),
            href: format!("/requests/{}", row.id),
            time: row.time.to_string(),
            date,
            clock,
            workload: text::line(&row.workload),
            model: text::line(&row.model),
            surface: format!("{}{stream}", text::line(&row.surface)),
            effect,
            effect_text,
            tone: words::tone(row.end),
            end_text: words::ending(row.end),
            status: if row.status == 0 { String::new() } else { row.status.to_string() },
            findings: findings
                .map(|(kind, n)| KindCount { kind: kind.as_str(), count: units::count(*n) })
                .collect(),
            redactions: match row.redactions {
                0 => String::new(),
                n => format!("{} replaced", units::count(n)),
            },
            duration: match row.duration_us {
                0 => String::new(),
                us => units::duration(us),
            },
        }
    }
}
