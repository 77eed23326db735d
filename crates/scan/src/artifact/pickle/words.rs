//! Names in pickles: what they are called today, and what their spelling gives away.

/// Modules that no data reaches through another module.
const REACHED: &[&str] = &[
    "os",
    "sys",
    "subprocess",
    "builtins",
    "importlib",
    "posix",
    "nt",
    "shutil",
    "socket",
    "ctypes",
    "pickle",
    "marshal",
    "runpy",
    "pty",
    "commands",
    "pdb",
    "imp",
    "webbrowser",
    "tempfile",
    "multiprocessing",
    "asyncio",
    "popen2",
    "cffi",
    "pip",
];

/// Types that are written in lower case and may have methods named behind them.
const TYPES: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "set",
    "str",
    "tuple",
    "type",
    "unicode",
    "long",
    "date",
    "datetime",
    "time",
    "timedelta",
    "timezone",
    "array",
    "deque",
    "defaultdict",
    "ndarray",
    "dtype",
];

/// The module under the name that it has today. Python 2 and C accelerators have other names for the same functions.
pub(crate) fn canonical<'a>(module: &'a str, name: &str) -> &'a str {
    match module {
        "__builtin__" | "__builtins__" | "exceptions" => "builtins",
        "copy_reg" => "copyreg",
        "commands" | "popen2" | "_posixsubprocess" | "_subprocess" => "subprocess",
        "_io" | "_pyio" => "io",
        "_operator" => "operator",
        "_functools" => "functools",
        "_collections" => "collections",
        "_pickle" | "cPickle" => "pickle",
        "_decimal" | "_pydecimal" => "decimal",
        "_datetime" | "_pydatetime" => "datetime",
        "_random" => "random",
        "_socket" => "socket",
        "_ctypes" => "ctypes",
        "_imp" | "imp" => "importlib",
        "_frozen_importlib" | "_frozen_importlib_external" => "importlib",
        "_asyncio" => "asyncio",
        "_thread" | "thread" | "_dummy_thread" => "threading",
        "_weakref" | "_weakrefset" => "weakref",
        "_sqlite3" => "sqlite3",
        "_multiprocessing" => "multiprocessing",
        "posix" | "nt" | "os2" | "ce" => "os",
        "UserDict" | "UserList" | "UserString" => "collections",
        "StringIO" | "cStringIO" => "io",
        "urllib2" | "urlparse" => "urllib.request",
        "httplib" => "http.client",
        "SocketServer" => "socketserver",
        "ConfigParser" => "configparser",
        "Queue" => "queue",
        "anydbm" | "dumbdbm" | "gdbm" | "dbhash" | "whichdb" => "dbm",
        "sre_compile" | "sre_parse" | "_sre" => "re",
        "pathlib._local" | "pathlib._abc" => "pathlib",
        "itertools" if matches!(name, "imap" | "ifilter") => "builtins",
        other => other,
    }
}

/// Whether the last part of a name is written like a class.
pub(crate) fn is_class(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.trim_start_matches('_').starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether a module is what a library's own tests and builds are made of: no model needs it.
pub(crate) fn is_tooling(module: &str) -> bool {
    const PARTS: [&str; 9] = [
        "testing",
        "_testing",
        "tests",
        "test",
        "_tests",
        "conftest",
        "_build_utils",
        "_test_decorators",
        "_print_versions",
    ];
    module.split('.').any(|part| PARTS.contains(&part))
}

/// Whether a text is a word that names a choice, as members of enumerations are made from, and no path, address or program.
pub(crate) fn is_plain_word(text: &str) -> bool {
    const LONGEST: usize = 40;
    text.len() <= LONGEST
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b' ' | b'[' | b']'))
}

/// Whether a name leads out of its module: through `__attributes__`, or into another module.
pub(crate) fn walks(module: &str, name: &str, stdlib: impl Fn(&str) -> bool) -> bool {
    if module.contains(".__main__") {
        return true;
    }
    let here = module.rsplit('.').next().unwrap_or_default();
    let mut parts = name.split('.').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let bare = part.trim_start_matches('_');
        if part.starts_with("__") && part.ends_with("__") && part.len() > 4 {
            return true;
        }
        // `os` in `random._os`; a class named like a module it is not.
        if REACHED.contains(&bare) && !(first && last && here == part) {
            return true;
        }
        if !last && stdlib(bare) && !(first && (here == part || TYPES.contains(&part))) {
            return true;
        }
        // Functions have nothing behind them, so a lower-case beginning is a module.
        if first && !last && !is_class(part) && !TYPES.contains(&part) {
            return true;
        }
        first = false;
    }
    false
}

/// Whether the names of an accessor are those of data.
pub(crate) fn is_plain_path(path: &str) -> bool {
    !path.contains("__") && path.split('.').all(|part| !REACHED.contains(&part.trim_start_matches('_')))
}

/// Pieces of text that are code or commands. Nobody gives these to a constructor.
const CODE: &[&str] = &[
    "__import__",
    "import os",
    "import subprocess",
    "import socket",
    "import sys",
    "import pty",
    "os.system",
    "os.popen",
    "subprocess.",
    "exec(",
    "eval(",
    "compile(",
    "getattr(",
    "__globals__",
    "__builtins__",
    "__subclasses__",
    "/bin/sh",
    "/bin/bash",
    "bash -",
    "sh -c",
    "cmd.exe",
    "cmd /c",
    "powershell",
    "curl ",
    "wget ",
    "nc -",
    "/dev/tcp",
    "base64 -d",
    "b64decode",
    "chmod +x",
    "/etc/passwd",
    "rm -rf",
    "$(",
    "os.environ",
    "open(",
    "lambda:",
    "lambda :",
    "os.exec",
    "socket.socket",
    "pip install",
    "; touch ",
    "touch /",
];

/// Whether a text reads like code or a command line.
pub(crate) fn looks_like_code(text: &str) -> bool {
    CODE.iter().any(|piece| text.contains(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_module() {
        let std = |w: &str| ["os", "sys", "code", "random", "datetime", "json"].contains(&w);
        for (module, name) in [
            ("random", "_os.system"),
            ("random", "_os"),
            ("logging", "sys.modules"),
            ("torch", "__path__"),
            ("x", "Foo.__init__.__globals__"),
            ("numpy", "random.mtrand"),
            ("torch.utils.bottleneck.__main__", "run_prof"),
        ] {
            assert!(walks(module, name, std), "{module} {name}");
        }
        for (module, name) in [
            ("datetime", "datetime"),
            ("datetime", "datetime.fromisoformat"),
            ("collections", "OrderedDict"),
            ("m", "Outer.Inner"),
            ("m", "Outer.method"),
            ("builtins", "dict.fromkeys"),
        ] {
            assert!(!walks(module, name, std), "{module} {name}");
        }
    }
}
