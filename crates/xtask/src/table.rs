//! Tables that read well on a terminal and as Markdown.

/// A table whose first column is text and whose others are figures.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub(crate) fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self { rows: vec![heads.map(str::to_owned).to_vec()] }
    }

    /// Adds more column heads.
    pub(crate) fn head(&mut self, heads: &[&str]) {
        if let Some(first) = self.rows.first_mut() {
            first.extend(heads.iter().map(|head| (*head).to_owned()));
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Markdown with its columns aligned, which is also how a terminal shows it.
    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let longest =
                    self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
                longest.max().unwrap_or(0).max(3)
            })
            .collect();
        let mut out = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            out.push('|');
            for (column, width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let fill = " ".repeat(width.saturating_sub(cell.chars().count()));
                let (before, after) = if column == 0 { ("", fill.as_str()) } else { (fill.as_str(), "") };
                out.push_str(&format!(" {before}{cell}{after} |"));
            }
            out.push('\n');
            if number == 0 {
                out.push('|');
                for (column, width) in widths.iter().enumerate() {
                    let dashes = "-".repeat(*width);
                    out.push_str(&if column == 0 { format!(" {dashes} |") } else { format!(" {dashes}:|") });
                }
                out.push('\n');
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["tier", "p50 us"]);
        table.row(vec!["T0 bare proxy".to_owned(), "81".to_owned()]);
        assert_eq!(
            table.render(),
            "| tier          | p50 us |\n| ------------- | ------:|\n| T0 bare proxy |     81 |\n"
        );
    }
}
