//! Which loaders would accept the bytes. Content decides; a name only adds loaders, it never takes one away.

use super::archive::Codec;
use super::native::Native;
use super::pickle;
use super::read::ReadAt;
use super::scanner::Place;
use super::{archive, graph, hdf5, json, ubjson, zip};

/// How much of the beginning is looked at, in bytes.
pub(crate) const HEAD: usize = 4096;

/// One way in which the bytes can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loader {
    Pickle,
    Zip,
    Tar,
    Compressed(Codec),
    Npy,
    Safetensors,
    Gguf,
    Executable(Native),
    /// An archive format that is known and not opened.
    Opaque(&'static str),
    Json,
    Yaml,
    Jinja,
    Python,
    Graph(graph::Format),
    /// The offset of its superblock.
    Hdf5(u64),
    Xml,
    Ubjson,
}

/// Endings of files that hold weights and nothing else.
const WEIGHTS: &[&str] = &[
    "pkl",
    "pickle",
    "pt",
    "pth",
    "ckpt",
    "joblib",
    "npy",
    "npz",
    "safetensors",
    "gguf",
    "ggml",
    "h5",
    "hdf5",
    "keras",
    "onnx",
    "pb",
    "tflite",
    "nemo",
    "mar",
    "skops",
    "pt2",
    "ptl",
    "jit",
    "torchscript",
    "dill",
    "cloudpickle",
    "model",
    "pmml",
    "ubj",
    "mlmodel",
    "pdparams",
    "pdmodel",
    "engine",
    "plan",
    "xgb",
    "lgb",
    "cbm",
    "p",
    "pck",
    "t7",
];

/// Endings that are a pickle often enough to try harder.
const PICKLES: &[&str] = &[
    "pkl",
    "pickle",
    "pt",
    "pth",
    "ckpt",
    "joblib",
    "bin",
    "dill",
    "cloudpickle",
    "p",
    "pck",
    "dat",
    "data",
    "model",
    "pdparams",
    "sav",
    "npy",
];

/// Endings of archives, compressed files and raw weights.
const PACKED: &[&str] = &[
    "bin",
    "dat",
    "llamafile",
    "tar",
    "tgz",
    "gz",
    "xz",
    "bz2",
    "zst",
    "lz4",
    "lzma",
    "z",
    "zip",
    "7z",
    "rar",
];

/// What configuration that loaders act on has near its beginning.
const WORDS: &[&str] = &[
    "_target_",
    "weight_map",
    "auto_map",
    "chat_template",
    "python/",
    "trust_remote_code",
    "\"architectures\"",
    "\"class_name\"",
    "\"model_type\"",
    "loader_module",
    "%TAG",
    "!!",
    "class_path",
];

/// Endings of models in XML.
const XML: &[&str] = &["pmml", "xml"];

/// Whether a file is worth handing to [`scan`](super::scan), from its name and first 4 KiB. Cheap; says yes in doubt.
#[must_use]
pub fn looks_like_artifact(name: &str, head: &[u8]) -> bool {
    let place_name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let ending = place_name.rsplit_once('.').map(|(_, e)| e).unwrap_or_default();
    if promises_weights(ending) || PACKED.contains(&ending) {
        return true;
    }
    if hdf5::start(&head, head).is_some() || is_xml(head) && names_model(head) {
        return true;
    }
    // A program is of interest where weights are expected, not under its own name.
    let magic = by_magic(head).filter(|loader| !matches!(loader, Loader::Executable(_)));
    if magic.is_some() || pickle::is_pickle_start(head) || is_zip_start(head) {
        return true;
    }
    if config_name(&place_name) || ending == "pbtxt" {
        return true;
    }
    // TensorFlow's checkpoints; elsewhere files of this name are text.
    if ending == "meta" && matches!(head.first(), Some(0x0a)) {
        return true;
    }
    if matches!(ending, "json" | "yaml" | "yml")
        && WORDS.iter().any(|w| memchr::memmem::find(head, w.as_bytes()).is_some())
    {
        return true;
    }
    // joblib compresses so, and reads it back whatever it is called.
    if archive::weak_inside(head).is_some_and(|inner| looks_like_artifact("", &inner)) {
        return true;
    }
    pickle::worth_a_look(head, head.len() >= HEAD)
}

/// Whether a name promises weights, so that bytes which no loader accepts are worth a word.
pub(crate) fn promises_weights(ending: &str) -> bool {
    WEIGHTS.contains(&ending)
}

