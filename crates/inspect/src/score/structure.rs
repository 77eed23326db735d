//! Whether a text is a table, JSON, a log or a list of fields: told from its marks, line by line, in constant memory.

/// Marks between the cells of a row.
const DELIMITERS: [u8; 4] = [b'|', b'\t', b',', b';'];

/// Lines from which on their shape says something.
const LINES: u32 = 2;

/// The numbers of lines are smaller than this; seconds since 1970 are not.
const MOST_LINES: u32 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Structure {
    /// The first mark or letter of the text.
    first: Option<u8>,
    /// Names with a value in JSON: quotation mark, colon.
    pairs: u32,
    bytes: usize,
    last_mark: Option<(u8, usize)>,
    /// Lines that are not empty, and of these the rows of a table by delimiter, those with a time or level first, and those
    /// that name a field.
    lines: u32,
    rows: [u32; 4],
    stamped: u32,
    fields: u32,
    /// The number that the last line began with.
    number: Option<u32>,
    line: Line,
}

#[derive(Debug, Default)]
struct Line {
    begun: bool,
    stamped: bool,
    /// The number that the line begins with, and where it ends, as long as nothing else was seen of it.
    number: Option<(u32, usize)>,
    /// Marks so far, but for spaces.
    marks: u32,
    field: bool,
    cells: [u32; 4],
}

impl Structure {
    /// Sees a word, which begins with a digit or not, and may be a number.
    pub(super) fn word(&mut self, digit: bool, number: Option<u32>, start: usize, end: usize) {
        self.numbered();
        if !self.line.begun {
            self.line.begun = true;
            self.line.stamped = digit;
            self.line.number = number.filter(|number| *number < MOST_LINES).map(|number| (number, end));
            self.first.get_or_insert(b'a');
        }
        self.tight_comma(start);
    }

    /// What follows the first number of a line is seen: where the numbers of lines grow, tools that show files have written
    /// them, and the line begins behind. Whether the line's number was one of these.
    fn numbered(&mut self) -> bool {
        let Some((number, _)) = self.line.number.take() else { return false };
        let grows = self.number.replace(number).is_some_and(|last| number > last);
        if grows {
            self.line = Line::default();
        }
        grows
    }

    /// Sees what is neither letter nor digit.
    pub(super) fn mark(&mut self, byte: u8, place: usize) {
        self.bytes = place;
        self.tight_comma(place);
        match byte {
            b' ' | b'\r' => return,
            b'\n' => {
                self.numbered();
                self.end_line();
            }
            // `12:` and a tab right behind the number, as `grep -n` and `cat -n` write them.
            b'\t' | b':' | b'|' | b'-' if self.is_behind_number(place) && self.numbered() => return,
            _ => {
                // `12.` and `12,` are no numbers of lines.
                if self.is_behind_number(place) {
                    self.line.number = None;
                }
                self.numbered();
                if !self.line.begun {
                    self.line.begun = true;
                    self.line.stamped = matches!(byte, b'[' | b'<');
                    self.first.get_or_insert(byte);
                }
                if byte == b':' {
                    self.line.field |= self.line.marks == 0;
                    let quoted = |(mark, at): (u8, usize)| mark == b'"' && at.saturating_add(1) == place;
                    self.pairs = self.pairs.saturating_add(u32::from(self.last_mark.is_some_and(quoted)));
                }
                self.line.marks = self.line.marks.saturating_add(1);
                if byte != b',' {
                    self.cell(byte);
                }
            }
        }
        self.last_mark = Some((byte, place));
    }

    fn is_behind_number(&self, place: usize) -> bool {
        self.line.number.is_some_and(|(_, end)| end == place)
    }

