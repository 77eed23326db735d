//! Where the policies of a file begin and end. Cedar's public interface gives no places for whole policies, and a
//! mistake in an annotation should be shown where it stands.

use std::ops::Range;

/// The policies of a file that Cedar has parsed, in order: from the end of the one before (its comments included) to
/// the semicolon. In Cedar's grammar a semicolon outside strings and comments ends a policy and nothing else.
pub(crate) fn policies(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut begin = 0;
    let mut state = State::Code;
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        state = match (state, c) {
            (State::Code, '"') => State::Text,
            (State::Code, '/') if before == '/' => State::Comment,
            (State::Code, ';') => {
                let end = at.saturating_add(1);
                out.push(first_code(text, begin)..end);
                begin = end;
                State::Code
            }
            (State::Text, '\\') => State::Escape,
            (State::Escape, _) => State::Text,
            (State::Text, '"') => State::Code,
            (State::Comment, '\n') => State::Code,
            (state, _) => state,
        };
        before = c;
    }
    out
}

/// The first byte at or after `begin` that is neither blank nor comment.
fn first_code(text: &str, begin: usize) -> usize {
    let mut at = begin;
    while let Some(rest) = text.get(at..) {
        let blank = rest.len().saturating_sub(rest.trim_start().len());
        let rest = rest.trim_start();
        at = at.saturating_add(blank);
        if !rest.starts_with("//") {
            break;
        }
        at = at.saturating_add(rest.find('\n').unwrap_or(rest.len()));
        if rest.is_empty() {
            break;
        }
    }
    at
}

/// The place of `@key` (as a whole word) within `policy`, else the first line of the policy.
pub(crate) fn annotation(text: &str, policy: &Range<usize>, key: &str) -> Range<usize> {
    let body = text.get(policy.clone()).unwrap_or_default();
    let needle = format!("@{key}");
    body.match_indices(&needle)
        .find(|(at, found)| {
            let next = body.get(at.saturating_add(found.len())..).and_then(|rest| rest.chars().next());
            !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
        .map_or_else(
            || policy.start..policy.start.saturating_add(body.find('\n').unwrap_or(body.len())),
            |(at, found)| {
                let start = policy.start.saturating_add(at);
                start..start.saturating_add(found.len())
            },
        )
}

/// The number of the line that holds a byte, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count().saturating_add(1)
}

#[derive(Clone, Copy)]
enum State {
    Code,
    Text,
    Escape,
    Comment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_policies_between_strings_and_comments() {
        let text = "// a; b\n@id(\"x;\\\";\")\npermit(principal, action, resource); // c;\n\n// d\n@ids(\"e\")\nforbid(a);";
        let found = policies(text);
        assert_eq!(found.len(), 2);
        assert!(text.get(found[0].clone()).unwrap().starts_with("@id(\"x;"));
        assert!(text.get(found[1].clone()).unwrap().starts_with("@ids"));
        assert_eq!(line(text, found[1].start), 6);
        assert_eq!(text.get(annotation(text, &found[0], "id")), Some("@id"));
        assert_eq!(text.get(annotation(text, &found[1], "id")), Some("@ids(\"e\")"));
        assert!(policies("").is_empty() && policies("// only this").is_empty());
    }
}
