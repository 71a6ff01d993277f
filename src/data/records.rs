//! The records of a CSV file, one at a time, with the lines on which they begin.

use csv::{ReaderBuilder, StringRecord};

/// The records of a file without a mark of its encoding, with their lines.
pub(super) fn records(
    bytes: &[u8],
) -> impl Iterator<Item = (u64, Result<StringRecord, csv::Error>)> {
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut lines = Lines { bytes, at: 0, line: 1 };
    reader.into_records().map(move |record| {
        let line = lines.at(match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        });
        (line, record)
    })
}

/// Counts lines as an editor does. (The reader's own count leaves out empty lines, and the end of the
/// line before.)
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which a row begins; positions are asked for in their order.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin =
            position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let empty = self.bytes.iter().skip(begin).take_while(|byte| is_end(byte)).count();
        while self.at < begin + empty {
            let pair = self.bytes.get(self.at..self.at + 2) == Some(b"\r\n");
            if self.bytes.get(self.at).is_some_and(is_end) && !pair {
                self.line += 1;
            }
            self.at += 1;
        }
        self.line
    }
}
