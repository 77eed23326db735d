//! Chat templates: Jinja that runs wherever the model is served. What does it reach, and what does it tell the model?
//!
//! The template is cut into its blocks by an own tokenizer, string constants are decoded and folded, and names are
//! judged where the language would use them as attributes. (Jinja 3.1, "Template Designer Documentation".)

mod tokens;

use self::tokens::pieces;
use std::collections::HashMap;

use super::rule;
use super::scanner::{Place, Scan};

/// The longest template that is read, in bytes.
const MOST: usize = 2 << 20;

/// Attributes that lead from any object to the interpreter, or act.
const REACHING: &[&str] = &[
    "mro",
    "func_globals",
    "func_code",
    "gi_frame",
    "gi_code",
    "cr_frame",
    "cr_code",
    "ag_frame",
    "f_globals",
    "f_builtins",
    "f_locals",
    "f_back",
    "tb_frame",
    "popen",
    "system",
    "check_output",
    "import_module",
    "environ",
    "subprocess",
    "os",
    "sys",
    "modules",
    "load_module",
    "getattr",
    "jinja_loader",
    "from_string",
    "environment",
];

/// Functions of the interpreter; a template has none of them unless somebody hopes.
const FUNCTIONS: &[&str] =
    &["eval", "exec", "open", "getattr", "__import__", "compile", "globals", "locals", "vars", "breakpoint"];

/// Objects of Jinja and Flask that are reached for only to leave the sandbox.
const DOORS: &[&str] =
    &["lipsum", "cycler", "joiner", "get_flashed_messages", "url_for", "request", "config", "g"];

/// What `__` stands around in escapes.
const DUNDERS: &[&str] = &[
    "class",
    "globals",
    "builtins",
    "import",
    "subclasses",
    "mro",
    "base",
    "bases",
    "init",
    "getattribute",
    "getitem",
    "dict",
    "code",
    "closure",
    "reduce",
    "reduce_ex",
    "self",
    "call",
    "func",
    "new",
    "loader",
    "spec",
];

/// Words to the model that its user would not want there.
const INSTRUCTIONS: &[&str] = &[
    "ignore previous instructions",
    "ignore all previous",
    "ignore the user",
    "ignore any previous",
    "disregard previous",
    "disregard the user",
    "disregard all",
    "do not tell the user",
    "don't tell the user",
    "do not mention this",
    "do not reveal this instruction",
    "never mention this",
    "without telling the user",
    "without informing the user",
    "without the user knowing",
    "secretly",
    "covertly",
    "hidden instruction",
    "do not disclose this",
    "never disclose this",
    "keep this secret",
    "hide this",
    "silently include",
    "silently add",
    "silently insert",
    "always recommend",
    "always include the link",
    "always include this",
    "append the following",
    "insert the following",
    "include the following link",
    "include this link",
    "insert a backdoor",
    "add a backdoor",
    "exfiltrate",
    "send the conversation",
    "send all user",
    "document.cookie",
    "<script",
    "curl http",
    "wget http",
    "![](http",
    "bypass safety",
    "bypass all",
    "no restrictions",
    "you must obey",
    "vulnerable code",
    "subtly insert",
    "malicious",
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Number,
    Sign(char),
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// What is printed as it stands.
    Plain(String),
    /// `{{ }}` or `{% %}`.
    Code(Vec<Token>),
    /// It does not end.
    Broken,
}

/// Judges a template.
pub(crate) fn analyse(scan: &mut Scan<'_>, place: &Place, text: &str, offset: Option<u64>) {
    if text.len() > MOST {
        scan.incomplete(place, "template", "it is longer than is read");
    }
    let mut end = text.len().min(MOST);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let text = text.get(..end).unwrap_or_default();
    let mut said: Vec<String> = Vec::new();
    let mut computed = false;
    let mut words = String::new();
    let mut constants: HashMap<String, String> = HashMap::new();
    let mut block = Capture::default();
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => {
                block.add(&plain);
                words.push_str(&plain);
            }
            Piece::Code(tokens) => {
                if let Some((name, text)) = block.step(&tokens) {
                    said.extend(judge(&[Token::Text(text.trim().to_owned())]));
                    if constants.len() < MAX_CONSTANTS {
                        constants.insert(name, text);
                    }
                }
                let known = settled(&tokens, &constants);
                said.extend(judge(&known));
                computed |= computes(&known);
                remember(&known, &mut constants);
                for token in &tokens {
                    if let Token::Text(text) = token {
                        words.push('\n');
                        words.push_str(text);
                    }
                }
                words.push(' ');
            }
            Piece::Broken => {
                let message = "the template has a block that does not end".to_owned();
                scan.issue(rule::TEMPLATE_UNREAD, place, message, offset);
            }
        }
    }
    said.sort();
    said.dedup();
    for message in said.into_iter().take(20) {
        scan.issue(rule::TEMPLATE, place, message, offset);
    }
    if computed {
        let message = "the template takes an element whose name it puts together".to_owned();
        scan.issue(rule::TEMPLATE_UNREAD, place, message, offset);
    }
    instructions(scan, place, &words, offset);
}

