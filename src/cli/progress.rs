//! How far long work has come: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

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

/// A line a second, so that work that is soon done has none.
struct Lines {
    name: String,
    rows: usize,
    done: usize,
    told: Instant,
}

impl Default for Lines {
    fn default() -> Self {
        Self { name: String::new(), rows: 0, done: 0, told: Instant::now() }
    }
}

impl Progress for Lines {
    fn begin(&mut self, name: &str, rows: usize) {
        *self = Self { name: name.to_owned(), rows, ..Self::default() };
    }

    fn step(&mut self) {
        const EACH: Duration = Duration::from_secs(1);
        self.done += 1;
        if self.told.elapsed() >= EACH {
            self.told = Instant::now();
            let Self { name, rows, done, .. } = self;
            let _ = writeln!(std::io::stderr(), "{name}: {done} of {rows}");
        }
    }

    fn end(&mut self) {}
}