    /// Whether what was seen is data for programs rather than prose.
    pub(super) fn finish(mut self) -> bool {
        self.end_line();
        let most = |count: u32, of: u32| count.saturating_mul(10) >= self.lines.saturating_mul(of);
        let json = matches!(self.first, Some(b'{' | b'[')) && self.pairs >= 1
            || self.pairs >= 3
                && usize::try_from(self.pairs).unwrap_or(usize::MAX).saturating_mul(200) >= self.bytes;
        let table = self.lines >= LINES && self.rows.iter().any(|rows| most(*rows, 7));
        let log = self.lines >= LINES && most(self.stamped, 6);
        let fields = self.lines > LINES && most(self.fields, 7);
        json || table || log || fields
    }

    /// A comma between cells has nothing after it; one of prose, a space.
    fn tight_comma(&mut self, place: usize) {
        if self.last_mark.is_some_and(|(mark, at)| mark == b',' && at.saturating_add(1) == place) {
            self.last_mark = None;
            self.cell(b',');
        }
    }

    fn cell(&mut self, byte: u8) {
        if let Some(at) = DELIMITERS.iter().position(|d| *d == byte)
            && let Some(cells) = self.line.cells.get_mut(at)
        {
            *cells = cells.saturating_add(1);
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.begun {
            return;
        }
        self.lines = self.lines.saturating_add(1);
        self.stamped = self.stamped.saturating_add(u32::from(line.stamped));
        self.fields = self.fields.saturating_add(u32::from(line.field));
        for ((rows, cells), delimiter) in self.rows.iter_mut().zip(line.cells).zip(DELIMITERS) {
            // One bar or tab is enough; commas and semicolons stand in prose too.
            let least = if matches!(delimiter, b'|' | b'\t') { 1 } else { 2 };
            *rows = rows.saturating_add(u32::from(cells >= least));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Structure;

    fn is_structured(text: &str) -> bool {
        let mut structure = Structure::default();
        let mut in_word = false;
        for (place, byte) in text.bytes().enumerate() {
            if byte.is_ascii_alphanumeric() {
                if !in_word {
                    let word: String =
                        text.chars().skip(place).take_while(char::is_ascii_alphanumeric).collect();
                    let end = place + word.len();
                    structure.word(byte.is_ascii_digit(), word.parse().ok(), place, end);
                }
                in_word = true;
            } else {
                in_word = false;
                structure.mark(byte, place);
            }
        }
        structure.finish()
    }

    #[test]
    fn tables_json_logs_and_fields_are_structured() {
        assert!(is_structured("{\"a\": 1, \"b\": \"some words\"}"));
        assert!(is_structured("[{\"name\":\"x\"}]"));
        assert!(is_structured("id | city\n1 | Lyon\n2 | Bergen"));
        assert!(is_structured("date,name,amount\n2026-04-01,Fisher,120\n2026-04-02,Moreau,15"));
        assert!(is_structured("2026-05-02T08:00:01Z INFO started\n2026-05-02T08:00:09Z WARN late"));
        assert!(is_structured("name: Ada\nrole: admin\ncity: London"));
        assert!(is_structured("1|Lyon|clear\n2|Bergen|rain\n3|Porto|windy"));
        assert!(is_structured("1620000001 INFO a\n1620000002 INFO b\n1620000009 INFO c"));
        assert!(is_structured("12:00:01 INFO a\n12:00:02 INFO b\n12:00:09 INFO c"));
    }

    #[test]
    fn prose_is_not() {
        assert!(!is_structured("Dear Ms. Novak,\n\nthe parts, screws and nuts, have come.\nYours, Jo"));
        assert!(!is_structured("A title\n\nOne sentence; another one, and a third."));
        assert!(!is_structured("He said \"no\": that was all."));
        let prose =
            ["The first line of a file.", "", "It goes on in words,", "as files do, and ends.", "So it is."];
        for (before, behind) in [("     ", "\t"), ("", ":"), ("  ", "|"), ("", "\t"), ("", "-"), (" ", " ")] {
            let lines =
                prose.iter().zip(7..).map(|(line, number)| format!("{before}{number}{behind}{line}\n"));
            assert!(!is_structured(&lines.collect::<String>()), "{before:?} {behind:?}");
        }
    }
}
