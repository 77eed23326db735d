//! The built-in rules, embedded. The binary passes them on as a value; nothing reads them from here by itself.

/// Every rule file: its path below `rules/` and its text, by path.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The built-in policies: name and text.
pub const POLICIES: &[(&str, &str)] = &[
    ("access.cedar", include_str!("../../../rules/cedar/access.cedar")),
    ("content.cedar", include_str!("../../../rules/cedar/content.cedar")),
    ("floor.cedar", include_str!("../../../rules/cedar/floor.cedar")),
    ("labels.cedar", include_str!("../../../rules/cedar/labels.cedar")),
    ("sandbox.cedar", include_str!("../../../rules/cedar/sandbox.cedar")),
];

/// The cases that the built-in policies are tested by: name and text.
pub const POLICY_CASES: &[(&str, &str)] =
    &[("default.toml", include_str!("../../../rules/cedar/tests/default.toml"))];

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn every_policy_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cedar");
        let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut found: Vec<String> = files.filter(|n| n.ends_with(".cedar")).collect();
        found.sort();
        assert_eq!(found, super::POLICIES.iter().map(|(n, _)| *n).collect::<Vec<_>>());
    }

    #[test]
    fn rule_files_are_embedded() {
        for path in ["recognizers/card.toml", "signals/hidden-text.toml"] {
            assert!(super::FILES.iter().any(|(name, text)| *name == path && text.contains("id = ")));
        }
    }
}
