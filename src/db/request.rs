//! The database, as a request's handler gets it: its work is bounded, and ends when the client is gone.

use rocket::http::{Method, Status};
use rocket::outcome::{IntoOutcome as _, Outcome};
use rocket::request::{self, FromRequest, Request};
use rocket_db_pools::Database as _;

use super::conn::Conn;
use super::pool::{DbPool, Pool};
use super::scope::Scope;
use crate::error::Error;
use crate::wire::Peers;

/// The database within the bounds of one request. A request that only reads is over after ten seconds.
#[derive(Clone)]
pub struct Db(Pool);

impl Db {
    /// The database for work that begins now: an answer that is made piece by piece takes it again for each.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Option<Self> {
        let pool = DbPool::fetch(request.rocket())?;
        let peers = request.rocket().state::<Peers>();
        let client = peers.zip(request.remote()).and_then(|(peers, seen)| peers.presence(seen));
        let reads = matches!(request.method(), Method::Get | Method::Head);
        Some(Self(pool.within(Scope::request(reads, client))))
    }
}

impl std::ops::Deref for Db {
    type Target = Pool;
    fn deref(&self) -> &Pool {
        &self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r Db {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let db: &Option<Db> = request.local_cache(|| Db::of(request));
        db.as_ref().or_error((Status::InternalServerError, ()))
    }
}

/// A connection to read with, within the bounds of [`Db`].
pub struct RequestConn(Conn);

impl std::ops::Deref for RequestConn {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl std::ops::DerefMut for RequestConn {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for RequestConn {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Error> {
        let Outcome::Success(db) = request.guard::<&Db>().await else {
            return Outcome::Error((Status::InternalServerError, Error::Busy));
        };
        db.conn().await.map(Self).or_error(Status::ServiceUnavailable)
    }
}
