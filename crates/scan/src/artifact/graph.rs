//! Graphs: ONNX and TensorFlow. Both are Protocol Buffers; what matters are the names of operators and of files.
//! (onnx/onnx.proto3; tensorflow/core/protobuf/saved_model.proto, tensorflow/core/framework/graph.proto.)

mod textproto;

use super::archive;
use super::proto::{Fields, Value};
use super::read::{ReadAt, bytes_at};
use super::rule;
use super::scanner::{Place, Scan};

/// Messages in messages.
const MAX_DEPTH: u32 = 64;

/// Messages that are looked into.
const MAX_MESSAGES: u64 = 4_000_000;

/// The longest name that is read, in bytes.
const MAX_NAME: usize = 4096;

/// How many fields tell a format.
const PROBE: usize = 64;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    // ONNX
    Model,
    Opset,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    Entry,
    Training,
    // TensorFlow
    SavedModel,
    MetaGraph,
    GraphDef,
    NodeDef,
    Library,
    FunctionDef,
    AttrEntry,
    AttrValue,
    AttrList,
    NameAttrList,
    TensorDef,
    /// A map of name to asset and such: nothing in it matters.
    Other,
}

/// A graph format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Onnx,
    SavedModel,
    GraphDef,
    /// What TensorFlow's checkpoints have beside them.
    MetaGraph,
    /// A graph or a saved model as text.
    Text,
}

/// TensorFlow's operators that reach files, sockets or Python.
const FILE_OPS: &[&str] = &[
    "ReadFile",
    "WriteFile",
    "MatchingFiles",
    "TextLineReader",
    "TextLineDatasetV2",
    "DistributedSave",
    "RegisterDatasetV2",
    "TextLineReaderV2",
    "FixedLengthRecordReader",
    "FixedLengthRecordReaderV2",
    "WholeFileReader",
    "WholeFileReaderV2",
    "TFRecordReader",
    "TFRecordReaderV2",
    "TextLineDataset",
    "TFRecordDataset",
    "TFRecordDatasetV2",
    "FixedLengthRecordDataset",
    "FixedLengthRecordDatasetV2",
    "SaveDataset",
    "SaveDatasetV2",
    "LoadDataset",
    "SnapshotDataset",
    "SnapshotDatasetV2",
    "DatasetToTFRecord",
    "ImmutableConst",
    "CSVDataset",
    "CSVDatasetV2",
    "SqlDataset",
    "MatchingFilesDataset",
    "LMDBDataset",
    "LMDBReader",
    "WriteSummary",
    "CreateSummaryFileWriter",
    "CreateSummaryDbWriter",
    "WriteGraphSummary",
    "RegisterDataset",
    "DebugIdentity",
    "DebugIdentityV2",
    "DebugIdentityV3",
    "DebugNanCount",
    "DebugNumericSummary",
    "FileSystemSetConfiguration",
    "BigQueryReader",
    "RpcCall",
    "RpcServer",
    "RpcClient",
    "SaveSlices",
    "RestoreSlice",
    "LoadAndRemapMatrix",
    "CacheDataset",
    "CacheDatasetV2",
    "ExperimentalSnapshot",
    "DataServiceDataset",
    "DataServiceDatasetV2",
    "DataServiceDatasetV3",
    "DataServiceDatasetV4",
];

const PYTHON_OPS: &[&str] = &["PyFunc", "PyFuncStateless", "EagerPyFunc", "GeneratorDataset"];

/// Domains of ONNX's own operators and of runtimes that ship theirs.
const DOMAINS: &[&str] = &[
    "",
    "ai.onnx",
    "ai.onnx.ml",
    "ai.onnx.training",
    "ai.onnx.preview.training",
    "ai.onnx.preview",
    "com.microsoft",
    "com.microsoft.nchwc",
    "com.microsoft.experimental",
    "com.ms.internal.nhwc",
    "org.pytorch.aten",
    "ai.onnx.contrib",
    "pkg.onnxscript.torch_lib",
    "pkg.onnxscript.torch_lib.common",
    "org.openvinotoolkit",
];

struct Walk<'s, 'p, 'a> {
    scan: &'s mut Scan<'p>,
    source: &'a dyn ReadAt,
    place: &'a Place,
    messages: u64,
    tensors: u64,
    custom: Vec<String>,
    functions: Vec<String>,
    stopped: bool,
}

