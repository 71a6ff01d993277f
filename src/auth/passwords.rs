//! Passwords: Argon2id with OWASP's first choice of parameters, off the async threads, and no more
//! at once than there are cores (each takes 46 MiB).

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use rocket::tokio::sync::Semaphore;
use rocket::tokio::task::spawn_blocking;

use crate::error::{Error, Result};

/// The fewest characters of a password (OWASP ASVS 4, 2.1.1).
pub const SHORTEST: usize = 12;
/// The most: more is refused before any hashing.
pub const LONGEST: usize = 4096;

static ROOM: LazyLock<Semaphore> = LazyLock::new(|| {
    Semaphore::new(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
});

/// A hash that no password has: who is unknown costs the same time as who is wrong.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash_now(&crate::random::secret()).unwrap_or_default());

/// OWASP: m = 47104 KiB (46 MiB), t = 1, p = 1.
fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(47_104, 1, 1, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String> {
    let hash = hasher()?.hash_password(password.as_bytes()).map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// Hashes a password, as a PHC string.
pub async fn hash(password: String) -> Result<String> {
    let _room = ROOM.acquire().await.map_err(Error::internal)?;
    spawn_blocking(move || hash_now(&password)).await.map_err(Error::internal)?
}

/// Whether a password is the one of a hash; without a hash it never is, in the same time.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    let _room = ROOM.acquire().await.map_err(Error::internal)?;
    spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let same = hasher()?.verify_password(password.as_bytes(), hash.as_str()).is_ok();
        Ok(known && same)
    })
    .await
    .map_err(Error::internal)?
}

/// Why a new password will not do, if so: too short, too long, or made of the name.
#[must_use]
pub fn weakness(password: &str, username: &str) -> Option<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("Use at least {SHORTEST} characters; three or four words do well."));
    }
    if password.len() > LONGEST {
        return Some(format!("Use at most {LONGEST} bytes."));
    }
    let (password, username) = (password.to_lowercase(), username.to_lowercase());
    if username.len() >= 3 && password.replace(&username, "").chars().count() < SHORTEST / 2 {
        return Some("This is too much like the name.".to_owned());
    }
    if password.chars().skip(1).eq(password.chars().take(length - 1)) {
        return Some("One character many times is easily guessed.".to_owned());
    }
    None
}
