//! What a value of an object is called: it says as much about the value as words before it do in a text.

/// Names that say nothing; what the object is called counts then.
const BLANK: &[&str] =
    &["const", "content", "data", "default", "enum", "example", "examples", "text", "value", "values"];

/// Lists of words that are one line.
const LINES: &[&str] = &["args", "argv", "cmd", "command"];

/// What stands before a value where its object is read as a text: its name, once for all elements of a list, and an end of
/// what stood before. Of a pair of `name` and `value` the one is what the other is called; `previous` is the pointer and the
/// text of what stands before.
pub(crate) fn before(pointer: &str, previous: Option<(&str, &str)>) -> String {
    let mut name = "";
    let mut is_later = false;
    for segment in pointer.rsplit('/') {
        let is_index = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
        if is_index || segment == "*" {
            is_later |= is_index && segment != "0";
            continue;
        }
        if name.is_empty() || BLANK.contains(&name) && !is_root(segment) {
            name = segment;
        }
        if !BLANK.contains(&name) || is_root(segment) {
            break;
        }
    }
    let pair = previous.zip(pointer.strip_suffix("/value")).filter(|((before, _), object)| {
        before.strip_prefix(object).is_some_and(|key| matches!(key, "/name" | "/key"))
    });
    if let Some(((_, named), _)) = pair {
        return format!("\n\"{named}\": \"");
    }
    match is_later || name.is_empty() {
        true if LINES.contains(&name) => " ".to_owned(),
        true => "\n".to_owned(),
        false => format!("\n\"{}\": \"", name.replace("~1", "/").replace("~0", "~")),
    }
}

/// What the object of a call is called, and a message: they are no names of values.
fn is_root(segment: &str) -> bool {
    matches!(
        segment,
        "input" | "arguments" | "action" | "message" | "messages" | "delta" | "choices" | "output"
    )
}

#[cfg(test)]
mod tests {
    use super::before;

    #[test]
    fn a_value_is_called_what_its_object_calls_it() {
        for (pointer, text) in [
            ("/content/0/input/password", "\n\"password\": \""),
            ("/content/1/input/password/default", "\n\"password\": \""),
            ("/content/0/input/env/AWS~1KEY", "\n\"AWS/KEY\": \""),
            ("/content/0/input/source/0", "\n\"source\": \""),
            ("/content/0/input/source/7", "\n"),
            ("/content/0/input/edits/3/text", "\n"),
            ("/content/0/input/text", "\n\"text\": \""),
        ] {
            assert_eq!(before(pointer, None), text, "{pointer}");
        }
        let previous = Some(("/input/env/1/name", "DB_PASSWORD"));
        assert_eq!(before("/input/env/1/value", previous), "\n\"DB_PASSWORD\": \"");
        assert_eq!(before("/input/env/2/value", previous), "\n");
        assert_eq!(before("/input/command/2", None), " ");
    }
}
