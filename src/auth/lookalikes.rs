//! Names of accounts that look like others (UTS #39, section 4): `rооt` with two Cyrillic letters is no `root`.

use unicode_security::skeleton;

use crate::db::{Conn, Select};
use crate::error::Result;
use crate::input::{Errors, Refusal};

const NAMES: Select = Select::new("SELECT id, username FROM users");

/// What a name looks like, whatever its case: by the look of its letters as they are written, and as small
/// letters. A Greek `Β` looks like `B`, but `β` does not look like `b`.
fn looks_of(name: &str) -> [String; 2] {
    let as_written: String = skeleton(name).collect();
    [as_written, name.to_owned()].map(|name| skeleton(&name.to_lowercase()).collect())
}

/// Whether people can take one name for the other. Names of ASCII letters alone are told apart as they
/// always were.
fn are_alike(one: &str, other: &str) -> bool {
    !(one.is_ascii() && other.is_ascii())
        && looks_of(one).iter().zip(&looks_of(other)).any(|(one, other)| one == other)
}

/// Refuses a name that looks like another account's. Which one is not said: whoever adds accounts may not be
/// allowed to see them.
pub(super) async fn refuse(db: &mut Conn, username: &str, own: i64) -> Result<(), Refusal> {
    let names: Vec<(i64, String)> = db.query(NAMES).all().await?;
    if names.iter().any(|(id, name)| *id != own && are_alike(name, username)) {
        let why = "This looks like the name of another account. Choose another name.";
        return Err(Errors::one("username", why).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::are_alike;

    #[test]
    fn names_in_other_letters_are_alike_whatever_their_case() {
        for (one, other) in [
            ("root", "r\u{43e}\u{43e}t"),
            ("ROOT", "r\u{43e}\u{43e}t"),
            ("root", "\u{ff52}oot"),
            // Greek and Cyrillic capitals whose small letters look like no other.
            ("boss", "\u{392}oss"),
            ("BOSS", "\u{412}OSS"),
            ("anna", "A\u{39d}\u{39d}A"),
            // A filler that nobody sees.
            ("root", "root\u{3164}"),
        ] {
            assert!(are_alike(one, other), "{one} {other}");
            assert!(are_alike(other, one), "{other} {one}");
        }
        for (one, other) in [
            ("root", "roots"),
            ("Root", "root"),
            ("Lukasz", "\u{141}ukasz"),
            ("oleg", "\u{43e}lga"),
            ("Jose", "Jos\u{e9}"),
        ] {
            assert!(!are_alike(one, other), "{one} {other}");
        }
    }
}
