//! Gradle, Bun, Deno and the sums of Go.

use super::{declared, lines};
use crate::node::{Node, Path, Place};
use crate::subject::Declared;

/// Configurations of Gradle whose packages are part of the program or of what builds it.
const CONFIGURATIONS: [&str; 9] = [
    "implementation",
    "api",
    "compileOnly",
    "runtimeOnly",
    "annotationProcessor",
    "compile",
    "kapt",
    "ksp",
    "developmentOnly",
];

/// Dependencies of a Gradle build, several on a line too: `implementation 'g:n:v'`, `implementation group: 'g', name: 'n'`,
/// `implementation(platform("g:n:v"))`. What is for tests alone is not the program's.
pub(super) fn gradle(text: &str) -> Vec<Declared> {
    let mut out = Vec::new();
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let from = at;
        at = at.saturating_add(line.len());
        if line.trim_start().starts_with("//") {
            continue;
        }
        let place = Place::new(from, from.saturating_add(line.trim_end().len()));
        for part in line.split([';', '{']) {
            let words: Vec<usize> = CONFIGURATIONS.iter().flat_map(|word| starts(part, word)).collect();
            for (number, start) in words.iter().enumerate() {
                let end = words
                    .get(number.saturating_add(1)..)
                    .into_iter()
                    .flatten()
                    .copied()
                    .filter(|end| end > start)
                    .min();
                let stretch = part.get(*start..end.unwrap_or(part.len())).unwrap_or_default();
                if let Some((name, version)) = coordinates(stretch) {
                    out.push(declared("maven", &name, &version, place, false));
                }
            }
        }
    }
    out
}

/// Where a word stands alone, followed by what it is given.
fn starts<'a>(part: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    part.match_indices(word).filter_map(move |(at, _)| {
        let before = part.get(..at)?.bytes().next_back();
        let after = part.get(at.saturating_add(word.len())..)?.bytes().next()?;
        let alone = before.is_none_or(|b| b.is_ascii_whitespace());
        (alone && matches!(after, b' ' | b'(' | b'\t')).then_some(at)
    })
}

fn coordinates(text: &str) -> Option<(String, String)> {
    let quoted: Vec<&str> = text.split(['"', '\'']).skip(1).step_by(2).collect();
    let named = |key: &str| {
        let (_, rest) = text.split_once(key)?;
        rest.trim_start().trim_start_matches([':', '=']).trim_start().split(['"', '\'']).nth(1)
    };
    if let (true, Some(group), Some(name)) = (text.contains("group"), named("group"), named("name")) {
        return Some((format!("{group}:{name}"), named("version").unwrap_or_default().to_owned()));
    }
    let mut parts = quoted.first()?.split(':');
    let (group, artifact) = (parts.next()?, parts.next()?);
    Some((format!("{group}:{artifact}"), parts.next().unwrap_or_default().to_owned()))
}

/// Bun's lock file: packages by name, each a list that begins with `name@version`.
pub(super) fn bun(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for entry in node.get("packages").map(Node::entries).unwrap_or_default() {
        let full = entry.value.items().first().and_then(Node::text).unwrap_or_default();
        let split = full.rfind('@').filter(|at| *at > 0);
        if let Some((name, version)) = split.and_then(|at| full.split_at_checked(at)) {
            out.push(declared("npm", name, version.trim_start_matches('@'), entry.at, true));
        }
    }
    out
}

/// Deno's imports: `npm:name@version`.
pub(super) fn deno(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for path in ["imports.*", "scopes.*.*"] {
        for item in node.at_path(&Path::new(path)) {
            let Some(full) = item.text().and_then(|text| text.strip_prefix("npm:")) else { continue };
            let full = full.trim_start_matches('/');
            let split = full.rfind('@').filter(|at| *at > 0).unwrap_or(full.len());
            let (name, version) = full.split_at_checked(split).unwrap_or((full, ""));
            let version = version.trim_start_matches('@');
            // `npm:name@1/sub/path`
            let version = version.split('/').next().unwrap_or(version);
            out.push(declared("npm", name, version, item.at, false));
        }
    }
    out
}

/// Go's sums: `module version hash`.
pub(super) fn go_sum(text: &str) -> Vec<Declared> {
    lines(text, "go", true, |line| {
        let mut words = line.split_whitespace();
        let (module, version) = (words.next()?, words.next()?);
        if version.ends_with("/go.mod") {
            return None;
        }
        Some((super::module_name(module).to_owned(), version.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradle_in_one_line_and_in_maps() {
        let names = |text: &str| gradle(text).into_iter().map(|found| found.name).collect::<Vec<_>>();
        assert_eq!(names("dependencies { implementation 'a:b:1'; api(\"c:d:2\") }"), ["a:b", "c:d"]);
        assert_eq!(names("    implementation group: 'a', name: 'b', version: '1'"), ["a:b"]);
        assert_eq!(names("implementation(platform(\"a:b:1\"))"), ["a:b"]);
        assert!(names("testImplementation 'a:b:1'\n// implementation 'a:b:1'").is_empty());
    }
}
