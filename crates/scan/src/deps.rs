//! Manifests and lock files of fifteen ecosystems: which packages a tree asks for, and which it got.

use crate::doc::{self, DocumentError, xml};
use crate::node::{Data, Node, Path, Place};
use crate::subject::Declared;

mod manifests;

/// Reads a file if its name is that of a manifest or lock file.
pub(crate) fn read(path: &str, text: &str) -> Option<Result<Vec<Declared>, DocumentError>> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let lower = file.to_ascii_lowercase();
    let ending = lower.rsplit('.').next().unwrap_or_default();
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    Some(match lower.as_str() {
        "pyproject.toml" => doc::toml::parse(text).map(|node| pyproject(&node)),
        "poetry.lock" | "uv.lock" | "pdm.lock" | "pylock.toml" => doc::toml::parse(text).map(|node| {
            lock_list(&node, "package", "pypi")
                .into_iter()
                .chain(lock_list(&node, "packages", "pypi"))
                .collect()
        }),
        "pipfile" => {
            doc::toml::parse(text).map(|node| tables(&node, &["packages", "dev-packages"], "pypi", false))
        }
        "pipfile.lock" => {
            doc::json::parse(text).map(|node| tables(&node, &["default", "develop"], "pypi", true))
        }
        "setup.cfg" => Ok(lines(text, "pypi", false, requirement_line)),
        "environment.yml" | "environment.yaml" | "conda.yml" | "conda.yaml" => {
            doc::yaml::parse(text).map(|all| conda(&all))
        }
        "package.json" => doc::json::parse(text).map(|node| {
            tables(
                &node,
                &["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"],
                "npm",
                false,
            )
        }),
        "package-lock.json" | "npm-shrinkwrap.json" => doc::json::parse(text).map(|node| package_lock(&node)),
        "pnpm-lock.yaml" => doc::yaml::parse(text).map(|all| pnpm(&all)),
        "yarn.lock" => Ok(yarn(text)),
        "packages.config" => {
            xml::parse(text).map(|node| elements(&node, "packages.package", "id", "version"))
        }
        "directory.packages.props" | "directory.build.props" => xml::parse(text).map(|node| msbuild(&node)),
        "packages.lock.json" => doc::json::parse(text).map(|node| nuget_lock(&node)),
        "pom.xml" => xml::parse(text).map(|node| maven(&node)),
        "build.gradle" | "build.gradle.kts" => Ok(manifests::gradle(text)),
        "bun.lock" => doc::json::parse(text).map(|node| manifests::bun(&node)),
        "deno.json" | "deno.jsonc" => doc::json::parse(text).map(|node| manifests::deno(&node)),
        "go.sum" => Ok(manifests::go_sum(text)),
        "libs.versions.toml" => doc::toml::parse(text).map(|node| version_catalog(&node)),
        "go.mod" => Ok(lines(text, "go", false, go_line)),
        "cargo.toml" => doc::toml::parse(text).map(|node| cargo(&node)),
        "cargo.lock" => doc::toml::parse(text).map(|node| lock_list(&node, "package", "cargo")),
        "gemfile" | "gems.rb" => Ok(lines(text, "gem", false, |line| call_line(line, "gem"))),
        "gemfile.lock" => Ok(lines(text, "gem", true, gem_lock_line)),
        "composer.json" => {
            doc::json::parse(text).map(|node| tables(&node, &["require", "require-dev"], "composer", false))
        }
        "composer.lock" => doc::json::parse(text).map(|node| lock_list(&node, "packages", "composer")),
        "mix.exs" => Ok(mix(text)),
        "pubspec.yaml" => doc::yaml::parse(text).map(|all| {
            all.iter()
                .flat_map(|node| tables(node, &["dependencies", "dev_dependencies"], "pub", false))
                .collect()
        }),
        "pubspec.lock" => doc::yaml::parse(text)
            .map(|all| all.iter().flat_map(|node| tables(node, &["packages"], "pub", true)).collect()),
        "package.swift" => Ok(lines(text, "swift", false, swift_line)),
        "package.resolved" => doc::json::parse(text).map(|node| lock_list(&node, "pins", "swift")),
        "description" => Ok(lines(text, "cran", false, requirement_line)),
        _ if matches!(ending, "csproj" | "fsproj" | "vbproj") => xml::parse(text).map(|node| msbuild(&node)),
        _ if ending == "txt"
            && (lower.contains("requirements")
                || lower.starts_with("constraints")
                || folder == "requirements") =>
        {
            Ok(lines(text, "pypi", false, requirement_line))
        }
        _ if ending == "in" && lower.contains("requirements") => {
            Ok(lines(text, "pypi", false, requirement_line))
        }
        _ => return None,
    })
}

