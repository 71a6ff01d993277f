//! A file whose form was checked: what its rows are, and where in a row each value is.

use super::columns::{Column, Kind, Role, looks_like_a_header};
use super::formulas::unguarded;
use super::problems::Problems;
use super::records::{Fault, Source};
use crate::input::{Values, shortened};

/// A file whose form was checked. Its rows are read once more when they are loaded, so that there is one at
/// a time.
#[derive(Debug)]
pub struct File<'b> {
    pub(super) name: String,
    pub(super) kind: Kind,
    source: Source<'b>,
    form: Form,
    /// How many rows it has.
    pub(super) count: usize,
}

/// Where in a row each value is.
#[derive(Debug)]
struct Form {
    columns: Vec<&'static Column>,
    has_header: bool,
}

impl<'b> File<'b> {
    /// Checks a CSV file. Without a kind it is told by the header, or by the demo's three columns.
    pub fn read(name: &str, bytes: &'b [u8], kind: Option<Kind>) -> Result<Self, Problems> {
        if let Some(why) = other_format(bytes) {
            return Err(Problems::whole(name, why));
        }
        let source = Source::of(bytes);
        let mut form: Option<(Kind, Form)> = None;
        let mut count = 0;
        let mut wrong = Problems { file: name.to_owned(), lines: Vec::new() };
        for (line, cells) in source.records() {
            let cells = match cells {
                Ok(cells) => cells,
                Err(fault) => {
                    wrong.lines.push(explain(fault, line));
                    continue;
                }
            };
            let columns = if let Some((_, Form { columns, .. })) = &form {
                columns
            } else {
                match Form::of(kind, &cells) {
                    Ok(found) => {
                        let is_header = found.1.has_header;
                        let (_, Form { columns, .. }) = form.insert(found);
                        if is_header {
                            continue;
                        }
                        columns
                    }
                    Err(why) => {
                        // A line that cannot be read may have been the header.
                        if wrong.lines.is_empty() {
                            wrong.lines.push((line, why));
                        }
                        break;
                    }
                }
            };
            count += 1;
            let filled = filled(&cells);
            if filled > columns.len() {
                let names: Vec<_> = columns.iter().map(|column| column.name).collect();
                let known = format!("{} columns: {}", columns.len(), names.join(", "));
                wrong.lines.push((line, format!("{filled} values, but only {known}.")));
            }
        }
        match form {
            _ if !wrong.lines.is_empty() => Err(wrong),
            None => Err(Problems::whole(name, "The file is empty.")),
            Some((kind, form)) => Ok(Self { name: name.to_owned(), kind, source, form, count }),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rows by column, with their lines, as they were before an export guarded them.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u64, Values)> {
        let Form { columns, has_header } = &self.form;
        self.source.records().skip(usize::from(*has_header)).filter_map(move |(line, cells)| {
            let cells = cells.ok()?;
            let values = columns
                .iter()
                .zip(&cells)
                .filter(|(column, _)| column.role != Role::Derived)
                .map(|(column, cell)| (column.name.to_owned(), unguarded(cell).to_owned()));
            Some((line, values.collect::<Values>()))
        })
    }

    /// What was understood, for a person to check before it is loaded:
    /// `columns: first, last · 7 rows · first row: Ada Quill`.
    #[must_use]
    pub fn understood(&self) -> String {
        let columns = &self.form.columns;
        let names = |derived: bool| -> Vec<&'static str> {
            let is_wanted = |column: &&&Column| (column.role == Role::Derived) == derived;
            columns.iter().filter(is_wanted).map(|column| column.name).collect()
        };
        let mut parts = vec![format!("columns: {}", names(false).join(", "))];
        let ignored = names(true);
        if !ignored.is_empty() {
            parts.push(format!("ignored: {}", ignored.join(", ")));
        }
        parts.push(match self.count {
            1 => "1 row".to_owned(),
            count => format!("{count} rows"),
        });
        let sample = self.rows().next().map(|(_, row)| self.kind.sample(&row)).unwrap_or_default();
        if !sample.is_empty() {
            parts.push(format!("first row: {sample}"));
        }
        parts.join(" · ")
    }
}

