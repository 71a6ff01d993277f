//! The records of a CSV file (RFC 4180), one at a time, with the lines on which they begin as an editor counts
//! them. What separates the cells is found out, and blanks before a quote are no part of the cell.

/// The separators that are read.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The text of a CSV file, without the mark of its encoding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'b> {
    bytes: &'b [u8],
    separator: u8,
    /// Where the records begin: after a line `sep=;`, if there is one.
    start: Cursor,
}

/// A record: its line, and its cells or why they cannot be read.
pub(super) type Record = (u64, Result<Vec<String>, Fault>);

/// Why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not UTF-8 text.
    NotText,
    /// A quote opens on this line, and none closes it.
    OpenQuote(u64),
}

#[derive(Debug, Clone, Copy)]
struct Cursor {
    at: usize,
    line: u64,
}

impl<'b> Source<'b> {
    /// Finds out what separates the cells: a first line `sep=;` says so; otherwise it is the separator that the
    /// first record has most often.
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let beginning = Cursor { at: 0, line: 1 };
        if let Some(separator) = declared_separator(bytes) {
            let declaration = Cursor { at: b"sep=;".len(), line: 1 };
            return Self { bytes, separator, start: declaration };
        }
        let with = |separator| Self { bytes, separator, start: beginning };
        // Of a record that cannot be read, the first line says it.
        let in_first_line = |separator: u8| {
            let line = bytes.iter().take_while(|byte| !matches!(byte, b'\r' | b'\n'));
            line.filter(|byte| **byte == separator).count() + 1
        };
        // Where the first record does not tell, the second does.
        let cells = |source: Self| {
            let mut records = source.records().take(2).map(|(_, cells)| match cells {
                Ok(cells) => cells.len(),
                Err(_) => in_first_line(source.separator),
            });
            (records.next(), records.next())
        };
        let mut found = with(b',');
        for separator in SEPARATORS {
            if cells(with(separator)) > cells(found) {
                found = with(separator);
            }
        }
        found
    }

    /// The records, without those that hold nothing but blanks.
    pub(super) fn records(self) -> impl Iterator<Item = Record> {
        let mut records = Records { source: self, cursor: self.start };
        std::iter::from_fn(move || records.next_filled())
    }
}

/// What a first line `sep=;` says, as spreadsheets write it.
fn declared_separator(bytes: &[u8]) -> Option<u8> {
    let (name, rest) = bytes.split_at_checked(b"sep=".len())?;
    let (separator, rest) = rest.split_first()?;
    let ends = rest.first().is_none_or(|byte| matches!(byte, b'\r' | b'\n'));
    let is_declaration = name.eq_ignore_ascii_case(b"sep=") && ends;
    (is_declaration && SEPARATORS.contains(separator)).then_some(*separator)
}

struct Records<'b> {
    source: Source<'b>,
    cursor: Cursor,
}

impl Records<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.bytes.get(self.cursor.at).copied()
    }

    /// Goes on by a byte; `\r\n` ends one line.
    fn advance(&mut self) {
        let is_half = self.cursor.at > 0
            && self.source.bytes.get(self.cursor.at - 1) == Some(&b'\r')
            && self.peek() == Some(b'\n');
        if matches!(self.peek(), Some(b'\r' | b'\n')) && !is_half {
            self.cursor.line += 1;
        }
        self.cursor.at += 1;
    }

    fn next_filled(&mut self) -> Option<Record> {
        loop {
            let (line, cells) = self.next_record()?;
            let is_empty = |cells: &Vec<String>| cells.iter().all(|cell| cell.trim().is_empty());
            if !cells.as_ref().is_ok_and(is_empty) {
                return Some((line, cells));
            }
        }
    }

    fn next_record(&mut self) -> Option<Record> {
        while matches!(self.peek(), Some(b'\r' | b'\n')) {
            self.advance();
        }
        self.peek()?;
        let line = self.cursor.line;
        let mut cells: Result<Vec<String>, Fault> = Ok(Vec::new());
        loop {
            match self.cell() {
                Ok(cell) => {
                    if let Ok(cells) = &mut cells {
                        cells.push(cell);
                    }
                }
                // The rest of the record is read all the same: the next one begins after it.
                Err(fault) => cells = cells.and(Err(fault)),
            }
            if self.peek() != Some(self.source.separator) {
                return Some((line, cells));
            }
            self.advance();
        }
    }

    /// The cell that begins here; after it stands a separator, the end of the line or of the file.
    fn cell(&mut self) -> Result<String, Fault> {
        let mut cell = Vec::new();
        let rest = self.source.bytes.get(self.cursor.at..).unwrap_or_default();
        let is_blank =
            |byte: &u8| *byte == b' ' || (*byte == b'\t' && self.source.separator != b'\t');
        let blanks = rest.iter().take_while(|byte| is_blank(byte)).count();
        let is_quoted = rest.get(blanks) == Some(&b'"');
        if is_quoted {
            self.cursor.at += blanks;
            self.quoted(&mut cell)?;
        }
        let begin = cell.len();
        while let Some(byte) = self.peek() {
            if byte == self.source.separator || matches!(byte, b'\r' | b'\n') {
                break;
            }
            cell.push(byte);
            self.cursor.at += 1;
        }
        // Blanks after the closing quote are no part of the cell, either.
        if is_quoted && cell.iter().skip(begin).all(u8::is_ascii_whitespace) {
            cell.truncate(begin);
        }
        String::from_utf8(cell).map_err(|_| Fault::NotText)
    }

    /// Reads what stands in quotes, from the one that opens to the one that closes.
    fn quoted(&mut self, cell: &mut Vec<u8>) -> Result<(), Fault> {
        let opened = self.cursor.line;
        self.advance();
        loop {
            match self.peek() {
                None => return Err(Fault::OpenQuote(opened)),
                Some(b'"') => {
                    self.advance();
                    if self.peek() != Some(b'"') {
                        return Ok(());
                    }
                    cell.push(b'"');
                }
                Some(byte) => cell.push(byte),
            }
            self.advance();
        }
    }
}
