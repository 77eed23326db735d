//! What texts are made of: names by locale, words, templates. Each value and template belongs to one part of three, so
//! that what is measured was never trained on.

use std::collections::BTreeMap;

use stockade_inspect::tagger::CLASSES;

const POOLS: &str = include_str!("pools.txt");
const TEMPLATES: &str = include_str!("templates.txt");
const WORDS: &str = include_str!("words.txt");

/// A part of all values and templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Eight tenths: what is learned from.
    Train,
    /// A tenth: what thresholds are set by.
    Set,
    /// A tenth: what is reported.
    Test,
}

/// Values of one part by what they are.
pub(crate) type Values = BTreeMap<String, Vec<String>>;

/// All that texts of one part are made of.
pub(crate) struct Pools {
    /// By locale, for example `de_DE`.
    pub(crate) locales: BTreeMap<String, Values>,
    pub(crate) countries: Vec<String>,
    /// By language: with names, and without.
    pub(crate) templates: BTreeMap<String, Vec<String>>,
    /// Words that are no names, all parts.
    pub(crate) words: Values,
}

impl Part {
    /// The part of a value, by a hash (FNV-1a) of it.
    fn of(value: &str) -> Self {
        let hash = value.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        match (hash >> 32) % 10 {
            0 => Self::Set,
            1 => Self::Test,
            _ => Self::Train,
        }
    }
}

/// Sections `[name]` of lines of a key and values.
fn sections(text: &str) -> BTreeMap<String, Vec<&str>> {
    let mut all: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(section) if section.len() < 12 && !section.contains('{') => section.clone_into(&mut name),
            _ => all.entry(name.clone()).or_default().push(line),
        }
    }
    all
}

fn spaced(value: &str) -> String {
    value.replace('_', " ")
}

/// A line of a key and its values.
fn keyed(line: &str) -> Option<(&str, Vec<String>)> {
    let (key, rest) = line.split_once(' ')?;
    let values = match key {
        "address" => rest.split(';').map(|v| v.replace('_', " ").replace("\\n", "\n")).collect(),
        _ => rest.split_whitespace().map(spaced).collect(),
    };
    Some((key, values))
}

impl Pools {
    pub(crate) fn new(part: Part) -> Self {
        let mine = |value: &String| Part::of(value) == part;
        let (mut locales, mut countries) = (BTreeMap::new(), Vec::new());
        for (locale, lines) in sections(POOLS) {
            let mut values = Values::new();
            for (key, mut all) in lines.into_iter().filter_map(keyed) {
                if !matches!(key, "address" | "zip" | "form") {
                    all.retain(mine);
                }
                values.insert(key.to_owned(), all);
            }
            match values.remove("country") {
                Some(all) => countries = all,
                None => {
                    locales.insert(locale, values);
                }
            }
        }
        let mut templates: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (language, lines) in sections(TEMPLATES) {
            let all = lines.into_iter().map(|line| line.replace("\\n", "\n").replace("\\t", "\t"));
            templates.insert(language, all.filter(mine).collect());
        }
        let words = WORDS.lines().filter_map(keyed).map(|(key, all)| (key.to_owned(), all)).collect();
        Self { locales, countries, templates, words }
    }

    pub(crate) fn words(&self, key: &str) -> &[String] {
        self.words.get(key).map_or(&[], Vec::as_slice)
    }

    /// Health terms of a language; there are more in English, which is used everywhere.
    pub(crate) fn health(&self, language: &str, part: Part) -> Vec<&String> {
        let own = self.words(&format!("health-{language}"));
        let all = if own.is_empty() { self.words("health") } else { own };
        all.iter().filter(|term| Part::of(term) == part).collect()
    }

    /// The words of each class of the gazetteer, in its order: of this part's names, and all words.
    pub(crate) fn classes(&self, part: Part) -> Vec<(&'static str, Vec<String>)> {
        let function: Vec<&str> = self.words("function").iter().map(String::as_str).collect();
        let of_locales = |key: &'static str| {
            self.locales.values().filter_map(move |values| values.get(key)).flatten().cloned()
        };
        let of_words =
            |keys: &[&str]| -> Vec<String> { keys.iter().flat_map(|key| self.words(key)).cloned().collect() };
        CLASSES
            .iter()
            .map(|class| {
                let values: Vec<String> = match *class {
                    "given" => of_locales("given").collect(),
                    "family" => of_locales("family").collect(),
                    "place" => of_locales("city").chain(of_locales("region")).collect(),
                    "country" => self.countries.clone(),
                    "street" => of_words(&["street"]),
                    "company" => of_locales("company").collect(),
                    "form" => of_locales("form").collect(),
                    "title" => of_words(&["title"]),
                    "health" => {
                        let all = self.words.iter().filter(|(key, _)| key.starts_with("health"));
                        all.flat_map(|(_, terms)| terms).filter(|t| Part::of(t) == part).cloned().collect()
                    }
                    "month" => of_words(&["month", "weekday"]),
                    "common" => {
                        let templates = self.templates.values().flatten().flat_map(|text| small_words(text));
                        let lex = self
                            .words
                            .iter()
                            .filter(|(key, _)| key.starts_with("lex"))
                            .flat_map(|(_, words)| words);
                        let own = of_words(&["noun", "adj", "verb", "function", "adverb", "cyber", "topic"]);
                        own.into_iter().chain(lex.cloned()).chain(templates).collect()
                    }
                    "kin" => of_words(&["kin"]),
                    "birth" => of_words(&["birth"]),
                    _ => Vec::new(),
                };
                let names = !matches!(*class, "common" | "street" | "kin" | "title" | "birth" | "month");
                let mut words: Vec<String> = values
                    .iter()
                    .flat_map(|value| value.split(|c: char| !c.is_alphanumeric() && c != '\''))
                    .map(str::to_lowercase)
                    .filter(|word| word.chars().count() > 1 || !names)
                    .filter(|word| !word.is_empty() && !(names && function.contains(&word.as_str())))
                    .collect();
                words.sort_unstable();
                words.dedup();
                (*class, words)
            })
            .collect()
    }
}

/// Words in small letters of a template's own text.
fn small_words(template: &str) -> Vec<String> {
    let outside = template.split('{').enumerate().map(|(at, piece)| match piece.split_once('}') {
        Some((_, after)) if at > 0 => after,
        _ => piece,
    });
    let words = outside.flat_map(|text| text.split(|c: char| !c.is_alphabetic()));
    words.filter(|word| !word.is_empty() && word.chars().all(char::is_lowercase)).map(str::to_owned).collect()
}
