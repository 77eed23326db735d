//! Where the links and images of an answer lead.

use std::ops::Range;
use std::sync::Arc;

/// Schemes that a client would follow.
const SCHEMES: [&str; 6] = ["https", "http", "wss", "ws", "ftp", "ftps"];

/// The longest host, in bytes (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 253;

/// Hosts that answers may lead to.
#[derive(Debug, Clone, Default)]
pub struct LinkHosts {
    /// In small letters. `*.example.com` stands for all hosts below `example.com`.
    allowed: Vec<String>,
}

/// How far before an address its surroundings are read, in bytes.
const BEFORE: usize = 512;

/// A link or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address, in bytes of the text.
    pub span: Range<usize>,
    /// The host in small letters; empty where there is none that can be read, which nothing allows.
    pub host: String,
    /// It is an image, which a client fetches without being asked.
    pub image: bool,
}

impl LinkHosts {
    /// A list of hosts: `docs.example.com`, or `*.example.com` for everything below.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { allowed: hosts.into_iter().map(|host| host.as_ref().to_ascii_lowercase()).collect() }
    }

    /// Whether links to a host are allowed. A dot at its end changes nothing (RFC 1034 section 3.1).
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        !host.is_empty()
            && self.allowed.iter().any(|entry| match entry.strip_prefix("*.") {
                Some(domain) => host.strip_suffix(domain).is_some_and(|below| below.ends_with('.')),
                None => *entry == host,
            })
    }

    /// The links of a text that lead elsewhere, in order.
    #[must_use]
    pub fn foreign(&self, text: &str) -> Vec<Link> {
        links(text).into_iter().filter(|link| !self.allows(&link.host)).collect()
    }
}

/// Looks for links that lead elsewhere in a text that may come in pieces.
#[derive(Debug)]
pub(super) struct LinkWatch {
    hosts: Arc<LinkHosts>,
    /// What came before the address, as far as it matters.
    before: String,
    /// From what may be an address on.
    held: String,
    is_open: bool,
    taken: usize,
}

impl LinkWatch {
    pub(super) fn new(hosts: Arc<LinkHosts>) -> Self {
        Self { hosts, before: String::new(), held: String::new(), is_open: false, taken: 0 }
    }

    pub(super) fn push(&mut self, piece: &str, found: &mut Vec<Range<usize>>) {
        for c in piece.chars() {
            if self.is_open && is_end(c) {
                self.close(found);
            }
            self.taken = self.taken.saturating_add(c.len_utf8());
            self.held.push(c);
            if !self.is_open {
                self.look(c);
            }
        }
    }

    /// Where what must wait begins: an address, or what may become one.
    pub(super) fn hold(&self) -> usize {
        self.taken.saturating_sub(self.held.len())
    }

    pub(super) fn finish(mut self, found: &mut Vec<Range<usize>>) {
        self.close(found);
    }

    /// Whether an address begins, now that this character has come; what cannot begin one goes to what came before.
    fn look(&mut self, c: char) {
        match c {
            ':' if scheme(&self.around()).is_some() => self.is_open = true,
            '/' | '\\' if self.held.len() > 1 => self.is_open = opens(&self.before),
            // The second of two slashes is needed.
            '/' | '\\' if opens(&self.before) => return,
            c if c.is_ascii_alphabetic() && self.begins_scheme() => return,
            _ => {}
        }
        if !self.is_open {
            self.pass();
        }
    }

    /// The text up to the last character, which is a colon.
    fn around(&self) -> String {
        format!("{}{}", self.before, self.held.strip_suffix(':').unwrap_or_default())
    }

    fn begins_scheme(&self) -> bool {
        let begins = |scheme: &&str| {
            scheme.get(..self.held.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(&self.held))
        };
        SCHEMES.iter().any(begins) && !self.before.ends_with(|c: char| c.is_ascii_alphanumeric())
    }

    fn pass(&mut self) {
        self.before.push_str(&std::mem::take(&mut self.held));
        let drop = self.before.floor_char_boundary(self.before.len().saturating_sub(BEFORE));
        if drop > BEFORE {
            self.before.drain(..drop);
        }
    }

    /// The text has come to a place where an address would end.
    fn close(&mut self, found: &mut Vec<Range<usize>>) {
        let head = self.before.len();
        let text = format!("{}{}", self.before, self.held);
        let offset = self.taken.saturating_sub(text.len());
        let foreign = self.hosts.foreign(&text).into_iter().map(|link| link.span);
        found.extend(
            foreign
                .filter(|span| span.start >= head)
                .map(|span| span.start.saturating_add(offset)..span.end.saturating_add(offset)),
        );
        self.is_open = false;
        self.pass();
    }
}

