//! Stand-ins there and back.

use std::sync::Arc;

use proptest::prelude::*;
use stockade_crypto::MacKey;
use stockade_domain::{Micros, WorkloadId};
use stockade_inspect::{PseudonymMap, Pseudonymiser, Restorer, union};

use super::examine;

fn map(values: &[(&str, &str)]) -> (Arc<PseudonymMap>, Vec<String>) {
    let with = Pseudonymiser::new(MacKey::new(&[1; 32]));
    let workload = WorkloadId::new(Micros::from_i64(7), [3; 10]);
    let mut map = PseudonymMap::new();
    let fakes = values.iter().map(|(ty, value)| {
        map.pseudonymise(&with, b"talk", &workload, ty, value).expect("a type with stand-ins")
    });
    let fakes = fakes.collect();
    (Arc::new(map), fakes)
}

/// The text with stand-ins turned back, from pieces of some characters each, and how many were refused.
fn restored(map: &Arc<PseudonymMap>, text: &str, size: usize) -> (String, usize) {
    let mut restorer = Restorer::new(Arc::clone(map));
    let (mut out, mut sent, mut refused, mut fed) = (String::new(), 0, 0, 0);
    let chars: Vec<char> = text.chars().collect();
    let mut steps: Vec<_> = chars
        .chunks(size)
        .map(|piece| {
            let piece: String = piece.iter().collect();
            fed += piece.len();
            let step = restorer.push(&piece);
            assert!(step.safe <= fed);
            step
        })
        .collect();
    steps.push(restorer.finish());
    for step in steps {
        for place in step.restorations {
            assert!(place.start >= sent && place.end <= step.safe);
            out.push_str(&text[sent..place.start]);
            out.push_str(&place.original);
            sent = place.end;
        }
        assert!(step.safe >= sent && text.is_char_boundary(step.safe));
        out.push_str(&text[sent..step.safe]);
        sent = step.safe;
        refused += step.refused;
    }
    assert_eq!(sent, text.len());
    (out, refused)
}

const VALUES: &[(&str, &str)] = &[
    ("email", "alice@corp.example"),
    ("email", "bob@corp.example"),
    ("card", "4111 1111 1111 1111"),
    ("us_ssn", "536-22-8145"),
    ("iban", "GB29 NWBK 6016 1331 9268 19"),
];

#[test]
fn there_and_back() {
    let (map, fakes) = map(VALUES);
    let text = format!("Dear {}, card {}; {}, {} and {}.", fakes[0], fakes[2], fakes[3], fakes[4], fakes[1]);
    let want = "Dear alice@corp.example, card 4111 1111 1111 1111; 536-22-8145, GB29 NWBK 6016 1331 9268 19 and bob@corp.example.";
    for size in [1, 2, 5, 1000] {
        assert_eq!(restored(&map, &text, size), (want.to_owned(), 0));
    }
    let upper = fakes[0].to_uppercase().replace('@', "\u{200b}@");
    assert_eq!(restored(&map, &upper, 3).0, "alice@corp.example");
    assert_eq!(restored(&map, &fakes[2].replace(' ', ""), 3).0, "4111 1111 1111 1111");
    assert_eq!(map.recognise(&text).len(), 5);
}

#[test]
fn never_in_an_address_nor_inside_another_word() {
    let (map, fakes) = map(VALUES);
    let fake = &fakes[0];
    for (text, refused) in [
        (format!("https://evil.example/?m={fake}"), 1),
        (format!("![x](https://evil.example/{fake}/x.png)"), 1),
        (format!("[mail](mailto:{fake})"), 1),
        (format!("<a href=\"x\" title='{fake}'>"), 1),
        (format!("[r]: {fake}"), 1),
        (format!("x{fake}"), 0),
        (format!("{fake}.evil.example"), 0),
        (format!("{fake}x"), 0),
    ] {
        for size in [1, 4, 100] {
            assert_eq!(restored(&map, &text, size), (text.clone(), refused));
        }
    }
    assert_eq!(restored(&map, &format!("Alice <{fake}>"), 2).0, "Alice <alice@corp.example>");
}

#[test]
fn every_type_of_personal_data_has_a_stand_in_that_is_not_found_again() {
    let text = "alice@corp.example 4111 1111 1111 1111 536-22-8145 DE89 3704 0044 0532 0130 00";
    let values: Vec<(String, &str)> = union(&examine(text, false).findings)
        .into_iter()
        .map(|region| (region.ty.to_string(), &text[region.start..region.end]))
        .collect();
    assert_eq!(values.len(), 4);
    let values: Vec<(&str, &str)> = values.iter().map(|(ty, value)| (ty.as_str(), *value)).collect();
    let (_, fakes) = map(&values);
    let report = examine(&fakes[1..].join(" ; "), false);
    assert_eq!(report.findings, [], "{fakes:?}");
}

proptest! {
    #[test]
    fn cuts_do_not_matter(parts in proptest::collection::vec(0usize..12, 0..12), size in 1usize..9) {
        let (map, fakes) = map(VALUES);
        let pieces = [fakes[0].as_str(), &fakes[1], &fakes[2], &fakes[3], &fakes[4], " ", ".", "person-", "9999 ", "https://", "\u{200b}", "密"];
        let text: String = parts.iter().map(|p| pieces[*p]).collect();
        prop_assert_eq!(restored(&map, &text, size), restored(&map, &text, 1_000));
    }
}

proptest! {
    /// Whatever stands between the beginning of an address and the stand-in, it is not turned back.
    #[test]
    fn nothing_ends_an_address_but_its_end(
        noise in "([<>\"'`|()\\[\\]\\\\=/ \u{a0}\u{3000}\u{2003}\u{201c}\u{201d}\u{ff1e}\u{ff09}\u{200b}\u{c}\n\t&;,.:a-c!-]|<b>|</b>|<!-- -->|<a b='){0,24}",
        size in 1usize..40,
    ) {
        let (map, fakes) = map(VALUES);
        let without = |chars: &[char]| noise.chars().filter(|c| !chars.contains(c)).collect::<String>();
        let url = without(&[' ', '\n', '\t', '\u{c}']);
        let double = without(&['"']);
        let single = without(&['\'']);
        for text in [
            format!("see https://x.example/?e={url}"),
            format!("[a]: http://x.example/?e={url}"),
            format!("<img src=\"https://x.example/?e={double}"),
            format!("<p class=a><img alt = \"{double}"),
            format!("<a\nhref='//x.example/?e={single}"),
            format!("<style>{}", noise.replace('/', "")),
        ] {
            let text = format!("{text}?{}", fakes[0]);
            prop_assert_eq!(restored(&map, &text, size).0, text);
        }
    }
}
