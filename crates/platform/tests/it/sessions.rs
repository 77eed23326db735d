use stockade_views::{LinkError, Sessions as _};

use crate::support::Place;

#[test]
fn a_link_works_once_and_for_ten_minutes() {
    let place = Place::new();
    let platform = place.open();
    let token = platform.sessions.new_link("cli").unwrap();
    assert_eq!(platform.sessions.consume_link("something else"), Err(LinkError::Spent));
    assert!(platform.sessions.consume_link(&token).is_ok());
    assert_eq!(platform.sessions.consume_link(&token), Err(LinkError::Spent));
    let late = platform.sessions.new_link("cli").unwrap();
    place.clock.advance(601);
    assert_eq!(platform.sessions.consume_link(&late), Err(LinkError::Spent));
}

#[test]
fn a_session_outlasts_a_restart_but_not_its_end() {
    let place = Place::new();
    let platform = place.open();
    let token = platform.sessions.new_link("cli").unwrap();
    let session = platform.sessions.consume_link(&token).unwrap();
    let csrf = platform.sessions.session(&session.cookie).unwrap().csrf;
    assert_ne!(csrf, session.cookie);
    platform.close().unwrap();
    drop(platform);

    let platform = place.open();
    assert_eq!(platform.sessions.session(&session.cookie).unwrap().csrf, csrf);
    assert!(platform.sessions.session(&csrf).is_none());
    platform.sessions.end(&session.cookie);
    assert!(platform.sessions.session(&session.cookie).is_none());

    let token = platform.sessions.new_link("cli").unwrap();
    let session = platform.sessions.consume_link(&token).unwrap();
    place.clock.advance(12 * 3_600);
    assert!(platform.sessions.session(&session.cookie).is_none());
}

#[test]
fn guessing_is_slowed_down() {
    let place = Place::new();
    let platform = place.open();
    for _ in 0..30 {
        assert_eq!(platform.sessions.consume_link("guess"), Err(LinkError::Spent));
    }
    assert_eq!(platform.sessions.consume_link("guess"), Err(LinkError::TooMany));
    let token = platform.sessions.new_link("cli").unwrap();
    assert!(platform.sessions.consume_link(&token).is_ok(), "a good link still works");
    place.clock.advance(61);
    assert_eq!(platform.sessions.consume_link("guess"), Err(LinkError::Spent));
}