/// The name of a Python package as the index compares it (PEP 503).
pub(crate) fn normal(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let c = if matches!(c, '_' | '.') { '-' } else { c.to_ascii_lowercase() };
        if !(c == '-' && out.ends_with('-')) {
            out.push(c);
        }
    }
    out
}

fn declared(ecosystem: &'static str, name: &str, version: &str, at: Place, locked: bool) -> Declared {
    // Conda's packages are Python's, but for a name or two.
    let (ecosystem, name) = match (ecosystem, name) {
        ("conda", "pytorch") => ("pypi", "torch"),
        ("conda", name) => ("pypi", name),
        other => other,
    };
    let name = match ecosystem {
        "pypi" => normal(name),
        _ => name.to_owned(),
    };
    Declared { ecosystem, name, version: version.chars().take(64).collect(), at, locked }
}

/// Name and version constraint of a requirement (PEP 508).
pub(crate) fn requirement(text: &str) -> Option<(&str, &str)> {
    let text = text
        .split('#')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches(['\\', ','])
        .trim()
        .trim_matches(['"', '\'']);
    let length =
        text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')).count();
    let (name, rest) = text.split_at_checked(length)?;
    if name.is_empty() || name.starts_with(['-', '.']) {
        return None;
    }
    let rest = match rest.split_once(']') {
        Some((extras, after)) if extras.trim_start().starts_with('[') => after,
        _ => rest,
    };
    let version = rest.split(';').next().unwrap_or_default().trim();
    let plausible = version.is_empty() || version.starts_with(['=', '<', '>', '~', '!', '@', '(', '^', '*']);
    plausible.then_some((name, version.trim_start_matches("==")))
}

fn requirement_line(line: &str) -> Option<(String, String)> {
    let bare = line.trim();
    if bare.starts_with(['#', '-', '[']) {
        return None;
    }
    requirement(bare).map(|(name, version)| (name.to_owned(), version.to_owned()))
}

fn lines(
    text: &str,
    ecosystem: &'static str,
    locked: bool,
    read: impl Fn(&str) -> Option<(String, String)>,
) -> Vec<Declared> {
    let mut at = 0_usize;
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        let place = Place::new(at, at.saturating_add(line.trim_end().len()));
        at = at.saturating_add(line.len());
        if let Some((name, version)) = read(line) {
            out.push(declared(ecosystem, &name, &version, place, locked));
        }
    }
    out
}

/// Tables whose keys are packages.
fn tables(node: &Node, names: &[&str], ecosystem: &'static str, locked: bool) -> Vec<Declared> {
    let mut out = Vec::new();
    for name in names {
        for entry in node.get(name).map(Node::entries).unwrap_or_default() {
            let version = entry.value.text().or_else(|| entry.value.text_of("version")).unwrap_or_default();
            out.push(declared(ecosystem, &entry.key, version, entry.at, locked));
        }
    }
    out
}

/// Lists of packages with `name` and `version`.
fn lock_list(node: &Node, list: &str, ecosystem: &'static str) -> Vec<Declared> {
    let items = node.get(list).map(Node::items).unwrap_or_default();
    let one = |item: &Node| {
        let name = item.text_of("name").or_else(|| item.text_of("identity"))?;
        Some(declared(ecosystem, name, item.text_of("version").unwrap_or_default(), item.at, true))
    };
    items.iter().filter_map(one).collect()
}

fn pyproject(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for path in [
        "project.dependencies",
        "project.optional-dependencies.*",
        "dependency-groups.*",
        "tool.uv.dev-dependencies",
        "tool.pdm.dev-dependencies.*",
        "build-system.requires",
    ] {
        for item in node.at_path(&Path::new(path)) {
            if let Some((name, version)) = item.text().and_then(requirement) {
                out.push(declared("pypi", name, version, item.at, false));
            }
        }
    }
    for path in ["tool.poetry", "tool.poetry.group.*"] {
        for table in node.at_path(&Path::new(path)) {
            out.extend(tables(table, &["dependencies", "dev-dependencies"], "pypi", false));
        }
    }
    out
}

fn conda(all: &[Node]) -> Vec<Declared> {
    let mut out = Vec::new();
    for item in all.iter().filter_map(|node| node.get("dependencies")).flat_map(Node::items) {
        if let Some(text) = item.text() {
            let text = text.rsplit("::").next().unwrap_or(text);
            let (name, version) = text.split_once(['=', '<', '>']).unwrap_or((text, ""));
            out.push(declared("conda", name.trim(), version.trim_matches('='), item.at, false));
        }
        for inner in item.get("pip").map(Node::items).unwrap_or_default() {
            if let Some((name, version)) = inner.text().and_then(requirement) {
                out.push(declared("pypi", name, version, inner.at, false));
            }
        }
    }
    out
}

