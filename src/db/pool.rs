//! The pool of connections, one connection, and a transaction, on either database.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rocket::figment::Figment;
use rocket_db_pools::{Config, Error as PoolError};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::url::{DatabaseUrl, Kind};
use crate::error::{Error, Result};

/// The application's database, as Rocket manages it.
#[derive(rocket_db_pools::Database)]
#[database("airline")]
pub struct Db(Pool);

/// Connections to whichever database the address names.
#[derive(Clone)]
pub struct Pool {
    pub(super) pool: Either,
    statements: Arc<AtomicU64>,
}

#[derive(Clone)]
pub(super) enum Either {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// One connection, which reads.
pub struct Conn {
    pub(super) held: Held,
    pub(super) statements: Arc<AtomicU64>,
}

pub(super) enum Held {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// A transaction: a [`Conn`] whose writes are kept by [`Tx::commit`] and undone by a drop. Objects
/// are written through a change set (`crate::changes`), which holds one of these.
pub struct Tx(pub(super) Conn);

#[rocket::async_trait]
impl rocket_db_pools::Pool for Pool {
    type Connection = Conn;
    type Error = PoolError<Error>;

    async fn init(figment: &Figment) -> Result<Self, Self::Error> {
        let config: Config = figment.extract()?;
        let url = DatabaseUrl::parse(&config.url).map_err(PoolError::Init)?;
        let most = u32::try_from(config.max_connections).unwrap_or(u32::MAX);
        let patience = Duration::from_secs(config.connect_timeout);
        Self::open_as(&url, most, patience, Use::Requests).await.map_err(PoolError::Init)
    }

    async fn get(&self) -> Result<Conn, Self::Error> {
        self.conn().await.map_err(PoolError::Get)
    }

    /// Rocket closes pools when it is told to stop, before what runs is finished. What runs still needs
    /// its connections: they are closed when the pool is dropped.
    async fn close(&self) {}
}

/// What connections are for.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// A command, which takes as long as it takes.
    Command,
    /// Requests: somebody waits.
    Requests,
    /// A database that is another program's: nothing of it is changed, not even how its file is written.
    Reading,
}

/// What PostgreSQL ends by itself. SQLite's like of it is the busy time-out.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

impl Pool {
    /// Connects, for a command; a SQLite file that does not exist is made. The error is a line for a
    /// person.
    pub async fn open(url: &DatabaseUrl, most: u32, patience: Duration) -> Result<Self> {
        Self::open_as(url, most, patience, Use::Command).await
    }

    /// Connects to a database of another program's, only to read.
    pub async fn open_to_read(url: &DatabaseUrl, patience: Duration) -> Result<Self> {
        Self::open_as(url, 1, patience, Use::Reading).await
    }

    async fn open_as(
        url: &DatabaseUrl,
        most: u32,
        patience: Duration,
        purpose: Use,
    ) -> Result<Self> {
        let told = |why: sqlx::Error| {
            let text = format!("Cannot open the {url}: {}", plain(&why));
            // A wrong password stays one; a server that starts does not.
            if matches!(Error::from(why), Error::Busy) {
                Error::Unreachable(text)
            } else {
                Error::Told(text)
            }
        };
        let pool = match url.kind() {
            Kind::Sqlite => {
                let file = SqliteConnectOptions::from_str("sqlite:")?
                    .filename(url.file())
                    .busy_timeout(patience);
                let options = match purpose {
                    Use::Reading => file.read_only(true),
                    Use::Command | Use::Requests => {
                        make_private(&url.file());
                        file.create_if_missing(true)
                            .foreign_keys(true)
                            .journal_mode(SqliteJournalMode::Wal)
                            .synchronous(SqliteSynchronous::Normal)
                    }
                };
                let pool = SqlitePoolOptions::new().max_connections(most).acquire_timeout(patience);
                Either::Sqlite(pool.connect_with(options).await.map_err(told)?)
            }
            Kind::Postgres => {
                let pool = PgPoolOptions::new().max_connections(most).acquire_timeout(patience);
                let options = match purpose {
                    Use::Command | Use::Reading => url.postgres()?,
                    Use::Requests => url.postgres()?.options(LIMITS),
                };
                Either::Postgres(pool.connect_with(options).await.map_err(told)?)
            }
        };
        Ok(Self { pool, statements: Arc::default() })
    }

    /// Closes every connection: nobody gets another.
    pub async fn shut(&self) {
        match &self.pool {
            Either::Sqlite(pool) => pool.close().await,
            Either::Postgres(pool) => pool.close().await,
        }
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.pool {
            Either::Sqlite(_) => Kind::Sqlite,
            Either::Postgres(_) => Kind::Postgres,
        }
    }

    /// How many statements ran so far: a test counts them for each page.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Borrows a connection to read with.
    pub async fn conn(&self) -> Result<Conn> {
        let held = match &self.pool {
            Either::Sqlite(pool) => Held::Sqlite(pool.acquire().await?),
            Either::Postgres(pool) => Held::Postgres(pool.acquire().await?),
        };
        Ok(Conn { held, statements: Arc::clone(&self.statements) })
    }

    /// Begins to read as of one moment, whatever is written meanwhile.
    pub async fn snapshot(&self) -> Result<Conn> {
        const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let held = match &self.pool {
            Either::Sqlite(pool) => Held::SqliteTx(pool.begin().await?),
            Either::Postgres(pool) => Held::PostgresTx(pool.begin_with(ONE_MOMENT).await?),
        };
        Ok(Conn { held, statements: Arc::clone(&self.statements) })
    }

    /// Begins a transaction that means to write. SQLite takes its write lock at once: a transaction
    /// that reads first and then writes fails when another writer came between.
    pub async fn begin(&self) -> Result<Tx> {
        let held = match &self.pool {
            Either::Sqlite(pool) => Held::SqliteTx(pool.begin_with("BEGIN IMMEDIATE").await?),
            Either::Postgres(pool) => Held::PostgresTx(pool.begin().await?),
        };
        Ok(Tx(Conn { held, statements: Arc::clone(&self.statements) }))
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
    pub async fn commit(self) -> Result<()> {
        match self.0.held {
            Held::SqliteTx(tx) => tx.commit().await?,
            Held::PostgresTx(tx) => tx.commit().await?,
            // `Pool::begin` makes no such Tx: nothing was begun, so there is nothing to keep.
            Held::Sqlite(_) | Held::Postgres(_) => {}
        }
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

/// Makes a new file that only its owner can read: it will hold names and password hashes. What goes
/// wrong here goes wrong again when the file is opened, and is told then.
fn make_private(file: &Path) {
    let mut new = std::fs::OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    let _ = new.open(file);
}

/// A driver's error as one line for a person: no address, no password.
fn plain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "no answer in time".to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Database(error) if error.message().contains("unable to open") => {
            format!("{}. Does the folder exist, and may you write there?", error.message())
        }
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}
