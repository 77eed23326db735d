//! Dockerfiles: instructions in order, continued lines joined.

use crate::node::Place;

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// In upper case.
    pub(crate) name: String,
    /// What follows, on one line.
    pub(crate) rest: String,
    pub(crate) at: Place,
}

/// Reads a file; comments and empty lines are left out.
pub(crate) fn parse(text: &str) -> Vec<Instruction> {
    let mut out: Vec<Instruction> = Vec::new();
    let mut at = 0_usize;
    let mut open: Option<(usize, String)> = None;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at.saturating_add(line.len()));
        at = end;
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let (begin, mut joined) = open.take().unwrap_or((start, String::new()));
        match bare.strip_suffix('\\') {
            Some(more) => {
                joined.push_str(more);
                joined.push(' ');
                open = Some((begin, joined));
            }
            None => {
                joined.push_str(bare);
                push(&mut out, &joined, Place::new(begin, end));
            }
        }
    }
    if let Some((begin, joined)) = open {
        push(&mut out, &joined, Place::new(begin, at));
    }
    out
}

fn push(out: &mut Vec<Instruction>, line: &str, at: Place) {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if name.bytes().all(|b| b.is_ascii_alphabetic()) {
        out.push(Instruction { name: name.to_ascii_uppercase(), rest: rest.trim().to_owned(), at });
    }
}

/// The words of a command in exec or shell form.
pub(crate) fn words(rest: &str) -> Vec<String> {
    if rest.starts_with('[')
        && let Ok(list) = super::json::parse(rest)
    {
        return list.texts().into_iter().map(str::to_owned).collect();
    }
    shell_words(rest)
}

/// Splits a shell command at spaces outside of quotes.
pub(crate) fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut any = false;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                any = true;
            }
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                    any = false;
                }
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_lines_and_splits_words() {
        let all = parse("FROM a AS b\n# c\nRUN pip install \\\n  # d\n  x 'y z'\nCMD [\"a\", \"--b=''\"]\n");
        assert_eq!(all.len(), 3);
        assert_eq!(words(&all[1].rest), ["pip", "install", "x", "y z"]);
        assert_eq!(words(&all[2].rest), ["a", "--b=''"]);
    }
}