/// Which graph the bytes are, if they are one.
pub(crate) fn format(source: &dyn ReadAt, head: &[u8], ending: &str) -> Option<Format> {
    // A first byte that begins a field of one of the three messages.
    if !matches!(head.first(), Some(0x08 | 0x0a | 0x12 | 0x1a | 0x22 | 0x2a | 0x32 | 0x3a | 0x42)) {
        return None;
    }
    let named = matches!(ending, "onnx" | "pb" | "ort");
    let mut fields = Fields::new(source, 0, source.len());
    let (mut version, mut graph, mut opset, mut metas, mut nodes, mut others) =
        (false, false, false, 0, 0, 0u32);
    for field in fields.by_ref().take(PROBE) {
        match (field.number, field.value) {
            (1, Value::Number(n)) if n < 1000 => version = true,
            (7, Value::Bytes { at, len }) if has(source, at, len, &[1, 2, 5, 11, 12]) => graph = true,
            (8, Value::Bytes { len, .. }) if len < 1000 => opset = true,
            (2, Value::Bytes { at, len }) if meta_graph(source, at, len) => metas = 1,
            (1, Value::Bytes { at, len }) if node_def(source, at, len) => nodes = 1,
            (2..=6 | 9 | 14 | 20 | 25, _) => {}
            _ => others = others.saturating_add(1),
        }
    }
    if fields.broken && !named || others > 4 {
        return None;
    }
    if (version || named) && (graph || (opset && named)) {
        return Some(Format::Onnx);
    }
    if metas == 1 && (version || named) {
        return Some(Format::SavedModel);
    }
    if ending == "meta" && meta_graph(source, 0, source.len()) {
        return Some(Format::MetaGraph);
    }
    (nodes == 1).then_some(Format::GraphDef)
}

/// Whether all first fields of a message have these numbers.
fn has(source: &dyn ReadAt, at: u64, len: u64, numbers: &[u64]) -> bool {
    let mut any = false;
    let mut fields = Fields::new(source, at, len);
    let all = fields.by_ref().take(8).all(|f| {
        any = true;
        numbers.contains(&f.number)
            || f.number == 13
            || f.number == 14
            || f.number == 15
            || f.number == 16
            || f.number == 10
    });
    all && any && !fields.broken
}

fn meta_graph(source: &dyn ReadAt, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(source, at, len);
    let mut graph = false;
    let all = fields.by_ref().take(16).all(|f| {
        graph |= f.number <= 2;
        (1..=7).contains(&f.number) && matches!(f.value, Value::Bytes { .. })
    });
    all && graph && !fields.broken
}

/// A node has a name and an operator, both short texts.
fn node_def(source: &dyn ReadAt, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(source, at, len);
    let mut operator = false;
    let all = fields.by_ref().take(16).all(|f| {
        if let (2, Value::Bytes { at, len }) = (f.number, f.value) {
            let name = bytes_at(source, at, usize::try_from(len).unwrap_or(MAX_NAME).min(256));
            operator = name.first().is_some_and(u8::is_ascii_alphabetic)
                && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'>'));
        }
        f.number <= 7 && matches!(f.value, Value::Bytes { .. })
    });
    all && operator && !fields.broken
}

/// Analyses a graph.
pub(crate) fn analyse(scan: &mut Scan<'_>, source: &dyn ReadAt, place: &Place, format: Format) {
    let mut walk = Walk {
        scan,
        source,
        place,
        messages: 0,
        tensors: 0,
        custom: Vec::new(),
        functions: Vec::new(),
        stopped: false,
    };
    let kind = match format {
        Format::Onnx => Kind::Model,
        Format::SavedModel => Kind::SavedModel,
        Format::GraphDef => Kind::GraphDef,
        Format::MetaGraph => Kind::MetaGraph,
        Format::Text => {
            walk.text_graph();
            walk.finish();
            return;
        }
    };
    walk.message(kind, 0, source.len(), 0);
    walk.finish();
}

