//! Files that hold models, by what they are called.

use std::fs::File;

use crate::asset::{Kind, LIKELY, Scope, Sighting};
use crate::node::Place;
use crate::scan::FileResult;

/// Endings that are used for models.
const ENDINGS: [&str; 24] = [
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
    "mlpackage",
];

/// Notes a file of a model.
pub(crate) fn examine(path: &str, _file: &File, _head: &[u8], result: &mut FileResult) {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let named = path
        .rsplit('/')
        .next()
        .is_some_and(|file| matches!(file, "pytorch_model.bin" | "saved_model.pb" | "adapter_model.bin"));
    if ENDINGS.contains(&ending.as_str()) || named {
        let mut sighting =
            Sighting::new(Kind::ModelArtifact, path, Place::new(0, 0), "name", LIKELY).fact("format", ending);
        (sighting.line, sighting.scope) = (1, Scope::of(path));
        result.sightings.push(sighting);
    }
}
