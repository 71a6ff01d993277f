//! The second factor: codes of six digits from an app (TOTP, RFC 6238), each taken once, and recovery
//! codes for whoever has lost the app.

use totp_rs::{Builder, Secret, Totp};

use super::users::{self, User};
use crate::changes::ChangeSet;
use crate::clock::CLOCK_SKEW;
use crate::db::{Conn, Pool, Select, Upkeep};
use crate::error::{Error, Result};
use crate::random;

/// How many recovery codes an account gets.
const RECOVERY_CODES: usize = 10;
/// The length of a TOTP step, in seconds (RFC 6238).
const STEP: i64 = 30;
/// RFC 6238 asks for at least 128 bits and recommends 160.
const SECRET_BYTES: usize = 20;

const SECRET: Select = Select::new("SELECT totp_secret FROM credentials WHERE user_id = $1");
const OFFER: Upkeep = Upkeep::new(
    "INSERT INTO credentials (user_id, password, totp_secret, totp_step) VALUES ($1, '', $2, 0)
     ON CONFLICT (user_id) DO UPDATE SET totp_secret = $2, totp_step = 0",
);
const TAKE_STEP: Upkeep = Upkeep::new(
    "UPDATE credentials SET totp_step = $2
     WHERE user_id = $1 AND (totp_step < $2 OR totp_step > $3)",
);
const FORGET: Upkeep =
    Upkeep::new("UPDATE credentials SET totp_secret = NULL, totp_step = 0 WHERE user_id = $1");
const INSERT_CODE: Upkeep =
    Upkeep::new("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)");
const TAKE_CODE: Upkeep =
    Upkeep::new("DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2");
const FORGET_CODES: Upkeep = Upkeep::new("DELETE FROM recovery_codes WHERE user_id = $1");
const CODES_LEFT: Select = Select::new("SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1");
const MARK_UNSAVED: Upkeep = Upkeep::new(
    "INSERT INTO recovery_batches (user_id, batch, is_saved) VALUES ($1, $2, FALSE)
     ON CONFLICT (user_id) DO UPDATE SET batch = $2, is_saved = FALSE",
);
const MARK_SAVED: Upkeep =
    Upkeep::new("UPDATE recovery_batches SET is_saved = TRUE WHERE user_id = $1 AND batch = $2");
const FORGET_MARK: Upkeep = Upkeep::new("DELETE FROM recovery_batches WHERE user_id = $1");
const UNSAVED: Select =
    Select::new("SELECT COUNT(*) FROM recovery_batches WHERE user_id = $1 AND NOT is_saved");

/// Recovery codes as they are shown. Until their owner has said that they are saved, they can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// The codes, which are kept as digests only.
    pub codes: Vec<String>,
    /// Which codes these are, for [`codes_saved`]. No secret.
    pub batch: String,
}

/// A secret that an account's app shares, and how it is told to the app.
#[derive(Debug, Clone)]
pub struct Shared(Totp);

impl Shared {
    fn of(base32: &str, account: &str) -> Result<Self> {
        let secret = Secret::try_from_base32(base32).map_err(Error::internal)?;
        // A colon would end the account's name in the address.
        let account = account.replace(':', "-");
        let totp = Builder::new()
            .with_secret(secret)
            .with_account_name(account)
            .with_issuer(Some("airline"))
            .build()
            .map_err(Error::internal)?;
        Ok(Self(totp))
    }