/// All links: addresses with a scheme, however a browser would forgive them (`https:/host`, `https:\\host`), and those
/// that begin with two slashes in Markdown or HTML. Relative addresses lead nowhere else.
fn links(text: &str) -> Vec<Link> {
    let bytes = text.as_bytes();
    let mut out: Vec<Link> = Vec::new();
    for at in memchr::memchr3_iter(b':', b'/', b'\\', bytes) {
        if out.last().is_some_and(|last| at < last.span.end) {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let start = match bytes.get(at) {
            Some(b':') => scheme(before).map(|scheme| at.saturating_sub(scheme.len())),
            _ => opens(before).then_some(at),
        };
        let Some(start) = start else { continue };
        let after = text.get(if start == at { at } else { at.saturating_add(1) }..).unwrap_or_default();
        let slashes = after.bytes().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
        if start == at && slashes < 2 {
            continue;
        }
        let rest = after.get(slashes..).unwrap_or_default();
        let end = rest.find(is_end).unwrap_or(rest.len());
        let address = rest.get(..end).unwrap_or_default();
        let head = text.len().saturating_sub(rest.len());
        if address.is_empty() || (slashes == 0 && !address.contains('.')) {
            continue;
        }
        let image = is_image(text.get(..start).unwrap_or_default());
        out.push(Link { span: start..head.saturating_add(end), host: host(address), image });
    }
    out
}

/// The scheme that stands at the end of a text, if it is one.
fn scheme(before: &str) -> Option<&'static str> {
    SCHEMES.into_iter().find(|scheme| {
        let at = before.len().checked_sub(scheme.len());
        at.and_then(|at| before.split_at_checked(at)).is_some_and(|(rest, last)| {
            last.eq_ignore_ascii_case(scheme) && !rest.ends_with(|c: char| c.is_ascii_alphanumeric())
        })
    })
}

/// Whether what follows stands where an address does: after `](`, `]:`, `<`, `=` or a quotation mark.
fn opens(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t']);
    before.ends_with("](")
        || before.ends_with("](<")
        || before.ends_with("]:")
        || before.ends_with(['=', '"', '\''])
}

/// Whether the address that follows is that of an image: `![...](`, `<img ...`, `url(`.
fn is_image(before: &str) -> bool {
    let near =
        before.get(before.floor_char_boundary(before.len().saturating_sub(BEFORE))..).unwrap_or_default();
    let markdown =
        near.trim_end_matches(['<', ' ']).strip_suffix("](").and_then(|label| label.rfind("![")).is_some();
    let tag = near.rfind('<').and_then(|at| near.get(at..)).unwrap_or_default().to_ascii_lowercase();
    let html = [
        "<img", "<picture", "<source", "<video", "<audio", "<iframe", "<link", "<script", "<embed", "<object",
    ];
    markdown
        || (!tag.contains('>') && html.iter().any(|name| tag.starts_with(name)))
        || near.ends_with("url(")
}

fn is_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, ')' | '>' | '<' | '"' | '\'' | '`' | '|')
}

/// The host of an address without its scheme (RFC 3986 section 3.2), in small letters. A name in other letters than
/// ASCII is kept: it equals no allowed host that looks like it.
fn host(address: &str) -> String {
    let authority = address.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = match host.split_once(']') {
        Some((literal, _)) if host.starts_with('[') => literal.strip_prefix('[').unwrap_or_default(),
        _ => host.split(':').next().unwrap_or_default(),
    };
    if name.len() > MAX_HOST || name.contains('%') { String::new() } else { name.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn foreign(text: &str) -> Vec<(String, bool)> {
        let hosts = LinkHosts::new(["docs.example.com", "*.example.org"]);
        hosts.foreign(text).into_iter().map(|link| (link.host, link.image)).collect()
    }

    #[test]
    fn allowed_and_relative_addresses_pass() {
        for text in [
            "see https://docs.example.com/a?b#c, or [here](https://DOCS.example.com./x)",
            "![logo](https://img.example.org/x.png) and [top](/top) and [mail](mailto:a@b.c)",
            "at 10:45 // a remark, a/b, c:\\dir, std::io, note: http is a protocol",
        ] {
            assert_eq!(foreign(text), [], "{text}");
        }
    }

    #[test]
    fn other_addresses_are_seen_however_they_are_written() {
        for (text, host, image) in [
            ("![x](https://evil.test/?q=secret)", "evil.test", true),
            ("[x](//evil.test/a)", "evil.test", false),
            ("![a][1]\n\n[1]: //evil.test/a", "evil.test", false),
            ("<img width=1 src='http://evil.test/a'>", "evil.test", true),
            ("<a href=\"HTTPS:\\\\evil.test/a\">x</a>", "evil.test", false),
            ("go to https:evil.test/a now", "evil.test", false),
            ("https://docs.example.com@evil.test/", "evil.test", false),
            ("https://docs.example.com.evil.test/", "docs.example.com.evil.test", false),
            ("https://example.org/", "example.org", false),
            ("https://evil%2etest/", "", false),
            ("https://[2001:db8::1]:80/x", "2001:db8::1", false),
            ("https://dоcs.example.com/", "dоcs.example.com", false),
        ] {
            assert_eq!(foreign(text), [(host.to_owned(), image)], "{text}");
        }
    }

    proptest! {
        #[test]
        fn places_are_of_the_text(text in "(https?:|//|[\\\\]|!?\\[a\\]\\(|@|é|evil.test|\\)| |<img src=){0,30}") {
            for link in LinkHosts::default().foreign(&text) {
                prop_assert!(text.get(link.span.clone()).is_some_and(|found| !found.is_empty()), "{link:?}");
            }
        }
    }
}
