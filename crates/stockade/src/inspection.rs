//! The inspector as an operator has set it up: the built-in rules, those of a directory of one's own, and the key of
//! fingerprints where some rule has them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use stockade_crypto::{KeyRing, KeyRole};
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
pub(crate) fn engine(
    book: &Rulebook,
    chosen: Chosen<'_>,
    home: impl FnOnce() -> Result<Home>,
) -> Result<Engine> {
    let Chosen { locales, names } = chosen;
    if let Some(unknown) = unknown_country(book, locales)? {
        bail!("no rule is about the country `{}`: {}", unknown.code, unknown.known);
    }
    let engine = if has_fingerprints(book)? {
        Engine::with_fingerprints(book, locales, names, &fingerprint_key(&home()?)?)
    } else if names {
        Engine::with_names_and_locales(book, locales)
    } else {
        Engine::with_locales(book, locales)
    };
    engine.context("compiling the rules")
}

/// Whether a rule knows values by fingerprints.
fn has_fingerprints(book: &Rulebook) -> Result<bool, RuleError> {
    Ok(!ids_of_fingerprints(book)?.is_empty())
}

/// The rules that need no key.
pub(crate) fn without_fingerprints(book: &Rulebook) -> Result<Rulebook, RuleError> {
    let ids = ids_of_fingerprints(book)?;
    Ok(book.filtered(|path, _| !is_of(path, &ids)))
}

/// The rules with fingerprints, if there are some.
pub(crate) fn only_fingerprints(book: &Rulebook) -> Result<Option<Rulebook>, RuleError> {
    let ids = ids_of_fingerprints(book)?;
    Ok((!ids.is_empty()).then(|| book.filtered(|path, _| is_of(path, &ids))))
}

fn is_of(path: &str, ids: &BTreeSet<String>) -> bool {
    let id = path.strip_prefix("recognizers/").and_then(|file| file.strip_suffix(".toml"));
    id.is_some_and(|id| ids.contains(id))
}

/// The rules with fingerprints, by id. A rule's file has its id for a name.
fn ids_of_fingerprints(book: &Rulebook) -> Result<BTreeSet<String>, RuleError> {
    // Most rules do not speak of them: they need not be read twice.
    let book = book.filtered(|_, text| text.contains("fingerprints"));
    let rules = book.load::<toml::Table>(RECOGNIZERS)?.into_iter();
    let with = rules.filter(|rule| rule.body.contains_key("fingerprints"));
    Ok(with.map(|rule| rule.origin.stem().to_owned()).collect())
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
    of_ring(&file.open(home)?)
}

/// The same, for who makes fingerprints: where there is no installation yet, its root key is made.
pub(crate) fn make_fingerprint_key(home: &Home) -> Result<FingerprintKey> {
    of_ring(&RootKeyFile::locate()?.open(home)?)
}

fn of_ring(ring: &KeyRing) -> Result<FingerprintKey> {
    let key = ring.mac_key(KeyRole::Fingerprint, 1, b"")?;
    FingerprintKey::new(&key.mac(b"key")).context("the key of fingerprints")
}

/// A country that is chosen and that no rule is about.
pub(crate) struct UnknownCountry {
    /// Which of those that are chosen.
    pub(crate) at: usize,
    pub(crate) code: String,
    /// Which there are, in words.
    pub(crate) known: String,
}

/// The first of some countries that no rule is about.
pub(crate) fn unknown_country(
    book: &Rulebook,
    locales: &[String],
) -> Result<Option<UnknownCountry>, RuleError> {
    if locales.is_empty() {
        return Ok(None);
    }
    let known = countries(book)?;
    let unknown = locales.iter().enumerate().find(|(_, code)| !known.contains(&code.to_ascii_lowercase()));
    Ok(unknown.map(|(at, code)| {
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        UnknownCountry {
            at,
            code: code.clone(),
            known: format!("there are rules about {}", known.join(", ")),
        }
    }))
}

/// The countries that some rule is about, in small letters.
fn countries(book: &Rulebook) -> Result<BTreeSet<String>, RuleError> {
    let mut out = BTreeSet::new();
    for rule in book.load::<toml::Table>(RECOGNIZERS)? {
        let listed = rule.body.get("locales").and_then(toml::Value::as_array).into_iter().flatten();
        out.extend(listed.filter_map(toml::Value::as_str).map(str::to_ascii_lowercase));
    }
    Ok(out)
}