impl Kind {
    /// A row as a person recognizes it, without what would steer a terminal.
    fn sample(self, row: &Values) -> String {
        let value = |name| shortened(row.first(name).trim());
        let [one, between, other, end] = match self {
            Self::Airports => [value("city"), " (".to_owned(), value("code"), ")".to_owned()],
            Self::Flights => {
                [value("origin"), " to ".to_owned(), value("destination"), String::new()]
            }
            Self::Passengers => [value("first"), " ".to_owned(), value("last"), String::new()],
        };
        if one.is_empty() || other.is_empty() {
            return value("number");
        }
        [one, between, other, end].concat()
    }
}

impl Form {
    /// What the first line says.
    fn of(kind: Option<Kind>, first: &[String]) -> Result<(Kind, Self), String> {
        let first = first.get(..filled(first)).unwrap_or(first);
        if let [only] = first
            && only.contains('|')
        {
            return Err(
                "“|” stands between the values. Separate them by commas, semicolons or tabs."
                    .to_owned(),
            );
        }
        let kind = kind.or_else(|| guess(first)).ok_or_else(|| {
            "It does not say what it holds: give --kind airports, flights or passengers.".to_owned()
        })?;
        if first.iter().any(|heading| kind.column(heading).is_some()) {
            return Ok((kind, Self { columns: header(kind, first)?, has_header: true }));
        }
        if kind == Kind::Airports {
            return Err("The first line must name the columns: at least code,city.".to_owned());
        }
        if kind == Kind::Passengers && looks_like_a_header(first) {
            return Err(format!(
                "This looks like a header, but none of its columns is known: {}. Name two of them first and last; \
                 if this is somebody's name, put a line first,last above it.",
                quoted(first.iter().map(String::as_str))
            ));
        }
        Ok((kind, Self { columns: kind.needed().collect(), has_header: false }))
    }
}

/// What a file holds, by its first line: all columns that one kind needs, or the demo's two airports and a
/// number of minutes, or most of the columns of one kind.
fn guess(first: &[String]) -> Option<Kind> {
    let known = |kind: Kind| first.iter().filter_map(move |heading| kind.column(heading));
    let has_needed =
        |kind: &Kind| kind.needed().all(|column| known(*kind).any(|found| found == column));
    if let Some(kind) = Kind::ALL.into_iter().find(has_needed) {
        return Some(kind);
    }
    if first.len() == 3 && first.last().is_some_and(|text| text.trim().parse::<i64>().is_ok()) {
        return Some(Kind::Flights);
    }
    let most = Kind::ALL.into_iter().max_by_key(|kind| known(*kind).count())?;
    (known(most).count() >= 2).then_some(most)
}

/// The columns that a header names, or everything that is wrong with it.
fn header(kind: Kind, first: &[String]) -> Result<Vec<&'static Column>, String> {
    let found: Vec<Option<&'static Column>> =
        first.iter().map(|heading| kind.column(heading)).collect();
    let columns: Vec<&'static Column> = found.iter().copied().flatten().collect();
    let mut wrong = Vec::new();
    let unknown: Vec<String> = first
        .iter()
        .zip(&found)
        .filter(|(_, column)| column.is_none())
        .map(|(heading, _)| {
            let guess = kind.nearest(heading).filter(|column| !columns.contains(column));
            let guess = guess.map(|column| format!(" ({}?)", column.name)).unwrap_or_default();
            format!("{}{guess}", quoted([heading.as_str()].into_iter()))
        })
        .collect();
    if !unknown.is_empty() {
        let known = kind.columns().iter().filter(|column| column.role != Role::Derived);
        let known: Vec<_> = known.map(|column| column.name).collect();
        wrong.push(format!(
            "Not known: {}. Rename or delete {}; these columns are known: {}.",
            unknown.join(", "),
            if unknown.len() == 1 { "it" } else { "them" },
            known.join(", ")
        ));
    }
    // Rows that say which object they are need not say all of it.
    let identifies = columns.iter().any(|column| column.role == Role::Identifies);
    let missing: Vec<_> = kind
        .needed()
        .filter(|needed| !identifies && !columns.contains(needed))
        .map(|column| column.name)
        .collect();
    match missing.as_slice() {
        [] => {}
        [one] => wrong.push(format!("The column {one} is missing.")),
        several => wrong.push(format!("The columns {} are missing.", several.join(", "))),
    }
    for (place, column) in columns.iter().enumerate() {
        let earlier = columns.get(..place).unwrap_or_default();
        if column.role != Role::Derived && earlier.contains(column) {
            let named = first.iter().zip(&found).filter(|(_, found)| **found == Some(*column));
            let named = quoted(named.map(|(heading, _)| heading.as_str()));
            wrong.push(format!("The column {} stands twice: {named}.", column.name));
        }
    }
    if wrong.is_empty() { Ok(columns) } else { Err(wrong.join(" ")) }
}

