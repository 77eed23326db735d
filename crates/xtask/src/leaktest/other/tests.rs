use super::super::find::{Finder, Views};
use super::super::values::{Seeded, planted};
use super::*;

/// With nothing in between, the test must see every planted value; else its zero would mean nothing.
#[test]
fn without_a_gateway_everything_leaks() {
    let key = format!("stk_0123456789_{}", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hL3nP6rU9xB2eG5kM8w");
    for value in planted(&mut Seeded::new(3), &key) {
        let finder = Finder::new(&value).unwrap();
        for channel in answers() {
            for (stream, cut) in
                [true, false].into_iter().flat_map(|s| channel.cuts(s).iter().map(move |c| (s, *c)))
            {
                for at in (0..).step_by(7) {
                    let Some(answer) = channel.build(stream, cut, &value.text, at) else { break };
                    let seen = Views::of(&answer.writes.concat(), "").leaked(&finder);
                    assert_eq!(
                        seen,
                        value.secret.len(),
                        "{:?} {} {cut:?} {at} {}",
                        channel.talk,
                        channel.name,
                        value.name
                    );
                }
            }
        }
        for channel in requests() {
            for cut in request::CUTS {
                let Some(request) = channel.build(*cut, &value.text, "m", 0) else { continue };
                let seen = Views::of(&request.writes.concat(), "").leaked(&finder);
                assert_eq!(
                    seen,
                    value.secret.len(),
                    "{:?} {} {cut:?} {}",
                    channel.talk,
                    channel.name,
                    value.name
                );
            }
        }
    }
}

#[test]
fn every_event_and_body_is_json() {
    for channel in answers() {
        let events = channel.stream.iter().flat_map(|s| s.before.iter().chain(s.piece).chain(s.after));
        for text in events.copied().chain(channel.whole) {
            let text = text.replace(NUMBER, "0");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{} {text}", channel.name);
        }
    }
    for channel in requests() {
        let parsed = serde_json::from_str::<serde_json::Value>(channel.body);
        assert!(parsed.is_ok(), "{} {}", channel.name, channel.body);
    }
}
