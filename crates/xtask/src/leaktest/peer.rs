//! The same test pointed at another gateway, with the filter that it brings along for the same kinds of values.

use std::net::SocketAddr;

use anyhow::Result;
use clap::ValueEnum;

use super::matrix::Cell;
use super::values::{self, Planted, Seeded};
use super::{Run, litellm, wire};
use crate::process::Running;
use crate::table::Table;

/// A gateway to point the test at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// LiteLLM's proxy from PyPI with its own content filter before and after the call, masking.
    Litellm,
}

/// What the test plants, and the pattern of LiteLLM's content filter that is made for it. Values without one are left out,
/// so that nothing is counted that its filter does not claim to find.
const LITELLM_PATTERNS: [(&str, &str); 6] = [
    ("email", "email"),
    ("card", "visa"),
    ("iban", "iban"),
    ("us-ssn", "us_ssn"),
    ("aws-access-key", "aws_access_key"),
    ("github-token", "github_token"),
];

impl Peer {
    /// Starts it before an upstream.
    pub(crate) fn start(self, upstream: SocketAddr) -> Result<(SocketAddr, Running)> {
        match self {
            Self::Litellm => litellm::start(&litellm_config(upstream), None),
        }
    }

    /// The values that it has patterns for.
    pub(crate) fn planted(self, random: &mut Seeded) -> Vec<Planted> {
        let all = values::planted(random, litellm::KEY).into_iter();
        match self {
            Self::Litellm => {
                all.filter(|planted| LITELLM_PATTERNS.iter().any(|(name, _)| *name == planted.name)).collect()
            }
        }
    }

    /// Prints what came through. Nothing fails: it is another's filter.
    pub(crate) fn report(self, run: &Run, seed: u64, seconds: f64) -> Result<()> {
        let (answers, requests) = (run.answers.borrow(), run.requests.borrow());
        println!("{} with {}\n", litellm::name(), LITELLM_PATTERNS.map(|(_, pattern)| pattern).join(", "));
        for (title, matrix) in [("Answers", &answers), ("Requests", &requests)] {
            let mut table = Table::new([title, "requests", "leaked", "leaked whole", "without an answer"]);
            for (name, cell) in matrix.rows(run.columns) {
                table.row(vec![
                    name.to_owned(),
                    cell.runs.to_string(),
                    share(cell.leaks, cell),
                    share(cell.whole, cell),
                    share(cell.broken, cell),
                ]);
            }
            println!("{}", table.render());
        }
        let (a, r) = (answers.total(), requests.total());
        println!(
            "{} requests in {seconds:.0} s, seed {seed}: {} leaked ({} bytes at most)",
            a.runs + r.runs,
            a.leaks + r.leaks,
            answers.leaked_bytes.max(requests.leaked_bytes),
        );
        Ok(())
    }
}

fn share(count: u64, cell: Cell) -> String {
    if count == 0 { "-".to_owned() } else { format!("{} %", count * 100 / cell.runs.max(1)) }
}

fn litellm_config(upstream: SocketAddr) -> String {
    let models = [
        (wire::MODELS, "openai", "/v1"),
        (wire::CHAT_ONLY, "openai", "/v1"),
        (wire::MESSAGES, "anthropic", ""),
    ];
    let models: String = models
        .iter()
        .map(|(prefix, provider, path)| {
            format!(
                "  - model_name: {prefix}*\n    litellm_params:\n      model: {provider}/{prefix}*\n      \
                 api_base: http://{upstream}{path}\n      api_key: none\n"
            )
        })
        .collect();
    let patterns: String = LITELLM_PATTERNS
        .iter()
        .map(|(_, pattern)| {
            format!(
                "        - pattern_type: prebuilt\n          pattern_name: {pattern}\n          action: MASK\n"
            )
        })
        .collect();
    let guards: String = ["pre_call", "post_call"]
        .iter()
        .map(|mode| {
            format!(
                "  - guardrail_name: values-{mode}\n    litellm_params:\n      guardrail: litellm_content_filter\n      \
                 mode: {mode}\n      default_on: true\n      patterns:\n{patterns}"
            )
        })
        .collect();
    format!("model_list:\n{models}guardrails:\n{guards}{}", litellm::SETTINGS)
}
