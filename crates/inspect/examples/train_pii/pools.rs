//! What texts are made of: names by locale, words, templates. Each value and template belongs to one part of three, so
//! that what is measured was never trained on.

use std::collections::BTreeMap;

use stockade_inspect::tagger::CLASSES;

const POOLS: &str = include_str!("pools.txt");
const TEMPLATES: &str = include_str!("templates.txt");
const WORDS: &str = include_str!("words.txt");

/// A part of all values and templates. Of templates twice as many are held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Most: what is learned from.
    Train,
    /// What thresholds are set by.
    Set,
    /// What is reported.
    Test,
}

/// Values of one part by what they are.
pub(crate) type Values = BTreeMap<String, Vec<String>>;

/// All that texts of one part are made of.
pub(crate) struct Pools {
    parts: Vec<Part>,
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
        // Of templates there are few, so more of them are held out.
        let share = if value.contains(['{', ' ']) && value.len() > 24 { 2 } else { 1 };
        match (hash >> 32) % 10 {
            n if n < share => Self::Set,
            n if n < 2 * share => Self::Test,
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
    pub(crate) fn new(parts: &[Part]) -> Self {
        let mine = |value: &String| parts.contains(&Part::of(value));
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
            // Between words without sense nobody can tell a town from a person: good to learn from, not to measure by.
            let senseless = |text: &String| text.contains("{salad}") && !language.ends_with('-');
            let all =
                all.filter(|text| if senseless(text) { parts.contains(&Part::Train) } else { mine(text) });
            templates.insert(language.clone(), all.collect());
        }
        let words = WORDS.lines().filter_map(keyed).map(|(key, all)| (key.to_owned(), all)).collect();
        Self { parts: parts.to_vec(), locales, countries, templates, words }
    }

    pub(crate) fn words(&self, key: &str) -> &[String] {
        self.words.get(key).map_or(&[], Vec::as_slice)
    }

    /// Health terms of a language; there are more in English, which is used everywhere.
    pub(crate) fn health(&self, language: &str) -> Vec<&String> {
        let own = self.words(&format!("health-{language}"));
        let all = if own.is_empty() { self.words("health") } else { own };
        all.iter().filter(|term| self.parts.contains(&Part::of(term))).collect()
    }

    /// The words of each class of the gazetteer, in its order: of this part's names, and all words.
    pub(crate) fn classes(&self) -> Vec<(&'static str, Vec<String>)> {
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
                        all.flat_map(|(_, terms)| terms)
                            .filter(|term| self.parts.contains(&Part::of(term)))
                            .cloned()
                            .collect()
                    }
                    "month" => of_words(&["month", "weekday"]),
                    "common" => {
                        let templates = self.templates.values().flatten().flat_map(|text| small_words(text));
                        let lex = self
                            .words
                            .iter()
                            .filter(|(key, _)| key.starts_with("lex"))
                            .flat_map(|(_, words)| words);
                        let own = of_words(&[
                            "noun", "adj", "verb", "function", "adverb", "cyber", "topic", "language",
                        ]);
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
                    .filter(|word| !word.is_empty())
                    .filter(|word| !names || !function.contains(&word.as_str()))
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