/// Headings as a message names them.
fn quoted<'t>(headings: impl Iterator<Item = &'t str>) -> String {
    let quoted = headings.map(|heading| {
        let visible: String =
            heading.trim().chars().filter(|letter| !letter.is_control()).collect();
        if visible.is_empty() {
            "a column without a name".to_owned()
        } else {
            format!("“{}”", shortened(&visible))
        }
    });
    quoted.collect::<Vec<_>>().join(", ")
}

/// How many cells a record has, without empty ones at its end.
fn filled(cells: &[String]) -> usize {
    cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}

fn explain(fault: Fault, line: u64) -> (u64, String) {
    match fault {
        Fault::NotText => (line, "This is not UTF-8 text; save the file as UTF-8.".to_owned()),
        Fault::OpenQuote(opened) => {
            let why = "A quote opens here, and no quote closes it. Close it, or take it out.";
            (opened, why.to_owned())
        }
    }
}

/// What a file is that is no CSV file, and what to do with it.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        Some(
            "This is a spreadsheet's own file, such as XLSX. Save its sheet as CSV (in Excel: “CSV UTF-8”) and \
             load that.",
        )
    } else if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        Some("This is UTF-16 text. Save the file as UTF-8 (in Excel: “CSV UTF-8”) and load that.")
    } else if text.starts_with(b"{") || text.starts_with(b"[") {
        Some(
            "This is JSON. Save it as CSV with a header and load that; `airline import-django` copies a database \
             of the demo's, and a file of `airline dumpdata` is loaded as it is.",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::formulas::guarded;
    use super::{File, Kind};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// Any bytes are a file or a list of what is wrong with it; what was written as CSV is read back.
        #[test]
        fn files_are_read_or_refused(
            garbage in prop_oneof![
                "[a-z\",;\r\n 0-9]{0,60}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..60),
            ],
            names in prop::collection::vec((any::<String>(), any::<String>()), 1..4),
            separator in prop::sample::select(b",;\t".to_vec()),
        ) {
            for kind in [None, Some(Kind::Airports), Some(Kind::Flights), Some(Kind::Passengers)] {
                if let Err(problems) = File::read("garbage", &garbage, kind) {
                    prop_assert!(!problems.lines.is_empty());
                }
            }
            let mut writer =
                csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
            writer.write_record(["first", "last"]).expect("in memory");
            for (first, last) in &names {
                writer.write_record([guarded(first.clone()), guarded(last.clone())]).expect("in memory");
            }
            let bytes = writer.into_inner().expect("in memory");
            let file = File::read("names", &bytes, None).expect("a file");
            let read: Vec<_> = file
                .rows()
                .map(|(_, row)| (row.first("first").to_owned(), row.first("last").to_owned()))
                .collect();
            let is_blank = |text: &String| guarded(text.clone()).trim().is_empty();
            let written: Vec<_> = names
                .into_iter()
                .filter(|(first, last)| !is_blank(first) || !is_blank(last))
                .collect();
            prop_assert_eq!(read, written);
        }
    }
}
