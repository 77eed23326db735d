//! The machine against CPython's own: the same imports, calls and changes on generated pickles.
//!
//! CPython runs with a `find_class` that hands out inert objects, so nothing is imported and nothing is called.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::machine::{End, Follows, Machine, Watch};
use super::value::{Change, How, Value};

const ORACLE: &str = r#"
import io, pickle, sys

def inert(path):
    class Made:
        def append(self, x): say("elements", path + "()")
        def extend(self, x): say("elements", path + "()")
        def add(self, x): say("elements", path + "()")
        def __setitem__(self, k, v): say("items", path + "()")
        def __setstate__(self, s): say("state", path + "()")
        def __call__(self, *a): say("call", path + "()"); return Made()
        def __new__(cls, *a, **k): return object.__new__(cls)
        def __hash__(self): return 1
        def __eq__(self, o): return self is o

    class Type(type):
        def append(cls, x): say("elements", path)
        def extend(cls, x): say("elements", path)
        def add(cls, x): say("elements", path)
        def __setitem__(cls, k, v): say("items", path)
        def __setstate__(cls, s): say("state", path)
        def __call__(cls, *a, **k): say("call", path); return object.__new__(Made)
        def __hash__(cls): return 2
        def __eq__(cls, o): return cls is o

    def new(cls, *a, **k):
        say("new", path)
        return object.__new__(Made)

    return Type("Inert", (), {"__new__": new})

out = []
def say(*what): out.append(" ".join(what))

class U(pickle.Unpickler):
    def find_class(self, module, name):
        path = module + "." + name
        say("import", path)
        if path not in cache: cache[path] = inert(path)
        return cache[path]
    def persistent_load(self, id):
        say("persistent")
        return object()

for line in sys.stdin:
    out, cache = [], {}
    data = bytes.fromhex(line)
    try:
        U(io.BytesIO(data)).load()
        end = "stop"
    except BaseException as e:
        end = "broken"
    print("|".join(out + [end]), flush=True)
"#;

#[derive(Default)]
struct Record(Vec<String>);

