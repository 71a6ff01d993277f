//! One connection, and a transaction, on either database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rocket::tokio::runtime::Handle;
use rocket::tokio::sync::OwnedSemaphorePermit;
use rocket::tokio::time::timeout;
use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Sqlite};

use super::scope::Scope;
use crate::error::{Error, Result, is_of_the_statement};

/// How often SQLite asks whether its statement is still wanted, in steps of its virtual machine.
const STEPS: i32 = 1_000;
/// How long a transaction's end is waited for before its connection is closed instead.
const ROLLBACK: Duration = Duration::from_secs(5);

/// One connection, which reads. Dropped in the middle of a statement or of a transaction, the statement is
/// interrupted and the transaction rolled back. A connection whose state is not known for sure is closed,
/// never used again.
pub struct Conn {
    pub(super) held: Held,
    pub(super) statements: Arc<AtomicU64>,
    scope: Scope,
    unclean: Arc<AtomicBool>,
    writes: bool,
    in_transaction: bool,
    turn: Option<OwnedSemaphorePermit>,
}

pub(super) enum Held {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    /// Only while a [`Conn`] is dropped.
    Taken,
}

/// A transaction: a [`Conn`] whose writes are kept by [`Tx::commit`] and undone by a drop. Objects
/// are written through a change set (`crate::changes`), which holds one of these.
pub struct Tx(pub(super) Conn);

impl Conn {
    pub(super) async fn to_read(
        held: Held,
        statements: Arc<AtomicU64>,
        scope: Scope,
    ) -> Result<Self> {
        let mut conn = Self::new(held, statements, scope);
        if let Held::Sqlite(sqlite) = &mut conn.held
            && conn.scope.statement(false).is_some()
        {
            let unclean = Arc::clone(&conn.unclean);
            let mut handle = sqlite.lock_handle().await?;
            handle.set_progress_handler(STEPS, move || !unclean.load(Ordering::Relaxed));
        }
        Ok(conn)
    }

    pub(super) fn to_write(
        held: Held,
        statements: Arc<AtomicU64>,
        scope: Scope,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let mut conn = Self::new(held, statements, scope);
        (conn.writes, conn.turn) = (true, turn);
        conn
    }

    fn new(held: Held, statements: Arc<AtomicU64>, scope: Scope) -> Self {
        let unclean = Arc::default();
        Self { held, statements, scope, unclean, writes: false, in_transaction: false, turn: None }
    }

    /// Begins a transaction by a statement of its database's own.
    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<()> {
        // Set first: a drop while this runs leaves it unknown whether the transaction began.
        self.in_transaction = true;
        self.command(statement).await
    }

    async fn command(&mut self, statement: &'static str) -> Result<()> {
        let Self { held, scope, unclean, writes, .. } = self;
        Guard { scope, unclean, writes: *writes }.run(held.command(statement)).await
    }

    /// The bounds of the next statement, beside what it runs on.
    pub(super) fn parts(&mut self) -> (&mut Held, Guard<'_>) {
        let Self { held, scope, unclean, writes, .. } = self;
        (held, Guard { scope, unclean, writes: *writes })
    }
}

impl Held {
    async fn command(&mut self, statement: &'static str) -> sqlx::Result<()> {
        let statement = sqlx::raw_sql(statement);
        match self {
            Self::Sqlite(conn) => statement.execute(&mut **conn).await.map(drop),
            Self::Postgres(conn) => statement.execute(&mut **conn).await.map(drop),
            Self::Taken => Err(sqlx::Error::PoolClosed),
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(conn) => drop(timeout(ROLLBACK, conn.close()).await),
            Self::Postgres(mut conn) => conn.close_on_drop(),
            Self::Taken => {}
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let clean = !self.unclean.load(Ordering::Relaxed);
        if clean && !self.in_transaction {
            return;
        }
        let mut held = std::mem::replace(&mut self.held, Held::Taken);
        let turn = self.turn.take();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let rolled_back = clean
                    && matches!(timeout(ROLLBACK, held.command("ROLLBACK")).await, Ok(Ok(())));
                if !rolled_back {
                    held.close().await;
                }
                // Only now somebody else can write.
                drop(turn);
            });
        }
    }
}

/// The bounds of one statement.
pub(super) struct Guard<'c> {
    scope: &'c Scope,
    unclean: &'c AtomicBool,
    writes: bool,
}

/// Marks a connection as unclean unless the statement comes to an end that leaves it clean.
struct Unfinished<'c>(Option<&'c AtomicBool>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(unclean) = self.0 {
            unclean.store(true, Ordering::Relaxed);
        }
    }
}

impl Guard<'_> {
    /// Runs the statement.
    ///
    /// # Errors
    /// The database's; [`Error::Slow`] after its time, [`Error::Gone`] when nobody waits for it.
    pub(super) async fn run<T>(self, work: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
        if self.scope.is_over() {
            return Err(Error::Gone);
        }
        let mut unfinished = Unfinished(Some(self.unclean));
        // Boxed, since what bounds it holds it in several states.
        let work = Box::pin(async {
            let done = work.await;
            if done.as_ref().err().is_none_or(is_of_the_statement) {
                unfinished.0 = None;
            }
            done.map_err(Error::from)
        });
        if self.writes {
            self.scope.run_write(work).await
        } else {
            self.scope.run(self.scope.statement(false), work).await
        }
    }
}

impl Tx {
    /// Begins a part that can be taken back alone. Parts do not lie within each other.
    pub async fn begin_part(&mut self) -> Result<()> {
        self.say("SAVEPOINT part").await
    }

    /// Ends a part, and keeps it as long as the whole.
    pub async fn keep_part(&mut self) -> Result<()> {
        self.say("RELEASE SAVEPOINT part").await
    }

    /// Takes a part back, also one that failed.
    pub async fn take_part_back(&mut self) -> Result<()> {
        self.say("ROLLBACK TO SAVEPOINT part").await?;
        self.say("RELEASE SAVEPOINT part").await
    }

    /// Keeps what was written.
    pub async fn commit(mut self) -> Result<()> {
        self.0.command("COMMIT").await?;
        self.0.in_transaction = false;
        Ok(())
    }
}

impl std::ops::Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