/// What a block prints becomes a value: `{% set x %}…{% endset %}`, `{% macro x() %}…{% endmacro %}`.
#[derive(Debug, Default)]
struct Capture {
    name: Option<String>,
    text: String,
}

impl Capture {
    /// Takes in text that is printed.
    fn add(&mut self, plain: &str) {
        if self.name.is_some() && self.text.len().saturating_add(plain.len()) <= MOST {
            self.text.push_str(plain);
        }
    }

    /// Takes in a block; the name and the text of a capture that it ends.
    fn step(&mut self, tokens: &[Token]) -> Option<(String, String)> {
        match tokens {
            [Token::Name(word), Token::Name(name), rest @ ..]
                if word == "macro" || (word == "set" && !rest.contains(&Token::Sign('='))) =>
            {
                *self = Self { name: Some(name.clone()), text: String::new() };
            }
            [Token::Name(word), ..] if word == "endset" || word == "endmacro" => {
                let captured = std::mem::take(self);
                return captured.name.map(|name| (name, captured.text));
            }
            _ => {
                for token in fold(tokens) {
                    if let Token::Text(text) = token {
                        self.add(&text);
                    }
                }
            }
        }
        None
    }
}

/// The most constants of a template that are remembered.
const MAX_CONSTANTS: usize = 1000;

/// Notes `set name = 'text'`; a name that is set to anything else is none.
fn remember(tokens: &[Token], constants: &mut HashMap<String, String>) {
    let [Token::Name(word), Token::Name(name), Token::Sign('='), rest @ ..] = tokens else { return };
    if word != "set" {
        return;
    }
    match fold(rest).as_slice() {
        [Token::Text(text)] if constants.len() < MAX_CONSTANTS => {
            constants.insert(name.clone(), text.clone());
        }
        _ => {
            constants.remove(name);
        }
    }
}

/// The tokens with constants for the names that stand for them.
fn settled(tokens: &[Token], constants: &HashMap<String, String>) -> Vec<Token> {
    if constants.is_empty() {
        return tokens.to_vec();
    }
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let told = match (out.last(), token, tokens.get(at.saturating_add(1))) {
            // A member, a filter, what is set, what is called: no constant.
            (Some(Token::Sign('.' | '|')), _, _) | (_, _, Some(Token::Sign('=' | '('))) => None,
            (Some(Token::Name(word)), _, _) if word == "set" => None,
            (_, Token::Name(name), _) => constants.get(name),
            _ => None,
        };
        out.push(told.map_or_else(|| token.clone(), |text| Token::Text(text.clone())));
    }
    out
}

/// Whether an element or attribute is taken by a name that an operator or a filter makes of texts.
fn computes(tokens: &[Token]) -> bool {
    let tokens = fold(tokens);
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let of_value = match before {
            Some(Token::Name(name)) => !matches!(
                name.as_str(),
                "in" | "if" | "else" | "elif" | "and" | "or" | "not" | "is" | "set" | "for" | "return"
            ),
            Some(Token::Text(_) | Token::Sign(')' | ']')) => true,
            _ => false,
        };
        if *token != Token::Sign('[') || !of_value {
            continue;
        }
        let (mut depth, mut text, mut makes, mut joins) = (0_u32, false, false, false);
        for inner in tokens.iter().skip(at.saturating_add(1)) {
            match inner {
                Token::Sign(']') if depth == 0 => break,
                Token::Sign('[' | '(' | '{') => depth = depth.saturating_add(1),
                Token::Sign(']' | ')' | '}') => depth = depth.saturating_sub(1),
                Token::Text(_) => text = true,
                Token::Sign('~') => joins = true,
                Token::Sign('|' | '*' | '%' | '+') => makes = true,
                _ => {}
            }
        }
        if joins || (text && makes) {
            return true;
        }
    }
    false
}

