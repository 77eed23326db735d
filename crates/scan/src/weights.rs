//! Files that machine-learning frameworks load, handed to [`crate::artifact`].

use std::fs::File;

use stockade_crypto::{sha256, to_hex};

use crate::artifact::{self, Report};
use crate::asset::{Finding, Kind, LIKELY, SURE, Scope, Sighting};
use crate::node::Place;
use crate::scan::{FileResult, Scanner};

/// Endings that are used for models.
const ENDINGS: [&str; 23] = [
    "pt",
    "pth",
    "ckpt",
    "safetensors",
    "gguf",
    "ggml",
    "onnx",
    "h5",
    "hdf5",
    "keras",
    "pkl",
    "pickle",
    "joblib",
    "npz",
    "tflite",
    "mlmodel",
    "mar",
    "pt2",
    "nemo",
    "skops",
    "pmml",
    "llamafile",
    "engine",
];

/// Loaders whose files are not models by themselves.
const PLAIN: [&str; 12] =
    ["zip", "tar", "gzip", "bzip2", "xz", "zstd", "lz4", "json", "yaml", "jinja", "python", "numpy"];

/// Whether a name is that of a model.
pub(crate) fn is_named(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or(path);
    ENDINGS.contains(&ending.as_str())
        || matches!(name, "pytorch_model.bin" | "saved_model.pb" | "adapter_model.bin")
}

/// Reads a file as the frameworks would, if one of them might.
pub(crate) fn examine(
    path: &str,
    file: &File,
    head: &[u8],
    scanner: &Scanner,
    digests: bool,
    result: &mut FileResult,
) {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let named = is_named(path);
    if !named && !artifact::looks_like_artifact(path, head) {
        return;
    }
    let report = artifact::scan(path, file, &artifact::Options { digests }, &scanner.artifacts);
    let scope = Scope::of(path);
    let format = report.facts.format.unwrap_or_default();
    if named || !(format.is_empty() || PLAIN.contains(&format)) {
        result.read = true;
        result.sightings.push(sighting(path, &ending, scope, &report));
    }
    for lack in &report.incomplete {
        let member = lack.member.as_ref().map(|member| format!(" in {member}")).unwrap_or_default();
        result.incomplete.push(format!("{}: {}{member}", lack.what, lack.why));
    }
    for issue in &report.issues {
        let member = issue.member.as_deref().unwrap_or_default();
        let start = issue.offset.and_then(|offset| usize::try_from(offset).ok()).unwrap_or(0);
        let text = format!("{}\0{path}\0{member}\0{}", issue.rule_id, issue.message);
        let inside = if member.is_empty() { String::new() } else { format!(" (in {member})") };
        result.findings.push(Finding {
            rule_id: issue.rule_id.to_string(),
            severity: issue.severity,
            path: path.to_owned(),
            line: 1,
            start,
            end: start,
            message: format!("{}{inside}", issue.message),
            fix: scanner.artifacts.meta(&issue.rule_id).map(|meta| meta.fix.clone()).unwrap_or_default(),
            references: issue.references.to_vec(),
            fingerprint: to_hex(&sha256(text.as_bytes())).chars().take(32).collect(),
            scope,
            suppressed: None,
        });
    }
}

fn sighting(path: &str, ending: &str, scope: Scope, report: &Report) -> Sighting {
    let facts = &report.facts;
    let confidence = if report.views.is_empty() { LIKELY } else { SURE };
    let mut sighting = Sighting::new(Kind::ModelArtifact, path, Place::new(0, 0), "artifact", confidence)
        .fact("format", facts.format.unwrap_or(ending))
        .fact("verdict", if report.incomplete.is_empty() { report.verdict.as_str() } else { "incomplete" });
    let texts = [
        ("architecture", facts.architecture.clone()),
        ("model_name", facts.name.clone()),
        ("licence", facts.licence.clone()),
        ("tensors", facts.tensors.map(|n| n.to_string())),
        ("parameters", facts.parameters.map(|n| n.to_string())),
        ("chat_template_sha256", facts.chat_template_sha256.clone()),
        ("producer", facts.producer.clone()),
        ("sha256", report.digests.as_ref().map(|digests| digests.sha256.clone())),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            sighting = sighting.fact(name, value);
        }
    }
    (sighting.line, sighting.scope) = (1, scope);
    sighting
}
