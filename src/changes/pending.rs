//! The changes of a set until it is committed. Those of a request are in memory; those of a load of a million
//! rows wait in a temporary file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, Write as _};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How many changes of a large set are in memory.
const IN_MEMORY: usize = 5_000;

/// One change of one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) kind: Cow<'static, str>,
    pub(super) object_id: i64,
    pub(super) label: String,
    pub(super) subjects: Vec<(Cow<'static, str>, i64)>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Changes in the order in which they were made.
#[derive(Default)]
pub(super) struct Pending {
    recent: Vec<Change>,
    spilled: Option<Spilled>,
    /// Whether changes may go to a file now.
    spills: bool,
}

/// Changes in a file that has no name, so that nobody else can open it and nothing is left behind.
struct Spilled {
    file: BufWriter<File>,
    count: usize,
}

impl Pending {
    /// Says whether changes may go to a file from now on. Those that did can't be taken back one by one.
    pub(super) fn spill(&mut self, spills: bool) {
        self.spills = spills;
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.recent.len() + self.spilled.as_ref().map_or(0, |spilled| spilled.count)
    }

    /// The changes that are in memory: all of them, unless the set is large.
    pub(super) fn recent(&self) -> &[Change] {
        &self.recent
    }

    /// Adds a change.
    pub(super) fn push(&mut self, change: Change) -> Result<()> {
        if self.spills && self.recent.len() >= IN_MEMORY {
            self.write().map_err(|error| unwritable(&error))?;
        }
        self.recent.push(change);
        Ok(())
    }

    /// Takes back all but the first `count`, none of which is in the file.
    pub(super) fn truncate(&mut self, count: usize) {
        let spilled = self.spilled.as_ref().map_or(0, |spilled| spilled.count);
        self.recent.truncate(count.saturating_sub(spilled));
    }

    fn write(&mut self) -> std::io::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            None => self
                .spilled
                .insert(Spilled { file: BufWriter::new(tempfile::tempfile()?), count: 0 }),
        };
        for change in self.recent.drain(..) {
            serde_json::to_writer(&mut spilled.file, &change)?;
            spilled.file.write_all(b"\n")?;
            spilled.count += 1;
        }
        Ok(())
    }

    /// All changes from the first on, some at a time.
    pub(super) fn batches(&mut self) -> Result<Batches<'_>> {
        let file = match &mut self.spilled {
            None => None,
            Some(spilled) => {
                spilled.file.rewind().map_err(|error| unwritable(&error))?;
                Some(BufReader::new(spilled.file.get_ref()))
            }
        };
        Ok(Batches { file, recent: self.recent.chunks(IN_MEMORY) })
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> Error {
    Error::Told(format!(
        "The temporary file for the changes failed: {error}. Make room, or set TMPDIR to a folder with room."
    ))
}

/// All changes of a set, some at a time.
pub(super) struct Batches<'p> {
    file: Option<BufReader<&'p File>>,
    recent: std::slice::Chunks<'p, Change>,
}

impl<'p> Batches<'p> {
    /// The next changes; none after the last.
    pub(super) fn next(&mut self) -> Result<Option<Cow<'p, [Change]>>> {
        if let Some(file) = &mut self.file {
            let mut changes = Vec::new();
            for line in file.lines().take(IN_MEMORY) {
                let line = line.map_err(|error| unwritable(&error))?;
                changes.push(serde_json::from_str(&line).map_err(Error::internal)?);
            }
            if !changes.is_empty() {
                return Ok(Some(Cow::Owned(changes)));
            }
            self.file = None;
        }
        Ok(self.recent.next().map(Cow::Borrowed))
    }
}
