//! The built-in rules, embedded. The binary passes them on as a value; nothing reads them from here by itself.

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        /// Every rule file: its path below `rules/` and its text.
        pub const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../../rules/", $path)))),+];
    };
}

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

files![
    "recognizers/aws-access-key.toml",
    "recognizers/aws-secret-key.toml",
    "recognizers/card.toml",
    "recognizers/email.toml",
    "recognizers/github-token.toml",
    "recognizers/iban.toml",
    "recognizers/jwt.toml",
    "recognizers/private-key.toml",
    "recognizers/stockade-key.toml",
    "recognizers/us-ssn.toml",
    "signals/delimiter-confusion.toml",
    "signals/exfiltration.toml",
    "signals/hidden-text.toml",
    "signals/instruction-override.toml",
    "signals/jailbreak-persona.toml",
    "signals/prompt-reveal.toml",
];

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
    fn every_file_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
        let mut missing = Vec::new();
        for folder in ["recognizers", "signals"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let name = format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy());
                if !super::FILES.iter().any(|(path, _)| *path == name) {
                    missing.push(name);
                }
            }
        }
        assert!(missing.is_empty(), "not embedded: {missing:?}");
    }
}