/// Configuration that loaders of models act on.
pub(crate) fn config_name(name: &str) -> bool {
    matches!(
        name,
        "config.json"
            | "tokenizer_config.json"
            | "tokenizer.json"
            | "generation_config.json"
            | "preprocessor_config.json"
            | "processor_config.json"
            | "adapter_config.json"
            | "model_index.json"
            | "chat_template.json"
            | "model_config.yaml"
            | "hparams.yaml"
            | "config.yaml"
            | "config.yml"
            | "modules.json"
            | "mlmodel"
    ) || name.ends_with(".jinja")
}

/// Every loader that accepts the bytes.
pub(crate) fn loaders(source: &dyn ReadAt, head: &[u8], place: &Place) -> Vec<Loader> {
    let mut found = Vec::new();
    let ending = place.ending();
    if let Some(loader) = by_magic(head) {
        found.push(loader);
    }
    if zip::present(source, head) {
        found.push(Loader::Zip);
    }
    if archive::is_tar(head) {
        found.push(Loader::Tar);
    }
    if safetensors_start(head, source.len(), ending == "safetensors") {
        found.push(Loader::Safetensors);
    }
    if pickle::accepted(source, head, PICKLES.contains(&ending.as_str())) {
        found.push(Loader::Pickle);
    }
    if let Some(start) = hdf5::start(source, head) {
        found.push(Loader::Hdf5(start));
    }
    if found.is_empty() {
        if matches!(ending.as_str(), "yaml" | "yml") || place.name == "MLmodel" {
            found.push(Loader::Yaml);
        } else if ending == "pbtxt" {
            found.push(Loader::Graph(graph::Format::Text));
        } else if let Some(format) = graph::format(source, head, &ending) {
            found.push(Loader::Graph(format));
        } else if let Some(codec) = archive::weak_magic(source, head) {
            found.push(Loader::Compressed(codec));
        } else if matches!(ending.as_str(), "jinja" | "jinja2" | "j2") {
            found.push(Loader::Jinja);
        } else if ubjson::is_start(head) {
            found.push(Loader::Ubjson);
        } else if is_xml(head) && (XML.contains(&ending.as_str()) || names_model(head)) {
            found.push(Loader::Xml);
        } else if is_json(head) {
            found.push(Loader::Json);
        } else if ending == "py" && place.depth > 0 && !place.torch {
            found.push(Loader::Python);
        }
    }
    found
}

fn is_zip_start(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") || head.starts_with(b"PK00PK")
}

fn by_magic(head: &[u8]) -> Option<Loader> {
    Some(match head {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Loader::Npy,
        [b'G', b'G', b'U', b'F', ..] => Loader::Gguf,
        [0x1f, 0x8b, ..] => Loader::Compressed(Codec::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Loader::Compressed(Codec::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Loader::Compressed(Codec::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Loader::Compressed(Codec::Zstd),
        [0x04, 0x22, 0x4d, 0x18, ..] => Loader::Compressed(Codec::Lz4),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Loader::Opaque("7z"),
        [b'R', b'a', b'r', b'!', 0x1a, 0x07, ..] => Loader::Opaque("RAR"),
        _ => Loader::Executable(Native::of(head)?),
    })
}

/// A header length and an object, as safetensors begins; where the name says that it is one, also when the length is a lie.
fn safetensors_start(head: &[u8], len: u64, named: bool) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    rest.first() == Some(&b'{') && length >= 2 && (length < len.saturating_mul(2) || named)
}

fn is_json(head: &[u8]) -> bool {
    let decoded = json::decoded(head);
    let head: &[u8] = &decoded;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    matches!(head.first(), Some(b'{' | b'['))
        && std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true)
}

fn is_xml(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    matches!(head, [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..])
}

/// Whether XML says near its beginning that it is a model.
fn names_model(head: &[u8]) -> bool {
    ["<PMML", "<net ", "<!DOCTYPE PMML"].iter().any(|w| memchr::memmem::find(head, w.as_bytes()).is_some())
}

// === impl Loader ===

impl Loader {
    /// The word of reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pickle => "pickle",
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::Compressed(codec) => codec.name(),
            Self::Npy => "numpy",
            Self::Safetensors => "safetensors",
            Self::Gguf => "gguf",
            Self::Executable(kind) => kind.name(),
            Self::Opaque(kind) => kind,
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Jinja => "jinja",
            Self::Python => "python",
            Self::Graph(graph::Format::Onnx) => "onnx",
            Self::Graph(graph::Format::SavedModel) => "saved-model",
            Self::Graph(graph::Format::GraphDef) => "graph-def",
            Self::Graph(graph::Format::MetaGraph) => "meta-graph",
            Self::Graph(graph::Format::Text) => "graph-text",
            Self::Hdf5(_) => "hdf5",
            Self::Xml => "xml",
            Self::Ubjson => "ubjson",
        }
    }
}
