//! Python's unpickling machine, run on what is known of its values instead of on values.
//!
//! It follows the C implementation of CPython (`Modules/_pickle.c`), because that is what loads models: the same marks
//! and fences, the same memo, the same place at which a broken stream stops. Nothing is imported and nothing is called;
//! a [`Watch`] is told what would be. Large strings and bytes are jumped over.

mod literal;
mod step;

use std::collections::HashMap;

use super::text::{self, TextKind};
use super::value::{Change, How, Node, Value};
use crate::artifact::read::{Cursor, ReadAt};

/// The most values on the stack, in one tuple arena, and in the memo. Beyond it the oldest are forgotten.
const MAX_VALUES: usize = 6 << 20;

/// The most tuples, results and persistent ids.
const MAX_NODES: usize = 4 << 20;

/// The longest line of a text opcode, and the longest when bytes are only tried as a pickle.
const LONGEST: u64 = 256 << 20;
const LONGEST_TRIED: u64 = 64 << 10;

/// The most different imports.
const MAX_IMPORTS: usize = 100_000;

/// The longest name of a module or attribute that is read, in bytes. Python has no limit; no module is named so.
const MAX_NAME: usize = 8 * 1024;

/// The longest text that a contract reads, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// How much of a bytes object is looked at.
const MAX_PREVIEW: usize = 4 * 1024;

/// Pickles in pickles.
const MAX_DEPTH: u32 = 16;

/// Keys and values that are kept of the last SETITEMS.
const MAX_ITEMS: usize = 32;

/// Memo indexes beyond this, with nothing that fills the memo, only make the loader allocate.
const MEMO_BOMB: u64 = 1 << 24;

/// A length beyond the end of the stream by so much is made to allocate, not cut off, in bytes.
const LENGTH_BOMB: u64 = 1 << 30;

/// So often over a tuple may hold another twice.
const MAX_DOUBLINGS: u32 = 24;

