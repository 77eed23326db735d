//! Holds what a pickle would do against the policy.

use std::collections::{HashMap, HashSet};

use super::machine::{End, Follows, Machine, Watch};
use super::plain;
use super::tensor::{self, Storage};
use super::value::{Change, How, Node, Value};
use super::words;
use crate::artifact::policy::{Contract, Tier};
use crate::artifact::read::{Cursor, Part, ReadAt, bytes_at};
use crate::artifact::rule;
use crate::artifact::scanner::{Place, Scan};

/// What PyTorch's old format begins with, as protocol 2 writes it.
const TORCH_MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// Functions of `copyreg` that make an instance of the class that they are handed, without calling it.
const MAKES: [&str; 3] = ["_reconstructor", "__newobj__", "__newobj_ex__"];

/// Different unknown callables that are named one by one.
const NAMED: usize = 25;

/// Pickles one behind the other in one file.
const MAX_STACKED: usize = 10_000;

/// Bytes that reach a loader, taken up as artifacts of their own.
const MAX_NESTED: usize = 256;

/// How many opcodes are tried to tell whether bytes are a pickle.
const PROBE: u64 = 2_000_000;

/// Opcodes that are tried when the bytes begin like a pickle, and how many must be good.
const FIRST: u64 = 64;
const FIRST_GOOD: u64 = 8;

/// Who loads the pickle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `pickle.load`, or a loader that builds on it.
    Plain,
    /// PyTorch, which resolves storages by persistent ids.
    Torch,
}

/// What a file of pickles is made of.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Behind the last byte that a pickle or its arrays explain.
    pub(crate) end: u64,
    /// The storages that it refers to.
    pub(crate) storages: HashMap<String, Storage>,
}

