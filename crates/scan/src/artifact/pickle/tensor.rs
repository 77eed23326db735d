//! The contract of PyTorch's tensors: a view that lies inside its storage.

use super::machine::Machine;
use super::value::{Node, Value};

/// A storage that a pickle refers to by a persistent id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    /// The member that holds it.
    pub(crate) key: String,
    /// Its class, for example `FloatStorage`.
    pub(crate) class: String,
    /// How many elements it has, as the pickle says.
    pub(crate) elements: i64,
}

// === impl Storage ===

impl Storage {
    /// Reads `('storage', class, key, location, elements, ...)`.
    pub(crate) fn read(machine: &Machine<'_>, id: Value) -> Option<Self> {
        let [kind, class, key, _, elements, ..] = machine.tuple(id) else { return None };
        if machine.text(*kind)? != "storage" {
            return None;
        }
        let Value::Global(class) = class else { return None };
        let class = machine.imported(*class)?.name.clone();
        let key = match key {
            Value::Int(n) => n.to_string(),
            other => machine.text(*other)?,
        };
        let Value::Int(elements) = elements else { return None };
        Some(Self { key, class, elements: *elements })
    }

    /// The size of an element in bytes; `None` for classes that do not tell.
    pub(crate) fn element_size(&self) -> Option<u64> {
        Some(match self.class.as_str() {
            "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
            "FloatStorage" | "IntStorage" => 4,
            "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
            "ByteStorage" | "CharStorage" | "BoolStorage" | "UntypedStorage" => 1,
            "ComplexDoubleStorage" => 16,
            _ => return None,
        })
    }
}

/// What is wrong with the arguments of `_rebuild_tensor` and its kin, if anything is; `None` also when they do not
/// tell.
pub(crate) fn check(machine: &Machine<'_>, args: Value) -> Option<String> {
    let [storage, offset, size, stride, ..] = machine.tuple(args) else { return None };
    let Value::Persistent(node) = storage else { return None };
    let Some(Node::Persistent { id }) = machine.node(*node) else { return None };
    let storage = Storage::read(machine, id)?;
    let Value::Int(offset) = offset else { return None };
    let numbers = |value: &Value| -> Option<Vec<i64>> {
        let items = machine.tuple(*value).iter();
        items.map(|item| if let Value::Int(n) = item { Some(*n) } else { None }).collect()
    };
    let (size, stride) = (numbers(size)?, numbers(stride)?);
    if *offset < 0 || storage.elements < 0 || size.iter().chain(&stride).any(|n| *n < 0) {
        return Some(format!("a tensor of storage `{}` has a negative offset, size or stride", storage.key));
    }
    if size.len() != stride.len() {
        return Some(format!(
            "a tensor of storage `{}` has {} sizes and {} strides",
            storage.key,
            size.len(),
            stride.len()
        ));
    }
    if size.contains(&0) {
        return None;
    }
    let mut last = i128::from(*offset);
    for (size, stride) in size.iter().zip(&stride) {
        let steps = i128::from(size.saturating_sub(1));
        last = last.saturating_add(steps.saturating_mul(i128::from(*stride)));
    }
    (last >= i128::from(storage.elements)).then(|| {
        format!(
            "a tensor reaches element {last} of storage `{}`, which has {}",
            storage.key, storage.elements
        )
    })
}
