//! Paragraphs are found again however they are laid out, and others are not.

use proptest::prelude::*;
use stockade_crypto::MacKey;
use stockade_inspect::excerpt::{ExcerptKey, ExcerptReader, Excerpts, LineReader, Marking, plain, split};

const PARAGRAPH: &str = "The settlement with Harrow & Vance was signed on the fourteenth: nine instalments, the first \
                         due before the audit, and no party may speak of the amount until the court has closed the file.";

const OTHER: &str = "A walk through the old harbour takes an hour. Bring water in summer, and mind the tide at the second \
                     bridge, where the steps are slippery and the railing ends before the path does.";

fn known() -> Excerpts<&'static str> {
    let key = ExcerptKey::new(&MacKey::new(b"a key of tests"));
    let mut all = Excerpts::new(key.clone());
    for print in &split(&key, PARAGRAPH).prints {
        all.insert(print, "secret");
    }
    all
}

fn found(text: &str) -> bool {
    known().found_in(text).next().is_some()
}

#[test]
fn a_paragraph_is_found_in_other_clothes() {
    let words: Vec<&str> = PARAGRAPH.split_whitespace().collect();
    let wrapped: String = words.chunks(3).map(|line| format!("> {}\n", line.join(" "))).collect();
    let escaped = serde_json::to_string(&wrapped).unwrap();
    let shouted = PARAGRAPH.to_uppercase();
    let wide: String = PARAGRAPH
        .chars()
        .map(|c| if c.is_ascii_alphabetic() { char::from_u32(u32::from(c) + 0xfee0).unwrap() } else { c })
        .collect();
    let hidden = PARAGRAPH.replace('e', "e\u{200b}");
    let glued = format!("{OTHER} And then: {PARAGRAPH}{OTHER}");
    let part: String = words[4..26].join("  \t");
    let changed = PARAGRAPH.replace("nine", "ten");
    for (what, text) in [
        ("as it is", PARAGRAPH),
        ("wrapped and quoted", &wrapped),
        ("in JSON", &escaped),
        ("in capitals", &shouted),
        ("in wide letters", &wide),
        ("with hidden characters", &hidden),
        ("inside another text", &glued),
        ("in part", &part),
        ("with a word changed", &changed),
    ] {
        assert!(found(text), "{what}");
    }
}

#[test]
fn other_texts_are_not_taken_for_it() {
    assert!(!found(OTHER) && !found("") && !found("The settlement was signed."));
    // Phrases of it, far apart.
    let far = format!("was signed on the fourteenth. {} may speak of the amount until", OTHER.repeat(4));
    assert!(!found(&far));
    let reversed: String = PARAGRAPH.split_whitespace().rev().collect::<Vec<_>>().join(" ");
    assert!(!found(&reversed));
}

#[test]
fn headings_and_phrases_are_left_out() {
    let key = ExcerptKey::new(&MacKey::new(b"a key of tests"));
    let text = format!("Summary\n\n{PARAGRAPH}\n\nKind regards, all the best\n\n{OTHER}\n");
    let split = split(&key, &text);
    assert_eq!((split.prints.len(), split.short), (2, 2));
}

#[test]
fn a_marking_is_found_behind_hidden_characters() {
    let marking = Marking::new("(?i)classification: *confidential").unwrap();
    assert!(marking.is_in(&plain("CLASSIFI\u{200b}CATION: Ｃonfidential")));
    assert!(!marking.is_in(&plain("classification: public")));
    assert!(
        Marking::new("(").is_err() && Marking::new("x*").is_err() && Marking::new("(a{1000}){1000}").is_err()
    );
}

proptest! {
    /// What is found does not depend on how a text is cut.
    #[test]
    fn pieces_make_no_difference(cuts in prop::collection::vec(0_usize..400, 0..8), before in "[a-z ]{0,40}") {
        let all = known();
        let text = format!("{before} {PARAGRAPH} \n{OTHER}\n{PARAGRAPH}");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| text.floor_char_boundary(cut)).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let (mut reader, mut lines) = (ExcerptReader::default(), LineReader::default());
        let key = ExcerptKey::new(&MacKey::new(b"a key of tests"));
        let (mut from, mut given) = (0, Vec::new());
        for cut in cuts {
            reader.push(&all, &text[from..cut]);
            lines.push(&key, &text[from..cut], |line| given.push(line));
            from = cut;
        }
        reader.finish(&all);
        lines.finish(&key, |line| given.push(line));
        prop_assert!(!reader.found().is_empty());
        let (mut whole, mut at_once) = (LineReader::default(), Vec::new());
        whole.push(&key, &text, |line| at_once.push(line));
        whole.finish(&key, |line| at_once.push(line));
        prop_assert_eq!(given, at_once);
    }
}
