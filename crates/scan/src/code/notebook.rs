//! Notebooks: the code cells as one program, with a map from its lines to the file's bytes.

use crate::doc::{DocumentError, json};
use crate::node::{Data, Node, Path, Place};

/// The code of a notebook, and for each of its lines where in the file the text of the line stands.
#[derive(Debug)]
pub(crate) struct Notebook {
    pub(crate) code: String,
    pub(crate) python: bool,
    /// First byte of a line in `code`, and the place of the string in the file.
    lines: Vec<(usize, Place)>,
}

/// Reads a notebook (nbformat 4). Outputs are not code and are not read; magics and shell lines are put aside, but for what
/// they install.
pub(crate) fn parse(text: &str) -> Result<(Notebook, Vec<(String, Place)>), DocumentError> {
    let root = json::parse(text)?;
    let language = root
        .at_path(&Path::new("metadata.kernelspec.language"))
        .first()
        .and_then(|n| n.text())
        .map(str::to_owned);
    let python = language.is_none_or(|language| language.eq_ignore_ascii_case("python"));
    let mut notebook = Notebook { code: String::new(), python, lines: Vec::new() };
    let mut installs = Vec::new();
    for cell in root.get("cells").map(Node::items).unwrap_or_default() {
        if cell.text_of("cell_type") != Some("code") {
            continue;
        }
        let Some(source) = cell.get("source") else { continue };
        let pieces: Vec<(&str, Place)> = match &source.data {
            Data::Text(text) => vec![(text.as_str(), source.at)],
            Data::List(items) => items.iter().filter_map(|item| Some((item.text()?, item.at))).collect(),
            _ => continue,
        };
        for (piece, place) in pieces {
            for line in piece.split_inclusive('\n') {
                notebook.lines.push((notebook.code.len(), place));
                let bare = line.trim_start();
                if bare.starts_with(['%', '!']) {
                    installs.push((bare.trim_start_matches(['%', '!']).trim().to_owned(), place));
                    notebook.code.push('\n');
                } else {
                    notebook.code.push_str(line);
                }
            }
        }
        if !notebook.code.ends_with('\n') {
            notebook.code.push('\n');
        }
    }
    Ok((notebook, installs))
}

impl Notebook {
    /// Where a byte of the code stands in the file.
    pub(crate) fn place(&self, byte: usize) -> Place {
        let at = self.lines.partition_point(|(start, _)| *start <= byte);
        at.checked_sub(1).and_then(|at| self.lines.get(at)).map(|(_, place)| *place).unwrap_or_default()
    }
}
