//! The development sets.

use std::path::PathBuf;

/// A text with what is known of it.
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) attack: bool,
    pub(crate) source: String,
    pub(crate) language: Option<String>,
}

/// All rows, or none without data.
pub(crate) fn rows() -> Result<Option<Vec<Row>>, Box<dyn std::error::Error>> {
    let Some(folder) = std::env::var_os("STOCKADE_TESTDATA").map(PathBuf::from) else { return Ok(None) };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("text"))?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let source = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for line in std::fs::read_to_string(&file)?.lines() {
            let row: serde_json::Value = serde_json::from_str(line)?;
            let field = |name: &str| row.get(name).and_then(|v| v.as_str()).map(str::to_owned);
            rows.push(Row {
                text: field("text").unwrap_or_default(),
                attack: row.get("label").and_then(serde_json::Value::as_u64) == Some(1),
                source: source.clone(),
                language: field("lang"),
            });
        }
    }
    Ok(Some(rows))
}