fn package_lock(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for entry in node.get("packages").map(Node::entries).unwrap_or_default() {
        if let Some((_, name)) = entry.key.rsplit_once("node_modules/") {
            out.push(declared(
                "npm",
                name,
                entry.value.text_of("version").unwrap_or_default(),
                entry.at,
                true,
            ));
        }
    }
    out.extend(tables(node, &["dependencies"], "npm", true));
    out
}

fn pnpm(all: &[Node]) -> Vec<Declared> {
    let mut out = Vec::new();
    for entry in all.iter().filter_map(|node| node.get("packages")).flat_map(Node::entries) {
        let key = entry.key.trim_start_matches('/').split('(').next().unwrap_or_default();
        let split = key.rfind('@').filter(|at| *at > 0);
        if let Some((name, version)) =
            split.and_then(|at| Some((key.get(..at)?, key.get(at.saturating_add(1)..)?)))
        {
            out.push(declared("npm", name, version, entry.at, true));
        }
    }
    out
}

fn yarn(text: &str) -> Vec<Declared> {
    lines(text, "npm", true, |line| {
        if line.starts_with([' ', '#', '\n', '\r']) || line.starts_with("__") {
            return None;
        }
        let first = line.split(',').next()?.trim().trim_end_matches(':').trim_matches('"');
        let at = first.rfind('@').filter(|at| *at > 0)?;
        let (name, range) = (first.get(..at)?, first.get(at.saturating_add(1)..)?);
        let name = name.split("@npm:").next().unwrap_or(name);
        Some((name.to_owned(), range.to_owned()))
    })
}

fn elements(node: &Node, path: &str, id: &str, version: &str) -> Vec<Declared> {
    let one = |item: &&Node| {
        Some(declared(
            "nuget",
            xml::child_text(item, id)?,
            xml::child_text(item, version).unwrap_or_default(),
            item.at,
            false,
        ))
    };
    node.at_path(&Path::new(path)).iter().filter_map(one).collect()
}

fn msbuild(node: &Node) -> Vec<Declared> {
    let mut out = elements(node, "Project.ItemGroup.PackageReference", "Include", "Version");
    out.extend(elements(node, "Project.ItemGroup.PackageVersion", "Include", "Version"));
    out
}

fn nuget_lock(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for framework in node.get("dependencies").map(Node::entries).unwrap_or_default() {
        for entry in framework.value.entries() {
            out.push(declared(
                "nuget",
                &entry.key,
                entry.value.text_of("resolved").unwrap_or_default(),
                entry.at,
                true,
            ));
        }
    }
    out
}

fn maven(node: &Node) -> Vec<Declared> {
    let properties: Vec<(String, String)> = node
        .at_path(&Path::new("project.properties"))
        .iter()
        .flat_map(|table| table.entries())
        .filter_map(|entry| Some((format!("${{{}}}", entry.key), entry.value.text_of("#text")?.to_owned())))
        .collect();
    let mut out = Vec::new();
    for path in [
        "project.dependencies.dependency",
        "project.dependencyManagement.dependencies.dependency",
        "project.profiles.profile.dependencies.dependency",
    ] {
        for item in node.at_path(&Path::new(path)) {
            if let (Some(group), Some(artifact)) =
                (xml::child_text(item, "groupId"), xml::child_text(item, "artifactId"))
            {
                let version = xml::child_text(item, "version").unwrap_or_default();
                let version =
                    properties.iter().find(|(name, _)| name == version).map_or(version, |(_, value)| value);
                out.push(declared("maven", &format!("{group}:{artifact}"), version, item.at, false));
            }
        }
    }
    out
}

fn version_catalog(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for entry in node.get("libraries").map(Node::entries).unwrap_or_default() {
        let module = match entry.value.text() {
            Some(text) => text.rsplit_once(':').map(|x| x.0).map(str::to_owned),
            None => entry.value.text_of("module").map(str::to_owned).or_else(|| {
                Some(format!("{}:{}", entry.value.text_of("group")?, entry.value.text_of("name")?))
            }),
        };
        if let Some(module) = module {
            out.push(declared("maven", &module, "", entry.at, false));
        }
    }
    out
}

fn go_line(line: &str) -> Option<(String, String)> {
    let bare = line.trim().trim_start_matches("require ").trim_start_matches('(').trim();
    if bare.contains("// indirect")
        || bare.starts_with("//")
        || bare.contains("=>")
        || bare.starts_with("replace")
    {
        return None;
    }
    let mut words = bare.split_whitespace();
    let (module, version) = (words.next()?, words.next()?);
    let name = module_name(module);
    (version.starts_with('v') && module.contains('.')).then(|| (name.to_owned(), version.to_owned()))
}

