//! How much one artifact may make the scanner do. Limits count work, not time, so that a scan says the same every time.

/// Archives in archives.
pub(crate) const MAX_DEPTH: u32 = 16;

/// Members of all archives together.
pub(crate) const MAX_MEMBERS: u64 = 100_000;

/// Bytes that decoders may produce for one artifact.
pub(crate) const MAX_EXPANDED: u64 = 4 << 30;

/// Issues that are kept for one artifact; the worst are found again at the head of the report.
pub(crate) const MAX_ISSUES: usize = 1000;

/// Expanding by more than this and beyond [`BOMB_SIZE`] is what bombs do, unless it is numbers.
pub(crate) const BOMB_RATIO: u64 = 100;

/// In bytes.
pub(crate) const BOMB_SIZE: u64 = 64 << 20;

/// What has been used up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Budget {
    members: u64,
    expanded: u64,
}

// === impl Budget ===

impl Budget {
    /// Counts one member; `false` when there are too many.
    pub(crate) fn member(&mut self) -> bool {
        self.members = self.members.saturating_add(1);
        self.members <= MAX_MEMBERS
    }

    /// Counts bytes that a decoder made.
    pub(crate) fn expand(&mut self, bytes: u64) {
        self.expanded = self.expanded.saturating_add(bytes);
    }

    /// How many bytes decoders may still make.
    pub(crate) fn left(&self) -> u64 {
        MAX_EXPANDED.saturating_sub(self.expanded)
    }
}
