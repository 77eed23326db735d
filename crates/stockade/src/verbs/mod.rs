//! The verbs of the command line, a module each. A verb takes its arguments, prints through [`crate::output`], and gives
//! the exit code.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod identity;
pub(crate) mod inspect;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod limits;
pub(crate) mod policy;
pub(crate) mod prompts;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod signin;
pub(crate) mod tokens;
pub(crate) mod workload;

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use stockade_domain::Micros;

/// Reads a text of at most `limit` bytes from a file, or from standard input where it is `-` or not named.
fn read_text(path: Option<&Path>, limit: u64) -> Result<String> {
    let named = path.filter(|path| *path != Path::new("-"));
    let name = named.map_or_else(|| "standard input".to_owned(), |path| path.display().to_string());
    let mut bytes = Vec::new();
    let bound = limit.saturating_add(1);
    match named {
        Some(path) => {
            let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
            file.take(bound).read_to_end(&mut bytes)
        }
        None => std::io::stdin().lock().take(bound).read_to_end(&mut bytes),
    }
    .with_context(|| format!("cannot read {name}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        bail!("{name} is longer than {limit} bytes");
    }
    String::from_utf8(bytes)
        .map_err(|error| anyhow::anyhow!("{name} is not UTF-8 at byte {}", error.utf8_error().valid_up_to()))
}

/// A time without its fraction, for tables.
fn short(time: Micros) -> String {
    let seconds = time.as_i64().div_euclid(1_000_000);
    let text = Micros::from_i64(seconds.saturating_mul(1_000_000)).to_string();
    text.replace(".000000", "")
}
