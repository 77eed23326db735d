//! PyTorch's archives: which members are pickles, storages and TorchScript, and whether they fit one another.

use super::native::{self, Native};
use super::read::{Part, ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};
use super::zip::Member;

/// How much TorchScript is read of one member, in bytes.
const MOST: usize = 8 << 20;

/// Operators of TorchScript that touch files. They need no Python to run.
const FILE_OPERATORS: &[&str] =
    &["aten::save", "aten.save", "torch.save(", "from_file(", "aten::from_file", "prim::load", "torch.load("];

/// A zip that PyTorch reads.
pub(crate) struct Layout {
    /// The folder that all members lie in, with its slash.
    prefix: String,
}

// === impl Layout ===

impl Layout {
    /// The layout, when the zip has one.
    pub(crate) fn of(members: &[Member]) -> Option<Self> {
        let main = members.iter().find_map(|m| {
            m.name
                .strip_suffix("data.pkl")
                .or_else(|| m.name.strip_suffix("constants.pkl"))
                .map(str::to_owned)
        })?;
        Some(Self { prefix: main })
    }

    /// Whether a member is nothing but numbers.
    pub(crate) fn is_storage(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&self.prefix) else { return false };
        let key = rest.strip_prefix("data/").or_else(|| rest.strip_prefix("constants/"));
        key.is_some_and(|k| !k.is_empty() && k.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Whether each storage is as long as its tensors need.
    pub(crate) fn check(&self, scan: &mut Scan<'_>, place: &Place, members: &[Member]) {
        let Some(facts) = scan.storages.remove(place.member.as_deref().unwrap_or_default()) else { return };
        let mut tensors = 0u64;
        let mut parameters = 0u64;
        for storage in facts {
            tensors = tensors.saturating_add(1);
            let elements = u64::try_from(storage.elements).unwrap_or(0);
            parameters = parameters.saturating_add(elements);
            let Some(need) = storage.element_size().and_then(|s| s.checked_mul(elements)) else { continue };
            let name = format!("{}{}", self.prefix, storage.key);
            if let Some(member) = members.iter().find(|m| m.name == name)
                && member.size < need
            {
                let message = format!(
                    "storage `{}` has {} bytes and its tensors need {need}",
                    storage.key, member.size
                );
                scan.issue(rule::TENSOR, place, message, None);
            }
        }
        scan.report.facts.tensors.get_or_insert(tensors);
        scan.report.facts.parameters.get_or_insert(parameters);
    }
}

/// A storage is not read, but its first bytes tell a program.
pub(crate) fn storage_head(scan: &mut Scan<'_>, data: &Part<'_>, place: &Place) {
    let head = bytes_at(data, 0, 64);
    if let Some(kind @ (Native::Elf | Native::Pe)) = Native::of(&head)
        && head.get(4..16).is_some_and(|rest| rest.contains(&0))
        && data.len() > 1024
    {
        native::analyse(scan, data, place, kind);
    }
}

/// TorchScript in an archive of PyTorch.
pub(crate) fn script(scan: &mut Scan<'_>, data: &dyn ReadAt, place: &Place, layout: Option<&Layout>) {
    let Some(layout) = layout else { return };
    let path = place.member.as_deref().unwrap_or_default();
    let name = path.rsplit('!').next().unwrap_or_default();
    let Some(rest) = name.strip_prefix(&layout.prefix) else { return };
    if !rest.starts_with("code/") || !rest.ends_with(".py") {
        return;
    }
    let bytes = bytes_at(data, 0, MOST);
    for operator in FILE_OPERATORS {
        if let Some(at) = memchr::memmem::find(&bytes, operator.as_bytes()) {
            let name = operator.trim_end_matches('(');
            let message = format!("the TorchScript uses `{name}`, which reads or writes files");
            scan.issue(rule::TORCHSCRIPT, place, message, Some(at as u64));
        }
    }
    if data.len() > MOST as u64 {
        scan.incomplete(place, "TorchScript", "it is longer than is read");
    }
}