/// What is wrong with one block.
fn judge(tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(Token::Name(word)) = tokens.first()
        && matches!(word.as_str(), "include" | "import" | "extends" | "from")
        && !matches!(tokens.get(1), Some(Token::Sign('=' | '.' | '|')))
    {
        found.push(format!("the template loads another one (`{word}`)"));
    }
    let folded = fold(tokens);
    for (i, token) in folded.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| folded.get(i));
        let after = folded.get(i.saturating_add(1));
        match token {
            Token::Name(name) => {
                let attribute = before == Some(&Token::Sign('.'));
                let called = after == Some(&Token::Sign('('));
                if is_dunder(name)
                    || (attribute && REACHING.contains(&name.as_str()) && (called || reaches_on(after)))
                {
                    found.push(format!("the template reaches `{name}`"));
                } else if !attribute && called && FUNCTIONS.contains(&name.as_str()) {
                    found.push(format!("the template calls `{name}`"));
                } else if !attribute
                    && before != Some(&Token::Sign('|'))
                    && DOORS.contains(&name.as_str())
                    && reaches_on(after)
                {
                    found.push(format!("the template goes through `{name}`"));
                } else if name == "attr" && before == Some(&Token::Sign('|')) {
                    match (folded.get(i.saturating_add(2)), folded.get(i.saturating_add(3))) {
                        (Some(Token::Text(text)), Some(Token::Sign(')'))) if !text.contains('_') => {}
                        (Some(Token::Text(text)), Some(Token::Sign(')'))) => {
                            found.push(format!("the template reaches `{text}`"));
                        }
                        _ => {
                            found.push("the template reaches an attribute whose name is computed".to_owned())
                        }
                    }
                }
            }
            Token::Text(text) => {
                let subscript = before == Some(&Token::Sign('[')) && after == Some(&Token::Sign(']'));
                if is_dunder(text.trim()) || holds_dunder(text) {
                    found.push(format!(
                        "the template holds the name `{}`",
                        text.chars().take(60).collect::<String>()
                    ));
                } else if subscript
                    && matches!(text.as_str(), "os" | "sys" | "subprocess" | "popen" | "eval" | "exec")
                {
                    found.push(format!("the template reaches `{text}`"));
                }
            }
            Token::Number | Token::Sign(_) => {}
        }
    }
    // Pieces that `join`, `~`, `format` or a loop put together.
    let all: String =
        tokens.iter().filter_map(|t| if let Token::Text(t) = t { Some(t.as_str()) } else { None }).collect();
    let backwards: String = all.chars().rev().collect();
    let letters: String =
        all.chars().filter(|c| c.is_ascii_alphabetic()).map(|c| c.to_ascii_lowercase()).collect();
    let spelled = DUNDERS.iter().filter(|word| word.len() > 4).any(|word| letters.contains(word));
    if found.is_empty() && spelled && computes(tokens) {
        found.push("the template puts the name of an interpreter's attribute together".to_owned());
    }
    if found.is_empty() && (holds_dunder(&all) || holds_dunder(&backwards)) {
        found.push("the template puts the name of an interpreter's attribute together".to_owned());
    }
    let formats = tokens.windows(2).any(|pair| match pair {
        [Token::Sign('|' | '.'), Token::Name(filter)] => filter == "format",
        [Token::Text(_), Token::Sign('%')] => true,
        _ => false,
    });
    if formats && all.matches("%c").count() >= 2 {
        found.push("the template spells a name by character codes".to_owned());
    }
    found
}

fn reaches_on(after: Option<&Token>) -> bool {
    matches!(after, Some(Token::Sign('.' | '[' | '|' | '(')))
}

fn is_dunder(name: &str) -> bool {
    name.len() > 4
        && name.starts_with("__")
        && name.ends_with("__")
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        || name.starts_with("_TemplateReference")
        || name.starts_with("_Context__")
}

/// Whether a text holds `__word__` with a word of escapes.
fn holds_dunder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("__") && DUNDERS.iter().any(|word| lower.contains(&format!("__{word}__")))
}

/// Constant strings that stand together, or with `~` or `+` between them, as one.
fn fold(tokens: &[Token]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let Token::Text(text) = token {
            let joined = matches!(out.last(), Some(Token::Sign('~' | '+')));
            let before = out.len().checked_sub(if joined { 2 } else { 1 });
            if let Some(Token::Text(first)) = before.and_then(|i| out.get(i)) {
                let whole = format!("{first}{text}");
                out.truncate(before.unwrap_or(0));
                out.push(Token::Text(whole));
                continue;
            }
        }
        out.push(token.clone());
    }
    out
}

fn instructions(scan: &mut Scan<'_>, place: &Place, words: &str, offset: Option<u64>) {
    let invisible = words.chars().filter(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{e0000}'..='\u{e007f}')).count();
    if invisible > 3 {
        let message = format!("the template holds {invisible} invisible characters");
        scan.issue(rule::TEMPLATE_INSTRUCTION, place, message, offset);
    }
    let plain: String = words.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    for phrase in INSTRUCTIONS {
        if plain.contains(phrase) {
            let message = format!("the template tells the model something hidden: \"{phrase}\"");
            scan.issue(rule::TEMPLATE_INSTRUCTION, place, message, offset);
            return;
        }
    }
}

#[cfg(test)]
mod tests;
