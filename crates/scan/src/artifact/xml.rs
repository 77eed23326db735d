//! XML (PMML, OpenVINO): documents that make their reader fetch files or expand without end.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::read::{ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// How much is read, in bytes.
const MOST: usize = 64 << 20;

/// Reads a document. Entities are never expanded.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) {
    if source.len() > MOST as u64 {
        scan.incomplete(place, "xml", "it is longer than is read");
    }
    let bytes = bytes_at(source, 0, MOST);
    let mut reader = Reader::from_reader(bytes.as_slice());
    reader.config_mut().check_end_names = false;
    loop {
        let at = reader.buffer_position();
        match reader.read_event() {
            Ok(Event::Eof) => return,
            Ok(Event::DocType(text)) => {
                let upper = text.to_ascii_uppercase();
                if upper.contains("<!ENTITY") {
                    let message = "the document declares entities: readers fetch or expand them".to_owned();
                    scan.issue(rule::XML, place, message, Some(at));
                } else if upper.contains("SYSTEM") || upper.contains("PUBLIC") {
                    let message = "the document names an external definition, which readers fetch".to_owned();
                    scan.issue(rule::XML, place, message, Some(at));
                }
            }
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                if tag.local_name().as_ref() == "include" && tag.name().as_ref().starts_with("xi:") {
                    let message = "the document includes another file".to_owned();
                    scan.issue(rule::XML, place, message, Some(at));
                }
            }
            Ok(_) => {}
            Err(_) => {
                scan.incomplete(place, "xml", "it is damaged");
                return;
            }
        }
    }
}
