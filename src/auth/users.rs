//! Accounts.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::changes::{Actor, ChangeSet, Versioned};
use crate::db::{Conn, Select, Write};
use crate::error::Result;
use crate::input::{Errors, Reader, Refusal, Values};

/// Somebody who can sign in. The password's hash is not part of it, so that it reaches no page and
/// no history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct User {
    /// Its id.
    pub id: i64,
    /// The name to sign in with.
    pub username: String,
    /// May be empty.
    pub email: String,
    /// Whether he may sign in at all.
    pub is_active: bool,
    /// Whether he may enter the staff site.
    pub is_staff: bool,
    /// Whether he may do everything.
    pub is_superuser: bool,
    /// When the account was made, in seconds since 1970-01-01 UTC.
    pub created_at: i64,
    /// Counts its changes.
    pub version: i64,
}

impl Versioned for User {
    const KIND: &'static str = "users";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        self.username.clone()
    }
}

impl User {
    /// Whether he may enter the staff site.
    #[must_use]
    pub fn may_enter(&self) -> bool {
        self.is_active && (self.is_staff || self.is_superuser)
    }

    /// Him as the one who changes things.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { id: Some(self.id), name: self.username.clone() }
    }
}

/// A superuser as somebody typed him, checked, with the password's hash.
#[derive(Debug)]
pub struct Superuser {
    /// The name to sign in with.
    pub username: String,
    /// May be empty.
    pub email: String,
}

impl Superuser {
    /// Checks name and mail. As in Django, a name has at most 150 characters: letters, digits and
    /// `@ . + - _`.
    pub fn parse(values: &Values) -> Result<Self, Errors> {
        let mut read = Reader::new(values);
        let username = read.required("username", 150);
        if !username.chars().all(|letter| letter.is_alphanumeric() || "@.+-_".contains(letter)) {
            read.errors.add("username", "Use letters, digits and @ . + - _ only.");
        }
        let email = read.text("email", 254);
        let looks_right = email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace)
        });
        if !email.is_empty() && !looks_right {
            read.errors.add("email", "Give an address like name@example.org.");
        }
        read.finish(Self { username, email })
    }
}

const BY_NAME: Select = Select::new(
    "SELECT id, username, email, is_active, is_staff, is_superuser, created_at, version
     FROM users WHERE username = $1",
);
const PASSWORD: Select = Select::new("SELECT password FROM users WHERE id = $1");
const ANY_STAFF: Select =
    Select::new("SELECT COUNT(*) FROM users WHERE is_active AND (is_staff OR is_superuser)");
const INSERT: Write = Write::new(
    "INSERT INTO users (username, email, password, is_active, is_staff, is_superuser, created_at, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 1) RETURNING id",
);
const SET_PASSWORD: Write =
    Write::new("UPDATE users SET password = $2, version = version + 1 WHERE id = $1");

/// The account of a name; none has NUL in it, which PostgreSQL would refuse to compare.
pub async fn by_name(db: &mut Conn, username: &str) -> Result<Option<User>> {
    if username.contains('\0') {
        return Ok(None);
    }
    db.query(BY_NAME).bind(username.to_owned()).optional().await
}

/// The hash of an account's password.
pub async fn password_hash(db: &mut Conn, user: i64) -> Result<Option<String>> {
    let found: Option<(String,)> = db.query(PASSWORD).bind(user).optional().await?;
    Ok(found.map(|(hash,)| hash))
}

/// Whether anybody may enter the staff site.
pub async fn any_staff(db: &mut Conn) -> Result<bool> {
    let (count,): (i64,) = db.query(ANY_STAFF).one().await?;
    Ok(count > 0)
}

/// Makes a superuser. A name that is taken is a field's error.
pub async fn insert_superuser(
    set: &mut ChangeSet,
    draft: Superuser,
    hash: String,
) -> Result<User, Refusal> {
    if by_name(set, &draft.username).await?.is_some() {
        return Err(Errors::one("username", "Somebody has this name already.").into());
    }
    let created_at = set.at();
    let (id,): (i64,) = set
        .write(INSERT)
        .bind(draft.username.clone())
        .bind(draft.email.clone())
        .bind(hash)
        .bind(true)
        .bind(true)
        .bind(true)
        .bind(created_at)
        .one()
        .await?;
    let user = User {
        id,
        username: draft.username,
        email: draft.email,
        is_active: true,
        is_staff: true,
        is_superuser: true,
        created_at,
        version: 1,
    };
    set.created(&user)?;
    Ok(user)
}

/// Changes a password. History says that it was changed, not to what.
pub async fn set_password(set: &mut ChangeSet, user: &User, hash: String) -> Result<User> {
    set.write(SET_PASSWORD).bind(user.id).bind(hash).execute_one().await?;
    let after = User { version: user.version + 1, ..user.clone() };
    set.changed(user, &after)?;
    Ok(after)
}
