//! The log, on its way to standard error. A thread of its own writes it: a collector that stalls, has gone,
//! or has a full disk neither delays nor fails a request. Lines that find no room are counted, and the
//! count is logged once there is room again.
//!
//! (`tracing-appender` has such a thread, too, but forgets the lines that it could not write.)

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::config::variable;
use crate::error::{Error, Result};

/// How many lines wait at most.
const WAITING: usize = 4_096;
/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

enum Message {
    Line(Vec<u8>),
    /// Everything before it is written once this is answered.
    Flush(SyncSender<()>),
}

/// Where the log is written to, from any thread, without waiting.
#[derive(Clone)]
pub(super) struct Log {
    messages: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl Log {
    /// Begins to log to standard error: text for people, or a line of `name=value` for each event.
    ///
    /// # Errors
    /// When `AIRLINE_LOG_FORMAT` is no format.
    pub(super) fn begin(filter: EnvFilter) -> Result<Self> {
        let terminal = io::stderr().is_terminal();
        let format = variable("AIRLINE_LOG_FORMAT");
        let log = Self::to(io::stderr());
        let writer = {
            let log = log.clone();
            move || log.clone()
        };
        match format.as_deref().unwrap_or(if terminal { "text" } else { "logfmt" }) {
            "text" => tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_writer(writer)
                .with_ansi(terminal)
                .init(),
            "logfmt" => tracing_logfmt::builder()
                .subscriber_builder()
                .with_env_filter(filter)
                .with_writer(writer)
                .init(),
            other => {
                return Err(Error::Told(format!(
                    "AIRLINE_LOG_FORMAT: “{other}” is neither text nor logfmt"
                )));
            }
        }
        Ok(log)
    }

    fn to(out: impl Write + Send + 'static) -> Self {
        let (messages, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        thread::spawn({
            let lost = Arc::clone(&lost);
            move || write(waiting, out, &lost)
        });
        Self { messages, lost }
    }

    /// Waits until what was logged is written, but not for long.
    pub(super) fn finish(&self) {
        let (answer, answered) = sync_channel(1);
        if self.messages.try_send(Message::Flush(answer)).is_ok() {
            // Who does not answer in time has no room for more.
            let _ = answered.recv_timeout(LAST_LINES);
        }
    }
}

impl Write for Log {
    /// Takes one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.messages.try_send(Message::Line(line.to_owned())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(messages: Receiver<Message>, mut out: impl Write, lost: &AtomicU64) {
    // A line that was written in part ends before the next begins.
    let mut torn = false;
    for message in messages {
        let line = match message {
            Message::Line(line) => line,
            Message::Flush(answer) => {
                // Whoever waited too long is not there any more.
                let _ = answer.send(());
                continue;
            }
        };
        let count = lost.swap(0, Ordering::Relaxed);
        let mut text = if torn { b"\n".to_vec() } else { Vec::new() };
        if count > 0 {
            let told = format!("level=warn target=log event=lines_lost count={count}\n");
            text.extend_from_slice(told.as_bytes());
        }
        text.extend_from_slice(&line);
        torn = out.write_all(&text).and_then(|()| out.flush()).is_err();
        if torn {
            lost.fetch_add(count + 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A disk that is full for a while, and then is not.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(bool, Vec<u8>)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().unwrap();
            if disk.0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            disk.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_find_no_room_are_counted_and_the_count_is_logged() {
        let disk = Disk::default();
        let mut log = Log::to(disk.clone());
        log.write_all(b"first\n").unwrap();
        log.finish();
        disk.0.lock().unwrap().0 = true;
        for _ in 0..3 {
            log.write_all(b"lost\n").unwrap();
        }
        log.finish();
        disk.0.lock().unwrap().0 = false;
        log.write_all(b"second\n").unwrap();
        log.finish();
        let text = String::from_utf8(disk.0.lock().unwrap().1.clone()).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, ["first", "level=warn target=log event=lines_lost count=3", "second"]);
    }
}
