//! The pool of connections to either database.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rocket::figment::Figment;
use rocket::tokio::sync::{OwnedSemaphorePermit, Semaphore};
use rocket::tokio::time::timeout;
use rocket_db_pools::{Config, Error as PoolError};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use super::conn::{Conn, Held, Tx};
use super::file::DatabaseFile;
use super::scope::Scope;
use super::url::{DatabaseUrl, Kind};
use crate::error::{Error, Result};

/// The application's database, as Rocket manages it. Handlers take [`super::Db`].
#[derive(rocket_db_pools::Database)]
#[database("airline")]
pub struct DbPool(Pool);

/// Connections to whichever database the address names.
#[derive(Clone)]
pub struct Pool {
    pub(super) driver: Either,
    statements: Arc<AtomicU64>,
    patience: Duration,
    /// SQLite has one writer at a time: they queue here, in the order they came, and before they hold a
    /// connection that a reader could use.
    writer: Option<Arc<Semaphore>>,
    file: Option<Arc<DatabaseFile>>,
    scope: Scope,
}

#[derive(Clone)]
pub(super) enum Either {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A command, which takes as long as it takes.
    Command,
    /// Requests: somebody waits.
    Requests,
    /// A database that is another program's: nothing of it is changed, not even how its file is written.
    Reading,
}

/// What PostgreSQL ends by itself on the connections of requests. (SQLite's like of it is the busy
/// time-out and [`Scope`].) A replica that loses its network in the middle of a transaction holds its locks
/// for at most two seconds of silence, or until keepalives fail; a query whose client is gone ends within
/// a second.
const LIMITS: [(&str, &str); 8] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "2s"),
    ("client_connection_check_interval", "1s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "2"),
    ("tcp_user_timeout", "9000"),
];

impl Pool {
    /// Connects, for a command; a SQLite file that does not exist is created. The error is a line for a
    /// person.
    pub async fn open(url: &DatabaseUrl, most: u32, patience: Duration) -> Result<Self> {
        Self::open_as(url, most, patience, Use::Command).await
    }

    /// Connects to a database of another program's, only to read.
    pub async fn open_to_read(url: &DatabaseUrl, patience: Duration) -> Result<Self> {
        Self::open_as(url, 1, patience, Use::Reading).await
    }

    /// Connects as requests do, to a database that must exist.
    pub(super) async fn open_for_requests(
        url: &DatabaseUrl,
        most: u32,
        patience: Duration,
    ) -> Result<Self> {
        Self::open_as(url, most, patience, Use::Requests).await
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
            if matches!(Error::from(why), Error::Busy | Error::Unwritable(_)) {
                Error::Unreachable(text)
            } else {
                Error::Told(text)
            }
        };
        let mut file = None;
        let pool = match url.kind() {
            Kind::Sqlite => {
                let options = SqliteConnectOptions::from_str("sqlite:")?
                    .filename(url.file())
                    .busy_timeout(patience);
                let create = purpose == Use::Command;
                if create {
                    make_private(&url.file());
                }
                let options = match purpose {
                    // Alone in its process, and it may write millions of rows.
                    Use::Command => options.pragma("cache_size", COMMAND_CACHE),
                    Use::Reading | Use::Requests => options,
                };
                let options = match purpose {
                    Use::Reading => options.read_only(true),
                    // What is acknowledged must survive a power cut: FULL.
                    Use::Command | Use::Requests => options
                        .create_if_missing(create)
                        .foreign_keys(true)
                        .journal_mode(SqliteJournalMode::Wal)
                        .synchronous(SqliteSynchronous::Full),
                };
                let mut pool = SqlitePoolOptions::new()
                    .max_connections(most)
                    .acquire_timeout(patience)
                    // A file does not go away as a server does; `DatabaseFile` sees to what can happen.
                    .test_before_acquire(false)
                    .idle_timeout(None)
                    .max_lifetime(None);
                if purpose == Use::Requests {
                    // All of them now: what is open can be read also when the file is gone.
                    pool = pool.min_connections(most);
                    let opened = DatabaseFile::at(url.file()).map_err(|why| told(why.into()))?;
                    let opened = Arc::new(opened);
                    file = Some(Arc::clone(&opened));
                    pool = pool.after_connect(move |_, _| {
                        let same =
                            opened.check().map_err(|why| sqlx::Error::Configuration(why.into()));
                        Box::pin(async move { same })
                    });
                }
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
        let writer = matches!(pool, Either::Sqlite(_)).then(|| Arc::new(Semaphore::new(1)));
        let scope = if purpose == Use::Requests { Scope::statements() } else { Scope::default() };
        Ok(Self { driver: pool, statements: Arc::default(), patience, writer, file, scope })
    }

    /// The same connections, for work that ends with a request.
    #[must_use]
    pub(super) fn within(&self, scope: Scope) -> Self {
        Self { scope, ..self.clone() }
    }

    /// Closes every connection: nobody gets another.
    pub async fn shut(&self) {
        match &self.driver {
            Either::Sqlite(pool) => pool.close().await,
            Either::Postgres(pool) => pool.close().await,
        }
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.driver {
            Either::Sqlite(_) => Kind::Sqlite,
            Either::Postgres(_) => Kind::Postgres,
        }
    }

    /// How many statements ran so far: a test counts them for each page.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    async fn take(&self) -> Result<Held> {
        let connection = Box::pin(async {
            Ok(match &self.driver {
                Either::Sqlite(pool) => Held::Sqlite(pool.acquire().await?),
                Either::Postgres(pool) => Held::Postgres(pool.acquire().await?),
            })
        });
        self.scope.run(self.patience, connection).await
    }

