//! Slows guessing down: by account and by address, counted in the database, so that every replica
//! knows (OWASP ASVS 5, 6.1.1; at most 100 tries an hour for an account, ASVS 4, 2.2.1).
//!
//! A count whose time lies in the future comes from a wrong clock, and starts again: it does not block until then.
//!
//! A try is counted *before* the password is hashed, so that many at once cannot slip through, and
//! taken back by the right password. Whoever comes with a browser that has signed in to the account
//! before has a count of his own: strangers who guess cannot lock him out.

use super::users::User;
use crate::clock::CLOCK_SKEW;
use crate::db::{Conn, Pool, Select, Upkeep};
use crate::error::Result;
use crate::random;

/// How a count of failures slows the next try down.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// So many tries are free.
    free: i64,
    /// After them the first wait, in seconds; it doubles each time.
    first: i64,
    /// The longest wait.
    longest: i64,
    /// A count that is not blocked begins anew so many seconds after its first try.
    memory: i64,
}

/// About fifteen tries in the first hour, four in each further one.
const ACCOUNT: Rule = Rule { free: 5, first: 10, longest: 900, memory: 24 * 3_600 };
/// Three links an hour for one account: nobody's mailbox is filled.
const LINKS: Rule = Rule { free: 3, first: 900, longest: 3_600, memory: 3_600 };
/// Ten for whoever asks from one address.
const LINKS_TO_ADDRESS: Rule = Rule { free: 10, first: 300, longest: 3_600, memory: 3_600 };
/// Twenty a minute: an office behind one address still signs in.
const ADDRESS: Rule = Rule { free: 20, first: 60, longest: 3_600, memory: 60 };

const COUNT: Upkeep = Upkeep::new(
    "INSERT INTO throttle (subject, failures, since, blocked_until) VALUES ($1, 1, $2, 0)
     ON CONFLICT (subject) DO UPDATE SET
        failures = CASE WHEN throttle.since > $4 OR throttle.blocked_until > $5 THEN 1
                        WHEN throttle.blocked_until > $2 THEN throttle.failures
                        WHEN throttle.since < $3 AND throttle.blocked_until < $3 THEN 1
                        ELSE throttle.failures + 1 END,
        since = CASE WHEN throttle.since > $4 OR throttle.blocked_until > $5 THEN $2
                     WHEN throttle.since < $3 AND throttle.blocked_until < $3 THEN $2
                     ELSE throttle.since END,
        blocked_until = CASE WHEN throttle.since > $4 OR throttle.blocked_until > $5 THEN 0
                             ELSE throttle.blocked_until END
     RETURNING failures, blocked_until",
);
const BLOCK: Upkeep = Upkeep::new("UPDATE throttle SET blocked_until = $2 WHERE subject = $1");
const FORGET: Upkeep = Upkeep::new("DELETE FROM throttle WHERE subject = $1");
const SWEEP: Upkeep = Upkeep::new(
    "DELETE FROM throttle
     WHERE (since < $1 AND blocked_until < $1) OR since > $2 OR blocked_until > $2",
);
const KNOWN_DEVICE: Select = Select::new(
    "SELECT d.id FROM devices d JOIN users u ON u.id = d.user_id
     WHERE d.token_hash = $1 AND u.username = $2 AND d.seen_at > $3 AND d.seen_at <= $4",
);
const REMEMBER_DEVICE: Upkeep = Upkeep::new(
    "INSERT INTO devices (user_id, token_hash, seen_at) VALUES ($1, $2, $3)
     ON CONFLICT (token_hash) DO UPDATE SET user_id = $1, seen_at = $3",
);
const SWEEP_DEVICES: Upkeep =
    Upkeep::new("DELETE FROM devices WHERE seen_at <= $1 OR seen_at > $2");
/// A browser is known for so many seconds after its last signing in: half a year.
const DEVICE_MEMORY: i64 = 180 * 24 * 3_600;

/// The cookie of a browser that has signed in before.
pub const DEVICE: &str = "device";

/// What who tries too often is told.
#[must_use]
pub fn spoken(wait: i64) -> String {
    let wait = match wait {
        1 => "a second".to_owned(),
        2..=90 => format!("{wait} seconds"),
        _ => format!("{} minutes", (wait + 59) / 60),
    };
    format!("Too many tries. Wait {wait}, then try again.")
}