struct Judge<'s, 'p> {
    scan: &'s mut Scan<'p>,
    place: &'s Place,
    tiers: Vec<Tier>,
    uses: HashMap<u32, Use>,
    said: HashSet<(&'static str, u32)>,
    storages: HashMap<String, Storage>,
    nested: Vec<(u64, u64)>,
    torch: bool,
    acted: bool,
    /// Numbers of an array stood in the stream, which only joblib's loader takes for numbers.
    raw: bool,
}

/// How an import is used in the pickle.
#[derive(Debug, Default, Clone)]
struct Use {
    offset: u64,
    called: bool,
    arguments: String,
}

/// Only looks whether the machine gets anywhere.
#[derive(Default)]
struct Probe {
    imported: bool,
    acted: bool,
    /// A persistent id came up: loaders without a function for them stop there.
    over: bool,
}

/// So many instructions more than joblib's loader runs are followed in the view of a plain one.
const PLAIN_OPCODES: u64 = 1 << 20;

/// Analyses the pickles from `offset` on, one behind the other.
pub(crate) fn analyse(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    offset: u64,
    kind: Kind,
) -> Outcome {
    let legacy = bytes_at(source, offset, TORCH_MAGIC.len()) == TORCH_MAGIC;
    let mut outcome = Outcome { end: offset, ..Outcome::default() };
    let mut nested = Vec::new();
    for number in 0..MAX_STACKED {
        let mut judge = Judge {
            scan: &mut *scan,
            place,
            tiers: Vec::new(),
            uses: HashMap::new(),
            said: HashSet::new(),
            storages: std::mem::take(&mut outcome.storages),
            nested: Vec::new(),
            torch: legacy || kind == Kind::Torch,
            acted: false,
            raw: false,
        };
        let from = outcome.end;
        let mut machine = Machine::new(source, from);
        let end = machine.run(&mut judge);
        let stopped = judge.finish(&machine, end);
        let most = machine.opcodes().saturating_add(PLAIN_OPCODES);
        if judge.raw
            && let Some((path, offset)) = plain::hidden_import(source, from, &plain::imports(&machine), most)
        {
            let message = format!("what joblib reads as numbers, `pickle.load` runs: it imports `{path}`");
            judge.say(rule::CODE_ARGUMENT, u32::MAX, message, offset);
        }
        nested.append(&mut judge.nested);
        outcome.storages = std::mem::take(&mut judge.storages);
        let Some(end) = stopped else {
            // What was done before the break is judged; the rest no loader reads.
            outcome.end = source.len();
            break;
        };
        outcome.end = end;
        if end >= source.len() {
            break;
        }
        if legacy && number == 4 {
            outcome.end = legacy_storages(scan, source, place, end, &outcome.storages);
            break;
        }
        if !(is_pickle_start(&bytes_at(source, end, 2)) || plausible(source, end)) {
            break;
        }
    }
    for (at, len) in nested.into_iter().take(MAX_NESTED) {
        let part = Part::new(source, at, len);
        scan.examine(&part, &place.inside(&format!("bytes@{at}")));
    }
    outcome
}

/// Whether bytes begin like protocol 2 or later.
pub(crate) fn is_pickle_start(head: &[u8]) -> bool {
    matches!(head, [0x80, 0..=5, ..])
}

/// Whether a loader that is given the bytes would import something: what makes them a pickle, whatever else they are.
pub(crate) fn plausible(source: &dyn ReadAt, offset: u64) -> bool {
    let mut probe = Probe::default();
    let mut machine = Machine::new(source, offset).limited(PROBE);
    let end = machine.run(&mut probe);
    probe.imported && (probe.acted || matches!(end, End::Stop(_)))
}

/// The storages behind the pickles of PyTorch's old format: each an element count and the elements.
fn legacy_storages(
    scan: &mut Scan<'_>,
    source: &dyn ReadAt,
    place: &Place,
    start: u64,
    storages: &HashMap<String, Storage>,
) -> u64 {
    let mut cursor = Cursor::new(source, start);
    // Their order is that of the fifth pickle; sizes are told apart by the counts that stand before each.
    for _ in 0..storages.len() {
        let Some(count) = cursor.u64() else { break };
        let sizes: HashSet<u64> = storages
            .values()
            .filter(|s| u64::try_from(s.elements).is_ok_and(|n| n == count))
            .filter_map(Storage::element_size)
            .collect();
        let size = match sizes.iter().collect::<Vec<_>>().as_slice() {
            [size] => **size,
            _ => {
                // Several types with one count: take all of the rest as theirs when the sum fits.
                let total: u64 = storages
                    .values()
                    .filter_map(|s| {
                        Some(
                            u64::try_from(s.elements).ok()?.checked_mul(s.element_size()?)?.saturating_add(8),
                        )
                    })
                    .fold(0, u64::saturating_add);
                let end = start.saturating_add(total);
                return if end <= source.len() { end } else { start };
            }
        };
        if cursor.skip(count.saturating_mul(size)).is_none() {
            scan.incomplete(place, "storages of the old PyTorch format", "the file ends before they do");
            return source.len();
        }
    }
    cursor.offset()
}

// === impl Judge ===

impl Judge<'_, '_> {
    fn tier(&self, id: u32) -> Tier {
        self.tiers.get(id as usize).cloned().unwrap_or(Tier::Unknown)
    }

    /// Says something once for each import.
    fn say(&mut self, rule: &'static str, about: u32, message: String, offset: u64) {
        if self.said.insert((rule, about)) {
            self.scan.issue(rule, self.place, message, Some(offset));
        }
    }

