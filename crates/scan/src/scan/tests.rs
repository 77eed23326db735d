use stockade_rulebook::Rulebook;

/// A cache of other rules must not hide what these find.
#[test]
fn any_rule_that_differs_makes_another_version() {
    let book = Rulebook::new(stockade_rules::FILES);
    let whole = super::version(&book, None, false);
    assert_eq!(whole, super::version(&book.clone(), None, false));
    for folder in ["artifacts/", "recognizers/", "scan/"] {
        let (left_out, _) = book.texts().find(|(path, _)| path.starts_with(folder)).unwrap();
        let less = book.filtered(|path, _| path != left_out);
        assert_ne!(whole, super::version(&less, None, false), "{left_out}");
    }
}
