//! Text that somebody else wrote. It has no `Display`: each sink names the escape that it needs.

use std::fmt::Write as _;

/// Text from outside: prompts, answers, file names, header values. Printing it raw is how a terminal, a page, a log or
/// a spreadsheet is taken over, so the type offers only escaped forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Untrusted<'a>(&'a str);

impl<'a> Untrusted<'a> {
    /// Marks a text as coming from outside.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The text as it is, for computing on, never for a sink.
    #[must_use]
    pub const fn raw(self) -> &'a str {
        self.0
    }

    /// For a terminal: control characters, bidi controls and other invisible characters become `\u{..}`; newline and
    /// tab stay.
    #[must_use]
    pub fn for_terminal(self) -> String {
        self.escape(|c| matches!(c, '\n' | '\t'))
    }

    /// For one line of a log: as for a terminal, newline and tab escaped too.
    #[must_use]
    pub fn for_log(self) -> String {
        self.escape(|_| false)
    }

    /// For HTML text and quoted attribute values.
    #[must_use]
    pub fn for_html(self) -> String {
        let mut out = String::with_capacity(self.0.len());
        for c in self.0.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
        out
    }

    /// For a CSV field (RFC 4180 section 2), also inert in spreadsheets: a leading `= + - @`, tab or carriage return
    /// gets an apostrophe in front (CWE-1236).
    #[must_use]
    pub fn for_csv(self) -> String {
        let guard = if self.0.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", self.0.replace('"', "\"\""))
    }

    /// Whether a character is hidden from a reader, or changes how others are shown: controls, bidi controls, zero-width
    /// characters, tags, variation selectors. For sinks that show such a character in their own way.
    #[must_use]
    pub fn hides(c: char) -> bool {
        c.is_control() || invisible(c)
    }

    fn escape(self, keep: impl Fn(char) -> bool) -> String {
        let mut out = String::with_capacity(self.0.len());
        for c in self.0.chars() {
            if keep(c) || !Self::hides(c) {
                out.push(c);
            } else {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
        out
    }
}

/// Characters that change how others are shown, or that are not shown (Unicode bidi controls, zero-width characters,
/// tags, variation selectors).
fn invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x2069 | 0xfe00..=0xfe0f | 0xfeff
        | 0xe0000..=0xe007f | 0xe0100..=0xe01ef)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sink_is_safe() {
        let hostile = Untrusted::new("\u{1b}[2J<b>\u{202e}'x'\n");
        assert_eq!(hostile.for_terminal(), "\\u{1b}[2J<b>\\u{202e}'x'\n");
        assert_eq!(hostile.for_log(), "\\u{1b}[2J<b>\\u{202e}'x'\\u{a}");
        assert!(hostile.for_html().contains("&lt;b&gt;"));
        assert_eq!(Untrusted::new("=1+\"a\"").for_csv(), "\"'=1+\"\"a\"\"\"");
    }
}
