//! Whether bytes are a pickle: what they would do, tried.

use super::{Change, End, Follows, How, Machine, ReadAt, Value, Watch};
use crate::artifact::pickle::machine::ENDS;

/// Only looks whether the machine gets anywhere.
#[derive(Default)]
pub(super) struct Probe {
    imported: bool,
    acted: bool,
    /// A persistent id came up: loaders without a function for them stop there.
    over: bool,
}

/// How many opcodes are tried to tell whether bytes are a pickle.
pub(super) const PROBE: u64 = 2_000_000;

/// Opcodes that are tried when the bytes begin like a pickle, and how many must be good.
pub(super) const FIRST: u64 = 64;

pub(super) const FIRST_GOOD: u64 = 8;

/// Whether a loader that is given the bytes would import something: what makes them a pickle, whatever else they are.
pub(crate) fn plausible(source: &dyn ReadAt, offset: u64) -> bool {
    let mut probe = Probe::default();
    let mut machine = Machine::new(source, offset).limited(PROBE);
    let end = machine.run(&mut probe);
    probe.imported && (probe.acted || matches!(end, End::Stop(_)))
}

/// Whether the first bytes of a file leave it open that it is a pickle which imports something: they do so themselves, or
/// break off inside what may yet come to it.
pub(crate) fn worth_a_look(head: &[u8], is_cut: bool) -> bool {
    let mut probe = Probe::default();
    let end = Machine::new(&head, 0).limited(PROBE).run(&mut probe);
    match end {
        End::Stop(_) => probe.imported,
        End::Broken { why, .. } => probe.imported && probe.acted || is_cut && why == ENDS,
    }
}

/// Whether bytes begin like protocol 2 or later.
pub(crate) fn is_pickle_start(head: &[u8]) -> bool {
    matches!(head, [0x80, 0..=5, ..])
}

impl Watch for Probe {
    fn import(&mut self, machine: &Machine<'_>, id: u32, _: u64) {
        if let Some(import) = machine.imported(id) {
            let word = |w: &str| {
                w.starts_with(|c: char| c.is_alphabetic() || c == '_')
                    && w.chars().all(|c| c.is_alphanumeric() || c == '_')
            };
            let path = |p: &str| p.len() < 512 && p.split('.').all(word);
            self.imported |= !self.over && path(&import.module) && path(&import.name);
        }
    }

    fn unknown_import(&mut self, _: &Machine<'_>, _: u64) {}

    fn call(&mut self, _: &Machine<'_>, _: How, callee: Value, _: Value, _: u64) -> bool {
        self.acted |= !self.over && matches!(callee, Value::Global(_));
        false
    }

    fn change(&mut self, _: &Machine<'_>, _: Change, target: Value, _: Value, _: u64) {
        self.acted |= !self.over && matches!(target, Value::Global(_));
    }

    fn persistent(&mut self, _: &Machine<'_>, _: Value, _: u64) {
        self.over = true;
    }

    fn extension(&mut self, _: i64, _: u64) {}

    fn follows(&mut self, _: &Machine<'_>, _: Value) -> Follows {
        Follows::Opcodes
    }

    fn bomb(&mut self, _: &'static str, _: u64) {}
}

/// Whether the bytes are a pickle: by what they begin with, or by what they would do. `named` says that the name
/// promises one.
pub(crate) fn accepted(source: &dyn ReadAt, head: &[u8], named: bool) -> bool {
    if is_pickle_start(head) {
        let mut probe = Probe::default();
        let mut machine = Machine::new(source, 0).limited(FIRST);
        let end = machine.run(&mut probe);
        return named || matches!(end, End::Stop(_)) || machine.opcodes() >= FIRST_GOOD || probe.imported;
    }
    let mut probe = Probe::default();
    let mut machine = Machine::new(source, 0).limited(PROBE);
    let end = machine.run(&mut probe);
    let stopped = matches!(end, End::Stop(_));
    // A zip's first letter asks for a persistent id, so that every loader but PyTorch's stops there.
    let zip = probe.over && head.starts_with(b"PK");
    (probe.imported && (probe.acted || stopped)) || (named && stopped && !zip) || machine.opcodes() > PROBE
}
