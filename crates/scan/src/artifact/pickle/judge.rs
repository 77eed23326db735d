//! Holds what a pickle would do against the policy.

mod contract;
mod made;
mod probe;
mod stream;

pub(crate) use self::probe::{accepted, is_pickle_start, plausible, worth_a_look};
use self::stream::{array_behind, legacy_storages};
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
                // joblib names it as the type of an array and makes a plain one.
                Tier::Denied(_) if !used.called && path == "numpy.memmap" => {}
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

    /// PyTorch's old format names the class of a module by a persistent id: `('module', class, file, source)`.
    fn class_of_module(&self, machine: &Machine<'_>, value: Value) -> Option<Value> {
        let Value::Persistent(node) = value else { return None };
        let Node::Persistent { id } = machine.node(node)? else { return None };
        let [kind, class @ Value::Global(_), ..] = machine.tuple(id) else { return None };
        (self.torch && machine.text(*kind).as_deref() == Some("module")).then_some(*class)
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
                    return machine
                        .imported(id)
                        .is_some_and(|i| matches!(i.name.as_str(), "dtype" | "range" | "xrange"));
                }
                Some(Tier::Allowed(contract)) => {
                    let contract = *contract;
                    if how == How::Call {
                        self.check(machine, id, contract, args, offset);
                    }
                }
                Some(Tier::Constructible) => {
                    if how == How::Call || machine.imported(id).is_some_and(Self::is_native) {
                        self.code_in(machine, id, args, offset);
                        self.made(machine, id, args, offset);
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
