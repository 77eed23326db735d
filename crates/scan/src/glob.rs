//! Patterns over names and paths.

/// Whether a text is what a pattern says, `*` standing for any characters. Takes at most length times length steps.
#[must_use]
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0_usize, 0_usize);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, t));
                p = p.saturating_add(1);
            }
            Some(&wanted) if wanted == byte => {
                p = p.saturating_add(1);
                t = t.saturating_add(1);
            }
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from.saturating_add(1)));
                    p = star.saturating_add(1);
                    t = from.saturating_add(1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|&byte| byte == b'*'))
}

/// Whether a path, or its end after some `/`, is what a pattern says.
#[must_use]
pub(crate) fn matches_path(pattern: &str, path: &str) -> bool {
    if matches(pattern, path) {
        return true;
    }
    path.match_indices('/')
        .any(|(at, _)| path.get(at.saturating_add(1)..).is_some_and(|end| matches(pattern, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        assert!(matches("a*c*", "abcd"));
        assert!(!matches("a*c", "abcd"));
        assert!(matches("*", ""));
        assert!(matches_path(".claude/settings*.json", "x/.claude/settings.local.json"));
        assert!(!matches_path("settings.json", "mysettings.json"));
    }
}
