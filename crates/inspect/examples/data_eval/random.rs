//! Noise that is the same each time.

/// An xorshift generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    pub(crate) fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        let at = self.below(all.len());
        all.get(at).copied().unwrap_or_else(|| std::process::abort())
    }

    /// `#` is a digit, `@` an upper-case letter, `?` a letter or digit of either case, `%` a hexadecimal digit.
    pub(crate) fn fill(&mut self, form: &str) -> String {
        form.chars()
            .map(|c| match c {
                '#' => self.from("0123456789"),
                '@' => self.from("ABCDEFGHJKLMNPRSTUVWXYZ"),
                '?' => self.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
                '%' => self.from("0123456789abcdef"),
                other => other,
            })
            .collect()
    }

    pub(crate) fn from(&mut self, alphabet: &str) -> char {
        let at = self.below(alphabet.len());
        alphabet.as_bytes().get(at).copied().map_or('0', char::from)
    }
}
