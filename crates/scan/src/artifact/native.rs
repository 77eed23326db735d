//! Programs where weights should be.

use super::read::{ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// A format of programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Native {
    Elf,
    Pe,
    MachO,
    /// One file that runs everywhere, as llamafiles are.
    Polyglot,
    Script,
}

// === impl Native ===

impl Native {
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"\x7fELF") {
            return Some(Self::Elf);
        }
        if head.starts_with(b"MZqFpD='") || head.starts_with(b"jartsr='") {
            return Some(Self::Polyglot);
        }
        if head.starts_with(b"MZ") {
            let at = head.get(0x3c..0x40).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)?;
            let at = usize::try_from(at).ok()?;
            // Beyond the head, an offset that is a multiple of four within a megabyte is what linkers write.
            let signed =
                head.get(at..at.checked_add(4)?).map_or(at < 1 << 20 && at % 4 == 0, |s| s == b"PE\0\0");
            return signed.then_some(Self::Pe);
        }
        let magic = head.first_chunk::<4>().map(|m| u32::from_be_bytes(*m))?;
        let cpu = head.get(4..8).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes)?;
        match magic {
            0xfeed_face | 0xfeed_facf | 0xcefa_edfe | 0xcffa_edfe => Some(Self::MachO),
            // Java classes share the magic of fat binaries; those have few architectures.
            0xcafe_babe if cpu < 20 => Some(Self::MachO),
            _ if head.starts_with(b"#!/") || head.starts_with(b"#! /") => Some(Self::Script),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Elf => "elf",
            Self::Pe => "pe",
            Self::MachO => "mach-o",
            Self::Polyglot => "llamafile",
            Self::Script => "script",
        }
    }
}

/// A program is a finding wherever an artifact was expected.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place, kind: Native) {
    let shared = kind == Native::Elf && bytes_at(source, 16, 2).first() == Some(&3);
    let what = match kind {
        Native::Elf if shared => "a native library (ELF)",
        Native::Elf => "a native program (ELF)",
        Native::Pe => "a native program (PE)",
        Native::MachO => "a native program (Mach-O)",
        Native::Polyglot => "a program that carries its weights (llamafile)",
        Native::Script => "a script with an interpreter line",
    };
    scan.issue(rule::EXECUTABLE, place, format!("{what} in place of weights"), Some(0));
}
