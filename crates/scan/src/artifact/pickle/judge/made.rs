//! What classes of libraries may be made with. An instance is filled by BUILD; where a class is called, its `__init__` runs,
//! and some open files, load models or start programs by what they are handed. So only values that name nothing are taken
//! for data: numbers, arrays, other classes, and instances that were made in the same way.

use super::super::machine::Import;
use super::{Contract, Judge, Machine, Node, Tier, Value, rule, words};

/// How deep arguments of arguments are looked at; deeper ones count as computed.
const DEPTH: usize = 6;

/// Modules whose allowed callables give numbers, arrays, dates and the like. What returns texts, paths or containers is not
/// among them.
const GIVES_DATA: [&str; 12] = [
    "numpy",
    "torch",
    "pandas",
    "scipy",
    "datetime",
    "decimal",
    "fractions",
    "array",
    "random",
    "uuid",
    "zoneinfo",
    "copyreg",
];

/// Of these, the callables that return text.
const GIVES_TEXT: [&str; 7] = ["str_", "unicode_", "bytes_", "string_", "str0", "bytes0", "chararray"];

/// Packages whose classes are native: they act in `__new__` already.
const NATIVE: [&str; 2] = ["pyarrow", "h5py"];

impl Judge<'_, '_> {
    /// A class that is called, not filled. A function is listed by its own name, for what its arguments are.
    pub(super) fn made(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        let Some(import) = machine.imported(id) else { return };
        let arguments = machine.tuple(args).iter();
        let what = if !words::is_class(&import.name) {
            let mut texts = arguments.filter_map(|argument| machine.text(*argument));
            texts.find(|text| !words::is_plain_word(text)).map(|text| shown(&text))
        } else if words::canonical(&import.module, &import.name) == "builtins" {
            // Exceptions, which do nothing with what they are handed.
            None
        } else {
            let mut arguments = arguments;
            arguments.find_map(|argument| self.names_something(machine, *argument, DEPTH))
        };
        let Some(what) = what else { return };
        let name = format!("{}.{}", import.module, import.name);
        let message = format!("loading calls the class `{name}` with {what}, which its own files do not");
        self.say(rule::UNKNOWN, id, message, offset);
    }

    /// Whether `__new__` of a class runs native code with its arguments.
    pub(super) fn is_native(import: &Import) -> bool {
        NATIVE.contains(&import.module.split('.').next().unwrap_or_default())
    }

    /// What an argument is, in words, where it can be a path, an address, a program, or lead to one.
    fn names_something(&self, machine: &Machine<'_>, value: Value, depth: usize) -> Option<String> {
        let Some(deeper) = depth.checked_sub(1) else { return Some("values of values".to_owned()) };
        match value {
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Number
            | Value::Buffer
            | Value::EmptyTuple
            | Value::Persistent(_)
            | Value::Global(_) => None,
            Value::Text { .. } => {
                let text = machine.text(value).unwrap_or_default();
                (!text.is_empty()).then(|| shown(&text))
            }
            Value::Bytes { len, .. } => (len > 0).then(|| "bytes".to_owned()),
            Value::List | Value::Dict | Value::Set => Some("a container".to_owned()),
            Value::Unknown => Some("a value that the stream does not name".to_owned()),
            Value::Tuple(_) => {
                let elements = machine.tuple(value).iter();
                elements.take(64).find_map(|element| self.names_something(machine, *element, deeper))
            }
            Value::Made(id) => (!self.gives_data(machine, id)).then(|| "a computed value".to_owned()),
            Value::Result(node) => {
                let Some(Node::Result { callee, args }) = machine.node(node) else {
                    return Some("a computed value".to_owned());
                };
                let root = Self::root(machine, callee).filter(|root| self.gives_data(machine, *root));
                let Some(import) = root.and_then(|root| machine.imported(root)) else {
                    return Some("a computed value".to_owned());
                };
                // The name of a type of numbers; a type of texts makes the scalar a text.
                if import.name == "dtype" {
                    let first = machine.tuple(args).first().and_then(|first| machine.text(*first));
                    let texts = first.is_some_and(|name| name.contains(['U', 'S', 'O', 'V', 'a', 'T']));
                    return texts.then(|| "a value of text".to_owned());
                }
                // What stands in an array names nothing.
                if import.name == "_reconstruct" || import.name.starts_with("_rebuild_") {
                    return None;
                }
                let mut handed = machine.tuple(args).iter().skip(usize::from(import.name == "scalar"));
                let dtype = (import.name == "scalar").then(|| machine.tuple(args).first()).flatten();
                let named = dtype.and_then(|dtype| self.names_something(machine, *dtype, deeper));
                if import.name == "scalar" {
                    return named;
                }
                handed.find_map(|arg| self.names_something(machine, *arg, deeper))
            }
        }
    }

    /// Whether what a callable returns names nothing.
    fn gives_data(&self, machine: &Machine<'_>, id: u32) -> bool {
        let Some(import) = machine.imported(id) else { return false };
        let module = words::canonical(&import.module, &import.name);
        let top = module.split('.').next().unwrap_or_default();
        match self.tier(id) {
            Tier::Constructible => true,
            // joblib writes an array behind it.
            Tier::Allowed(_) if import.name == "NumpyArrayWrapper" => true,
            Tier::Allowed(
                Contract::Any | Contract::Tensor | Contract::OwnParts | Contract::InnerCallable,
            ) => GIVES_DATA.contains(&top) && !GIVES_TEXT.contains(&import.name.as_str()),
            _ => false,
        }
    }
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}
