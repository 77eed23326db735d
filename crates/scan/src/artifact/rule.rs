//! The ids of the rules that code runs. Each is a file below `rules/artifacts/`.

macro_rules! rules {
    ($($name:ident = $id:literal;)*) => {
        $(pub(crate) const $name: &str = $id;)*
        /// Every rule that code names.
        #[cfg(test)]
        pub(crate) const ALL: &[&str] = &[$($id),*];
    };
}

rules! {
    WALK = "artifact-pickle-walk";
    STDLIB = "artifact-pickle-stdlib";
    VERB = "artifact-pickle-verb";
    UNKNOWN = "artifact-pickle-unknown";
    UNKNOWN_NAME = "artifact-pickle-computed-import";
    CONTRACT = "artifact-pickle-arguments";
    CARRIED_CODE = "artifact-call-carried-code";
    CODE_ARGUMENT = "artifact-pickle-code-argument";
    MUTATION = "artifact-pickle-mutation";
    BROKEN = "artifact-pickle-broken";
    BOMB = "artifact-pickle-bomb";
    EXTENSION = "artifact-pickle-extension";
    TENSOR = "artifact-tensor-bounds";
    HIDDEN = "artifact-hidden-bytes";
    DAMAGE = "artifact-archive-damage";
    DISAGREE = "artifact-archive-disagreement";
    PATH = "artifact-archive-path";
    EXPANSION = "artifact-archive-bomb";
    OPAQUE = "artifact-archive-opaque";
    EXECUTABLE = "artifact-executable";
    SOURCE = "artifact-source-code";
    SOURCE_ACTS = "artifact-source-acts";
    SAFETENSORS = "artifact-safetensors-structure";
    GGUF = "artifact-gguf-structure";
    TEMPLATE = "artifact-template-code";
    TEMPLATE_UNREAD = "artifact-template-unread";
    TEMPLATE_INSTRUCTION = "artifact-template-instruction";
    TORCHSCRIPT = "artifact-torchscript-file";
    NUMPY = "artifact-numpy-header";
    REMOTE_CODE = "artifact-config-remote-code";
    OTHER_REPOSITORY = "artifact-config-other-repository";
    TARGET = "artifact-config-target";
    TARGET_ACTS = "artifact-config-target-acts";
    YAML_TAG = "artifact-yaml-tag";
    GRAPH_STRUCTURE = "artifact-graph-structure";
    GRAPH_PATH = "artifact-graph-external-path";
    GRAPH_FILE = "artifact-graph-file-operator";
    GRAPH_PYTHON = "artifact-graph-python-operator";
    GRAPH_CUSTOM = "artifact-graph-custom-operator";
    KERAS_CODE = "artifact-keras-code";
    KERAS_CLASS = "artifact-keras-class";
    KERAS_PATH = "artifact-keras-path";
    HDF5 = "artifact-hdf5-external";
    SKOPS = "artifact-skops-node";
    XML = "artifact-xml-external";
    DUPLICATE_KEY = "artifact-json-duplicate-key";
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_id_is_a_rule() {
        for id in super::ALL {
            let file = format!("artifacts/{id}.toml");
            assert!(stockade_rules::FILES.iter().any(|(name, _)| *name == file), "{id}");
        }
    }
}
