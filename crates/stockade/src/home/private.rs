//! Files and directories that nobody else may own, read or enter.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Makes a directory with mode 0700, its parents too, or checks the one that is there.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    if !path.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("cannot make {}", path.display()))?;
    }
    check_directory(path)
}

/// Whether a directory is the caller's own and closed to others.
pub(crate) fn check_directory(path: &Path) -> Result<()> {
    let meta = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if !meta.is_dir() {
        bail!("{} is not a directory", path.display());
    }
    check(path, &meta, "700")
}

/// Whether a file is the caller's own and closed to others. A link is not followed.
pub(crate) fn check_file(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if !meta.is_file() {
        bail!("{} is not a regular file", path.display());
    }
    check(path, &meta, "600")
}

fn check(path: &Path, meta: &fs::Metadata, mode: &str) -> Result<()> {
    let (owner, own) = (meta.uid(), rustix::process::geteuid().as_raw());
    if owner != own {
        bail!("{} belongs to user {owner}, this process runs as {own}: use what is your own", path.display());
    }
    if meta.mode() & 0o077 != 0 {
        bail!(
            "{path} can be used by others (mode {:o}): `chmod {mode} {path}` closes it",
            meta.mode() & 0o777,
            path = path.display()
        );
    }
    Ok(())
}

/// Writes a file with mode 0600, whole or not at all: a crash leaves the old one, or none.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().with_context(failed)?.to_string_lossy();
    let partial = parent.join(format!(".{name}.{}.partial", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        // The umask may be wider than the mode that was asked for, never narrower: say it again.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        File::open(parent)?.sync_all()
    };
    let written = write();
    if written.is_err() {
        let _nothing_to_remove = fs::remove_file(&partial);
    }
    written.with_context(failed)
}

/// Writes a secret where the operator says: into a private file, or into what is there already and is no file (a pipe, a
/// terminal), as in `--out /dev/stdout`.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() && !meta.is_dir() => {
            let open = OpenOptions::new().write(true).open(path);
            open.and_then(|mut there| there.write_all(content))
                .with_context(|| format!("cannot write to {}", path.display()))
        }
        _ => write_private(path, content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_use_is_refused_with_the_cure() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("a/b");
        make_directory(&directory).unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&directory, Permissions::from_mode(0o750)).unwrap();
        let error = make_directory(&directory).unwrap_err().to_string();
        assert!(error.contains("chmod 700"), "{error}");

        let file = base.path().join("secret");
        write_private(&file, b"x").unwrap();
        write_private(&file, b"y").unwrap();
        check_file(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"y");
        fs::set_permissions(&file, Permissions::from_mode(0o604)).unwrap();
        assert!(check_file(&file).unwrap_err().to_string().contains("chmod 600"));
        std::os::unix::fs::symlink(&file, base.path().join("link")).unwrap();
        assert!(check_file(&base.path().join("link")).is_err());
    }
}
