//! Sessions: rows in the database, so that they can be ended and any replica can answer. Only a
//! hash of the secret in the cookie is kept.

use sqlx::FromRow;

use super::users::{self, FromGroups, User};
use crate::clock::CLOCK_SKEW;
use crate::db::{Conn, Pool, Select, Upkeep};
use crate::error::Result;
use crate::random;

/// A session that nobody used for so many seconds ends (OWASP ASVS 4, 3.3.2).
pub const IDLE: i64 = 30 * 60;
/// A session ends after so many seconds, used or not.
pub const LONGEST: i64 = 12 * 60 * 60;
/// Its last use is written down this often at most.
const TOUCH: i64 = 60;
/// The second factor must come within so many seconds after the password.
pub const HALF: i64 = 10 * 60;
/// For so many seconds after the password was typed, what is sensitive asks for no other proof.
pub const CONFIRMED: i64 = 5 * 60;

/// A session and whose it is.
#[derive(Debug, Clone, FromRow)]
pub struct Session {
    /// Its id; not the secret.
    pub session_id: i64,
    /// When it was last used, give or take a minute.
    pub seen_at: i64,
    /// Whether the password was right and the second factor is still to come.
    pub awaits_factor: bool,
    /// When its user last proved with the password that it is he, in seconds since 1970.
    pub confirmed_at: i64,
    /// Who signed in.
    #[sqlx(flatten)]
    pub user: User,
    /// What his groups add.
    #[sqlx(flatten)]
    pub from_groups: FromGroups,
}

/// Where a session began, for the one whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The address it was begun from.
    pub address: String,
    /// What the browser called itself.
    pub browser: String,
}

/// A session in the list of one's own.
#[derive(Debug, Clone, FromRow)]
pub struct Listed {
    /// Its id; not the secret.
    pub id: i64,
    /// When it began, in seconds since 1970.
    pub created_at: i64,
    /// When it was last used, give or take a minute.
    pub seen_at: i64,
    /// Where it began.
    pub address: String,
    /// What the browser called itself.
    pub browser: String,
    /// Whether it is the one that asks.
    pub here: bool,
}

const FIND: Select = Select::new(
    "SELECT s.id AS session_id, s.seen_at, s.awaits_factor, s.confirmed_at,
            u.id, u.username, u.email, u.is_active, u.is_staff, u.is_superuser, u.second_factor,
            u.rights, u.created_at, u.version,
            (SELECT STRING_AGG(g.rights, ' ') FROM memberships m
             JOIN groups g ON g.id = m.group_id WHERE m.user_id = u.id) AS group_rights,
            EXISTS (SELECT 1 FROM memberships m JOIN groups g ON g.id = m.group_id
                    WHERE m.user_id = u.id AND g.requires_factor) AS must_have_factor
     FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.token_hash = $1 AND u.is_active AND s.created_at > $2 AND s.seen_at > $3
           AND s.created_at <= $4 AND s.seen_at <= $4",
);
const INSERT: Upkeep = Upkeep::new(
    "INSERT INTO sessions (token_hash, user_id, created_at, seen_at, address, browser,
                           awaits_factor, confirmed_at)
     VALUES ($1, $2, $3, $3, $4, $5, $6, $7)",
);
const LOCK_USER: Select = Select::new("SELECT id FROM users WHERE id = $1 AND is_active");
const PASSWORD: Select = Select::new("SELECT password FROM credentials WHERE user_id = $1");
const END_HALF: Upkeep = Upkeep::new(
    "DELETE FROM sessions WHERE token_hash = $1 AND user_id = $2 AND awaits_factor
     RETURNING confirmed_at",
);
const CONFIRM: Upkeep = Upkeep::new("UPDATE sessions SET confirmed_at = $2 WHERE token_hash = $1");
const TOUCHED: Upkeep = Upkeep::new("UPDATE sessions SET seen_at = $2 WHERE id = $1");
const END: Upkeep = Upkeep::new("DELETE FROM sessions WHERE token_hash = $1");
const END_OTHERS: Upkeep =
    Upkeep::new("DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2");
const LIST: Select = Select::new(
    "SELECT id, created_at, seen_at, address, browser, token_hash = $2 AS here FROM sessions
     WHERE user_id = $1 AND created_at > $3 AND seen_at > $4 AND NOT awaits_factor
           AND created_at <= $5 AND seen_at <= $5
     ORDER BY seen_at DESC, id DESC",
);
const END_ONE: Upkeep = Upkeep::new("DELETE FROM sessions WHERE user_id = $1 AND id = $2");
const SWEEP: Upkeep = Upkeep::new(
    "DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2 OR created_at > $3 OR seen_at > $3",
);

