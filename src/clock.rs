//! What time it is: asked here only, so that tests can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The clocks of two replicas may differ by this many seconds. A stored time that lies further in the future comes
/// from a clock that was wrong: nothing is valid, or blocked, because of it.
pub const CLOCK_SKEW: i64 = 60;

/// The time now, in whole seconds since 1970-01-01 UTC. Clones share one setting.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Where a clock that stands still began; the real one has none.
    stopped_at: Option<i64>,
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that stands still until it is moved (for tests).
    #[must_use]
    pub fn stopped(at: i64) -> Self {
        Self { stopped_at: Some(at), ahead: Arc::default() }
    }

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> i64 {
        let base = self.stopped_at.unwrap_or_else(|| {
            let real = SystemTime::now().duration_since(UNIX_EPOCH);
            real.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
        });
        base + self.ahead.load(Ordering::Relaxed)
    }

    /// Moves this clock (for tests).
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }
}
