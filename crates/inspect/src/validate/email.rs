//! E-mail addresses: RFC 5321 section 4.1.2 as far as people use it, and RFC 6531 for those in other scripts.

use std::sync::LazyLock;

use crate::view::{Fold, fold, other};

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

/// Top-level domains outside ASCII (IANA root zone): those of countries, and the most used of others. In the view that a
/// validator sees each of their characters is one byte.
const WIDE: &[&str] = &[
    "рф",
    "укр",
    "бел",
    "қаз",
    "срб",
    "бг",
    "ею",
    "мкд",
    "мон",
    "рус",
    "москва",
    "онлайн",
    "сайт",
    "дети",
    "орг",
    "ком",
    "ελ",
    "ευ",
    "հայ",
    "გე",
    "ישראל",
    "קום",
    "中国",
    "中國",
    "香港",
    "台湾",
    "台灣",
    "澳門",
    "新加坡",
    "公司",
    "网络",
    "网址",
    "集团",
    "在线",
    "中文网",
    "商标",
    "我爱你",
    "移动",
    "政务",
    "公益",
    "网店",
    "信息",
    "手机",
    "世界",
    "企业",
    "商城",
    "佛山",
    "广东",
    "みんな",
    "コム",
    "한국",
    "닷컴",
    "닷넷",
    "삼성",
    "ไทย",
    "คอม",
    "ລາວ",
    "भारत",
    "संगठन",
    "कॉम",
    "नेट",
    "বাংলা",
    "ভারত",
    "ਭਾਰਤ",
    "ભારત",
    "இந்தியா",
    "இலங்கை",
    "சிங்கப்பூர்",
    "భారత్",
    "ಭಾರತ",
    "ഭാരതം",
    "ලංකා",
    "مصر",
    "السعودية",
    "امارات",
    "الاردن",
    "المغرب",
    "الجزائر",
    "تونس",
    "سوريا",
    "قطر",
    "عمان",
    "فلسطين",
    "اليمن",
    "العراق",
    "ایران",
    "پاکستان",
    "بھارت",
    "مليسيا",
    "سودان",
    "موريتانيا",
    "شبكة",
    "موقع",
    "كوم",
    "بازار",
];

pub(super) fn check(text: &[u8]) -> Option<i16> {
    let at = text.iter().position(|b| *b == b'@')?;
    let (local, domain) = (text.get(..at)?, text.get(at.saturating_add(1)..)?);
    let dots = |part: &[u8]| {
        part.first() != Some(&b'.') && part.last() != Some(&b'.') && !part.windows(2).any(|w| w == b"..")
    };
    let label = |label: &[u8]| label.first() != Some(&b'-') && label.last() != Some(&b'-');
    let end = domain.rsplit(|b| *b == b'.').next()?;
    let good = dots(local) && domain.len() <= 253 && domain.split(|b| *b == b'.').all(label);
    // The account of every clone by SSH is nobody's.
    let is_clone = local.eq_ignore_ascii_case(b"git") || local.eq_ignore_ascii_case(b"hg");
    (good && is_top(end) && !is_clone).then_some(0)
}

/// Whether a label could be a top-level domain: in ASCII no ending of a file, in other scripts one that exists.
fn is_top(end: &[u8]) -> bool {
    if end.is_ascii() {
        let file = NOT_A_DOMAIN.iter().any(|known| end.eq_ignore_ascii_case(known.as_bytes()));
        // RFC 5890 section 2.3.2.1: what stands for a label in another script.
        return !file && (end.len() <= 18 || end.get(..4).is_some_and(|b| b.eq_ignore_ascii_case(b"xn--")));
    }
    FOLDED.binary_search_by(|known| known.as_slice().cmp(end)).is_ok()
}

/// The wide domains as a validator sees them, in order.
static FOLDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let seen = |c| if fold(c) == Fold::Other { Some(other(c)) } else { None };
    let mut all: Vec<Vec<u8>> = WIDE.iter().map(|known| known.chars().filter_map(seen).collect()).collect();
    all.sort_unstable();
    all
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sane_addresses_only() {
        assert!(check(b"git@github.com").is_none() && check(b"digit@github.com").is_some());
        for good in ["a@b.co", "first.last+tag@sub.example.museum", "o'neil@example.ie", "x_y%z@a-b.de"] {
            assert!(check(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["a..b@c.de", ".a@b.de", "a.@b.de", "a@-b.de", "a@b-.de", "icon@2x.png", "app@host.local"]
        {
            assert!(check(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn scripts_have_top_level_domains_of_their_own() {
        let canonical = |text: &str| -> Vec<u8> {
            let mut out = Vec::new();
            for c in text.chars() {
                match fold(c) {
                    Fold::Ascii { bytes, len } => out.extend(bytes.iter().take(usize::from(len))),
                    Fold::Other => out.push(other(c)),
                    Fold::Drop => {}
                }
            }
            out
        };
        for good in
            ["иван@почта.рф", "用户@例子.公司", "info@bücher.de", "a@xn--e1afmkfd.xn--p1ai", "संपर्क@डाटा.भारत"]
        {
            assert!(check(&canonical(good)).is_some(), "{good}");
        }
        for bad in ["что@где.когда", "@名前さん.こんにちは", "иван@почта.рфр"]
        {
            assert!(check(&canonical(bad)).is_none(), "{bad}");
        }
    }
}
