//! The inspector as an operator has set it up: the built-in rules, those of a directory of one's own, and the key of
//! fingerprints where some rule has them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use stockade_inspect::{Engine, FingerprintKey};
use stockade_rulebook::{RuleError, Rulebook};

use crate::home::{Home, RootKeyFile};

/// The folder of the rules that countries and fingerprints are about.
const RECOGNIZERS: &str = "recognizers";

/// Which detectors run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen<'a> {
    /// Countries whose weak patterns run too.
    pub(crate) locales: &'a [String],
    /// Whether names of people, places and the like are looked for.
    pub(crate) names: bool,
}

/// The built-in rules, and those of a directory laid over them.
pub(crate) fn book(dir: Option<&Path>) -> Result<Rulebook, RuleError> {
    let built_in = Rulebook::new(stockade_rules::FILES);
    match dir {
        Some(dir) => built_in.overlay(dir),
        None => Ok(built_in),
    }
}

/// The engine over rules. The key ring is opened only where a rule needs its key.
pub(crate) fn engine(book: &Rulebook, chosen: Chosen<'_>, home: &Home) -> Result<Engine> {
    let Chosen { locales, names } = chosen;
    let engine = if has_fingerprints(book)? {
        Engine::with_fingerprints(book, locales, names, &fingerprint_key(home)?)
    } else if names {
        Engine::with_names_and_locales(book, locales)
    } else {
        Engine::with_locales(book, locales)
    };
    engine.context("compiling the rules")
}

/// Whether a rule knows values by fingerprints.
pub(crate) fn has_fingerprints(book: &Rulebook) -> Result<bool, RuleError> {
    // Most rules do not speak of them: they need not be read twice.
    let book = book.filtered(|_, text| text.contains("fingerprints"));
    let rules = book.load::<toml::Table>(RECOGNIZERS)?;
    Ok(rules.iter().any(|rule| rule.body.contains_key("fingerprints")))
}

/// The key of fingerprints: of this installation, from its key ring.
pub(crate) fn fingerprint_key(home: &Home) -> Result<FingerprintKey> {
    let file = RootKeyFile::locate()?;
    if !file.path().exists() {
        bail!(
            "rules with fingerprints need the root key that they were made with, and {} is not there: name its file \
             with STOCKADE_ROOT_KEY_FILE",
            file.path().display()
        );
    }
    let ring = file.open(home)?;
    let key = ring.mac_key(stockade_crypto::KeyRole::Fingerprint, 1, b"")?;
    FingerprintKey::new(&key.mac(b"key")).context("the key of fingerprints")
}

/// The countries that some rule has a weak pattern for, in small letters.
pub(crate) fn countries(book: &Rulebook) -> Result<BTreeSet<String>, RuleError> {
    let mut out = BTreeSet::new();
    for rule in book.load::<toml::Table>(RECOGNIZERS)? {
        let listed = rule.body.get("locales").and_then(toml::Value::as_array).into_iter().flatten();
        out.extend(listed.filter_map(toml::Value::as_str).map(str::to_ascii_lowercase));
    }
    Ok(out)
}
