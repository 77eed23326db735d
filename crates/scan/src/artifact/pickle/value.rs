//! What the abstract machine knows of the values that a pickle makes.

use super::text::TextKind;

/// A value. Strings and bytes are places in the stream; containers are known only to be containers, because what a
/// pickle puts into its own lists does nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    /// Not known: made by a callable that the machine does not follow, or forgotten at a limit.
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    /// A number that contracts do not look at.
    Number,
    Text {
        at: u64,
        len: u32,
        kind: TextKind,
    },
    /// Bytes; a length that does not fit is cut.
    Bytes {
        at: u64,
        len: u32,
    },
    List,
    Dict,
    Set,
    /// An out-of-band buffer.
    Buffer,
    EmptyTuple,
    /// A tuple; the number is its node.
    Tuple(u32),
    /// An imported object; the number is its import.
    Global(u32),
    /// What a call returned; the number is its node.
    Result(u32),
    /// What a call of an import returned whose arguments do not matter; the number is the import.
    Made(u32),
    /// What a persistent id stands for; the number is its node.
    Persistent(u32),
}

/// What some values refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node {
    /// Elements in the machine's arena.
    Tuple { start: u32, len: u32 },
    /// Who was called, with what.
    Result { callee: Value, args: Value },
    /// The id.
    Persistent { id: Value },
}

/// How an object was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// `f(*args)`: REDUCE, and INST and OBJ.
    Call,
    /// `cls.__new__(cls, *args)`: NEWOBJ and NEWOBJ_EX.
    New,
}

/// What happens to an object in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// BUILD: `__setstate__`, or its attributes are set.
    State,
    /// SETITEM, SETITEMS.
    Items,
    /// APPEND, APPENDS, ADDITEMS.
    Elements,
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_value_is_small() {
        assert!(size_of::<super::Value>() <= 16);
    }
}