/// What a field of a message is; `None` when nothing in it matters.
fn child(kind: Kind, number: u64) -> Option<Kind> {
    Some(match (kind, number) {
        (Kind::Model, 7) => Kind::Graph,
        (Kind::Model, 8) => Kind::Opset,
        (Kind::Model, 20) => Kind::Training,
        (Kind::Model, 25) => Kind::Function,
        (Kind::Training, 1 | 2) => Kind::Graph,
        (Kind::Graph, 1) => Kind::Node,
        (Kind::Graph, 5) => Kind::Tensor,
        (Kind::Graph, 15) => Kind::SparseTensor,
        (Kind::Function, 7) => Kind::Node,
        (Kind::Function, 9) => Kind::Opset,
        (Kind::Function, 11) => Kind::Attribute,
        (Kind::Node, 5) => Kind::Attribute,
        (Kind::Attribute, 5 | 10) => Kind::Tensor,
        (Kind::Attribute, 6 | 11) => Kind::Graph,
        (Kind::Attribute, 22 | 23) => Kind::SparseTensor,
        (Kind::SparseTensor, 1 | 2) => Kind::Tensor,
        (Kind::Tensor, 13) => Kind::Entry,
        (Kind::SavedModel, 2) => Kind::MetaGraph,
        (Kind::MetaGraph, 2) => Kind::GraphDef,
        (Kind::GraphDef, 1) => Kind::NodeDef,
        (Kind::GraphDef, 2) => Kind::Library,
        (Kind::Library, 1) => Kind::FunctionDef,
        (Kind::FunctionDef, 3) => Kind::NodeDef,
        (Kind::NodeDef, 5) => Kind::AttrEntry,
        (Kind::AttrEntry, 2) => Kind::AttrValue,
        (Kind::AttrValue, 1) => Kind::AttrList,
        (Kind::AttrValue, 10) => Kind::NameAttrList,
        (Kind::AttrValue, 8) => Kind::TensorDef,
        (Kind::AttrList, 9) => Kind::NameAttrList,
        (Kind::NameAttrList, 2) => Kind::AttrEntry,
        (Kind::MetaGraph, 1 | 3..) => Kind::Other,
        _ => return None,
    })
}

// === impl Walk ===

