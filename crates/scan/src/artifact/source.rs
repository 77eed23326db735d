//! Python source inside artifacts: it runs when the model is loaded.

use super::read::{ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// How much source is read, in bytes.
const MOST: usize = 4 << 20;

/// Calls that act. Matched at a word's beginning and followed by `(`, outside comments.
const ACTS: &[&str] = &[
    "os.system",
    "os.popen",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "subprocess.run",
    "subprocess.call",
    "subprocess.Popen",
    "subprocess.check_output",
    "subprocess.check_call",
    "subprocess.getoutput",
    "eval",
    "exec",
    "compile",
    "__import__",
    "importlib.import_module",
    "pickle.loads",
    "pickle.load",
    "marshal.loads",
    "dill.loads",
    "socket.socket",
    "socket.create_connection",
    "urllib.request.urlopen",
    "urlopen",
    "requests.get",
    "requests.post",
    "ctypes.CDLL",
    "pty.spawn",
    "runpy.run_path",
    "shutil.rmtree",
    "os.remove",
    "os.unlink",
    "webbrowser.open",
];

/// Reads Python source; that it is there is one finding, that it acts another.
pub(crate) fn python(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place) {
    let bytes = bytes_at(source, 0, MOST);
    let text = String::from_utf8_lossy(&bytes);
    if text.trim().is_empty() {
        return;
    }
    let mut acts: Vec<(&str, u64)> = Vec::new();
    let mut at = 0u64;
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or_default();
        for act in ACTS {
            if let Some(found) = calls(code, act)
                && acts.len() < 20
            {
                acts.push((act, at.saturating_add(found as u64)));
            }
        }
        at = at.saturating_add(line.len() as u64);
    }
    scan.issue(
        rule::SOURCE,
        place,
        "the artifact brings Python source that its loader runs".to_owned(),
        None,
    );
    for (act, at) in acts {
        scan.issue(rule::SOURCE_ACTS, place, format!("the source calls `{act}`"), Some(at));
    }
    if source.len() > MOST as u64 {
        scan.incomplete(place, "source", "it is longer than is read");
    }
}

/// Where a function is called in a line of code.
fn calls(code: &str, function: &str) -> Option<usize> {
    let mut from = 0usize;
    while let Some(found) = code.get(from..)?.find(function) {
        let at = from.saturating_add(found);
        let before = code.get(..at)?.chars().next_back();
        let after = code.get(at.saturating_add(function.len())..)?;
        let open = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').trim_start();
        let exact =
            after.trim_start().starts_with('(') || (function.starts_with("os.") && open.starts_with('('));
        if exact && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Some(at);
        }
        from = at.saturating_add(function.len());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn a_call_is_a_whole_word() {
        assert!(calls("x = eval(y)", "eval").is_some());
        assert!(calls("os.execvp (a)", "os.exec").is_some());
        for quiet in ["model.eval()", "re.compile(x)", "retrieval(y)", "torch.compile(m)", "evaluate(x)"] {
            assert!(calls(quiet, "eval").is_none() && calls(quiet, "compile").is_none(), "{quiet}");
        }
    }
}
