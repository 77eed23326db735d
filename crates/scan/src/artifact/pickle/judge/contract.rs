//! What the arguments of a call must be.

use super::super::machine::Import;
use super::{Contract, Judge, MAX_NESTED, Machine, Node, Tier, Value, rule, tensor, words};

impl Judge<'_, '_> {
    pub(super) fn check(
        &mut self,
        machine: &Machine<'_>,
        id: u32,
        contract: Contract,
        args: Value,
        offset: u64,
    ) {
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
                let top = |import: &Import| import.module.split('.').next().unwrap_or_default().to_owned();
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
                        "slice" | "type" | "object" | "int" | "float" | "complex" | "bool" | "str" | "bytes"
                        | "bytearray" | "list" | "tuple" | "dict" | "set" | "frozenset" | "range"
                        | "NoneType" | "EllipsisType" | "NotImplementedType" | "OrderedDict" | "defaultdict"
                        | "deque" | "Counter" | "property" | "staticmethod" | "classmethod" | "super"
                        | "memoryview" | "enumerate" | "reversed" | "zip" | "BaseException" | "Exception",
                    ) => None,
                    _ => Some("the type that it names is none of data"),
                }
            }
            Contract::Words => {
                let word = |value: &Value| match value {
                    Value::Text { .. } => machine.text(*value).is_some_and(|t| words::is_plain_word(&t)),
                    Value::Bytes { .. } | Value::List | Value::Dict | Value::Set | Value::Unknown => false,
                    _ => true,
                };
                (!values.iter().all(word)).then_some("it is handed more than a word")
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
    pub(super) fn by_name(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
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
    pub(super) fn attribute(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
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

    /// Functions that data only holds count as called when they are arguments of a call.
    pub(super) fn handed(&mut self, machine: &Machine<'_>, args: Value) {
        for arg in machine.tuple(args) {
            if let Value::Result(_) = arg
                && let Some(root) = Self::root(machine, *arg)
                && self.carries(root)
            {
                let message =
                    "loading hands on a function whose code the pickle carries, which may be called"
                        .to_owned();
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

    /// Built-in types that are asked for more elements than a machine holds, and texts that walk through attributes.
    pub(super) fn oversized(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        const HUGE: i64 = 1 << 30;
        let Some(import) = machine.imported(id) else { return };
        let huge = |value: &Value| matches!(value, Value::Int(n) if *n >= HUGE);
        let values = machine.tuple(args);
        let range = |value: &Value| {
            let Value::Result(node) = value else { return false };
            match machine.node(*node) {
                Some(Node::Result { callee: Value::Global(of), args }) => {
                    machine.imported(of).is_some_and(|i| i.name.ends_with("range"))
                        && machine.tuple(args).iter().any(huge)
                }
                _ => false,
            }
        };
        let bomb = match import.name.as_str() {
            "bytes" | "bytearray" => values.first().is_some_and(|value| huge(value) || range(value)),
            "list" | "tuple" | "set" | "frozenset" | "sorted" | "sum" | "array" | "deque" => {
                values.iter().any(range)
            }
            _ => false,
        };
        if bomb {
            self.acted = true;
            let message = format!(
                "loading allocates without need: `{}` of more elements than a machine holds",
                import.name
            );
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

    pub(super) fn code_in(&mut self, machine: &Machine<'_>, id: u32, args: Value, offset: u64) {
        if let Some(text) = Self::texts(machine, args).iter().find(|t| words::looks_like_code(t)) {
            let name = machine.imported(id).map_or_else(String::new, |i| format!("{}.{}", i.module, i.name));
            let text: String = text.chars().take(80).collect();
            let message = format!("loading calls `{name}` with text that is code: {text:?}");
            self.say(rule::CODE_ARGUMENT, id, message, offset);
        }
    }

    /// Whether a callable makes functions of code that the pickle carries.
    pub(super) fn carries(&self, id: u32) -> bool {
        matches!(self.tier(id), Tier::Denied(meta) if *meta.id == *rule::CARRIED_CODE)
    }

    /// Whether a call of what such a callable returned makes code or a type, and runs none: a type of the interpreter that
    /// is called once.
    pub(super) fn makes_code(machine: &Machine<'_>, root: u32, callee: Value) -> bool {
        let Value::Result(node) = callee else { return false };
        let once =
            matches!(machine.node(node), Some(Node::Result { callee: Value::Global(id), .. }) if id == root);
        once && machine.imported(root).is_some_and(|i| i.name == "_builtin_type")
    }
}

pub(super) fn is_text_encoding(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    matches!(
        name.as_str(),
        "latin1" | "latin-1" | "utf-8" | "utf8" | "ascii" | "iso-8859-1" | "utf-16" | "cp1252"
    )
}
