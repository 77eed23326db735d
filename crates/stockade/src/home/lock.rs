//! One process a data directory: an advisory lock on `run/lock`, which also says who holds it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Home;

/// The lock; it goes with the value, and with the process however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a prepared directory, or says which process has it.
    pub(crate) fn take(home: &Home) -> Result<Self> {
        let path = home.run().join("lock");
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open.with_context(|| format!("cannot open {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let who = read_pid(&mut file).map_or_else(String::new, |pid| format!(" (process {pid})"));
                bail!(
                    "another stockade{who} uses {}: stop it, or name another directory with --data",
                    home.data().display()
                );
            }
            Err(error) => bail!("cannot lock {}: {error}", path.display()),
        }
        let note = (|| {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        })();
        note.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { _file: file })
    }
}

/// The process that holds the lock, if one does.
pub(crate) fn holder(home: &Home) -> Option<u32> {
    let mut file = OpenOptions::new().read(true).open(home.run().join("lock")).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => read_pid(&mut file),
        _ => None,
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