impl Record {
    fn path(machine: &Machine<'_>, value: Value) -> Option<String> {
        match value {
            Value::Global(id) => machine.imported(id).map(|i| format!("{}.{}", i.module, i.name)),
            Value::Result(node) => match machine.node(node) {
                Some(super::value::Node::Result { callee, .. }) => {
                    let callee = Self::path(machine, callee)?;
                    Some(if callee.ends_with("()") { callee } else { format!("{callee}()") })
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl Watch for Record {
    fn import(&mut self, machine: &Machine<'_>, id: u32, _: u64) {
        let path = Self::path(machine, Value::Global(id)).unwrap();
        self.0.push(format!("import {path}"));
    }

    fn unknown_import(&mut self, _: &Machine<'_>, _: u64) {
        self.0.push("import ?".to_owned());
    }

    fn call(&mut self, machine: &Machine<'_>, how: How, callee: Value, _: Value, _: u64) -> bool {
        let word = if how == How::Call { "call" } else { "new" };
        if let Some(path) = Self::path(machine, callee) {
            self.0.push(format!("{word} {path}"));
        }
        true
    }

    fn change(&mut self, machine: &Machine<'_>, change: Change, target: Value, _: Value, _: u64) {
        let word = match change {
            Change::State => "state",
            Change::Items => "items",
            Change::Elements => "elements",
        };
        if let Some(path) = Self::path(machine, target) {
            self.0.push(format!("{word} {path}"));
        }
    }

    fn persistent(&mut self, _: &Machine<'_>, _: Value, _: u64) {
        self.0.push("persistent".to_owned());
    }

    fn extension(&mut self, _: i64, _: u64) {}

    fn follows(&mut self, _: &Machine<'_>, _: Value) -> Follows {
        Follows::Opcodes
    }

    fn bomb(&mut self, _: &'static str, _: u64) {}
}

/// Numbers that look random and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What the generator knows of the stack: enough to write pickles that mostly run.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Tuple,
    List,
    Dict,
    Set,
    Global,
    Made,
    Atom,
    Mark,
}

fn pickle(dice: &mut Dice) -> Vec<u8> {
    let mut out = vec![0x80, u8::try_from(2 + dice.roll(4)).unwrap()];
    let mut stack: Vec<Kind> = Vec::new();
    let mut memo: Vec<Kind> = Vec::new();
    let names = ["os", "sys", "collections", "acme", "torch.nn"];
    let short = |out: &mut Vec<u8>, text: &str| {
        out.extend([0x8c, u8::try_from(text.len()).unwrap()]);
        out.extend(text.as_bytes());
    };
    for _ in 0..dice.roll(40) + 3 {
        let top = stack.last().copied();
        let marks = stack.contains(&Kind::Mark);
        let wild = dice.roll(60) == 0;
        match dice.roll(26) {
            0 => {
                out.push(b'N');
                stack.push(Kind::Atom);
            }
            1 => {
                out.extend([b'K', 7]);
                stack.push(Kind::Atom);
            }
            2 => {
                short(&mut out, "text");
                stack.push(Kind::Text);
            }
            3 => {
                out.push(b']');
                stack.push(Kind::List);
            }
            4 => {
                out.push(b'}');
                stack.push(Kind::Dict);
            }
            5 => {
                out.push(b')');
                stack.push(Kind::Tuple);
            }
            6 => {
                out.push(0x8f);
                stack.push(Kind::Set);
            }
            7 if stack.len() < 30 => {
                out.push(b'(');
                stack.push(Kind::Mark);
            }
            8 => {
                let name = names[usize::try_from(dice.roll(5)).unwrap()];
                write_global(&mut out, name, "thing");
                stack.push(Kind::Global);
            }
            9 => {
                short(&mut out, names[usize::try_from(dice.roll(5)).unwrap()]);
                short(&mut out, "other");
                out.push(0x93);
                stack.push(Kind::Global);
            }
            10 if marks => {
                out.push(b't');
                while stack.pop() != Some(Kind::Mark) {}
                stack.push(Kind::Tuple);
            }
            11 if marks || wild => {
                out.push(b'l');
                while !matches!(stack.pop(), Some(Kind::Mark) | None) {}
                stack.push(Kind::List);
            }
            12 if top.is_some_and(|k| k != Kind::Mark) || wild => {
                out.push(0x94);
                memo.push(top.unwrap_or(Kind::Atom));
            }
            13 if !memo.is_empty() => {
                let at = usize::try_from(dice.roll(memo.len() as u64)).unwrap();
                out.extend([b'h', u8::try_from(at).unwrap()]);
                stack.push(memo[at]);
            }
            14..=16 if stack.len() >= 2 => {
                let (callee, args) = (stack[stack.len() - 2], stack[stack.len() - 1]);
                let good = matches!(callee, Kind::Global | Kind::Made) && args == Kind::Tuple;
                if good || wild {
                    out.push(if callee == Kind::Global && dice.roll(3) == 0 { 0x81 } else { b'R' });
                    stack.pop();
                    stack.pop();
                    stack.push(Kind::Made);
                }
            }
            17 if stack.len() >= 2
                && matches!(stack[stack.len() - 2], Kind::Global | Kind::Made)
                && top != Some(Kind::Mark) =>
            {
                out.push(b'b');
                stack.pop();
            }
            18 if stack.len() >= 2
                && matches!(stack[stack.len() - 2], Kind::Global | Kind::Made | Kind::List)
                && top != Some(Kind::Mark) =>
            {
                out.push(b'a');
                stack.pop();
            }
            19 if stack.len() >= 3
                && matches!(stack[stack.len() - 3], Kind::Global | Kind::Made | Kind::Dict)
                && matches!(stack[stack.len() - 2], Kind::Text | Kind::Atom)
                && top != Some(Kind::Mark) =>
            {
                out.push(b's');
                stack.truncate(stack.len() - 2);
            }
            20 if !stack.is_empty() || wild => {
                out.push(b'0');
                stack.pop();
            }
            21 if top.is_some_and(|k| k != Kind::Mark) || wild => {
                out.push(b'2');
                stack.push(top.unwrap_or(Kind::Atom));
            }
            22 if marks => {
                out.push(b'1');
                while stack.pop() != Some(Kind::Mark) {}
            }
            23 => {
                out.extend(b"(K\x01");
                write_inst(&mut out);
                stack.push(Kind::Made);
            }
            24 => {
                out.push(b'(');
                write_global(&mut out, "obj", "cls");
                out.extend(b"K\x01o");
                stack.push(Kind::Made);
            }
            25 if top.is_some_and(|k| k != Kind::Mark) => {
                out.push(b'Q');
                stack.pop();
                stack.push(Kind::Atom);
            }
            _ => {}
        }
    }
    out.push(b'.');
    out
}

fn write_global(out: &mut Vec<u8>, module: &str, name: &str) {
    out.push(b'c');
    out.extend(module.as_bytes());
    out.push(b'\n');
    out.extend(name.as_bytes());
    out.push(b'\n');
}

fn write_inst(out: &mut Vec<u8>) {
    out.extend(b"iinst\ncls\n");
}

#[test]
fn cpython_does_the_same() {
    let python = Command::new("python3")
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    let Ok(mut python) = python else {
        eprintln!("skipped: python3 does not run here");
        return;
    };
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let pickles: Vec<Vec<u8>> = (0..4000).map(|_| pickle(&mut dice)).collect();
    let mut lines = String::new();
    for bytes in &pickles {
        for byte in bytes {
            let _ = write!(lines, "{byte:02x}");
        }
        lines.push('\n');
    }
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), pickles.len());
    let (mut stops, mut events) = (0, 0);
    for (bytes, answer) in pickles.iter().zip(answers.lines()) {
        let mut record = Record::default();
        let end = Machine::new(bytes, 0).run(&mut record);
        record.0.push(if matches!(end, End::Stop(_)) { "stop" } else { "broken" }.to_owned());
        let ours = record.0.join("|");
        let theirs: Vec<&str> = answer.split('|').collect();
        if theirs.last() == Some(&"stop") {
            assert_eq!(ours, answer, "{bytes:02x?}");
            stops += 1;
            events += theirs.len();
        } else {
            // Where CPython breaks off, the machine may go on; what was done before must be there.
            let done = theirs.get(..theirs.len() - 1).unwrap_or_default().join("|");
            assert!(ours.starts_with(&done), "{bytes:02x?}\nours   {ours}\ntheirs {answer}");
        }
    }
    assert!(stops > 500 && events > 2000, "{stops} whole pickles with {events} events");
}
