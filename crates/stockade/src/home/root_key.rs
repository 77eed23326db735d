//! The root key's file. It lies outside the data directory, so that a copy of that directory (a backup, a stolen disk
//! image, a support bundle) opens no recorded text, forges no record and makes no key.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use stockade_crypto::{KeyRing, RootKey, SystemRandom};

use super::{Home, check_file, make_directory, write_private, xdg};

/// Where the root key is.
#[derive(Debug, Clone)]
pub(crate) struct RootKeyFile(PathBuf);

impl RootKeyFile {
    /// `STOCKADE_ROOT_KEY_FILE`, else `stockade/root.key` in the XDG configuration directory.
    pub(crate) fn locate() -> Result<Self> {
        if let Some(path) = std::env::var_os("STOCKADE_ROOT_KEY_FILE").filter(|p| !p.is_empty()) {
            return Ok(Self(std::path::absolute(path).context("STOCKADE_ROOT_KEY_FILE")?));
        }
        let base = xdg("XDG_CONFIG_HOME", ".config");
        let base =
            base.context("there is no home directory: name the key's file with STOCKADE_ROOT_KEY_FILE")?;
        Ok(Self(base.join("stockade/root.key")))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the key. One is made only for an installation that has nothing yet: to another, a new key would be the
    /// loss of everything that the old one opens.
    pub(crate) fn open(&self, home: &Home) -> Result<KeyRing> {
        self.must_be_outside(home)?;
        if self.0.exists() {
            return self.read();
        }
        if home.exists() {
            bail!(
                "the root key {} is gone, and {} was written with it: put the key back, or name its file with \
                 STOCKADE_ROOT_KEY_FILE",
                self.0.display(),
                home.data().display()
            );
        }
        if let Some(parent) = self.0.parent().filter(|p| !p.exists()) {
            make_directory(parent)?;
        }
        let key = RootKey::generate(&SystemRandom).context("no randomness for a root key")?;
        write_private(&self.0, key.to_file().as_bytes())?;
        self.read()
    }

    fn read(&self) -> Result<KeyRing> {
        check_file(&self.0)?;
        let text =
            std::fs::read_to_string(&self.0).with_context(|| format!("cannot read {}", self.0.display()))?;
        let key = RootKey::from_file(&text).with_context(|| self.0.display().to_string())?;
        Ok(KeyRing::new(key))
    }

    /// Links are followed as far as directories exist, so that a detour leads to the same refusal.
    pub(crate) fn must_be_outside(&self, home: &Home) -> Result<()> {
        let (key, data) = (resolved(&self.0), resolved(home.data()));
        if key.starts_with(&data) {
            bail!(
                "the root key {} lies in the data directory {}, where whoever copies one copies both: move it out",
                self.0.display(),
                home.data().display()
            );
        }
        Ok(())
    }
}

/// The path with links followed in the part of it that exists.
fn resolved(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut at = path;
    loop {
        if let Ok(real) = at.canonicalize() {
            return rest.iter().rev().fold(real, |path, name| path.join(name));
        }
        match (at.parent(), at.file_name()) {
            (Some(parent), Some(name)) => {
                rest.push(name);
                at = parent;
            }
            _ => return path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::HomeArgs;
    use super::*;

    #[test]
    fn a_key_is_made_once_and_never_inside_the_data() {
        let base = tempfile::tempdir().unwrap();
        let home = HomeArgs { data: Some(base.path().join("data")) }.resolve().unwrap();
        home.prepare().unwrap();
        let outside = RootKeyFile(base.path().join("keys/root.key"));
        outside.open(&home).unwrap();
        let text = std::fs::read(outside.path()).unwrap();
        outside.open(&home).unwrap();
        assert_eq!(std::fs::read(outside.path()).unwrap(), text);

        let inside = RootKeyFile(home.data().join("root.key"));
        assert!(inside.open(&home).unwrap_err().to_string().contains("move it out"));
        std::os::unix::fs::symlink(home.data(), base.path().join("detour")).unwrap();
        assert!(RootKeyFile(base.path().join("detour/sub/root.key")).open(&home).is_err());

        std::fs::write(home.layout().store(), b"").unwrap();
        std::fs::remove_file(outside.path()).unwrap();
        assert!(outside.open(&home).unwrap_err().to_string().contains("put the key back"));
    }
}