impl Walk<'_, '_, '_> {
    fn text(&self, at: u64, len: u64) -> String {
        let most = usize::try_from(len).unwrap_or(MAX_NAME).min(MAX_NAME);
        String::from_utf8_lossy(&bytes_at(self.source, at, most)).into_owned()
    }

    fn message(&mut self, kind: Kind, at: u64, len: u64, depth: u32) {
        self.messages = self.messages.saturating_add(1);
        if depth > MAX_DEPTH || self.messages > MAX_MESSAGES {
            if !self.stopped {
                self.stopped = true;
                if depth > MAX_DEPTH {
                    let message =
                        "graphs lie in graphs without end, which overflows the stack of loaders".to_owned();
                    self.scan.issue(rule::GRAPH_STRUCTURE, self.place, message, Some(at));
                }
                self.scan.incomplete(self.place, "graph", "it has more or deeper parts than are looked at");
            }
            return;
        }
        if kind == Kind::Other {
            return;
        }
        let mut texts: Vec<(u64, String)> = Vec::new();
        let mut fields = Fields::new(self.source, at, len);
        let mut children = Vec::new();
        for field in fields.by_ref() {
            let Value::Bytes { at, len } = field.value else { continue };
            if let Some(next) = child(kind, field.number) {
                children.push((next, at, len));
                // Nodes are many; they are walked as they come.
                if children.len() >= 1024 {
                    for (next, at, len) in children.drain(..) {
                        self.message(next, at, len, depth.saturating_add(1));
                    }
                }
            } else if wants(kind, field.number) {
                texts.push((field.number, self.text(at, len)));
            }
        }
        if fields.broken {
            self.scan.incomplete(self.place, "graph", "a message is damaged");
        }
        self.judge(kind, &texts, at);
        for (next, at, len) in children {
            self.message(next, at, len, depth.saturating_add(1));
        }
    }

    fn judge(&mut self, kind: Kind, texts: &[(u64, String)], at: u64) {
        let get = |number: u64| texts.iter().find(|(n, _)| *n == number).map(|(_, t)| t.as_str());
        match kind {
            Kind::Model => {
                if let Some(producer) = get(2) {
                    self.scan.report.facts.producer.get_or_insert(producer.to_owned());
                }
            }
            Kind::Tensor => self.tensors = self.tensors.saturating_add(1),
            Kind::Entry if get(1) == Some("location") => {
                let path = get(2).unwrap_or_default();
                if let Some(why) = outside(path) {
                    let message = format!("external data: {why}");
                    self.scan.issue(rule::GRAPH_PATH, self.place, message, Some(at));
                }
            }
            Kind::Function => {
                let domain = get(10).unwrap_or_default();
                self.functions.push(domain.to_owned());
            }
            Kind::Node => {
                let operator = get(4).unwrap_or_default();
                let domain = get(7).unwrap_or_default();
                if operator == "PyOp"
                    || operator == "PythonOp"
                    || domain == "pyop"
                    || operator == "PyCustomOp"
                {
                    let message = format!("the operator `{operator}` runs Python");
                    self.scan.issue(rule::GRAPH_PYTHON, self.place, message, Some(at));
                } else if !DOMAINS.contains(&domain) && self.custom.len() < 10_000 {
                    self.custom.push(domain.to_owned());
                }
            }
            Kind::NodeDef => self.node_def(get(2).unwrap_or_default(), at),
            Kind::AttrValue => {
                // A path in an attribute of a printing operator.
                if let Some(text) = get(2)
                    && text.starts_with("file://")
                {
                    let message = format!("an operator writes to `{text}`");
                    self.scan.issue(rule::GRAPH_FILE, self.place, message, Some(at));
                }
            }
            _ => {}
        }
    }

    /// `op: "Name"` wherever it stands in text.
    fn text_graph(&mut self) {
        const MOST: usize = 64 << 20;
        if self.source.len() > MOST as u64 {
            self.scan.incomplete(self.place, "graph", "it is longer than is read");
        }
        let bytes = bytes_at(self.source, 0, usize::try_from(self.source.len()).unwrap_or(MOST).min(MOST));
        for at in memchr::memmem::find_iter(&bytes, b"op") {
            let rest = textproto::skip(bytes.get(at.saturating_add(2)..).unwrap_or_default());
            let Some(rest) = rest.strip_prefix(b":") else { continue };
            if let Some(name) = textproto::string(rest, MAX_NAME) {
                self.node_def(&name, at as u64);
            }
        }
        if memchr::memmem::find(&bytes, b"file://").is_some() {
            let message = "an operator writes to a `file://` path".to_owned();
            self.scan.issue(rule::GRAPH_FILE, self.place, message, None);
        }
    }

    fn node_def(&mut self, operator: &str, at: u64) {
        if PYTHON_OPS.contains(&operator) {
            let message = format!("the operator `{operator}` calls into the process that loads it");
            self.scan.issue(rule::GRAPH_PYTHON, self.place, message, Some(at));
        } else if FILE_OPS.contains(&operator) {
            let message = format!("the operator `{operator}` reads or writes files");
            self.scan.issue(rule::GRAPH_FILE, self.place, message, Some(at));
        }
    }

    fn finish(&mut self) {
        self.custom.sort();
        self.custom.dedup();
        let functions = std::mem::take(&mut self.functions);
        for domain in std::mem::take(&mut self.custom).into_iter().filter(|d| !functions.contains(d)).take(20)
        {
            let message = format!("operators of `{domain}`, which need a library of their own");
            self.scan.issue(rule::GRAPH_CUSTOM, self.place, message, None);
        }
        if self.tensors > 0 {
            self.scan.report.facts.tensors.get_or_insert(self.tensors);
        }
    }
}

/// Texts that are judged.
fn wants(kind: Kind, number: u64) -> bool {
    matches!(
        (kind, number),
        (Kind::Model, 2)
            | (Kind::Node, 4 | 7)
            | (Kind::Function, 10)
            | (Kind::Entry, 1 | 2)
            | (Kind::NodeDef, 1 | 2)
            | (Kind::AttrValue, 2)
    )
}

/// Why a path of external data is not one beside the model.
pub(super) fn outside(path: &str) -> Option<String> {
    if path.starts_with("\\\\") || path.contains("://") {
        return Some(format!("`{path}` is on another machine"));
    }
    archive::escapes(path)
}
