//! How far long work has come: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::data::Progress;

/// Whatever suits standard error.
pub(super) fn bar() -> Box<dyn Progress> {
    if std::io::stderr().is_terminal() {
        Box::new(Bar(ProgressBar::hidden()))
    } else {
        Box::new(Lines::default())
    }
}

struct Bar(ProgressBar);

impl Progress for Bar {
    fn begin(&mut self, name: &str, rows: usize) {
        const STYLE: &str = "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left";
        self.0 = ProgressBar::new(rows as u64);
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            self.0.set_style(style);
        }
        self.0.set_message(name.to_owned());
    }

    fn step(&mut self) {
        self.0.inc(1);
    }

    fn end(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A line for each tenth of work that is long enough to wonder.
#[derive(Default)]
struct Lines {
    name: String,
    rows: usize,
    done: usize,
}

impl Lines {
    const LONG: usize = 1_000;
}

impl Progress for Lines {
    fn begin(&mut self, name: &str, rows: usize) {
        *self = Self { name: name.to_owned(), rows, done: 0 };
    }

    fn step(&mut self) {
        self.done += 1;
        if self.rows >= Self::LONG && self.done.is_multiple_of(self.rows / 10) {
            let _ =
                writeln!(std::io::stderr(), "{}: {} of {} rows", self.name, self.done, self.rows);
        }
    }

    fn end(&mut self) {}
}