    /// Writes the findings of one pickle; the offset behind it, unless it is broken.
    fn finish(&mut self, machine: &Machine<'_>, end: End) -> Option<u64> {
        let mut uses: Vec<(u32, Use)> = self.uses.drain().collect();
        uses.sort_by_key(|(id, r#use)| (r#use.offset, *id));
        let mut unknown = 0usize;
        for (id, used) in &uses {
            let Some(import) = machine.imported(*id) else { continue };
            let path = format!("{}.{}", import.module, import.name);
            let verb = if used.called { "calls" } else { "imports" };
            match self.tier(*id) {
                Tier::Denied(meta) => {
                    let message = format!("loading {verb} `{path}`{}", used.arguments);
                    self.scan.issue_of(&meta, self.place, message, Some(used.offset));
                }
                Tier::Unknown | Tier::Held => {
                    unknown = unknown.saturating_add(1);
                    if unknown <= NAMED {
                        let message = format!("loading {verb} `{path}`, which no rule knows");
                        self.scan.issue(rule::UNKNOWN, self.place, message, Some(used.offset));
                    }
                }
                Tier::Allowed(_) | Tier::Constructible => {}
            }
        }
        if unknown > NAMED {
            let more = unknown.saturating_sub(NAMED);
            let message = format!("loading uses {more} more callables that no rule knows");
            self.scan.issue(rule::UNKNOWN, self.place, message, None);
        }
        if machine.forgot() {
            self.scan.incomplete(
                self.place,
                "pickle",
                "it keeps more values than the scanner does, or could not be read to its end",
            );
        }
        match end {
            End::Stop(end) => Some(end),
            End::Broken { offset, why } => {
                let done = if self.acted { "; what stands before is executed all the same" } else { "" };
                let message = format!("the pickle breaks off: {why}{done}");
                self.scan.issue(rule::BROKEN, self.place, message, Some(offset));
                self.scan.incomplete(self.place, "pickle", &format!("it breaks off at byte {offset}: {why}"));
                None
            }
        }
    }

    /// The import that a value comes from, through calls.
    fn root(machine: &Machine<'_>, mut value: Value) -> Option<u32> {
        for _ in 0..64 {
            match value {
                Value::Global(id) | Value::Made(id) => return Some(id),
                Value::Result(node) => match machine.node(node)? {
                    Node::Result { callee, .. } => value = callee,
                    _ => return None,
                },
                _ => return None,
            }
        }
        None
    }

    /// Whether a value is `getattr(class, name)` of a pair that the policy allows.
    fn is_known_attribute(&self, machine: &Machine<'_>, value: Value) -> bool {
        let Value::Result(node) = value else { return false };
        let Some(Node::Result { callee: Value::Global(id), args }) = machine.node(node) else { return false };
        let [Value::Global(of), name, ..] = machine.tuple(args) else { return false };
        let (Some(of), Some(name)) = (machine.imported(*of), machine.text(*name)) else { return false };
        self.tier(id) == Tier::Allowed(Contract::PlainAttribute)
            && matches!(self.scan.policy().tier(&of.module, &format!("{}.{name}", of.name)), Tier::Allowed(_))
    }

    /// The texts among the arguments, also one tuple deeper.
    fn texts(machine: &Machine<'_>, args: Value) -> Vec<String> {
        let mut texts = Vec::new();
        for arg in machine.tuple(args).iter().take(16) {
            texts.extend(machine.text(*arg));
            if let Value::Bytes { at, len } = arg {
                let bytes = machine.bytes(*at, *len);
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
            }
            texts.extend(machine.tuple(*arg).iter().take(16).filter_map(|inner| machine.text(*inner)));
        }
        texts
    }

    fn preview(machine: &Machine<'_>, args: Value) -> String {
        let texts = Self::texts(machine, args);
        let shown: Vec<String> = texts
            .iter()
            .take(3)
            .map(|text| format!("{:?}", text.chars().take(60).collect::<String>()))
            .collect();
        if shown.is_empty() { String::new() } else { format!(" with {}", shown.join(", ")) }
    }

    fn check(&mut self, machine: &Machine<'_>, id: u32, contract: Contract, args: Value, offset: u64) {
        let values = machine.tuple(args);
        let complaint = match contract {
            Contract::Any => None,
            Contract::Tensor => {
                if let Some(message) = tensor::check(machine, args) {
                    self.scan.issue(rule::TENSOR, self.place, message, Some(offset));
                }
                None
            }
            Contract::NestedArtifact => match values {
                [Value::Bytes { at, len }, ..] => {
                    if self.nested.len() < MAX_NESTED {
                        self.nested.push((*at, u64::from(*len)));
                    } else {
                        self.scan.incomplete(self.place, "nested bytes", "there are too many of them");
                    }
                    None
                }
                _ => Some("what it loads is not in the stream"),
            },
            Contract::TextEncoding => match values.get(1).map(|v| machine.text(*v)) {
                None => None,
                Some(Some(name)) if is_text_encoding(&name) => None,
                Some(_) => Some("the encoding is none of text"),
            },
            Contract::InnerCallable => match values.first() {
                Some(Value::Global(_)) => None,
                Some(value @ (Value::Result(_) | Value::Made(_)))
                    if Self::root(machine, *value).is_some() =>
                {
                    None
                }
                _ => Some("what it wraps is not an imported object"),
            },
            Contract::OwnParts => {
                let top = |import: &super::machine::Import| {
                    import.module.split('.').next().unwrap_or_default().to_owned()
                };
                let own = machine.imported(id).map(top);
                let foreign = |value: &Value| match value {
                    Value::Global(part) => machine.imported(*part).map(top) != own,
                    _ => false,
                };
                values.iter().any(foreign).then_some("it is handed an object of another package")
            }
            Contract::CallsFirst => match values.first() {
                Some(Value::Global(first)) if self.tier(*first) == Tier::Allowed(Contract::Any) => None,
                _ => Some("what it calls is not known to do nothing else"),
            },
            Contract::TypeName => {
                let name = values.first().and_then(|value| machine.text(*value));
                match name.as_deref() {
                    Some(
                        "slice" | "type" | "object" | "int" | "float" | "complex" | "bool" | "str" | "bytes" | "bytearray"
                        | "list" | "tuple" | "dict" | "set" | "frozenset" | "range" | "NoneType" | "EllipsisType"
                        | "NotImplementedType" | "OrderedDict" | "defaultdict" | "deque" | "Counter" | "property"
                        | "staticmethod" | "classmethod" | "super" | "memoryview" | "enumerate" | "reversed" | "zip"
                        | "BaseException" | "Exception",
                    ) => None,
                    _ => Some("the type that it names is none of data"),
                }
            }
            Contract::PlainAttribute => return self.attribute(machine, id, args, offset),
            Contract::ImportByName => return self.by_name(machine, id, args, offset),
            Contract::PlainNames => {
                let policy = self.scan.policy();
                let getter = machine.imported(id).is_some_and(|i| i.name == "attrgetter");
                let plain = |value: &Value| match value {
                    Value::Int(_) | Value::Number => true,
                    other => machine
                        .text(*other)
                        .is_some_and(|t| words::is_plain_path(&t) && !(getter && policy.is_verb(&t))),
                };
                if values.iter().all(plain) { None } else { Some("it walks through attributes") }
            }
        };
        if let Some(complaint) = complaint {
            let name = machine.imported(id).map_or_else(String::new, |i| format!("{}.{}", i.module, i.name));
            let message = format!("loading calls `{name}` in a way that no data needs: {complaint}");
            self.say(rule::CONTRACT, id, message, offset);
        }
    }

    /// A function that imports what its two arguments name: the same as an import.
    fn by_name(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        let texts = Self::texts(machine, args);
        let [module, name, ..] = texts.as_slice() else {
            // With a class as its argument there is nothing to import.
            return;
        };
        match self.scan.policy().tier(module, name) {
            Tier::Denied(meta) => {
                let message = format!("loading reaches `{module}.{name}`");
                self.scan.issue_of(&meta, self.place, message, Some(offset));
            }
            Tier::Unknown if !module.starts_with("numpy") => {
                let message = format!("loading imports `{module}.{name}`, which no rule knows");
                self.say(rule::UNKNOWN, id, message, offset);
            }
            _ => {}
        }
    }

    /// `getattr(object, name)`: the same as importing a dotted name.
    fn attribute(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        let (target, name) = match machine.tuple(args) {
            [target, name, ..] => (*target, machine.text(*name)),
            _ => (Value::Unknown, None),
        };
        let message = match (target, name) {
            (Value::Global(of), Some(name)) => {
                let Some(import) = machine.imported(of) else { return };
                match self.scan.policy().tier(&import.module, &format!("{}.{name}", import.name)) {
                    Tier::Denied(meta) => {
                        let message = format!("loading reaches `{}.{}.{name}`", import.module, import.name);
                        self.scan.issue_of(&meta, self.place, message, Some(offset));
                        return;
                    }
                    _ => return,
                }
            }
            (Value::Result(_) | Value::Made(_), Some(name)) if !name.contains("__") => {
                let message = format!("loading takes the attribute `{name}` of an object that it made");
                self.say(rule::UNKNOWN, id, message, offset);
                return;
            }
            // A method of the pickle's own list or text.
            (
                Value::List
                | Value::Dict
                | Value::Set
                | Value::Tuple(_)
                | Value::EmptyTuple
                | Value::Text { .. }
                | Value::Bytes { .. }
                | Value::Int(_),
                Some(name),
            ) if words::is_plain_path(&name) => return,
            (_, Some(name)) => format!("loading takes the attribute `{name}` of an object"),
            (_, None) => "loading takes an attribute whose name is computed".to_owned(),
        };
        self.say(rule::CONTRACT, id, message, offset);
    }

    /// PyTorch's old format names the class of a module by a persistent id: `('module', class, file, source)`.
    fn class_of_module(&self, machine: &Machine<'_>, value: Value) -> Option<Value> {
        let Value::Persistent(node) = value else { return None };
        let Node::Persistent { id } = machine.node(node)? else { return None };
        let [kind, class @ Value::Global(_), ..] = machine.tuple(id) else { return None };
        (self.torch && machine.text(*kind).as_deref() == Some("module")).then_some(*class)
    }

    /// Whether a callable makes functions of code that the pickle carries.
    fn carries(&self, id: u32) -> bool {
        matches!(self.tier(id), Tier::Denied(meta) if *meta.id == *rule::CARRIED_CODE)
    }

    /// Whether a call of what such a callable returned makes code or a type, and runs none: a type of the interpreter that
    /// is called once.
    fn makes_code(machine: &Machine<'_>, root: u32, callee: Value) -> bool {
        let Value::Result(node) = callee else { return false };
        let once = matches!(machine.node(node), Some(Node::Result { callee: Value::Global(id), .. }) if id == root);
        once && machine.imported(root).is_some_and(|i| i.name == "_builtin_type")
    }

    /// Functions that data only holds count as called when they are arguments of a call.
    fn handed(&mut self, machine: &Machine<'_>, args: Value) {
        for arg in machine.tuple(args) {
            if let Value::Result(_) = arg
                && let Some(root) = Self::root(machine, *arg)
                && self.carries(root)
            {
                let message = "loading hands on a function whose code the pickle carries, which may be called".to_owned();
                self.say(rule::CODE_ARGUMENT, root, message, 0);
            }
            if let Value::Global(id) = arg
                && self.tier(*id) == Tier::Held
            {
                self.uses.entry(*id).or_default().called = true;
                self.acted = true;
            }
        }
    }

    /// A class that is called, not filled, with texts that can be paths, addresses or programs.
    fn made_of_texts(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        let texts = machine.tuple(args).iter().filter_map(|arg| machine.text(*arg));
        if let Some(text) = texts.into_iter().find(|text| !words::is_plain_word(text)) {
            let name = machine.imported(id).map_or_else(String::new, |i| format!("{}.{}", i.module, i.name));
            let text: String = text.chars().take(60).collect();
            let message =
                format!("loading calls the class `{name}` with {text:?}, which its own files do not");
            self.say(rule::UNKNOWN, id, message, offset);
        }
    }

    /// Built-in types that are asked for more elements than a machine holds, and texts that walk through attributes.
    fn oversized(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        const HUGE: i64 = 1 << 30;
        let Some(import) = machine.imported(id) else { return };
        let huge = |value: &Value| matches!(value, Value::Int(n) if *n >= HUGE);
        let values = machine.tuple(args);
        let range = |value: &Value| {
            let Value::Result(node) = value else { return false };
            match machine.node(*node) {
                Some(Node::Result { callee: Value::Global(of), args }) => {
                    machine.imported(of).is_some_and(|i| i.name.ends_with("range")) && machine.tuple(args).iter().any(huge)
                }
                _ => false,
            }
        };
        let bomb = match import.name.as_str() {
            "bytes" | "bytearray" => values.first().is_some_and(|value| huge(value) || range(value)),
            "list" | "tuple" | "set" | "frozenset" | "sorted" | "sum" | "array" | "deque" => values.iter().any(range),
            _ => false,
        };
        if bomb {
            self.acted = true;
            let message = format!("loading allocates without need: `{}` of more elements than a machine holds", import.name);
            self.say(rule::BOMB, id, message, offset);
        }
        if matches!(import.name.as_str(), "str.format" | "str.format_map")
            && values.first().and_then(|text| machine.text(*text)).is_some_and(|text| text.contains("__"))
        {
            self.acted = true;
            let message = "loading fills in a text that walks through attributes of objects".to_owned();
            self.say(rule::CONTRACT, id, message, offset);
        }
    }

    fn code_in(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        if let Some(text) = Self::texts(machine, args).iter().find(|t| words::looks_like_code(t)) {
            let name = machine.imported(id).map_or_else(String::new, |i| format!("{}.{}", i.module, i.name));
            let text: String = text.chars().take(80).collect();
            let message = format!("loading calls `{name}` with text that is code: {text:?}");
            self.say(rule::CODE_ARGUMENT, id, message, offset);
        }
    }
}

impl Watch for Judge<'_, '_> {
    fn import(&mut self, machine: &Machine<'_>, id: u32, offset: u64) {
        while self.tiers.len() < machine.imports() {
            let next = u32::try_from(self.tiers.len()).unwrap_or(u32::MAX);
            let Some(import) = machine.imported(next) else { break };
            let tier = self.scan.policy().tier(&import.module, &import.name);
            self.tiers.push(tier);
        }
        if !matches!(self.tiers.get(id as usize), Some(Tier::Allowed(_) | Tier::Constructible | Tier::Held)) {
            self.uses.entry(id).or_insert_with(|| Use { offset, ..Use::default() });
            self.acted = true;
        }
    }

    fn unknown_import(&mut self, _: &Machine<'_>, offset: u64) {
        self.acted = true;
        let message = "loading imports an object whose name is computed while loading".to_owned();
        self.say(rule::UNKNOWN_NAME, u32::MAX, message, offset);
    }

    fn call(&mut self, machine: &Machine<'_>, how: How, callee: Value, args: Value, offset: u64) -> bool {
        let callee = self.class_of_module(machine, callee).unwrap_or(callee);
        // What is called may call what it is handed; only a partial function keeps it for later.
        if let Value::Global(id) = callee
            && how == How::Call
            && matches!(self.tier(id), Tier::Allowed(Contract::Any) | Tier::Constructible)
            && machine.imported(id).is_some_and(|i| !MAKES.contains(&i.name.as_str()))
        {
            self.handed(machine, args);
        }
        match callee {
            Value::Global(id) => match self.tiers.get(id as usize) {
                // Of these only types of arrays are asked for their arguments, by what follows a wrapper.
                Some(Tier::Allowed(Contract::Any)) => {
                    self.oversized(machine, id, args, offset);
                    return machine.imported(id).is_some_and(|i| matches!(i.name.as_str(), "dtype" | "range" | "xrange"));
                }
                Some(Tier::Allowed(contract)) => {
                    let contract = *contract;
                    if how == How::Call {
                        self.check(machine, id, contract, args, offset);
                    }
                }
                Some(Tier::Constructible) => {
                    if how == How::Call {
                        self.code_in(machine, id, args, offset);
                        self.made_of_texts(machine, id, args, offset);
                    }
                    return false;
                }
                // Only a class can be made so, however small its letters: a function ends the loading.
                Some(Tier::Held) if how == How::New => return false,
                Some(Tier::Unknown | Tier::Held) | None => {
                    self.acted = true;
                    self.uses.entry(id).or_insert_with(|| Use { offset, ..Use::default() }).called = true;
                    if self.said.len() < 10_000 {
                        self.code_in(machine, id, args, offset);
                    }
                }
                Some(Tier::Denied(_)) => {
                    self.acted = true;
                    if let Some(used) = self.uses.get_mut(&id)
                        && !used.called
                    {
                        used.called = true;
                        used.offset = offset;
                        used.arguments = Self::preview(machine, args);
                    }
                }
            },
            Value::Result(_) | Value::Made(_) => {
                self.acted = true;
                if let Some(root) = Self::root(machine, callee)
                    && self.carries(root)
                    && !Self::makes_code(machine, root, callee)
                {
                    let message = "loading calls a function whose code the pickle carries".to_owned();
                    self.say(rule::CODE_ARGUMENT, root, message, offset);
                }
                if let Some(root) = Self::root(machine, callee)
                    && !self.is_known_attribute(machine, callee)
                {
                    self.code_in(machine, root, args, offset);
                    if matches!(self.tier(root), Tier::Allowed(_) | Tier::Constructible) {
                        let name = machine.imported(root).map_or("", |i| i.name.as_str());
                        let message = format!("loading calls what `{name}` returned");
                        self.say(rule::UNKNOWN, root, message, offset);
                    }
                }
            }
            Value::Unknown | Value::Persistent(_) => {
                self.acted = true;
                let message = "loading calls an object that the stream does not name".to_owned();
                self.say(rule::UNKNOWN_NAME, u32::MAX, message, offset);
            }
            // Not callable: the loader raises an error here.
            _ => {}
        }
        true
    }

    fn change(&mut self, machine: &Machine<'_>, change: Change, target: Value, value: Value, offset: u64) {
        // A file in memory is a file.
        if change == Change::State
            && let Value::Made(id) = target
            && machine.imported(id).is_some_and(|i| i.name == "BytesIO")
            && let [Value::Bytes { at, len }, ..] = machine.tuple(value)
        {
            if self.nested.len() < MAX_NESTED {
                self.nested.push((*at, u64::from(*len)));
            } else {
                self.scan.incomplete(self.place, "nested bytes", "there are too many of them");
            }
        }
        let walked = |value: Value| {
            let Value::Result(node) = value else { return false };
            let Some(Node::Result { callee: Value::Global(id), .. }) = machine.node(node) else {
                return false;
            };
            matches!(self.tiers.get(id as usize), Some(Tier::Allowed(Contract::PlainAttribute)))
        };
        let walked = walked(target);
        match target {
            Value::Global(id) => {
                self.acted = true;
                let name =
                    machine.imported(id).map_or_else(String::new, |i| format!("{}.{}", i.module, i.name));
                let message = format!("loading changes `{name}` itself, for everything else in the process");
                self.say(rule::MUTATION, id, message, offset);
            }
            Value::Result(_) if walked => {
                self.acted = true;
                let message = "loading changes an attribute of an imported object".to_owned();
                self.say(rule::MUTATION, u32::MAX, message, offset);
            }
            Value::Result(node) if change == Change::Items => {
                if let Some(Node::Result { callee: Value::Global(id), .. }) = machine.node(node)
                    && matches!(self.tiers.get(id as usize), Some(Tier::Allowed(Contract::Tensor)))
                {
                    let message = "loading writes into a tensor by index, which corrupts memory".to_owned();
                    self.say(rule::TENSOR, id, message, offset);
                }
            }
            _ => {}
        }
    }

    fn persistent(&mut self, machine: &Machine<'_>, id: Value, offset: u64) {
        if let Some(storage) = Storage::read(machine, id) {
            self.storages.insert(storage.key.clone(), storage);
        } else if !self.torch {
            self.acted = true;
            let message = "an object that whoever loads the pickle resolves by an id".to_owned();
            self.say(rule::EXTENSION, 0, message, offset);
        }
    }

    fn extension(&mut self, code: i64, offset: u64) {
        self.acted = true;
        let message = format!("object {code} of the loading process's extension registry");
        self.say(rule::EXTENSION, 1, message, offset);
    }

    fn follows(&mut self, machine: &Machine<'_>, target: Value) -> Follows {
        let id = match target {
            Value::Made(id) => id,
            Value::Result(node) => match machine.node(node) {
                Some(Node::Result { callee: Value::Global(id), .. }) => id,
                _ => return Follows::Opcodes,
            },
            _ => return Follows::Opcodes,
        };
        match machine.imported(id) {
            Some(import) if import.module.starts_with("joblib") && import.name == "NumpyArrayWrapper" => {
                self.raw = true;
                array_behind(machine)
            }
            Some(import)
                if import.module.ends_with("externals.joblib.numpy_pickle")
                    && import.name == "NumpyArrayWrapper" =>
            {
                self.raw = true;
                array_behind(machine)
            }
            _ => Follows::Opcodes,
        }
    }

    fn bomb(&mut self, what: &'static str, offset: u64) {
        self.acted = true;
        self.say(rule::BOMB, 0, format!("loading allocates without need: {what}"), offset);
    }
}

/// The array behind joblib's wrapper, from the state that the wrapper just got.
fn array_behind(machine: &Machine<'_>) -> Follows {
    let mut elements: Option<u64> = None;
    let mut size = None;
    let mut object = false;
    let mut padded = false;
    for pair in machine.items().chunks_exact(2) {
        let [key, value] = pair else { continue };
        match machine.text(*key).as_deref() {
            Some("shape") => {
                elements = machine.tuple(*value).iter().try_fold(1u64, |n, v| match v {
                    Value::Int(d) => n.checked_mul(u64::try_from(*d).ok()?),
                    _ => None,
                });
            }
            Some("numpy_array_alignment_bytes") => padded = matches!(value, Value::Int(_)),
            Some("dtype") => {
                if let Value::Result(node) = value
                    && let Some(Node::Result { args, .. }) = machine.node(*node)
                    && let Some(code) = machine.tuple(args).first().and_then(|v| machine.text(*v))
                {
                    object = code.starts_with('O');
                    let digits = code.trim_start_matches(|c: char| !c.is_ascii_digit());
                    let width = if code.contains('U') { 4 } else { 1 };
                    size = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(width));
                }
            }
            _ => {}
        }
    }
    if object {
        return Follows::Pickle;
    }
    match (elements, size) {
        (Some(n), Some(size)) => Follows::Raw { bytes: n.saturating_mul(size), padded },
        _ => Follows::Opcodes,
    }
}

fn is_text_encoding(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    matches!(
        name.as_str(),
        "latin1" | "latin-1" | "utf-8" | "utf8" | "ascii" | "iso-8859-1" | "utf-16" | "cp1252"
    )
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