/// Told of everything that loading would do.
pub(crate) trait Watch {
    /// An object is imported; `id` names it from here on.
    fn import(&mut self, machine: &Machine<'_>, id: u32, offset: u64);
    /// An object is imported whose name the stream does not tell.
    fn unknown_import(&mut self, machine: &Machine<'_>, offset: u64);
    /// Something is called. Whether what it returns must remember the arguments.
    fn call(&mut self, machine: &Machine<'_>, how: How, callee: Value, args: Value, offset: u64) -> bool;
    /// Something that is not the pickle's own container is changed in place.
    fn change(&mut self, machine: &Machine<'_>, change: Change, target: Value, value: Value, offset: u64);
    /// The loader is asked for what an id stands for.
    fn persistent(&mut self, machine: &Machine<'_>, id: Value, offset: u64);
    /// An object of the extension registry is imported.
    fn extension(&mut self, code: i64, offset: u64);
    /// What follows in the stream once an object got its state: joblib puts arrays there, outside the pickle.
    fn follows(&mut self, machine: &Machine<'_>, target: Value) -> Follows;
    /// An opcode that only makes the loader allocate.
    fn bomb(&mut self, what: &'static str, offset: u64);
}

/// How one pickle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// At its STOP; the offset behind it.
    Stop(u64),
    /// The bytes ended or an opcode failed: the loader raises an error, after everything before it was done.
    Broken {
        /// The offset of the opcode.
        offset: u64,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What stands in the stream behind an object's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follows {
    /// The next opcode.
    Opcodes,
    /// Raw numbers: so many bytes, behind a byte of padding length and that padding when `padded`.
    Raw {
        /// Length of the numbers.
        bytes: u64,
        /// Whether padding stands before them.
        padded: bool,
    },
    /// A pickle of its own.
    Pickle,
}

/// An imported object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
}

/// The machine.
pub(crate) struct Machine<'a> {
    input: Cursor<'a>,
    /// The line read last, cut at [`MAX_NAME`].
    line: Vec<u8>,
    stack: Vec<Value>,
    /// Heights of the stack at each MARK.
    marks: Vec<usize>,
    /// Where the stack may not be popped below.
    fence: usize,
    memo: Vec<Option<Value>>,
    memo_used: u64,
    far_memo: HashMap<u64, Value>,
    nodes: Vec<Node>,
    elements: Vec<Value>,
    /// Tuples that hold another twice, by how often over.
    doubled: HashMap<u32, u32>,
    imports: Vec<Import>,
    import_ids: HashMap<(String, String), u32>,
    /// Imports by the places of their two strings, so that each pair is read once.
    by_place: HashMap<(u64, u64), u32>,
    op_at: u64,
    /// The protocol that the stream says it has.
    protocol: u8,
    opcodes: u64,
    forgot: bool,
    /// Keys and values of the last SETITEMS, as far as a small state goes.
    items: Vec<Value>,
    depth: u32,
    limit: u64,
    /// The longest line that is followed, in bytes.
    longest: u64,
}

/// Why an opcode could not be run.
type Step<T = ()> = Result<T, &'static str>;

const UNDERFLOW: &str = "the stack is empty";
pub(super) const ENDS: &str = "the stream ends";

// === impl Machine ===

impl<'a> Machine<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt, offset: u64) -> Self {
        Self {
            input: Cursor::new(source, offset),
            line: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            fence: 0,
            memo: Vec::new(),
            memo_used: 0,
            far_memo: HashMap::new(),
            nodes: Vec::new(),
            elements: Vec::new(),
            doubled: HashMap::new(),
            imports: Vec::new(),
            import_ids: HashMap::new(),
            by_place: HashMap::new(),
            op_at: offset,
            protocol: 0,
            opcodes: 0,
            forgot: false,
            items: Vec::new(),
            depth: 0,
            limit: u64::MAX,
            longest: LONGEST,
        }
    }

    /// Stops after so many opcodes, as if the stream ended there.
    pub(crate) fn limited(mut self, opcodes: u64) -> Self {
        self.limit = opcodes;
        self.longest = LONGEST_TRIED;
        self
    }

    /// Runs one pickle. A new machine is made for the next, as a loader does.
    pub(crate) fn run<W: Watch>(&mut self, watch: &mut W) -> End {
        loop {
            self.op_at = self.input.offset();
            let Some(op) = self.input.byte() else { return self.broken(ENDS) };
            self.opcodes = self.opcodes.wrapping_add(1);
            if self.opcodes > self.limit {
                return self.broken("more opcodes than are looked at");
            }
            if op == b'.' {
                return match self.pop() {
                    Ok(_) => End::Stop(self.input.offset()),
                    Err(why) => self.broken(why),
                };
            }
            if let Err(why) = self.step(op, watch) {
                return self.broken(why);
            }
        }
    }

    /// How many opcodes were run.
    pub(crate) fn opcodes(&self) -> u64 {
        self.opcodes
    }

    /// Whether values were forgotten at a limit, or a read failed.
    pub(crate) fn forgot(&self) -> bool {
        self.forgot || self.input.failed()
    }

    /// Keys and values of the last SETITEMS.
    pub(crate) fn items(&self) -> &[Value] {
        &self.items
    }

    /// An import by its id.
    pub(crate) fn imported(&self, id: u32) -> Option<&Import> {
        self.imports.get(id as usize)
    }

    /// How many different objects were imported.
    pub(crate) fn imports(&self) -> usize {
        self.imports.len()
    }

    pub(crate) fn node(&self, id: u32) -> Option<Node> {
        self.nodes.get(id as usize).copied()
    }

    /// The elements of a tuple; empty for other values.
    pub(crate) fn tuple(&self, value: Value) -> &[Value] {
        match value {
            Value::Tuple(id) => match self.node(id) {
                Some(Node::Tuple { start, len }) => {
                    let start = start as usize;
                    self.elements.get(start..start.saturating_add(len as usize)).unwrap_or_default()
                }
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The text of a string; `None` for other values. Long ones are cut.
    pub(crate) fn text(&self, value: Value) -> Option<String> {
        match value {
            Value::Text { at, len, kind } => {
                let bytes = self.input.look_at(at, (len as usize).min(MAX_TEXT));
                Some(text::decode(&bytes, kind))
            }
            _ => None,
        }
    }

    /// The beginning of a bytes object, as far as a contract looks at it.
    pub(crate) fn bytes(&self, at: u64, len: u32) -> Vec<u8> {
        self.input.look_at(at, usize::try_from(len).unwrap_or(MAX_PREVIEW).min(MAX_PREVIEW))
    }

    fn broken(&self, why: &'static str) -> End {
        End::Broken { offset: self.op_at, why }
    }

    #[inline]
    fn push(&mut self, value: Value) {
        if self.stack.len() >= MAX_VALUES {
            self.forget_stack();
        }
        self.stack.push(value);
    }

    /// Forgets the older half of the stack: what is popped from there is unknown.
    #[cold]
    fn forget_stack(&mut self) {
        let half = MAX_VALUES / 2;
        for value in self.stack.iter_mut().take(half) {
            *value = Value::Unknown;
        }
        self.stack.drain(..half);
        for mark in &mut self.marks {
            *mark = mark.saturating_sub(half);
        }
        self.fence = self.fence.saturating_sub(half);
        self.forgot = true;
    }

    #[inline]
    fn pop(&mut self) -> Step<Value> {
        if self.stack.len() > self.fence {
            return self.stack.pop().ok_or(UNDERFLOW);
        }
        if self.forgot && self.marks.is_empty() {
            return Ok(Value::Unknown);
        }
        Err(UNDERFLOW)
    }

    #[inline]
    fn top(&self) -> Step<Value> {
        if self.stack.len() > self.fence {
            return self.stack.last().copied().ok_or(UNDERFLOW);
        }
        if self.forgot && self.marks.is_empty() { Ok(Value::Unknown) } else { Err(UNDERFLOW) }
    }

    fn mark(&mut self) {
        if self.marks.len() >= MAX_VALUES {
            self.marks.drain(..MAX_VALUES / 2);
            self.forgot = true;
        }
        self.marks.push(self.stack.len());
        self.fence = self.stack.len();
    }

    /// The height of the last mark, which is taken away.
    fn pop_mark(&mut self) -> Step<usize> {
        let mark = self.marks.pop().ok_or("there is no mark")?;
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark.min(self.stack.len()))
    }

    fn node_id(&mut self, node: Node) -> Option<u32> {
        if self.nodes.len() >= MAX_NODES {
            self.forgot = true;
            return None;
        }
        let id = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.push(node);
        Some(id)
    }

    /// A tuple of everything from `from` on, taken off the stack.
    fn tuple_from(&mut self, from: usize) -> Value {
        let len = self.stack.len().saturating_sub(from);
        if len == 0 {
            return Value::EmptyTuple;
        }
        if self.elements.len().saturating_add(len) > MAX_VALUES {
            self.stack.truncate(from);
            self.forgot = true;
            return Value::Unknown;
        }
        let (Ok(start), Ok(count)) = (u32::try_from(self.elements.len()), u32::try_from(len)) else {
            self.stack.truncate(from);
            return Value::Unknown;
        };
        self.elements.extend(self.stack.drain(from..));
        let Some(id) = self.node_id(Node::Tuple { start, len: count }) else { return Value::Unknown };
        if count > 1
            && let Some((Value::Tuple(inner), rest)) =
                self.elements.get(start as usize..).and_then(<[Value]>::split_first)
            && rest.contains(&Value::Tuple(*inner))
        {
            let times = self.doubled.get(inner).copied().unwrap_or(0).saturating_add(1);
            self.doubled.insert(id, times);
        }
        Value::Tuple(id)
    }

    /// How often over a tuple holds another twice: its parts are so many powers of two.
    pub(crate) fn doublings(&self, value: Value) -> u32 {
        match value {
            Value::Tuple(id) => self.doubled.get(&id).copied().unwrap_or(0),
            _ => 0,
        }
    }

    fn short_tuple(&mut self, n: usize) -> Step {
        let from = self.stack.len().checked_sub(n).filter(|from| *from >= self.fence).ok_or(UNDERFLOW)?;
        let tuple = self.tuple_from(from);
        self.push(tuple);
        Ok(())
    }

    /// Tells of a tuple that holds another twice, and so on: small in the stream, without end for who walks it.
    fn many_parts<W: Watch>(&mut self, watch: &mut W) {
        if !self.doubled.is_empty() && self.top().is_ok_and(|top| self.doublings(top) == MAX_DOUBLINGS) {
            watch.bomb("tuples that hold each other twice, again and again", self.op_at);
        }
    }

    fn remember(&mut self, index: u64) -> Step {
        let value = self.top()?;
        self.memo_used = self.memo_used.saturating_add(1);
        let at = usize::try_from(index).map_err(|_| "a memo index too large")?;
        if let Some(slot) = self.memo.get_mut(at) {
            if slot.is_some() {
                self.memo_used = self.memo_used.saturating_sub(1);
            }
            *slot = Some(value);
        } else if at == self.memo.len() && at < MAX_VALUES {
            self.memo.push(Some(value));
        } else if at < self.memo.len().saturating_mul(2).saturating_add(1024) && at < MAX_VALUES {
            self.memo.resize(at.saturating_add(1), None);
            if let Some(slot) = self.memo.get_mut(at) {
                *slot = Some(value);
            }
        } else if self.far_memo.len() < MAX_NODES {
            self.far_memo.insert(index, value);
        } else {
            self.forgot = true;
        }
        Ok(())
    }

    fn recall(&mut self, index: u64) -> Step {
        let near = usize::try_from(index).ok().and_then(|at| self.memo.get(at)).copied().flatten();
        let value = match near.or_else(|| self.far_memo.get(&index).copied()) {
            Some(value) => value,
            None if self.forgot => Value::Unknown,
            None => return Err("the memo does not hold the index"),
        };
        self.push(value);
        Ok(())
    }

    fn import<W: Watch>(&mut self, module: String, name: String, watch: &mut W) -> Value {
        let key = (module, name);
        let id = match self.import_ids.get(&key) {
            Some(id) => *id,
            None if self.imports.len() >= MAX_IMPORTS => {
                self.forgot = true;
                watch.unknown_import(self, self.op_at);
                return Value::Unknown;
            }
            None => {
                let id = u32::try_from(self.imports.len()).unwrap_or(u32::MAX);
                self.imports.push(Import { module: key.0.clone(), name: key.1.clone() });
                self.import_ids.insert(key, id);
                id
            }
        };
        watch.import(self, id, self.op_at);
        Value::Global(id)
    }

    fn call<W: Watch>(&mut self, how: How, callee: Value, args: Value, watch: &mut W) {
        let keep = watch.call(self, how, callee, args, self.op_at);
        let result = match callee {
            Value::Global(id) if !keep => Value::Made(id),
            _ => self.node_id(Node::Result { callee, args }).map_or(Value::Unknown, Value::Result),
        };
        self.push(result);
    }

    fn change<W: Watch>(&mut self, change: Change, target: Value, value: Value, watch: &mut W) {
        if !matches!(target, Value::List | Value::Dict | Value::Set) {
            watch.change(self, change, target, value, self.op_at);
        }
    }

    fn persistent<W: Watch>(&mut self, id: Value, watch: &mut W) {
        watch.persistent(self, id, self.op_at);
        let value = self.node_id(Node::Persistent { id }).map_or(Value::Unknown, Value::Persistent);
        self.push(value);
    }

    fn extension<W: Watch>(&mut self, code: i64, watch: &mut W) -> Step {
        if code <= 0 {
            return Err("an extension code that is none");
        }
        watch.extension(code, self.op_at);
        self.push(Value::Unknown);
        Ok(())
    }

    fn memo_bomb<W: Watch>(&self, index: u64, watch: &mut W) {
        if index > MEMO_BOMB && index / 64 > self.memo_used {
            watch.bomb("a memo index far beyond what the pickle keeps", self.op_at);
        }
    }
}
