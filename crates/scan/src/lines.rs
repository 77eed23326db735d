//! Lines of a text.

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        Self(
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at.saturating_add(1)))
                .collect(),
        )
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte).max(1)
    }

    /// A line's text; of a very long one what stands from a byte of it on.
    pub(crate) fn around<'t>(&self, text: &'t str, line: usize, byte: usize) -> &'t str {
        const LONG: usize = 2_000;
        const SHOWN: usize = 200;
        let whole = self.text(text, line);
        if whole.len() <= LONG {
            return whole;
        }
        let from = text.floor_char_boundary(byte);
        let to = text.floor_char_boundary(from.saturating_add(SHOWN));
        text.get(from..to).unwrap_or_default()
    }

    /// A line's text.
    pub(crate) fn text<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let start = line.checked_sub(1).and_then(|at| self.0.get(at)).copied().unwrap_or(text.len());
        let end = self.0.get(line).copied().unwrap_or(text.len());
        text.get(start..end).unwrap_or_default().trim_end()
    }
}
