//! Cuts a template into its pieces.

use super::{Piece, Token};

/// Cuts a template into its pieces.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest
        .match_indices('{')
        .map(|(i, _)| i)
        .find(|i| rest.get(i.saturating_add(1)..).is_some_and(|r| r.starts_with(['{', '%', '#'])))
    {
        let (plain, block) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if !plain.is_empty() {
            out.push(Piece::Plain(plain.to_owned()));
        }
        let kind = block.get(1..2).unwrap_or_default();
        let body = block.get(2..).unwrap_or_default();
        if kind == "#" {
            match body.find("#}") {
                Some(end) => rest = body.get(end.saturating_add(2)..).unwrap_or_default(),
                None => {
                    out.push(Piece::Broken);
                    return out;
                }
            }
            continue;
        }
        let close = if kind == "{" { "}}" } else { "%}" };
        let Some((tokens, used)) = tokens(body, close) else {
            out.push(Piece::Broken);
            return out;
        };
        rest = body.get(used..).unwrap_or_default();
        let raw = matches!(tokens.as_slice(), [Token::Name(n)] if n == "raw");
        out.push(Piece::Code(tokens));
        if raw && let Some(end) = rest.find("endraw") {
            let start = rest.get(..end).and_then(|r| r.rfind("{%")).unwrap_or(end);
            out.push(Piece::Plain(rest.get(..start).unwrap_or_default().to_owned()));
            rest = rest.get(start..).unwrap_or_default();
        }
    }
    if !rest.is_empty() {
        out.push(Piece::Plain(rest.to_owned()));
    }
    out
}

/// The tokens up to `close`, and how much was read with it.
pub(super) fn tokens(body: &str, close: &str) -> Option<(Vec<Token>, usize)> {
    let mut out = Vec::new();
    let mut depth = 0u32;
    let mut chars = body.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let here = body.get(at..)?;
        if here.starts_with(close) && (depth == 0 || close == "%}") {
            return Some((out, at.saturating_add(2)));
        }
        match c {
            '\'' | '"' => {
                let mut raw = String::new();
                loop {
                    let (_, next) = chars.next()?;
                    if next == '\\' {
                        raw.push('\\');
                        raw.push(chars.next()?.1);
                    } else if next == c {
                        break;
                    } else {
                        raw.push(next);
                    }
                }
                out.push(Token::Text(unescape(&raw)));
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut name = String::from(c);
                while let Some((_, next)) = chars.peek()
                    && (next.is_alphanumeric() || *next == '_')
                {
                    name.push(*next);
                    chars.next();
                }
                out.push(Token::Name(name));
            }
            c if c.is_ascii_digit() => {
                while chars.peek().is_some_and(|(_, n)| n.is_ascii_alphanumeric() || *n == '_') {
                    chars.next();
                }
                out.push(Token::Number);
            }
            c if c.is_whitespace() => {}
            // Whitespace control stands at the edges of a block.
            '-' if out.is_empty()
                || body.get(at.saturating_add(1)..).is_some_and(|r| r.starts_with(close)) => {}
            c => {
                match c {
                    '{' | '(' | '[' => depth = depth.saturating_add(1),
                    '}' | ')' | ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.push(Token::Sign(c));
            }
        }
    }
    None
}

/// A string constant's escapes, as Python reads them.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::new();
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(kind) = chars.next() else { break };
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='7' => {
                let mut octal = String::from(kind);
                let ahead: String = chars.clone().take(2).take_while(|c| ('0'..='7').contains(c)).collect();
                for _ in 0..ahead.len() {
                    chars.next();
                }
                octal.push_str(&ahead);
                out.extend(u32::from_str_radix(&octal, 8).ok().and_then(char::from_u32));
                continue;
            }
            'n' => {
                out.push('\n');
                continue;
            }
            // A character by its name. Only one is of interest here: what `__class__` begins and ends with.
            'N' if chars.as_str().starts_with('{') => {
                let name: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let low_line =
                    matches!(name.to_ascii_uppercase().as_str(), "LOW LINE" | "SPACING UNDERSCORE");
                out.push(if low_line { '_' } else { char::REPLACEMENT_CHARACTER });
                continue;
            }
            't' => {
                out.push('\t');
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        let hex: String = chars.clone().take(digits).collect();
        if let Some(c) = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
            && hex.len() == digits
        {
            out.push(c);
            for _ in 0..digits {
                chars.next();
            }
        } else {
            out.push(kind);
        }
    }
    out
}
