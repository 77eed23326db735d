use super::super::find::{Finder, Views};
use super::super::values::{INNOCENT, Seeded, planted};
use super::*;

/// With nothing in between, the test must see every planted value; else its zero would mean nothing.
#[test]
fn without_a_gateway_everything_leaks() {
    let key = format!("stk_0123456789_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL3nP6rU9xB2eG5kM8w");
    for value in planted(&mut Seeded::new(1), &key) {
        let finder = Finder::new(&value).unwrap();
        let text = format!("Gr\u{fc}\u{df}e {} \u{1f642}", value.text);
        for (channel, stream) in CHANNELS.iter().flat_map(|channel| [(*channel, true), (*channel, false)]) {
            for cut in channel.cuts(stream) {
                for at in (0..).step_by(7) {
                    let Some(answer) = build(channel, stream, *cut, &text, at) else { break };
                    let header = answer.header.unwrap_or_default().replace(' ', "\n");
                    let seen = Views::of(&answer.writes.concat(), &header).leaked(&finder);
                    // A line of SSE or a header has a space where the value had a line break.
                    assert!(
                        seen + 1 >= value.secret.len(),
                        "{channel:?} {stream} {cut:?} {at} {}",
                        value.name
                    );
                }
            }
        }
    }
}

#[test]
fn without_a_gateway_innocent_text_arrives() {
    for (channel, stream) in CHANNELS.iter().flat_map(|channel| [(*channel, true), (*channel, false)]) {
        let Some(place) = channel.place(stream) else { continue };
        for cut in channel.cuts(stream) {
            for at in 0.. {
                let Some(answer) = build(channel, stream, *cut, INNOCENT, at) else { break };
                let views = Views::of(&answer.writes.concat(), "");
                assert_eq!(views.at(&place), INNOCENT, "{channel:?} {cut:?} {at}");
            }
        }
    }
}

#[test]
fn a_cut_falls_where_it_is_counted() {
    let answer = build(C::Content, true, Cut::Write, "ab", 1).unwrap();
    assert!(answer.writes.first().is_some_and(|write| write.ends_with(b"\"content\":\"a")));
    let answer = build(C::Content, true, Cut::Utf8, "\u{fc}", 0).unwrap();
    assert!(answer.writes.first().is_some_and(|write| write.ends_with(&[0xC3])));
}
