//! The control socket, as somebody uses it who does not play by the rules.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::support::Place;

fn say(place: &Place, bytes: &[u8]) -> Value {
    let mut stream = UnixStream::connect(place.data().join("run/control.sock")).unwrap();
    // The server may answer and go before it has read all.
    let _broken_off = stream.write_all(bytes);
    let _broken_off = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _broken_off = stream.read_to_end(&mut answer);
    serde_json::from_slice(&answer).unwrap_or_default()
}

#[test]
fn what_is_not_a_question_gets_a_short_answer() {
    let place = Place::new();
    let _server = place.start();
    let code = |bytes: &[u8]| say(&place, bytes)["result"]["Err"]["code"].as_str().map(str::to_owned);
    assert_eq!(code(b"hello\n").as_deref(), Some("malformed"));
    assert_eq!(code(b"").as_deref(), Some("malformed"));
    assert_eq!(code(b"{\"v\":2,\"request\":{\"verb\":\"key_list\"}}\n").as_deref(), Some("version"));
    assert_eq!(code(b"{\"v\":1,\"request\":{\"verb\":\"open_sesame\"}}\n").as_deref(), Some("malformed"));
    // Longer than a line may be: cut off, not collected.
    let long = vec![b'x'; 8 << 20];
    assert!(matches!(code(&long).as_deref(), Some("malformed") | None));
    let good = say(&place, b"{\"v\":1,\"request\":{\"verb\":\"workload_list\"}}\n");
    assert_eq!(good["result"]["Ok"][0]["name"], "playground");
}