/// A module's path without its major version.
fn module_name(module: &str) -> &str {
    match module.rsplit_once('/') {
        Some((stem, last))
            if last
                .strip_prefix('v')
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) =>
        {
            stem
        }
        _ => module,
    }
}

fn cargo(node: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    let all = ["", "workspace", "target.*"];
    for prefix in all {
        let found = if prefix.is_empty() { vec![node] } else { node.at_path(&Path::new(prefix)) };
        for table in found {
            for name in ["dependencies", "dev-dependencies", "build-dependencies"] {
                for entry in table.get(name).map(Node::entries).unwrap_or_default() {
                    let real = entry.value.text_of("package").unwrap_or(&entry.key);
                    let version =
                        entry.value.text().or_else(|| entry.value.text_of("version")).unwrap_or_default();
                    out.push(declared("cargo", real, version, entry.at, false));
                }
            }
        }
    }
    out
}

fn call_line(line: &str, word: &str) -> Option<(String, String)> {
    let rest = line.trim().strip_prefix(word)?.trim_start_matches(['(', ' ']);
    let mut parts = rest.split(['"', '\'']);
    let (_, name, _, version) = (parts.next()?, parts.next()?, parts.next(), parts.next());
    Some((name.to_owned(), version.unwrap_or_default().to_owned()))
}

fn gem_lock_line(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("    ").filter(|rest| !rest.starts_with(' '))?;
    let (name, version) = rest.trim().split_once(" (")?;
    Some((name.to_owned(), version.trim_end_matches(')').to_owned()))
}

/// `{:name, "~> 1.0"}`, several on a line.
fn mix(text: &str) -> Vec<Declared> {
    let mut out = Vec::new();
    for (at, _) in text.match_indices("{:") {
        let rest = text.get(at.saturating_add(2)..).unwrap_or_default();
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let name = rest.get(..length).unwrap_or_default();
        let line = text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        if !name.is_empty() && !line.trim_start().starts_with('#') {
            out.push(declared(
                "hex",
                name,
                "",
                Place::new(at, at.saturating_add(length).saturating_add(2)),
                false,
            ));
        }
    }
    out
}

fn swift_line(line: &str) -> Option<(String, String)> {
    let (_, rest) = line.split_once("url:")?;
    let url = rest.split('"').nth(1)?.trim_end_matches(".git");
    let mut parts = url.rsplit('/');
    let (name, owner) = (parts.next()?, parts.next()?);
    Some((format!("{owner}/{name}"), String::new()))
}

/// Packages that a shell command installs.
pub(crate) fn installed(command: &str, at: Place) -> Vec<Declared> {
    let mut out = Vec::new();
    for part in command.split(['&', ';', '|', '\n']) {
        let words = doc::docker::shell_words(part);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let find = |names: &[&str], verbs: &[&str]| {
            let tool =
                words.iter().position(|word| names.contains(&word.rsplit('/').next().unwrap_or(word)))?;
            let verb = words.iter().skip(tool).position(|word| verbs.contains(word))?;
            Some(tool.saturating_add(verb).saturating_add(1))
        };
        let (ecosystem, from) = if let Some(from) = find(&["pip", "pip3", "uv", "pipx"], &["install", "add"])
        {
            ("pypi", from)
        } else if let Some(from) = find(&["npm", "pnpm", "yarn", "bun"], &["install", "add", "i"]) {
            ("npm", from)
        } else {
            continue;
        };
        for word in words.iter().skip(from).filter(|word| !word.starts_with(['-', '.', '/', '$'])) {
            if ecosystem == "npm" {
                let split = word.rfind('@').filter(|at| *at > 0).unwrap_or(word.len());
                let (name, version) = word.split_at_checked(split).unwrap_or((word, ""));
                out.push(declared("npm", name, version.trim_start_matches('@'), at, false));
            } else if let Some((name, version)) = requirement(word) {
                out.push(declared("pypi", name, version, at, false));
            }
        }
    }
    out
}

/// The requirements of a `setup()` call.
pub(crate) fn of_setup(args: &Node) -> Vec<Declared> {
    let mut out = Vec::new();
    for name in ["install_requires", "setup_requires", "tests_require", "extras_require"] {
        let Some(value) = args.get(name) else { continue };
        let lists = match &value.data {
            Data::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
            _ => vec![value],
        };
        for item in lists.into_iter().flat_map(Node::items) {
            if let Some((name, version)) = item.text().and_then(requirement) {
                out.push(declared("pypi", name, version, item.at, false));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
