//! How long work on the database may take, and whether anybody still waits for its answer.

use std::time::Duration;

use rocket::tokio::select;
use rocket::tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// A statement that reads.
const READ: Duration = Duration::from_secs(5);
/// A statement of a transaction that writes.
const WRITE: Duration = Duration::from_secs(10);
/// All the reading of one request, so that its answer comes within ten seconds.
const READS: Duration = Duration::from_secs(9);

/// The bounds of work on the database. The default has none: a command takes as long as it takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    bounded: bool,
    reads_until: Option<Instant>,
    client: Option<CancellationToken>,
}

impl Scope {
    /// Statements are bounded, each by itself.
    pub(super) fn statements() -> Self {
        Self { bounded: true, ..Self::default() }
    }

    /// A request that begins now, and ends when its client is gone. One that `reads` and no more is bounded
    /// as a whole. (Another may wait for its body meanwhile, which has a deadline of its own.)
    pub(super) fn request(reads: bool, client: Option<CancellationToken>) -> Self {
        let reads_until = reads.then(|| Instant::now() + READS);
        Self { bounded: true, reads_until, client }
    }

    /// How long the next statement may take: `None` is as long as it takes.
    pub(super) fn statement(&self, writes: bool) -> Option<Duration> {
        self.bounded.then_some(if writes { WRITE } else { READ })
    }

    /// Whether the client is gone: then nothing more is begun.
    pub(super) fn is_over(&self) -> bool {
        self.client.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Runs work that reads, or waits: for at most so long, within what is left of the request, and while
    /// somebody waits for it.
    ///
    /// # Errors
    /// [`Error::Slow`] when the time is up, [`Error::Gone`] when nobody waits.
    pub(super) async fn run<T>(
        &self,
        at_most: impl Into<Option<Duration>>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if self.is_over() {
            return Err(Error::Gone);
        }
        let due = at_most.into().map(|at_most| Instant::now() + at_most);
        let due = due.into_iter().chain(self.reads_until).min();
        let timed = async {
            match due {
                Some(due) if self.bounded => {
                    timeout_at(due, work).await.unwrap_or(Err(Error::Slow))
                }
                _ => work.await,
            }
        };
        match &self.client {
            Some(client) => select! {
                biased;
                done = timed => done,
                () = client.cancelled() => Err(Error::Gone),
            },
            None => timed.await,
        }
    }

    /// Runs a statement that writes: it is not left in the middle because a client went away.
    pub(super) async fn run_write<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.is_over() {
            return Err(Error::Gone);
        }
        match self.statement(true) {
            Some(at_most) => {
                timeout_at(Instant::now() + at_most, work).await.unwrap_or(Err(Error::Slow))
            }
            None => work.await,
        }
    }
}
