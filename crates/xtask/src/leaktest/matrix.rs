//! What the runs came to, by channel and recognizer.

use std::collections::BTreeMap;

use crate::table::Table;

/// The figures of one channel with one recognizer's value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cell {
    /// Requests sent.
    pub(crate) runs: u64,
    /// Runs in which a fragment came through.
    pub(crate) leaks: u64,
    /// Runs in which the whole value came through.
    pub(crate) whole: u64,
    /// Runs that differ from what the uncut text came to.
    pub(crate) different: u64,
    /// Runs that ended without an answer that can be read.
    pub(crate) broken: u64,
}

impl Cell {
    const fn plus(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            leaks: self.leaks + other.leaks,
            whole: self.whole + other.whole,
            different: self.different + other.different,
            broken: self.broken + other.broken,
        }
    }
}

/// One matrix: rows are channels, columns are recognizers.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    cells: BTreeMap<(usize, usize), Cell>,
    names: BTreeMap<usize, String>,
    /// The first failure of each row, told in full.
    told: BTreeMap<usize, String>,
    /// The most bytes of a value that came through in one run.
    pub(crate) leaked_bytes: usize,
}

impl Matrix {
    /// The cell of a channel and a recognizer.
    pub(crate) fn cell(&mut self, row: usize, name: &str, column: usize) -> &mut Cell {
        self.names.entry(row).or_insert_with(|| name.to_owned());
        self.cells.entry((row, column)).or_default()
    }

    /// Keeps a failure of a row for the report, if it is the row's first.
    pub(crate) fn tell(&mut self, row: usize, line: impl FnOnce() -> String) {
        self.told.entry(row).or_insert_with(line);
    }

    /// The failures that were kept.
    pub(crate) fn told(&self) -> impl Iterator<Item = &String> {
        self.told.values()
    }

    /// The sum over all cells.
    pub(crate) fn total(&self) -> Cell {
        self.cells.values().copied().fold(Cell::default(), Cell::plus)
    }

    /// Each row's name with the sum of its first columns.
    pub(crate) fn rows(&self, columns: usize) -> impl Iterator<Item = (&str, Cell)> {
        self.names.iter().map(move |(row, name)| {
            let cells = self.cells.range((*row, 0)..(*row, columns)).map(|(_, cell)| *cell);
            (name.as_str(), cells.fold(Cell::default(), Cell::plus))
        })
    }

    /// Channels in which a recognizer's value came through whole in every run.
    pub(crate) fn unscanned(&self) -> Vec<&str> {
        let mut rows: Vec<usize> = self
            .cells
            .iter()
            .filter(|(_, cell)| cell.runs > 0 && cell.whole == cell.runs)
            .map(|((row, _), _)| *row)
            .collect();
        rows.dedup();
        rows.iter().filter_map(|row| self.names.get(row).map(String::as_str)).collect()
    }

    /// A table whose cells are the number of runs, or what is wrong.
    pub(crate) fn render(&self, columns: &[&str]) -> String {
        let mut table = Table::new([""]);
        table.head(columns);
        for (row, name) in &self.names {
            let mut cells = vec![name.clone()];
            for column in 0..columns.len() {
                cells.push(self.cells.get(&(*row, column)).map_or_else(|| "-".to_owned(), show));
            }
            table.row(cells);
        }
        table.render()
    }
}

fn show(cell: &Cell) -> String {
    match cell {
        Cell { leaks, .. } if *leaks > 0 => format!("LEAK {leaks}/{}", cell.runs),
        Cell { different, .. } if *different > 0 => format!("DIFF {different}/{}", cell.runs),
        Cell { broken, .. } if *broken > 0 => format!("BROKEN {broken}/{}", cell.runs),
        _ => cell.runs.to_string(),
    }
}
