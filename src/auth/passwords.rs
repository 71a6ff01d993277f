//! Passwords: Argon2id with OWASP's first choice of parameters, off the async threads, and no more
//! at once than there are cores (each takes 46 MiB); who would wait for too long is turned away.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rocket::tokio::sync::{Semaphore, SemaphorePermit};
use rocket::tokio::task::spawn_blocking;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::users::User;
use crate::error::{Error, Result};

/// The fewest characters of a password (OWASP ASVS 5, 6.2.1 asks for 8 and recommends 15).
pub const SHORTEST: usize = 12;
/// The fewest characters of a superuser's.
pub const SHORTEST_OF_SUPERUSERS: usize = 15;
/// The most: more is refused before any hashing.
pub const LONGEST: usize = 4096;
/// Fewer guesses than this find a password that is common, or made of names (zxcvbn's score 2).
const FEWEST_GUESSES: u64 = 100_000_000;

/// OWASP: m = 47104 KiB (46 MiB), t = 1, p = 1.
const MEMORY: u32 = 47_104;
const PASSES: u32 = 1;
const LANES: u32 = 1;

static CORES: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
static ROOM: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*CORES));
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// So many wait for each core at most: about a second.
const QUEUE: usize = 16;

/// A hash that no password has: who is unknown costs the same time as who is wrong.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| hash_now(&crate::random::secret()).unwrap_or_default());

