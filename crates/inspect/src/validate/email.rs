//! E-mail addresses: RFC 5321 section 4.1.2 as far as people use it.

/// Ends that are file names far more often than domains.
const NOT_A_DOMAIN: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "bmp",
    "ico",
    "css",
    "json",
    "xml",
    "yml",
    "yaml",
    "toml",
    "txt",
    "csv",
    "html",
    "htm",
    "php",
    "exe",
    "dll",
    "tar",
    "gz",
    "log",
    "bak",
    "min",
    "ts",
    "jsx",
    "tsx",
    "local",
    "localhost",
];

pub(super) fn check(text: &[u8]) -> Option<i16> {
    let text = std::str::from_utf8(text).ok()?;
    let (local, domain) = text.split_once('@')?;
    let dots = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let label = |label: &str| !label.starts_with('-') && !label.ends_with('-');
    let (_, end) = domain.rsplit_once('.')?;
    let good = dots(local)
        && domain.len() <= 253
        && domain.split('.').all(label)
        && !NOT_A_DOMAIN.iter().any(|known| end.eq_ignore_ascii_case(known))
        && end.len() <= 18;
    good.then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sane_addresses_only() {
        for good in ["a@b.co", "first.last+tag@sub.example.museum", "o'neil@example.ie", "x_y%z@a-b.de"] {
            assert!(check(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["a..b@c.de", ".a@b.de", "a.@b.de", "a@-b.de", "a@b-.de", "icon@2x.png", "app@host.local"]
        {
            assert!(check(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
