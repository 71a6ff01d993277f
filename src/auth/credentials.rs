//! What proves who somebody is, apart from his account: the password's hash, the links at which it is
//! chosen anew, and when it was last used.

use super::users::{self, User};
use crate::changes::ChangeSet;
use crate::clock::CLOCK_SKEW;
use crate::db::{Conn, Pool, Select, Upkeep};
use crate::error::{Error, Result};
use crate::random;

/// A link by mail works for so many seconds (OWASP: an hour at most).
pub const LINK_LIFE: i64 = 60 * 60;

const PASSWORD: Select = Select::new("SELECT password FROM credentials WHERE user_id = $1");
const SET_PASSWORD: Upkeep = Upkeep::new(
    "INSERT INTO credentials (user_id, password, totp_step) VALUES ($1, $2, 0)
     ON CONFLICT (user_id) DO UPDATE SET password = $2",
);
const RENEW: Upkeep =
    Upkeep::new("UPDATE credentials SET password = $3 WHERE user_id = $1 AND password = $2");
const END_SESSIONS: Upkeep =
    Upkeep::new("DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2");
const INSERT_LINK: Upkeep =
    Upkeep::new("INSERT INTO reset_links (token_hash, user_id, created_at) VALUES ($1, $2, $3)");
const FORGET_LINKS: Upkeep = Upkeep::new("DELETE FROM reset_links WHERE user_id = $1");
const SWEEP_LINKS: Upkeep =
    Upkeep::new("DELETE FROM reset_links WHERE created_at <= $1 OR created_at > $2");
const LINK: Select = Select::new(
    "SELECT user_id FROM reset_links
     WHERE token_hash = $1 AND created_at > $2 AND created_at <= $3",
);
const USE_LINK: Upkeep = Upkeep::new(
    "DELETE FROM reset_links WHERE token_hash = $1 AND created_at > $2 AND created_at <= $3
     RETURNING user_id",
);

/// The hash of an account's password; none was ever chosen where there is none.
pub async fn password_hash(db: &mut Conn, user: i64) -> Result<Option<String>> {
    let found: Option<(String,)> = db.query(PASSWORD).bind(user).optional().await?;
    Ok(found.map(|(hash,)| hash))
}

/// Gives an account that was just made its first password.
pub async fn set_first_password(set: &mut ChangeSet, user: &User, hash: String) -> Result<()> {
    set.upkeep(SET_PASSWORD).bind(user.id).bind(hash).execute_one().await
}

/// Changes a password. History says that it was changed, not to what. In the same transaction every
/// session of the account ends but the one of a secret (with an empty one: every session), and links
/// by mail stop working.
pub async fn set_password(
    set: &mut ChangeSet,
    user: i64,
    hash: String,
    keep: &str,
) -> Result<User> {
    // The account's row first, as it is now: whoever asks may know it from before somebody else changed
    // it, and a session that begins at the same moment waits for it.
    let user = users::lock(set, user).await?.ok_or(Error::NotFound)?;
    let after = users::write(set, &user, user.clone()).await?;
    set.upkeep(SET_PASSWORD).bind(user.id).bind(hash).execute_one().await?;
    end_sessions(set, user.id, keep).await?;
    forget_links(set, user.id).await?;
    Ok(after)
}

/// Ends every session of an account but the one of a secret, within a change set.
pub async fn end_sessions(set: &mut ChangeSet, user: i64, keep: &str) -> Result<()> {
    set.upkeep(END_SESSIONS).bind(user).bind(random::digest(keep)).execute().await?;
    Ok(())
}

/// Puts a hash with today's parameters in the place of an older one of the same password, unless the
/// password was changed meanwhile.
pub async fn renew_hash(pool: &Pool, user: i64, old: &str, new: String) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(RENEW).bind(user).bind(old.to_owned()).bind(new).execute().await?;
    tx.commit().await
}

/// Makes every link of an account stop working.
pub(super) async fn forget_links(set: &mut ChangeSet, user: i64) -> Result<()> {
    set.upkeep(FORGET_LINKS).bind(user).execute().await?;
    Ok(())
}

/// Makes a link's secret. Older links of the account go on working until they end.
pub async fn make_link(pool: &Pool, user: i64, now: i64) -> Result<String> {
    let secret = random::secret();
    let mut tx = pool.begin().await?;
    tx.upkeep(SWEEP_LINKS).bind(now - LINK_LIFE).bind(now + CLOCK_SKEW).execute().await?;
    tx.upkeep(INSERT_LINK).bind(random::digest(&secret)).bind(user).bind(now).execute_one().await?;
    tx.commit().await?;
    Ok(secret)
}

/// Whose link a secret is, while it works.
pub async fn link_owner(db: &mut Conn, secret: &str, now: i64) -> Result<Option<i64>> {
    let found: Option<(i64,)> = db
        .query(LINK)
        .bind(random::digest(secret))
        .bind(now - LINK_LIFE)
        .bind(now + CLOCK_SKEW)
        .optional()
        .await?;
    Ok(found.map(|(user,)| user))
}

/// Uses a link up: of several who try at once, one is told whose it is.
pub async fn use_link(set: &mut ChangeSet, secret: &str) -> Result<Option<i64>> {
    let now = set.at();
    let found: Option<(i64,)> = set
        .upkeep(USE_LINK)
        .bind(random::digest(secret))
        .bind(now - LINK_LIFE)
        .bind(now + CLOCK_SKEW)
        .optional()
        .await?;
    Ok(found.map(|(user,)| user))
}
