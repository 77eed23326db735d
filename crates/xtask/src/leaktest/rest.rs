//! What the server keeps on its disk: no planted value may stand there.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use anyhow::Result;

use super::find::Finder;
use super::values::{FRAGMENT, Planted};
use crate::server::Stockade;

/// Files of the server that show a planted value. Its own key stands in the file made for it.
pub(crate) fn shown(server: &Stockade, planted: &[Planted], finders: &[Finder]) -> Result<Vec<String>> {
    let search = Search::new(planted, finders)?;
    let mut found = Vec::new();
    let mut folders = vec![server.data()];
    while let Some(folder) = folders.pop() {
        for entry in still_there(std::fs::read_dir(&folder))?.into_iter().flatten() {
            let entry = entry?;
            let Some(kind) = still_there(entry.file_type())? else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.file_name() != "playground.key" {
                let bytes = still_there(std::fs::read(entry.path()))?.unwrap_or_default();
                let place = entry.path().display().to_string();
                found.extend(search.names_in(&bytes).map(|name| format!("{name} stands in {place}")));
            }
        }
    }
    let log = server.log();
    found.extend(
        search.names_in(log.as_bytes()).map(|name| format!("{name} stands in what the server printed")),
    );
    Ok(found)
}

/// The server goes on meanwhile: each checkpoint removes incomplete tiles, after it has written what is in them anew.
fn still_there<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// All values at once: a pass for each of a thousand of them took minutes.
struct Search<'a> {
    fragments: AhoCorasick,
    /// The value that each fragment is a part of.
    owners: Vec<usize>,
    planted: &'a [Planted],
    finders: &'a [Finder],
}

impl<'a> Search<'a> {
    fn new(planted: &'a [Planted], finders: &'a [Finder]) -> Result<Self> {
        let all = || {
            let each = planted.iter().enumerate();
            each.flat_map(|(owner, p)| p.secret.as_bytes().windows(FRAGMENT).map(move |w| (owner, w)))
        };
        let fragments = AhoCorasick::new(all().map(|(_, fragment)| fragment))?;
        Ok(Self { fragments, owners: all().map(|(owner, _)| owner).collect(), planted, finders })
    }

    fn names_in(&self, bytes: &[u8]) -> impl Iterator<Item = &'a str> {
        let hits = self.fragments.find_overlapping_iter(bytes);
        let owners: BTreeSet<usize> =
            hits.filter_map(|hit| self.owners.get(hit.pattern().as_usize()).copied()).collect();
        let shown = owners.into_iter().filter_map(|owner| {
            let (planted, finder) = (self.planted.get(owner)?, self.finders.get(owner)?);
            (finder.leaked(bytes) >= least(planted)).then_some(planted.name.as_str())
        });
        shown.collect::<Vec<_>>().into_iter()
    }
}

/// How many bytes of a value are no accident. A run has some ten million places of digests and times: eight digits of a
/// value stand there in one run of twenty; twice as many do not.
fn least(planted: &Planted) -> usize {
    let is_told = |planted: &Planted| {
        planted.secret.as_bytes().windows(FRAGMENT).all(|w| !w.iter().all(u8::is_ascii_hexdigit))
    };
    if is_told(planted) { 1 } else { 2 * FRAGMENT }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(name: &str, secret: &str) -> Planted {
        Planted { name: name.to_owned(), text: secret.to_owned(), secret: secret.to_owned() }
    }

    #[test]
    fn digits_count_when_there_are_too_many_for_an_accident() {
        let values = [planted("iban", "DE21301204000000015228"), planted("key", "ghp_xYz81kQ7wVb")];
        let finders: Vec<_> = values.iter().map(|value| Finder::new(value).unwrap()).collect();
        let search = Search::new(&values, &finders).unwrap();
        let names = |text: &str| search.names_in(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(names("sha256:ab00000001cd"), Vec::<&str>::new());
        assert_eq!(names("sha256:ab13012040000000015228"), ["iban"]);
        assert_eq!(names("p_xYz81k, DE2130120400000001"), ["iban", "key"]);
    }
}
