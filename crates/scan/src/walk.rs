//! The files of a tree: ignore files are honoured, links are not followed, the root is not left.

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
    let walker = WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .add_custom_ignore_filename(".stockadeignore")
        .filter_entry(|entry| entry.file_name() != ".git" || !entry.file_type().is_some_and(|ty| ty.is_dir()))
        .build();
    for entry in walker {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.failed.push((String::new(), error.to_string()));
                continue;
            }
        };
        let name = below(root, entry.path());
        match entry.file_type() {
            Some(ty) if ty.is_dir() => {}
            Some(ty) if ty.is_symlink() => found.skipped.push((name, "link")),
            Some(ty) if ty.is_file() => found.files.push((name, entry.into_path())),
            _ => found.skipped.push((name, "special")),
        }
        if found.files.len() > MAX_FILES {
            found.failed.push((String::new(), format!("more than {MAX_FILES} files")));
            break;
        }
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

fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