    /// The secret in base 32, for typing it in, in groups of four.
    #[must_use]
    pub fn spelled(&self) -> String {
        let text = self.0.secret().to_base32();
        text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    /// The `otpauth:` address that a QR code holds.
    pub fn address(&self) -> Result<String> {
        self.0.to_url().map_err(Error::internal)
    }

    /// The step of thirty seconds whose code this is, now or one earlier or later.
    fn step_of(&self, code: &str, now: i64) -> Option<i64> {
        let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let step = self.0.check(&code, u64::try_from(now).ok()?)?;
        i64::try_from(step).ok()
    }
}

/// The secret of an account, in use or offered.
pub async fn shared(db: &mut Conn, user: &User) -> Result<Option<Shared>> {
    let found: Option<(Option<String>,)> = db.query(SECRET).bind(user.id).optional().await?;
    match found.and_then(|(secret,)| secret) {
        Some(secret) => Shared::of(&secret, &user.username).map(Some),
        None => Ok(None),
    }
}

/// Offers an account a new secret. It counts once a code of it was typed ([`switch_on`]).
pub async fn offer(pool: &Pool, user: &User) -> Result<Shared> {
    let bytes = rand::random::<[u8; SECRET_BYTES]>();
    let secret = Secret::new(bytes.into()).to_base32();
    let mut tx = pool.begin().await?;
    tx.upkeep(OFFER).bind(user.id).bind(secret.clone()).execute_one().await?;
    tx.commit().await?;
    Shared::of(&secret, &user.username)
}

/// Whether a code is right now; it is taken only once, whoever asks first.
pub async fn accept(pool: &Pool, user: &User, code: &str, now: i64) -> Result<bool> {
    let shared = shared(&mut pool.conn().await?, user).await?;
    let mut tx = pool.begin().await?;
    let taken = if let Some(step) = shared.and_then(|shared| shared.step_of(code, now)) {
        tx.upkeep(TAKE_STEP).bind(user.id).bind(step).bind(last_step(now)).execute().await?
    } else {
        let digest = random::digest(&plain(code));
        tx.upkeep(TAKE_CODE).bind(user.id).bind(digest).execute().await?
    };
    tx.commit().await?;
    Ok(taken == 1)
}

/// Whether a code of the app is the right one to turn the second factor on with: it is taken within the set.
pub async fn accept_first(set: &mut ChangeSet, user: &User, code: &str) -> Result<bool> {
    let now = set.at();
    let Some(shared) = shared(set, user).await? else { return Ok(false) };
    let Some(step) = shared.step_of(code, now) else { return Ok(false) };
    let taken = set.upkeep(TAKE_STEP).bind(user.id).bind(step).bind(last_step(now));
    Ok(taken.execute().await? == 1)
}

/// The last step that a correct clock can have reached: a later one does not lock the account until then.
fn last_step(now: i64) -> i64 {
    (now + CLOCK_SKEW) / STEP + 1
}

/// A recovery code without what people add for reading it.
fn plain(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

/// Switches the second factor on, and answers the recovery codes, which are shown once.
pub async fn switch_on(set: &mut ChangeSet, user: &User) -> Result<(User, RecoveryCodes)> {
    let after = User { second_factor: true, ..user.clone() };
    let after = users::write(set, user, after).await?;
    Ok((after, renew_codes(set, user.id).await?))
}

/// Makes new recovery codes in the place of those that were left: 80 bits each.
pub async fn renew_codes(set: &mut ChangeSet, user: i64) -> Result<RecoveryCodes> {
    set.upkeep(FORGET_CODES).bind(user).execute().await?;
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        let code = random::hex(&rand::random::<[u8; 10]>());
        set.upkeep(INSERT_CODE).bind(user).bind(random::digest(&code)).execute_one().await?;
        let parts: Vec<_> = code.as_bytes().chunks(5).map(String::from_utf8_lossy).collect();
        codes.push(parts.join("-"));
    }
    let batch = random::request_id();
    set.upkeep(MARK_UNSAVED).bind(user).bind(batch.clone()).execute_one().await?;
    Ok(RecoveryCodes { codes, batch })
}

/// Whether an account was shown recovery codes and has not said that they are saved.
pub async fn has_unsaved_codes(db: &mut Conn, user: i64) -> Result<bool> {
    let (unsaved,): (i64,) = db.query(UNSAVED).bind(user).one().await?;
    Ok(unsaved > 0)
}

/// Notes that an account's owner has saved some recovery codes. False where other codes have replaced them.
pub async fn codes_saved(pool: &Pool, user: i64, batch: &str) -> Result<bool> {
    let mut tx = pool.begin().await?;
    let marked = tx.upkeep(MARK_SAVED).bind(user).bind(batch.to_owned()).execute().await?;
    tx.commit().await?;
    Ok(marked > 0)
}

/// Switches the second factor off: secret and recovery codes are forgotten.
pub async fn switch_off(set: &mut ChangeSet, user: &User) -> Result<User> {
    let after = User { second_factor: false, ..user.clone() };
    let after = users::write(set, user, after).await?;
    set.upkeep(FORGET).bind(user.id).execute().await?;
    set.upkeep(FORGET_CODES).bind(user.id).execute().await?;
    set.upkeep(FORGET_MARK).bind(user.id).execute().await?;
    Ok(after)
}

/// How many recovery codes an account has left.
pub async fn codes_left(db: &mut Conn, user: i64) -> Result<i64> {
    let (left,): (i64,) = db.query(CODES_LEFT).bind(user).one().await?;
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::Shared;

    /// RFC 6238, appendix B, with SHA-1: the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let shared = Shared::of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "boss").unwrap();
        for (now, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(shared.step_of(code, now), Some(now / 30), "{code}");
            assert_eq!(shared.step_of(code, now + 30), Some(now / 30), "one later");
            assert_eq!(shared.step_of(code, now + 60), None, "two later");
        }
        for bad in ["", "28708", "2870822", "28708a", "-87082", "２８７０８２"] {
            assert_eq!(shared.step_of(bad, 59), None, "{bad}");
        }
        assert_eq!(shared.step_of("287 082", 59), Some(1));
        let address = shared.address().unwrap();
        assert!(address.starts_with("otpauth://totp/airline:boss?"), "{address}");
    }
}
