//! Integration tests of the evidence types.

#[test]
fn the_chain_cannot_be_entered_from_the_side() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/it/fail/*.rs");
}
