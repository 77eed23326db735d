//! What a plain loader does where joblib reads the numbers of an array: it takes them for instructions.

use std::collections::HashSet;

use super::machine::{Follows, Machine, Watch};
use super::value::{Change, How, Value};
use crate::artifact::read::ReadAt;

/// Names that the numbers import when they are read as instructions, with the place of the first.
#[derive(Default)]
struct Plain<'k> {
    known: Option<&'k HashSet<String>>,
    first: Option<(String, u64)>,
}

/// The first import that a plain loader makes and joblib does not, with its offset. Numbers that are numbers break the
/// stream before they name anything.
pub(super) fn hidden_import(
    source: &dyn ReadAt,
    from: u64,
    known: &HashSet<String>,
    opcodes: u64,
) -> Option<(String, u64)> {
    let mut plain = Plain { known: Some(known), first: None };
    Machine::new(source, from).limited(opcodes).run(&mut plain);
    plain.first
}

/// Every import of a machine, as `module.name`.
pub(super) fn imports(machine: &Machine<'_>) -> HashSet<String> {
    let ids = 0..u32::try_from(machine.imports()).unwrap_or(u32::MAX);
    let named = ids.filter_map(|id| machine.imported(id));
    named.map(|import| format!("{}.{}", import.module, import.name)).collect()
}

impl Watch for Plain<'_> {
    fn import(&mut self, machine: &Machine<'_>, id: u32, offset: u64) {
        let Some(import) = machine.imported(id) else { return };
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && word.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        let is_path = |path: &str| path.len() < 512 && path.split('.').all(word);
        let path = format!("{}.{}", import.module, import.name);
        let is_new = self.known.is_none_or(|known| !known.contains(&path));
        if self.first.is_none() && is_new && is_path(&import.module) && is_path(&import.name) {
            self.first = Some((path, offset));
        }
    }

    /// A name that is computed needs an import before it, which is told.
    fn unknown_import(&mut self, _: &Machine<'_>, _: u64) {}

    fn call(&mut self, _: &Machine<'_>, _: How, _: Value, _: Value, _: u64) -> bool {
        false
    }

    fn change(&mut self, _: &Machine<'_>, _: Change, _: Value, _: Value, _: u64) {}

    fn persistent(&mut self, _: &Machine<'_>, _: Value, _: u64) {}

    fn extension(&mut self, _: i64, _: u64) {}

    fn follows(&mut self, _: &Machine<'_>, _: Value) -> Follows {
        Follows::Opcodes
    }

    fn bomb(&mut self, _: &'static str, _: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pickle(numbers: &[u8]) -> Vec<u8> {
        let wrapper = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)R}(Vshape\nI24\n\x85Vdtype\ncnumpy\ndtype\n(Vu1\ntRub";
        let mut numbers = numbers.to_vec();
        numbers.resize(24, 0);
        [wrapper.as_slice(), &numbers, b"."].concat()
    }

    fn hidden(numbers: &[u8]) -> Option<String> {
        let known = ["joblib.numpy_pickle.NumpyArrayWrapper", "numpy.dtype"].map(str::to_owned).into();
        hidden_import(&pickle(numbers).as_slice(), 0, &known, 1_000).map(|(path, _)| path)
    }

    #[test]
    fn instructions_among_numbers_are_seen_and_numbers_are_not() {
        assert_eq!(hidden(b"cos\nmkdir\nX\x01\0\0\0a\x85R."), Some("os.mkdir".to_owned()));
        assert_eq!(hidden(&[0, 1, 2, 3, 250, 251]), None);
        assert_eq!(hidden(b"c\x01\x02\nxx\n"), None);
    }
}
