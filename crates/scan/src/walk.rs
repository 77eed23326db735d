//! The files of a tree: ignore files are honoured, links are not followed, the root is not left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// The most files of a tree.
const MAX_FILES: usize = 500_000;

/// What a walk found, by path.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Files, with their paths below the root, sorted.
    pub(crate) files: Vec<(String, PathBuf)>,
    /// What is not a file that can be read, and why.
    pub(crate) skipped: Vec<(String, &'static str)>,
    /// What could not be looked at, and why.
    pub(crate) failed: Vec<(String, String)>,
}

/// Lists a tree. A file as the root is a tree of that file.
pub(crate) fn walk(root: &Path) -> Walk {
    let mut found = Walk::default();
    if root.is_file() {
        let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        found.files.push((name, root.to_owned()));
        return found;
    }
    let inner = root.canonicalize().ok();
    let walker = builder(root).add_custom_ignore_filename(OWN).build();
    for entry in walker {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.failed.push(unreadable(root, &error));
                continue;
            }
        };
        let name = below(root, entry.path());
        match entry.file_type() {
            Some(ty) if ty.is_dir() => {}
            Some(ty) if ty.is_symlink() => {
                // Loaders follow it: where it leads out of the tree, weights were not looked at.
                let inside = inner.as_deref().zip(entry.path().canonicalize().ok());
                if crate::weights::is_named(&name) && !inside.is_some_and(|(root, to)| to.starts_with(root)) {
                    found.failed.push((name, "a link out of the tree, under a name of weights".to_owned()));
                } else {
                    found.skipped.push((name, "link"));
                }
            }
            Some(ty) if ty.is_file() => found.files.push((name, entry.into_path())),
            _ => found.skipped.push((name, "special")),
        }
        if found.files.len() > MAX_FILES {
            found.failed.push((String::new(), format!("more than {MAX_FILES} files")));
            break;
        }
    }
    // What keeps files out of a repository does not keep models from being loaded. Only our own ignore files do, and what
    // they leave out is told. An ignore file can leave out itself, so that this cannot be spared.
    let known: BTreeSet<&String> = found.files.iter().map(|(name, _)| name).collect();
    let mut without = builder(root);
    without.git_ignore(false).ignore(false).git_exclude(false);
    let mut all = models(&without, root);
    all.retain(|(name, _)| !known.contains(name));
    if !all.is_empty() {
        without.add_custom_ignore_filename(OWN);
        let kept: BTreeSet<String> = models(&without, root).into_iter().map(|(name, _)| name).collect();
        let (scanned, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| kept.contains(name));
        found.skipped.extend(left.into_iter().map(|(name, _)| (name, "ignored by .stockadeignore")));
        found.files.extend(scanned);
    }
    // Git reads these before anybody is asked.
    let config = root.join(".git/config");
    if config.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        found.files.push((".git/config".to_owned(), config));
    }
    found.files.sort();
    found.skipped.sort();
    found.failed.sort();
    found
}

/// The name of our own ignore files.
const OWN: &str = ".stockadeignore";

fn builder(root: &Path) -> WalkBuilder {
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .parents(false)
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| {
            entry.file_name() != ".git" || !entry.file_type().is_some_and(|ty| ty.is_dir())
        });
    builder
}

/// The files of a walk that are named like models, but for those that package managers bring.
fn models(builder: &WalkBuilder, root: &Path) -> Vec<(String, PathBuf)> {
    let files = builder
        .build()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|ty| ty.is_file()));
    let named = files.map(|entry| (below(root, entry.path()), entry.into_path()));
    named.filter(|(name, _)| crate::weights::is_named(name) && !is_installed(name)).take(MAX_FILES).collect()
}

/// What a walk cannot read, below the root, and why without the path.
fn unreadable(root: &Path, error: &ignore::Error) -> (String, String) {
    let mut inner = error;
    let mut path = String::new();
    loop {
        match inner {
            ignore::Error::WithPath { path: at, err } => {
                path = below(root, at);
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => inner = err,
            ignore::Error::Io(io) => {
                let why = io.raw_os_error().map_or_else(
                    || io.to_string(),
                    |code| std::io::Error::from_raw_os_error(code).to_string(),
                );
                return (path, why);
            }
            other => return (path, other.to_string()),
        }
    }
}

fn is_installed(name: &str) -> bool {
    name.split('/').any(|part| matches!(part, "node_modules" | "site-packages" | ".venv" | "venv"))
}

fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
