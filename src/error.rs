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
    /// The database answered too slowly for somebody who waits.
    #[error("This took too long. Narrow your search, or try again in a moment.")]
    Slow,
    /// The client went away before it was done: nobody sees this.
    #[error("Nobody waits for the answer.")]
    Gone,
    /// The database can be read but not written: the words say why, as `the database is read-only`.
    #[error("Nothing can be saved right now: {0}. Try again later.")]
    Unwritable(&'static str),
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
            Self::Busy | Self::Slow | Self::Gone | Self::Unwritable(_) | Self::Unreachable(_) => {
                Status::ServiceUnavailable
            }
            Self::Database(_) | Self::Internal(_) | Self::Told(_) => Status::InternalServerError,
        }
    }

    /// Whether the database refused a value because another row has it already.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Conflict(sqlx::Error::Database(cause)) if cause.is_unique_violation())
    }

    /// A mistake of ours, told from whatever showed it.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

/// PostgreSQL's deadlock and serialization failure.
const CLASHES: [&str; 2] = ["40P01", "40001"];
/// Another holds a lock for too long, or a statement took too long: SQLite's `SQLITE_BUSY` and its kinds,
/// PostgreSQL's statement and lock time-outs. The connection stays usable.
const LOCKED: [&str; 6] = ["5", "261", "517", "773", "57014", "55P03"];
/// PostgreSQL stops, starts, has no connection or memory left, or ended a silent transaction; SQLite was
/// interrupted.
const ENDED: [&str; 9] = ["57P01", "57P02", "57P03", "57P05", "53300", "53200", "25P03", "9", "7"];

/// Why a database cannot be written, from its error's code. SQLite's extended codes hold the plain one in
/// their lowest byte (sqlite.org/rescode.html); PostgreSQL's have five letters.
fn unwritable(code: &str) -> Option<&'static str> {
    const FULL: &str = "the database's disk is full";
    const READ_ONLY: &str = "the database is read-only";
    const BROKEN: &str = "the database's disk failed";
    match code {
        "53100" => return Some(FULL),
        // Also a primary that has become a replica.
        "25006" => return Some(READ_ONLY),
        "58030" => return Some(BROKEN),
        _ => {}
    }
    if code.len() >= 5 {
        return None;
    }
    match code.parse::<u32>().ok()? & 0xff {
        13 => Some(FULL),
        8 => Some(READ_ONLY),
        10 | 14 => Some(BROKEN),
        _ => None,
    }
}

/// Whether an error is about its statement alone: the connection, and a transaction on it, are as before. After
/// other errors SQLite may have rolled back by itself, or PostgreSQL's server may no longer be the primary.
#[must_use]
pub(crate) fn is_of_the_statement(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(cause) => {
            cause.is_unique_violation()
                || cause.is_foreign_key_violation()
                || cause.is_check_violation()
                || matches!(cause.kind(), sqlx::error::ErrorKind::NotNullViolation)
                || cause
                    .code()
                    .is_some_and(|code| CLASHES.contains(&&*code) || LOCKED.contains(&&*code))
        }
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::WorkerCrashed => Self::Busy,
            sqlx::Error::Database(cause) => {
                let code = cause.code().unwrap_or_default();
                if let Some(why) = unwritable(&code) {
                    Self::Unwritable(why)
                } else if LOCKED.contains(&&*code) || ENDED.contains(&&*code) {
                    Self::Busy
                } else if cause.is_unique_violation()
                    || cause.is_foreign_key_violation()
                    || CLASHES.contains(&&*code)
                {
                    Self::Conflict(error)
                } else {
                    Self::Database(error)
                }
            }
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_written_says_why() {
        for code in ["13", "8", "1032", "776", "10", "778", "14", "53100", "25006", "58030"] {
            assert!(unwritable(code).is_some(), "{code}");
        }
        for code in ["5", "19", "2067", "787", "23505", "25P02", "40001", "", "x"] {
            assert!(unwritable(code).is_none(), "{code}");
        }
    }
}