/// Whether a password was the one of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was not.
    Wrong,
    /// It was.
    Right,
    /// It was, and the hash is of an older kind: it should be made anew.
    RightButOld,
}

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String> {
    let hash = hasher()?.hash_password(password.as_bytes()).map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// Counts one who waits, for as long as he does: also when his request is given up.
struct Waits;

impl Drop for Waits {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Room for one hash.
#[derive(Debug)]
pub struct Room(#[expect(dead_code, reason = "it is held, not read")] SemaphorePermit<'static>);

/// Waits for room for one hash; where too many wait already, the site is busy. Whoever counts tries
/// asks for room first.
pub async fn room() -> Result<Room> {
    if let Ok(room) = ROOM.try_acquire() {
        return Ok(Room(room));
    }
    let before = WAITING.fetch_add(1, Ordering::Relaxed);
    let _waits = Waits;
    if before >= QUEUE * *CORES {
        return Err(Error::Busy);
    }
    ROOM.acquire().await.map(Room).map_err(Error::internal)
}

/// Hashes a password, as a PHC string.
pub async fn hash(password: String) -> Result<String> {
    let room = room().await?;
    spawn_blocking(move || {
        let _room = room;
        hash_now(&password)
    })
    .await
    .map_err(Error::internal)?
}

/// Whether a password is the one of a hash: ours, of whatever parameters, or Django's
/// `pbkdf2_sha256$…`. Without a hash, or with one that cannot be read, it never is, in the same time.
pub async fn verify(room: Room, password: String, hash: Option<String>) -> Result<Verdict> {
    if password.len() > LONGEST {
        return Ok(Verdict::Wrong);
    }
    spawn_blocking(move || {
        let _room = room;
        if let Some(django) = hash.as_deref().and_then(DjangoHash::parse) {
            let right = django.is_of(&password);
            return Ok(if right { Verdict::RightButOld } else { Verdict::Wrong });
        }
        let parsed = hash.as_deref().and_then(|hash| PasswordHash::new(hash).ok());
        let Some(parsed) = parsed else {
            let nobody = PasswordHash::new(&NOBODY).map_err(Error::internal)?;
            let _ = hasher()?.verify_password(password.as_bytes(), &nobody);
            return Ok(Verdict::Wrong);
        };
        let right = hasher()?.verify_password(password.as_bytes(), &parsed).is_ok();
        Ok(match (right, is_current(&parsed)) {
            (false, _) => Verdict::Wrong,
            (true, true) => Verdict::Right,
            (true, false) => Verdict::RightButOld,
        })
    })
    .await
    .map_err(Error::internal)?
}

fn is_current(hash: &PasswordHash) -> bool {
    hash.algorithm.as_str() == "argon2id"
        && Params::try_from(hash).is_ok_and(|params| {
            (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY, PASSES, LANES)
        })
}

/// A hash as Django writes it: `pbkdf2_sha256$iterations$salt$hash`.
#[derive(Debug)]
struct DjangoHash {
    iterations: u32,
    salt: String,
    hash: Vec<u8>,
}

impl DjangoHash {
    /// More iterations than anybody uses would keep a core busy for long.
    const MOST_ITERATIONS: u32 = 10_000_000;

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("pbkdf2_sha256$")?.split('$');
        let (iterations, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let iterations = iterations.parse().ok()?;
        let hash = BASE64_STANDARD.decode(hash).ok()?;
        let fine = parts.next().is_none()
            && (1..=Self::MOST_ITERATIONS).contains(&iterations)
            && hash.len() == 32;
        fine.then(|| Self { iterations, salt: salt.to_owned(), hash })
    }

    fn is_of(&self, password: &str) -> bool {
        let made = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(
            password.as_bytes(),
            self.salt.as_bytes(),
            self.iterations,
        );
        made.ct_eq(&self.hash).into()
    }
}

/// How long an account's password must be.
#[must_use]
pub fn shortest(is_superuser: bool) -> usize {
    if is_superuser { SHORTEST_OF_SUPERUSERS } else { SHORTEST }
}

/// [`weakness`] of a new password of an account.
#[must_use]
pub fn weakness_for(password: &str, user: &User) -> Option<String> {
    weakness(password, &[&user.username, &user.email], user.is_superuser)
}

/// Why a new password will not do, if so: too short, too long, one of the most common, or made of the
/// account's names. There are no rules about kinds of characters, and nothing is cut off or trimmed.
#[must_use]
pub fn weakness(password: &str, names: &[&str], is_superuser: bool) -> Option<String> {
    let length = password.chars().count();
    let shortest = shortest(is_superuser);
    if length < shortest {
        return Some(format!("Use at least {shortest} characters; three or four words do well."));
    }
    if password.len() > LONGEST {
        return Some(format!("Use at most {LONGEST} bytes."));
    }
    let lower = password.to_lowercase();
    for name in names.iter().flat_map(|name| name.split('@')).map(str::to_lowercase) {
        if name.chars().count() >= 3 && lower.replace(&name, "").chars().count() < shortest / 2 {
            return Some("This is too much like the name or the mail address.".to_owned());
        }
    }
    let mut known: Vec<&str> = names.to_vec();
    known.extend(["airline", "flights"]);
    let estimate = zxcvbn::zxcvbn(password, &known);
    if estimate.guesses() < FEWEST_GUESSES {
        let why = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
        let why = why
            .map_or_else(|| "This is among the first guesses.".to_owned(), |why| why.to_string());
        return Some(format!("{why} Three or four words that do not belong together do well."));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{DjangoHash, LONGEST, weakness};

    #[test]
    fn what_is_guessed_first_is_refused() {
        let weak = |password: &str| weakness(password, &["frederick", "fred@example.org"], false);
        for bad in [
            "short words",
            "password1234",
            "123456789012",
            "qwertyuiop12",
            "aaaaaaaaaaaaaaaa",
            "frederick1234",
            "Frederick-fred",
            "iloveyou1234",
        ] {
            assert!(weak(bad).is_some(), "{bad}");
        }
        let long = "ä".repeat(LONGEST / 2) + "x";
        assert!(weak(&long).is_some_and(|why| why.contains("at most")));
        for good in [
            "seven green suitcases",
            " leading blanks stay ",
            "🛫🛬🧳🎒🛂🛃🛄🛅🗺🧭⛵🚢",
            &"correct horse battery staple ".repeat(4),
        ] {
            assert_eq!(weak(good), None, "{good}");
        }
        assert_eq!(weakness("green suitcase", &[], false), None);
        assert!(weakness("green suitcase", &[], true).is_some_and(|why| why.contains("15")));
    }

    #[test]
    fn hashes_of_django_are_read() {
        // Made by Django: make_password("seven green suitcases", "saltsaltsalt") with 1,000 rounds.
        let text = format!("pbkdf2_sha256$1000$saltsaltsalt${MADE_BY_DJANGO}");
        let hash = DjangoHash::parse(&text).expect("it is one");
        assert!(hash.is_of("seven green suitcases"));
        assert!(!hash.is_of("seven green suitcase"));
        for bad in [
            "",
            "pbkdf2_sha256$",
            "pbkdf2_sha256$0$a$b",
            "pbkdf2_sha256$x$a$b",
            "pbkdf2_sha256$99999999999$a$b",
            "pbkdf2_sha256$1000$salt$AAAA",
            "argon2$argon2id$v=19",
        ] {
            assert!(DjangoHash::parse(bad).is_none(), "{bad}");
        }
    }

    const MADE_BY_DJANGO: &str = "scPhUtr2ECD8SJ9OuT0SeU6VBtx5y3byJKCxqX3YCBo=";
}
