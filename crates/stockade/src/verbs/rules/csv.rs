//! Columns of a table in CSV (RFC 4180): fields in quotes may hold separators, quotes and line ends.

use anyhow::{Context as _, Result, bail};

/// Reads records one by one.
pub(super) struct Records<'a> {
    rest: &'a str,
    separator: char,
    /// The line on which the next record begins, from 1.
    line: usize,
}

/// The most fields of a record.
const MAX_FIELDS: usize = 4_096;

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str, separator: char) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), separator, line: 1 }
    }

    /// The next record that is not an empty line, with the line on which it begins.
    pub(super) fn next(&mut self) -> Result<Option<(usize, Vec<String>)>> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let line = self.line;
            let fields = self.record(line)?;
            if fields.len() > 1 || fields.first().is_some_and(|field| !field.is_empty()) {
                return Ok(Some((line, fields)));
            }
        }
    }

    fn record(&mut self, line: usize) -> Result<Vec<String>> {
        let mut fields = Vec::new();
        loop {
            if fields.len() >= MAX_FIELDS {
                bail!("line {line} has more than {MAX_FIELDS} fields");
            }
            let field = match self.rest.strip_prefix('"') {
                Some(quoted) => self.quoted(quoted, line)?,
                None => {
                    let end = self.rest.find([self.separator, '\n']).unwrap_or(self.rest.len());
                    let (field, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
                    self.rest = rest;
                    field.trim_end_matches('\r').to_owned()
                }
            };
            fields.push(field);
            let after = self.rest.trim_start_matches('\r');
            if let Some(rest) = self.rest.strip_prefix(self.separator) {
                self.rest = rest;
            } else if let Some(rest) = after.strip_prefix('\n') {
                self.rest = rest;
                self.line = self.line.saturating_add(1);
                return Ok(fields);
            } else if after.is_empty() {
                self.rest = after;
                return Ok(fields);
            } else {
                bail!("line {}: something stands behind the quotes of a field", self.line);
            }
        }
    }

    /// A field in quotes; two quotes stand for one.
    fn quoted(&mut self, mut rest: &'a str, line: usize) -> Result<String> {
        let mut field = String::new();
        loop {
            let (part, after) =
                rest.split_once('"').with_context(|| format!("line {line}: a quote is not closed"))?;
            field.push_str(part);
            self.line = self.line.saturating_add(part.matches('\n').count());
            match after.strip_prefix('"') {
                Some(more) => {
                    field.push('"');
                    rest = more;
                }
                None => {
                    self.rest = after;
                    return Ok(field);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(usize, Vec<String>)> {
        let mut records = Records::new(text, ',');
        std::iter::from_fn(|| records.next().unwrap()).collect()
    }

    #[test]
    fn fields_are_read_as_the_standard_has_them() {
        let text = "\u{feff}id,name\r\n1,\"Grün, \"\"Anna\"\"\"\n\n2,\"two\nlines\"\r\n3,\n\"4\",x";
        let expected: [(usize, [&str; 2]); 5] = [
            (1, ["id", "name"]),
            (2, ["1", "Grün, \"Anna\""]),
            (4, ["2", "two\nlines"]),
            (6, ["3", ""]),
            (7, ["4", "x"]),
        ];
        let expected: Vec<_> =
            expected.map(|(line, fields)| (line, fields.map(str::to_owned).to_vec())).to_vec();
        assert_eq!(all(text), expected);
        assert!(all("").is_empty() && all("\n\n").is_empty());
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for text in ["\"open", "\"a\"b,c\n"] {
            assert!(Records::new(text, ',').next().is_err(), "{text}");
        }
    }
}
