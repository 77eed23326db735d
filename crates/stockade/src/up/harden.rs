//! What the process takes from itself before it touches anything.

use anyhow::{Context, Result};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

/// New files are for their owner only; a crash leaves no image of memory with keys and prompts in it; as many open files
/// as the system allows.
pub(super) fn process() -> Result<()> {
    umask(Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .context("turning core dumps off")?;
    let files = getrlimit(Resource::Nofile);
    // Fewer connections is the worst that comes of it.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum });
    Ok(())
}
