//! Whether the database can serve the site, asked on a connection that no request uses.

use std::time::Duration;

use rocket::tokio::sync::Mutex;
use rocket::tokio::time::{Instant, timeout};

use tracing::warn;

use super::pool::Pool;
use super::text::Upkeep;
use super::url::{DatabaseUrl, Kind};
use crate::error::{Error, Result};

/// For so long an answer is good for others who ask: nobody makes the database work by asking.
const FRESH: Duration = Duration::from_secs(1);
/// How long other writers are waited for: shorter than [`PATIENCE`], so that a busy database is no silent one.
const QUEUE: Duration = Duration::from_secs(1);
/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

const WRITE: Upkeep = Upkeep::new("UPDATE readiness SET checks = checks + 1 WHERE id = 1");

/// Asks the database, at most once a second, on a connection of its own: a busy site is still a ready one.
pub struct Readiness {
    database: DatabaseUrl,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pool: Option<Pool>,
    last: Option<(Instant, Result<(), String>)>,
}

impl Readiness {
    /// Connects when it is first asked.
    #[must_use]
    pub fn of(database: DatabaseUrl) -> Self {
        Self { database, state: Mutex::default() }
    }

    /// Whether the database answers, has a schema that this program can serve, and takes what is written.
    ///
    /// # Errors
    /// A line that says why not, without addresses or names.
    pub async fn check(&self) -> Result<(), String> {
        let mut state = self.state.lock().await;
        if let Some((at, last)) = &state.last
            && at.elapsed() < FRESH
        {
            return last.clone();
        }
        let asked = timeout(PATIENCE, self.ask(&mut state.pool)).await.unwrap_or(Err(Error::Slow));
        let answer = match asked {
            Ok(()) => Ok(()),
            Err(why @ (Error::Unwritable(_) | Error::Told(_))) => Err(why.to_string()),
            Err(_) => Err("The database does not answer.".to_owned()),
        };
        state.last = Some((Instant::now(), answer.clone()));
        answer
    }

    async fn ask(&self, kept: &mut Option<Pool>) -> Result<()> {
        let pool = if let Some(pool) = kept {
            pool
        } else {
            let opened = Pool::open_for_requests(&self.database, 1, QUEUE).await;
            // Why not names the database: that is for the log, not for strangers.
            kept.insert(opened.map_err(|why| {
                warn!(%why, "not ready");
                Error::Busy
            })?)
        };
        pool.check_not_behind().await?;
        match write(pool).await {
            // Somebody else writes just now: so it can be written.
            Err(Error::Busy) if pool.kind() == Kind::Sqlite => Ok(()),
            done => done,
        }
    }
}

async fn write(pool: &Pool) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(WRITE).execute_one().await?;
    tx.commit().await
}
