//! Texts that are made up, with what stands where.

use std::ops::Range;

use stockade_inspect::tagger::Kind;

use crate::pools::{Pools, Values};
use crate::random::Random;

/// A text with its labels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub(crate) text: String,
    pub(crate) spans: Vec<(Kind, Range<usize>)>,
}

/// Makes texts of one part.
pub(crate) struct Generator<'a> {
    pub(crate) pools: &'a Pools,
    pub(crate) random: Random,
}

impl Generator<'_> {
    /// A text of one to eight templates, of one language mostly.
    pub(crate) fn sample(&mut self) -> Sample {
        let languages: Vec<&String> =
            self.pools.templates.keys().filter(|name| !name.ends_with('-')).collect();
        // Half is English; the other languages share the rest.
        let language = match self.random.percent(50) {
            true => "en".to_owned(),
            false => self.random.pick(&languages).map_or_else(|| "en".to_owned(), |l| (*l).clone()),
        };
        let mut sample = Sample::default();
        let count = if self.random.percent(45) { 1 } else { self.random.between(2, 8) };
        let between = if self.random.percent(50) { " " } else { "\n" };
        for at in 0..count {
            if at > 0 {
                sample.text.push_str(between);
            }
            let plain = self.random.percent(55);
            let name = if plain { format!("{language}-") } else { language.clone() };
            let templates = self.pools.templates.get(&name).filter(|all| !all.is_empty());
            let templates = templates.or_else(|| self.pools.templates.get(if plain { "en-" } else { "en" }));
            let Some(template) = templates.and_then(|all| self.random.pick(all)).cloned() else { continue };
            self.fill(&template, &language, &mut sample);
        }
        self.disturb(sample)
    }

    fn fill(&mut self, template: &str, language: &str, sample: &mut Sample) {
        // The names of a sentence come from one place of the world, mostly that of its language.
        let all: Vec<&Values> = self.pools.locales.values().collect();
        let own: Vec<&Values> = self
            .pools
            .locales
            .iter()
            .filter(|(locale, _)| locale.split('_').next() == Some(language))
            .map(|(_, values)| values)
            .collect();
        let near = if language == "en" || own.is_empty() { 40 } else { 70 };
        let pick = if self.random.percent(near) { self.random.pick(&own) } else { self.random.pick(&all) };
        let Some(values) = pick.or_else(|| all.first()).copied() else { return };
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            sample.text.push_str(before);
            match after.split_once('}') {
                Some((slot, after)) if slot.len() <= 8 && slot.chars().all(char::is_alphabetic) => {
                    let start = sample.text.len();
                    let (kind, value, lead) = self.value(slot, language, values);
                    sample.text.push_str(&lead);
                    let begin = start.saturating_add(lead.len());
                    sample.text.push_str(&value);
                    if let Some(kind) = kind {
                        sample.spans.push((kind, begin..sample.text.len()));
                    }
                    rest = after;
                }
                _ => {
                    sample.text.push('{');
                    rest = after;
                }
            }
        }
        sample.text.push_str(rest);
    }

    /// The value of a place, its kind, and what stands before it without being labelled.
    fn value(&mut self, slot: &str, language: &str, values: &Values) -> (Option<Kind>, String, String) {
        let none = String::new();
        match slot {
            "P" => {
                let lead = if self.random.percent(7) { "Mr. ".to_owned() } else { none };
                (Some(Kind::Person), self.person(values), lead)
            }
            "F" => (Some(Kind::Person), self.one(values, "given"), none),
            "L" => (Some(Kind::Person), self.one(values, "family"), none),
            "C" => (Some(Kind::Place), self.one(values, "city"), none),
            "R" => (Some(Kind::Place), self.one(values, "region"), none),
            "K" => (
                Some(Kind::Place),
                self.random.pick(&self.pools.countries).cloned().unwrap_or_default(),
                none,
            ),
            "O" => (Some(Kind::Organisation), self.organisation(values), none),
            "A" => (Some(Kind::Address), self.address(values), none),
            "S" => {
                let street = self.one(values, "street");
                let number = self.random.between(1, 300);
                let after = if self.random.percent(60) { format!(" {number}") } else { String::new() };
                (Some(Kind::Address), format!("{street}{after}"), none)
            }
            "B" => (Some(Kind::Birth), self.date(), none),
            "Y" => (Some(Kind::Birth), self.random.between(1, 99).to_string(), none),
            "H" => {
                let terms = self.pools.health(language);
                let term = self.random.pick(&terms).map(|term| (*term).clone()).unwrap_or_default();
                (Some(Kind::Health), term, none)
            }
            slot => (None, self.plain(slot, language), none),
        }
    }

    fn one(&mut self, values: &Values, key: &str) -> String {
        let own = values.get(key).map_or(&[][..], Vec::as_slice);
        match self.random.pick(own) {
            Some(value) => value.clone(),
            // A small pool may have nothing in a part: take another locale's.
            None => {
                let all: Vec<&String> =
                    self.pools.locales.values().filter_map(|values| values.get(key)).flatten().collect();
                self.random.pick(&all).map(|value| (*value).clone()).unwrap_or_default()
            }
        }
    }

    fn person(&mut self, values: &Values) -> String {
        let (given, family) = (self.one(values, "given"), self.one(values, "family"));
        let initial: String = self.one(values, "given").chars().take(1).collect();
        match self.random.below(20) {
            0 => format!("{given} {initial}. {family}"),
            1 => format!("{}. {family}", given.chars().take(1).collect::<String>()),
            2 => format!("{given} {family} {}", self.one(values, "family")),
            3 => format!("{given} {} {family}", self.one(values, "given")),
            4 => format!("{given} {family}-{}", self.one(values, "family")),
            5 | 6 => given,
            7 => format!("{family} {given}"),
            8 => format!("{given} {}", family.to_uppercase()),
            _ => format!("{given} {family}"),
        }
    }

    fn organisation(&mut self, values: &Values) -> String {
        let form = self.one(values, "form");
        match self.random.below(20) {
            0..=9 => self.one(values, "company"),
            10..=12 => format!("{} {form}", self.one(values, "family")),
            13 => format!("{} & {}", self.one(values, "family"), self.one(values, "family")),
            14 => format!(
                "{}, {} and {}",
                self.one(values, "family"),
                self.one(values, "family"),
                self.one(values, "family")
            ),
            15 => format!("{}-{}", self.one(values, "family"), self.one(values, "family")),
            16 => {
                let whats = [
                    "University",
                    "Hospital",
                    "Bank",
                    "Museum",
                    "Airport Authority",
                    "Police Department",
                    "City Council",
                ];
                let what = self.random.pick(&whats).copied().unwrap_or_default();
                format!("{} {what}", self.one(values, "city"))
            }
            17 => format!("{} {form}", self.one(values, "company")),
            _ => format!("{} {} {form}", titled(&self.word("adj")), titled(&self.word("noun"))),
        }
    }

    fn address(&mut self, values: &Values) -> String {
        let pattern = self.one(values, "address");
        let mut out = String::new();
        let zip = self.one(values, "zip");
        for c in pattern.chars() {
            match c {
                'S' => out.push_str(&self.one(values, "street")),
                'N' => {
                    let high = if self.random.percent(20) { 9_999 } else { 180 };
                    out.push_str(&self.random.between(1, high).to_string());
                    if self.random.percent(6) {
                        out.push(self.random.pick(&['a', 'b', 'A', 'B', 'c']).copied().unwrap_or('a'));
                    }
                }
                'C' => out.push_str(&self.one(values, "city")),
                'R' => out.push_str(&self.one(values, "region")),
                'U' => {
                    let units = ["Apt", "Apt.", "Suite", "Unit", "#", "Floor"];
                    let unit = self.random.pick(&units).copied().unwrap_or("Apt");
                    out.push_str(&format!("{unit} {}", self.random.between(1, 900)));
                }
                'Z' => out.extend(zip.chars().map(|c| self.masked(c))),
                c => out.push(c),
            }
        }
        // Forms have parts of an address on lines of their own.
        match self.random.below(12) {
            0 => {
                let units = ["Apt.", "Suite", "Unit"];
                let unit = self.random.pick(&units).copied().unwrap_or("Apt.");
                let unit = format!("\n{unit} {}", self.random.between(1, 900));
                let at = out.find('\n').or_else(|| out.find(',')).unwrap_or(out.len());
                out.insert_str(at, &unit);
            }
            1 | 2 => {
                let country = self.random.pick(&self.pools.countries).cloned().unwrap_or_default();
                out.push_str(self.random.pick(&[", ", "\n", " "]).copied().unwrap_or(", "));
                out.push_str(&country);
            }
            3 => out = out.replace(", ", "\n"),
            _ => {}
        }
        out
    }

    /// A digit for `#`, a letter for `@`.
    fn masked(&mut self, c: char) -> char {
        let letters = b"ABCDEFGHJKLMNPRSTUWXYZ";
        match c {
            '#' => char::from(b'0'.saturating_add(u8::try_from(self.random.below(10)).unwrap_or(0))),
            '@' => self.random.pick(letters).copied().map_or('A', char::from),
            c => c,
        }
    }

    fn date(&mut self) -> String {
        let (day, month, year) =
            (self.random.between(1, 28), self.random.between(1, 12), self.random.between(1930, 2026));
        let name = self.word("month");
        match self.random.below(9) {
            0 => format!("{year}-{month:02}-{day:02}"),
            1 => format!("{day:02}.{month:02}.{year}"),
            2 => format!("{day}/{month}/{year}"),
            3 => format!("{month:02}/{day:02}/{year}"),
            4 => format!("{day} {name} {year}"),
            5 => format!("{name} {day}, {year}"),
            6 => format!("{day}. {name} {year}"),
            7 => format!("{day}-{month}-{:02}", year % 100),
            _ => format!("{day} de {name} de {year}"),
        }
    }

    fn word(&mut self, key: &str) -> String {
        self.random.pick(self.pools.words(key)).cloned().unwrap_or_default()
    }

    /// Something that is no finding.
    fn plain(&mut self, slot: &str, language: &str) -> String {
        match slot {
            "n" => {
                let high = [10, 100, 2_000, 100_000].get(self.random.below(4)).copied().unwrap_or(10);
                self.random.between(0, high).to_string()
            }
            "d" => self.date(),
            "m" => self.word("month"),
            "w" => self.word("weekday"),
            "nouns" => format!("{}s", self.word("noun")),
            "Noun" => titled(&self.word("noun")),
            "Topic" => titled(&self.word("topic")),
            "Cyber" => titled(&self.word("cyber")),
            "verb" | "adj" | "noun" => self.word(slot),
            "salad" => self.salad(language),
            "heading" => self.heading(language),
            "made" => self.made(),
            "prod" => {
                let (a, b) = (self.word("product-part"), self.word("product-part"));
                match self.random.below(4) {
                    0 => format!("{a}{}", b.to_lowercase()),
                    1 => format!("{a} {b}"),
                    2 => format!("{a}{b} {}", self.random.between(1, 12)),
                    _ => format!("{a}{b}"),
                }
            }
            "e" => format!("{}{}@example.com", self.word("noun"), self.random.below(100)),
            "t" => {
                let form =
                    ["+1 ###-###-####", "0## #######", "+49 ### #######", "(###) ###-####", "## ## ## ## ##"];
                let form = self.random.pick(&form).copied().unwrap_or_default();
                form.chars().map(|c| self.masked(c)).collect()
            }
            "id" => {
                let form = ["@@-#####", "#########", "@@@####", "####-####", "INV-####", "#@#@##@#"];
                let form = self.random.pick(&form).copied().unwrap_or_default();
                form.chars()
                    .map(|c| if c == 'I' || c == 'N' || c == 'V' { c } else { self.masked(c) })
                    .collect()
            }
            "x" => {
                let n = self.random.between(1, 9_000);
                match self.random.below(4) {
                    0 => format!("${n}"),
                    1 => format!("{n} EUR"),
                    2 => format!("€{n}.00"),
                    _ => format!("{n},50 €"),
                }
            }
            key => self.word(key),
        }
    }

    /// Words without sense: what stands beside names must not matter more than it does.
    fn salad(&mut self, language: &str) -> String {
        let count = self.random.between(2, 12);
        let mut out = String::new();
        for at in 0..count {
            if at > 0 {
                out.push_str(if self.random.percent(6) { ", " } else { " " });
            }
            let word = self.any_word(language);
            out.push_str(&if at == 0 && self.random.percent(60) { titled(&word) } else { word });
        }
        if self.random.percent(30) {
            out.push_str(self.random.pick(&[".", "?", "!", ":"]).copied().unwrap_or("."));
        }
        out
    }

    /// Words that all begin with a capital.
    fn heading(&mut self, language: &str) -> String {
        let count = self.random.between(1, 5);
        let words: Vec<String> = (0..count).map(|_| titled(&self.any_word(language))).collect();
        words.join(" ")
    }

    /// A word of a language that is no name, as it is or with an ending.
    fn any_word(&mut self, language: &str) -> String {
        if self.random.percent(4) {
            return self.made();
        }
        if language != "en" {
            let word = self.word(&format!("lex-{language}"));
            return if self.random.percent(20) { titled(&word) } else { word };
        }
        let keys = [
            "function", "function", "lex", "lex", "topic", "topic", "noun", "verb", "adj", "adverb", "cyber",
        ];
        let key = self.random.pick(&keys).copied().unwrap_or("noun");
        let word = self.word(key);
        let stem = word.strip_suffix('e').unwrap_or(&word);
        match (key, self.random.below(8)) {
            ("verb", 0) => format!("{stem}ing"),
            ("verb", 1) => format!("{stem}ed"),
            ("verb", 2) => format!("{word}s"),
            ("topic" | "noun" | "cyber", 0 | 1) => format!("{word}s"),
            ("adj", 0) => format!("{word}ly"),
            ("adj", 1) => format!("{word}ness"),
            _ => word,
        }
    }

    /// A word that nobody knows, written in some way: neither a name nor anything else.
    fn made(&mut self) -> String {
        let starts = [
            "b", "br", "c", "ch", "d", "f", "g", "gl", "k", "l", "m", "n", "p", "qu", "r", "s", "st", "t",
            "tr", "v", "z",
        ];
        let middles = ["a", "e", "i", "o", "u", "ai", "ea", "ou"];
        let ends = [
            "tion", "ing", "ment", "ware", "sis", "ity", "able", "ism", "ology", "ic", "ure", "ive", "al",
            "x", "t", "ck", "ization",
        ];
        let mut word = String::new();
        for _ in 0..self.random.between(1, 3) {
            word.push_str(self.random.pick(&starts).copied().unwrap_or_default());
            word.push_str(self.random.pick(&middles).copied().unwrap_or_default());
        }
        word.push_str(self.random.pick(&ends).copied().unwrap_or_default());
        match self.random.below(6) {
            0 => titled(&word),
            1 => word.to_uppercase(),
            _ => word,
        }
    }

    /// A share of texts in small letters or in capitals, where both keep their length.
    fn disturb(&mut self, mut sample: Sample) -> Sample {
        let turned = match self.random.below(100) {
            0..14 => sample.text.to_lowercase(),
            14..17 => sample.text.to_uppercase(),
            _ => return sample,
        };
        let same = turned.len() == sample.text.len()
            && turned.chars().count() == sample.text.chars().count()
            && sample
                .spans
                .iter()
                .all(|(_, span)| turned.is_char_boundary(span.start) && turned.is_char_boundary(span.end));
        if same {
            sample.text = turned;
        }
        sample
    }
}

fn titled(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