    /// Borrows a connection to read with.
    pub async fn conn(&self) -> Result<Conn> {
        let held = self.take().await?;
        Conn::to_read(held, Arc::clone(&self.statements), self.scope.clone()).await
    }

    /// Begins to read as of one moment, whatever is written meanwhile.
    pub async fn snapshot(&self) -> Result<Conn> {
        let mut conn = self.conn().await?;
        conn.begin(match self.driver {
            Either::Sqlite(_) => "BEGIN",
            Either::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })
        .await?;
        Ok(conn)
    }

    /// Begins a transaction that means to write. SQLite takes its write lock at once: a transaction
    /// that reads first and then writes fails when another writer came between.
    ///
    /// # Errors
    /// [`Error::Busy`] when no turn comes in time; [`Error::Unwritable`] when nothing can be written.
    pub async fn begin(&self) -> Result<Tx> {
        let turn = match &self.writer {
            Some(writer) => {
                let turn = timeout(self.patience, Arc::clone(writer).acquire_owned()).await;
                Some(turn.map_err(|_| Error::Busy)?.map_err(|_| Error::Busy)?)
            }
            None => None,
        };
        self.begin_in_turn(turn).await
    }

    /// [`Pool::begin`], but nothing where others wait to write: for what is not worth waiting for.
    pub async fn begin_if_free(&self) -> Result<Option<Tx>> {
        let turn = match &self.writer {
            Some(writer) => match Arc::clone(writer).try_acquire_owned() {
                Ok(turn) => Some(turn),
                Err(_) => return Ok(None),
            },
            None => None,
        };
        self.begin_in_turn(turn).await.map(Some)
    }

    async fn begin_in_turn(&self, turn: Option<OwnedSemaphorePermit>) -> Result<Tx> {
        let held = self.take().await?;
        let mut conn = Conn::to_write(held, Arc::clone(&self.statements), self.scope.clone(), turn);
        conn.begin(match self.driver {
            Either::Sqlite(_) => "BEGIN IMMEDIATE",
            Either::Postgres(_) => "BEGIN",
        })
        .await?;
        if let Some(file) = &self.file {
            file.check().map_err(Error::Unwritable)?;
        }
        Ok(Tx(conn))
    }
}

/// SQLite's page cache for a command, in KiB (negative, as SQLite has it): pages that don't fit are written
/// and read again.
const COMMAND_CACHE: &str = "-128000";

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