/// By what somebody has proved that it is he.
#[derive(Debug, Clone, Copy)]
pub enum Proven<'a> {
    /// The password whose hash this is: while it is the account's no more, nothing begins.
    Password(&'a str),
    /// The second factor, in the half session of this secret, which ends: without it nothing begins.
    Factor(&'a str),
    /// Somebody else vouches for him: the link of the first superuser.
    Vouched,
}

/// What a session begins with.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// Whose it is.
    pub user: i64,
    /// What was proved.
    pub proven: Proven<'a>,
    /// Whether the second factor is still to come.
    pub awaits_factor: bool,
    /// Where it begins.
    pub from: &'a Origin,
}

/// Begins a session and answers its secret, for the cookie; none if the account is closed, or what was
/// proved does not hold any more. Ended sessions are swept away.
pub async fn begin(pool: &Pool, beginning: Beginning<'_>, now: i64) -> Result<Option<String>> {
    let secret = random::secret();
    let mut tx = pool.begin().await?;
    // Held until the session stands: whoever changes the password waits, and then ends it.
    let there: Option<(i64,)> = tx.lock(LOCK_USER).bind(beginning.user).optional().await?;
    if there.is_none() {
        return Ok(None);
    }
    let confirmed_at = match beginning.proven {
        Proven::Vouched => now,
        Proven::Password(proven) => {
            let (hash,): (String,) = tx.query(PASSWORD).bind(beginning.user).one().await?;
            if hash != proven {
                return Ok(None);
            }
            now
        }
        Proven::Factor(half) => {
            let ended: Option<(i64,)> = tx
                .upkeep(END_HALF)
                .bind(random::digest(half))
                .bind(beginning.user)
                .optional()
                .await?;
            match ended {
                Some((confirmed_at,)) => confirmed_at,
                None => return Ok(None),
            }
        }
    };
    tx.upkeep(SWEEP).bind(now - LONGEST).bind(now - IDLE).bind(now + CLOCK_SKEW).execute().await?;
    tx.upkeep(INSERT)
        .bind(random::digest(&secret))
        .bind(beginning.user)
        .bind(now)
        .bind(beginning.from.address.clone())
        .bind(beginning.from.browser.clone())
        .bind(beginning.awaits_factor)
        .bind(confirmed_at)
        .execute_one()
        .await?;
    if !beginning.awaits_factor {
        tx.upkeep(users::signed_in()).bind(beginning.user).bind(now).execute_one().await?;
    }
    tx.commit().await?;
    Ok(Some(secret))
}

/// Writes down that a session's user has just proved with the password that it is he.
pub async fn confirm(pool: &Pool, secret: &str, now: i64) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(CONFIRM).bind(random::digest(secret)).bind(now).execute_one().await?;
    tx.commit().await
}

/// The session of a secret, if it is alive and its user may sign in.
pub async fn find(db: &mut Conn, secret: &str, now: i64) -> Result<Option<Session>> {
    let found: Option<Session> = db
        .query(FIND)
        .bind(random::digest(secret))
        .bind(now - LONGEST)
        .bind(now - IDLE)
        .bind(now + CLOCK_SKEW)
        .optional()
        .await?;
    let is_alive =
        |session: &Session| !session.awaits_factor || is_within(session.confirmed_at, HALF, now);
    Ok(found.filter(is_alive))
}

/// Whether a time lies less than this many seconds back, and not in the future.
#[must_use]
pub fn is_within(at: i64, seconds: i64, now: i64) -> bool {
    (-CLOCK_SKEW..seconds).contains(&now.saturating_sub(at))
}

/// Whether a session's last use is worth writing down again.
#[must_use]
pub fn is_stale(session: &Session, now: i64) -> bool {
    !session.awaits_factor && now - session.seen_at >= TOUCH
}

/// Writes down that a session was used now, unless others wait to write: a reader does not wait for them.
pub async fn touch(pool: &Pool, session: i64, now: i64) -> Result<()> {
    let Some(mut tx) = pool.begin_if_free().await? else { return Ok(()) };
    tx.upkeep(TOUCHED).bind(session).bind(now).execute().await?;
    tx.commit().await
}

/// Ends a session.
pub async fn end(pool: &Pool, secret: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(END).bind(random::digest(secret)).execute().await?;
    tx.commit().await
}

/// Ends every session of a user but the one of a secret; with an empty secret, every one.
pub async fn end_others(pool: &Pool, user: i64, secret: &str) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(END_OTHERS).bind(user).bind(random::digest(secret)).execute().await?;
    tx.commit().await
}

/// The sessions of a user that are alive, the last used first.
pub async fn of_user(db: &mut Conn, user: i64, secret: &str, now: i64) -> Result<Vec<Listed>> {
    db.query(LIST)
        .bind(user)
        .bind(random::digest(secret))
        .bind(now - LONGEST)
        .bind(now - IDLE)
        .bind(now + CLOCK_SKEW)
        .all()
        .await
}

/// Ends one session of a user; another's is not found.
pub async fn end_one(pool: &Pool, user: i64, session: i64) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(END_ONE).bind(user).bind(session).execute_one().await?;
    tx.commit().await
}
