//! Lists every rule file below `rules/`, so that a new one is embedded without being named anywhere.

use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../rules").canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&root)? {
        let folder = entry?.path();
        // Policies are listed by name, in `lib.rs`.
        if folder.is_dir() && folder.file_name().is_some_and(|name| name != "cedar") {
            collect(&folder, &mut files)?;
        }
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let below = file.strip_prefix(&root).map_err(Error::other)?;
        let _ = writeln!(list, "    ({:?}, include_str!({:?})),", text(below)?, text(&file)?);
    }
    list.push_str("]\n");
    std::fs::write(PathBuf::from(variable("OUT_DIR")?).join("files.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(Error::other)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::other(format!("{} is not UTF-8", path.display())))
}
