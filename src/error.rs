//! Why something was not done, and the status that says so.

use rocket::http::Status;

/// What functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request or a command was not carried out. Wrong fields are no error: they are a form,
/// shown again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such page or object.
    #[error("There is no such page.")]
    NotFound,
    /// The request is not one that this site's pages make.
    #[error("{0}")]
    BadRequest(&'static str),
    /// The asker lacks what this needs: the code of an `auth::Need`, which knows how to say so.
    #[error("This needs {0}.")]
    Denied(String),
    /// The asker may not do this to this object: the sentence says why.
    #[error("{0}")]
    Refused(String),
    /// It is sensitive: who does it must prove once more, with his password, that it is he.
    #[error("This is sensitive: confirm your password first.")]
    Unconfirmed,
    /// Two did it at once, and the database let the other one through.
    #[error("Somebody changed this at the same moment. Look again and repeat.")]
    Conflict(#[source] sqlx::Error),
    /// The database or the password hasher has no room just now.
    #[error("The site is busy. Try again in a moment.")]
    Busy,
    /// The database failed.
    #[error("The database did not answer as it should.")]
    Database(#[source] sqlx::Error),
    /// A mistake of ours.
    #[error("Something went wrong on our side: {0}.")]
    Internal(String),
    /// The database is not there yet, or has no room: the line says so, and it may pass.
    #[error("{0}")]
    Unreachable(String),
    /// Something a person can mend: the line says what.
    #[error("{0}")]
    Told(String),
}

impl Error {
    /// The HTTP status that says this.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::NotFound => Status::NotFound,
            Self::BadRequest(_) => Status::BadRequest,
            Self::Denied(_) | Self::Refused(_) | Self::Unconfirmed => Status::Forbidden,
            Self::Conflict(_) => Status::Conflict,
            Self::Busy | Self::Unreachable(_) => Status::ServiceUnavailable,
            Self::Database(_) | Self::Internal(_) | Self::Told(_) => Status::InternalServerError,
        }
    }

    /// A mistake of ours, told from whatever showed it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

/// PostgreSQL's deadlock and serialization failure.
const CLASHES: [&str; 2] = ["40P01", "40001"];
/// SQLite's `SQLITE_BUSY` and its kinds: another writer held the file for too long; PostgreSQL's
/// ways to say that it stops, starts, has no connection left, or waited for too long.
const LOCKED: [&str; 10] =
    ["5", "261", "517", "773", "57P01", "57P02", "57P03", "53300", "57014", "55P03"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Self::Busy,
            sqlx::Error::Database(cause)
                if cause.is_unique_violation()
                    || cause.is_foreign_key_violation()
                    || cause.code().is_some_and(|code| CLASHES.contains(&&*code)) =>
            {
                Self::Conflict(error)
            }
            sqlx::Error::Database(cause)
                if cause.code().is_some_and(|code| LOCKED.contains(&&*code)) =>
            {
                Self::Busy
            }
            _ => Self::Database(error),
        }
    }
}