/// Whom a try is counted against: the address first, since one that is blocked counts against no
/// account.
#[derive(Debug, Clone)]
pub struct Subjects {
    address: (String, Rule),
    account: (String, Rule),
}

impl Subjects {
    /// A name, known or not, tried from an address by a browser that may be known.
    pub async fn of(
        db: &mut Conn,
        username: &str,
        address: &str,
        device: Option<&str>,
        now: i64,
    ) -> Result<Self> {
        let known = match device {
            Some(device) if !username.contains('\0') => {
                let found: Option<(i64,)> = db
                    .query(KNOWN_DEVICE)
                    .bind(random::digest(device))
                    .bind(username.to_owned())
                    .bind(now - DEVICE_MEMORY)
                    .bind(now + CLOCK_SKEW)
                    .optional()
                    .await?;
                found.map(|(id,)| id)
            }
            _ => None,
        };
        // Names are what people typed, of any length: the table holds digests of one length.
        let account = match known {
            Some(id) => format!("device:{id}"),
            None => format!("account:{}", random::digest(username)),
        };
        let address = format!("address:{}", network(address));
        Ok(Self { address: (address, ADDRESS), account: (account, ACCOUNT) })
    }

    /// The second factor of an account, tried from the same place by the same browser: one that is
    /// known has a count of its own here as well.
    #[must_use]
    pub fn for_code(&self, user: i64) -> Self {
        let device = self.account.0.strip_prefix("device:");
        let account = match device {
            Some(device) => format!("code:{user}:{device}"),
            None => format!("code:{user}"),
        };
        Self { address: self.address.clone(), account: (account, ACCOUNT) }
    }

    /// A link for a new password, asked for from an address, for a name or a mail address.
    #[must_use]
    pub fn of_link(asked: &str, address: &str) -> Self {
        let asked = random::digest(&asked.to_lowercase());
        Self {
            address: (format!("links:{}", network(address)), LINKS_TO_ADDRESS),
            account: (format!("link:{asked}"), LINKS),
        }
    }
}

/// What one customer has of the net: an address of IPv4, or the first 64 bits of one of IPv6, of which
/// each machine takes as many as it likes.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

/// Counts a try. An error is the seconds to wait before the next, which is not tried now.
pub async fn admit(pool: &Pool, subjects: &Subjects, now: i64) -> Result<Result<(), i64>> {
    let mut tx = pool.begin().await?;
    let mut wait = 0;
    for (subject, rule) in [&subjects.address, &subjects.account] {
        let (failures, blocked_until): (i64, i64) = tx
            .upkeep(COUNT)
            .bind(subject.clone())
            .bind(now)
            .bind(now - rule.memory)
            .bind(now + CLOCK_SKEW)
            .bind(now + rule.longest + CLOCK_SKEW)
            .one()
            .await?;
        if blocked_until > now {
            wait = blocked_until - now;
            break;
        }
        if failures >= rule.free {
            let doublings = u32::try_from(failures - rule.free).unwrap_or(u32::MAX).min(20);
            let pause = rule.first.saturating_mul(1 << doublings).min(rule.longest);
            tx.upkeep(BLOCK).bind(subject.clone()).bind(now + pause).execute_one().await?;
        }
    }
    tx.commit().await?;
    Ok(if wait > 0 { Err(wait) } else { Ok(()) })
}

/// What was tried was right: the account's tries are forgotten. The address's stay: whoever owns one
/// account may guess at others.
pub async fn forget(pool: &Pool, subjects: &Subjects) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(FORGET).bind(subjects.account.0.clone()).execute().await?;
    tx.commit().await
}

/// [`forget`], and this browser is known from now on.
pub async fn succeeded(
    pool: &Pool,
    subjects: &Subjects,
    user: &User,
    device: &str,
    now: i64,
) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(FORGET).bind(subjects.account.0.clone()).execute().await?;
    tx.upkeep(REMEMBER_DEVICE)
        .bind(user.id)
        .bind(random::digest(device))
        .bind(now)
        .execute()
        .await?;
    tx.upkeep(SWEEP)
        .bind(now - ACCOUNT.memory)
        .bind(now + ADDRESS.longest + CLOCK_SKEW)
        .execute()
        .await?;
    tx.upkeep(SWEEP_DEVICES).bind(now - DEVICE_MEMORY).bind(now + CLOCK_SKEW).execute().await?;
    tx.commit().await
}
