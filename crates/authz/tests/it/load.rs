//! What is refused when policies are loaded, and where the refusal points.

use stockade_authz::{CaseFile, PolicySet};

const SCOPE: &str = "permit (principal, action == Stockade::Action::\"connect\", resource);";

/// The part of the text that the first error points at, and its message with help.
fn refusal(text: &str) -> (String, String) {
    let errors = PolicySet::load(&[("a.cedar", text)]).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(error.file, "a.cedar");
    let place = error.span.clone().map_or("", |span| &text[span]).to_owned();
    (place, format!("{} {}", error.message, error.help.as_deref().unwrap_or_default()))
}

#[test]
fn mistakes_are_refused_where_they_stand() {
    for (annotations, place, message) in [
        ("", "permit (principal", "no id"),
        ("@id(\"Two Words\")", "@id", "not a valid one"),
        ("@id(\"a\") @obligaton(\"strict\")", "@obligaton", "did you mean"),
        ("@id(\"a\") @obligation(\"approve\")", "@obligation", "`approve` is not an obligation"),
        ("@id(\"a\") @obligation(\"strict|\")", "@obligation", "is not an obligation"),
        ("@id(\"a\") @waive(\"everything\")", "@waive", "is not an obligation"),
        ("@id(\"a\") @floor", "@floor", "belongs to"),
        ("@id(\"a\") @floor(\"x\") @obligation(\"strict\")", "@floor", "no value"),
        ("@id(\"a\") @floor @obligation(\"strict\") @waive(\"strict\")", "@waive", "belongs to"),
        ("@id(\"a\") @reason(\"x\")", "@reason", "belongs to"),
        ("@id(\"a\") @mode(\"watch\")", "@mode", "not a mode"),
    ] {
        let (found, said) = refusal(&format!("// first; comment\n{annotations}\n{SCOPE}"));
        assert!(found.starts_with(place), "{annotations}: {found}");
        assert!(said.contains(message), "{annotations}: {said}");
    }
}

#[test]
fn a_forbid_takes_no_obligations() {
    let forbid = "forbid (principal, action, resource) when { principal has user };";
    for annotation in ["@obligation(\"strict\")", "@waive(\"strict\")", "@floor"] {
        let (_, said) = refusal(&format!("@id(\"a\") {annotation} {forbid}"));
        assert!(said.contains("belongs to"), "{annotation}: {said}");
    }
    assert!(refusal(&format!("@id(\"a\") @reason(\"No!\") {forbid}")).1.contains("not a reason code"));
}

#[test]
fn cedar_s_own_errors_keep_their_place() {
    let (place, _) = refusal("@id(\"a\") permit (principal, action, resourse);");
    assert_eq!(place, "resourse");
    let unknown = "@id(\"a\") forbid (principal, action == Stockade::Action::\"invoke\", resource)\n\
                   when { context.opaqe };";
    let (place, said) = refusal(unknown);
    assert!(place.contains("opaqe") && said.contains("opaque"), "{place}: {said}");
    let (place, _) = refusal(&unknown.replace("forbid", "@floor @obligation(\"strict\") permit"));
    assert!(place.contains("opaqe"), "{place}");
    // Strict mode: attributes that may be missing must be asked for, and words of the schema must exist.
    for condition in [
        "context.addr.isLoopback()",
        "principal.user == Stockade::User::\"a\"",
        "principal.workload.audience == Stockade::Audience::\"everyone\"",
        "principal.workload.audience == \"public\"",
        "principal.workload.label > 2",
    ] {
        let scope = "@id(\"a\") forbid (principal, action == Stockade::Action::\"invoke\", resource)";
        let (place, said) = refusal(&format!("{scope} when {{ {condition} }};"));
        assert!(!place.is_empty(), "{condition}: {said}");
    }
}

#[test]
fn a_policy_that_can_never_apply_is_refused() {
    let (_, said) = refusal("@id(\"a\") forbid (principal, action, resource) when { false };");
    assert!(said.contains("impossible") || said.contains("always"), "{said}");
}

#[test]
fn ids_are_unique_across_files_and_templates_are_refused() {
    let policy = format!("@id(\"a\") {SCOPE}");
    let errors = PolicySet::load(&[("a.cedar", &policy), ("b.cedar", &policy)]).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert!(error.file == "b.cedar" && error.message.contains("already") && error.span.is_some());
    let (_, said) = refusal("@id(\"a\") permit (principal == ?principal, action, resource);");
    assert!(said.contains("templates"));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = format!("@id(\"a\") @x {SCOPE}\n@id(\"b\") @y {SCOPE}");
    assert_eq!(PolicySet::load(&[("a.cedar", &text)]).unwrap_err().iter().count(), 2);
}

#[test]
fn the_hash_depends_on_names_and_texts_and_not_on_order() {
    let (a, b) = (format!("@id(\"a\") {SCOPE}"), format!("@id(\"b\") {SCOPE}"));
    let hash = |files: &[(&str, &str)]| PolicySet::load(files).unwrap().hash().to_owned();
    let one = hash(&[("a.cedar", &a), ("b.cedar", &b)]);
    assert_eq!(one, hash(&[("b.cedar", &b), ("a.cedar", &a)]));
    assert_ne!(one, hash(&[("b.cedar", &a), ("a.cedar", &b)]));
    assert_ne!(one, hash(&[("a.cedar", &format!("{a}\n{b}"))]));
    assert!(one.len() == 64 && one.bytes().all(|c| c.is_ascii_hexdigit()));
}

#[test]
fn case_files_are_strict() {
    for (text, message) in [
        ("[[case]]\nname = \"x\"\nworkload = \"a\"\naction = \"invoke\"", "there is no `[workloads.a]`"),
        ("[workloads.a]\nmodel = []", "unknown field `model`"),
        (
            "[workloads.a]\n[[case]]\nname = \"x\"\nworkload = \"a\"\naction = \"invoke\"\nmodel = \"m\"",
            "[models.m]",
        ),
        ("[workloads.a]\n[[case]]\nname = \"x\"\nworkload = \"a\"\naction = \"dance\"", "unknown variant"),
        (
            "[workloads.a]\n[[case]]\nname = \"x\"\nworkload = \"a\"\naction = \"call_tool\"\ntool = \"t\"",
            "name one",
        ),
        ("[[case", "invalid"),
    ] {
        let said = CaseFile::parse("t.toml", text).unwrap_err().to_string();
        assert!(said.contains(message) || message == "invalid", "{said}");
    }
}
