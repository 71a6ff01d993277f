//! Accounts.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use unicode_normalization::UnicodeNormalization as _;

use super::credentials;
use super::groups;
use super::lookalikes;
use super::rights::Rights;
use crate::changes::{Actor, ChangeSet, Undoable, Versioned};
use crate::db::{Composed, Conn, Select, Upkeep, Write, and_all_words, fold};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader, Refusal, Values};
use crate::mail;

/// Somebody who can sign in. What proves who he is (`super::credentials`) is not part of it, so that
/// it reaches no page and no history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "an account's switches, as Django has them")]
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
    /// Whether signing in takes a code as well.
    pub second_factor: bool,
    /// What he may do besides what his groups may.
    #[sqlx(try_from = "String")]
    pub rights: Rights,
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

    /// Whether he may do everything.
    #[must_use]
    pub fn may_everything(&self) -> bool {
        self.is_active && self.is_superuser
    }

    /// Him as the one who changes things.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { id: Some(self.id), name: self.username.clone() }
    }
}

/// An account as somebody typed it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
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
    /// What he may do besides what his groups may.
    pub rights: Rights,
}

impl Draft {
    /// Checks what a form says. As in Django, a name has at most 150 characters: letters, digits and
    /// `@ . + - _`.
    pub fn parse(values: &Values) -> Result<Self, Errors> {
        let mut read = Reader::new(values);
        let username = read.required("username", 150);
        if !username.chars().all(|letter| letter.is_alphanumeric() || "@.+-_".contains(letter)) {
            read.errors.add("username", "Use letters, digits and @ . + - _ only.");
        }
        let email = mail_address(&mut read);
        read.finish(Self {
            username,
            email,
            is_active: values.has("is_active"),
            is_staff: values.has("is_staff"),
            is_superuser: values.has("is_superuser"),
            rights: Rights::parse(&values.all("rights").join(" ")),
        })
    }

    /// [`Draft::parse`] of a superuser: only name and mail are asked.
    pub fn superuser(values: &Values) -> Result<Self, Errors> {
        let draft = Self::parse(values)?;
        Ok(Self { is_active: true, is_staff: true, is_superuser: true, ..draft })
    }
}

/// Reads the field `email`, which may be empty.
pub fn mail_address(read: &mut Reader<'_>) -> String {
    let email = read.text("email", 254);
    if !email.is_empty() && !mail::is_address(&email) {
        read.errors.add("email", "Give an address like name@example.org.");
    }
    email
}

/// Accounts; what follows narrows and orders them.
const USERS: Select = Select::new(
    "SELECT u.id, u.username, u.email, u.is_active, u.is_staff, u.is_superuser, u.second_factor,
            u.rights, u.created_at, u.version
     FROM users u WHERE 1 = 1",
);
const ANY_STAFF: Select =
    Select::new("SELECT COUNT(*) FROM users WHERE is_active AND (is_staff OR is_superuser)");
const LOCK: Select = Select::new("SELECT id FROM users WHERE id = $1");
const LOCK_SUPERUSERS: Select =
    // An account that never chose a password cannot sign in.
    Select::new(
        "SELECT id FROM users WHERE is_active AND is_superuser
         AND id IN (SELECT user_id FROM credentials WHERE password <> '') ORDER BY id",
    );
const INSERT: Write = Write::new(
    "INSERT INTO users (username, email, folded, is_active, is_staff, is_superuser, second_factor,
                        rights, created_at, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) RETURNING id",
);
const UPDATE: Write = Write::new(
    "UPDATE users SET username = $2, email = $3, folded = $4, is_active = $5, is_staff = $6,
            is_superuser = $7, second_factor = $8, rights = $9, version = version + 1
     WHERE id = $1",
);
const DELETE: Write = Write::new("DELETE FROM users WHERE id = $1");
const SIGNED_IN: Upkeep = Upkeep::new(
    "INSERT INTO sign_ins (user_id, at) VALUES ($1, $2)
     ON CONFLICT (user_id) DO UPDATE SET at = $2",
);

/// The account of an id.
pub async fn find(db: &mut Conn, id: i64) -> Result<Option<User>> {
    let mut query = Composed::new(USERS);
    query.push(" AND u.id = ").bind_number(id);
    db.compose(query).optional().await
}

/// The account of a name, in whichever form of Unicode it is typed (names are stored in NFC); none has NUL in it, which
/// PostgreSQL would refuse to compare.
pub async fn by_name(db: &mut Conn, username: &str) -> Result<Option<User>> {
    let mut query = Composed::new(USERS);
    query.push(" AND u.username = ").bind_text(username.nfc().collect::<String>());
    db.compose(query).optional().await
}

/// The active accounts of a mail address, whatever its capitals, or of a name.
pub async fn by_mail_or_name(db: &mut Conn, text: &str) -> Result<Vec<User>> {
    let mut query = Composed::new(USERS);
    query.push(" AND u.is_active AND (u.username = ").bind_text(text);
    query.push(" OR (u.email <> '' AND LOWER(u.email) = ").bind_text(text.to_ascii_lowercase());
    query.push(")) ORDER BY u.id").limit(10);
    db.compose(query).all().await
}

/// Accounts whose name holds every word of a search, by name. The email address is not looked at: whoever is
/// offered names must not learn by them who has which address.
pub async fn matching(db: &mut Conn, search: &str, most: usize) -> Result<Vec<User>> {
    let mut query = Composed::new(USERS);
    and_all_words(&mut query, "u.folded", search);
    query.push(" ORDER BY u.folded, u.id");
    let mut found: Vec<User> = db.compose(query).all().await?;
    let words = fold(search);
    found.retain(|user| {
        let name = fold(&user.username);
        words.split(' ').all(|word| name.contains(word))
    });
    found.truncate(most);
    Ok(found)
}

/// The accounts in a group.
pub async fn of_group(db: &mut Conn, group: i64) -> Result<Vec<User>> {
    let mut query = Composed::new(USERS);
    query.push(" AND u.id IN (SELECT user_id FROM memberships WHERE group_id = ");
    query.bind_number(group).push(") ORDER BY u.id");
    db.compose(query).all().await
}

/// Whether anybody may enter the staff site.
pub async fn any_staff(db: &mut Conn) -> Result<bool> {
    let (count,): (i64,) = db.query(ANY_STAFF).one().await?;
    Ok(count > 0)
}

/// Keeps an account from other writers until the set ends.
pub async fn lock(set: &mut ChangeSet, id: i64) -> Result<Option<User>> {
    let _: Option<(i64,)> = set.lock(LOCK).bind(id).optional().await?;
    find(set, id).await
}

/// Whether there is no other superuser who can sign in. No other can be taken away until
/// the set ends.
pub async fn is_last_superuser(set: &mut ChangeSet, id: i64) -> Result<bool> {
    let there: Vec<(i64,)> = set.lock(LOCK_SUPERUSERS).all().await?;
    Ok(there.iter().all(|(other,)| *other == id))
}

const NAME_TAKEN: &str = "Somebody has this name already.";

async fn refuse_taken_name(db: &mut Conn, username: &str, own: i64) -> Result<(), Refusal> {
    match by_name(db, username).await? {
        Some(user) if user.id != own => Err(Errors::one("username", NAME_TAKEN).into()),
        Some(_) => Ok(()),
        None => lookalikes::refuse(db, username, own).await,
    }
}

/// Two people asked for one name at the same moment: the field says so to the later one.
fn taken_meanwhile(error: Error) -> Refusal {
    if error.is_taken() { Errors::one("username", NAME_TAKEN).into() } else { error.into() }
}

/// Returns the search key of an account.
#[must_use]
pub fn search_key(username: &str, email: &str) -> String {
    fold(&format!("{username} {email}"))
}

/// Makes an account, without a password. A name that is taken is a field's error.
pub async fn insert(set: &mut ChangeSet, draft: Draft) -> Result<User, Refusal> {
    refuse_taken_name(set, &draft.username, 0).await?;
    let Draft { username, email, is_active, is_staff, is_superuser, rights } = draft;
    let mut user = User {
        id: 0,
        username,
        email,
        is_active,
        is_staff,
        is_superuser,
        second_factor: false,
        rights,
        created_at: set.at(),
        version: 1,
    };
    let (id,): (i64,) = set
        .write(INSERT)
        .bind(user.username.clone())
        .bind(user.email.clone())
        .bind(search_key(&user.username, &user.email))
        .bind(is_active)
        .bind(is_staff)
        .bind(is_superuser)
        .bind(false)
        .bind(user.rights.to_string())
        .bind(user.created_at)
        .one()
        .await
        .map_err(taken_meanwhile)?;
    user.id = id;
    set.created(&user)?;
    Ok(user)
}

/// Changes an account, as a form says.
pub async fn update(set: &mut ChangeSet, before: &User, draft: Draft) -> Result<User, Refusal> {
    let Draft { username, email, is_active, is_staff, is_superuser, rights } = draft;
    refuse_taken_name(set, &username, before.id).await?;
    let after =
        User { username, email, is_active, is_staff, is_superuser, rights, ..before.clone() };
    if after == *before {
        return Ok(after);
    }
    write(set, before, after).await.map_err(taken_meanwhile)
}

/// Writes an account as it now is; its version counts up also where only its secrets changed, so that
/// history tells when.
pub(super) async fn write(set: &mut ChangeSet, before: &User, after: User) -> Result<User> {
    let after = User { version: before.version + 1, ..after };
    // A link that is under way was for the account as it was.
    let of = |user: &User| (user.email.clone(), user.is_active, user.is_superuser);
    if of(before) != of(&after) {
        credentials::forget_links(set, after.id).await?;
    }
    set.write(UPDATE)
        .bind(after.id)
        .bind(after.username.clone())
        .bind(after.email.clone())
        .bind(search_key(&after.username, &after.email))
        .bind(after.is_active)
        .bind(after.is_staff)
        .bind(after.is_superuser)
        .bind(after.second_factor)
        .bind(after.rights.to_string())
        .execute_one()
        .await?;
    set.changed(before, &after)?;
    Ok(after)
}

/// Deletes an account; who was in a group no longer is. Its sessions and secrets go with it.
pub async fn delete(set: &mut ChangeSet, id: i64) -> Result<()> {
    let user = lock(set, id).await?.ok_or(Error::NotFound)?;
    groups::leave_all_of_user(set, id).await?;
    set.write(DELETE).bind(id).execute_one().await?;
    set.deleted(&user)
}

/// Changes the mail address of an account.
pub async fn set_email(set: &mut ChangeSet, before: &User, email: String) -> Result<User> {
    let after = User { email, ..before.clone() };
    write(set, before, after).await
}

/// What an account's groups add to it: their rights, and whether one asks for a second factor.
#[derive(Debug, Clone, Default, FromRow)]
pub struct FromGroups {
    /// Their rights' codes.
    pub group_rights: Option<String>,
    /// Whether one of them asks for a second factor.
    pub must_have_factor: bool,
}

/// Every right that an account has, its groups' included. (A superuser has all without having any.)
pub async fn rights_of(db: &mut Conn, user: &User) -> Result<Rights> {
    let groups = groups::of_user(db, user.id).await?;
    Ok(groups.iter().fold(user.rights.clone(), |rights, group| rights.and(&group.rights)))
}

/// Writes down that somebody signed in.
pub(super) fn signed_in() -> Upkeep {
    SIGNED_IN
}

const INSERT_AGAIN: Write = Write::new(
    "INSERT INTO users (username, email, folded, is_active, is_staff, is_superuser, second_factor,
                        rights, created_at, version, id)
     VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $8, $9, $10)",
);

/// The refusal to take the last superuser away.
pub const LAST_SUPERUSER: &str =
    "This is the last superuser who can sign in. Make another one first.";

#[rocket::async_trait]
impl Undoable for User {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        lock(set, id).await
    }

    /// The second factor is no part of it: it is switched by its owner's code alone.
    fn same(&self, other: &Self) -> bool {
        let Self { second_factor, version, .. } = *self;
        *self == Self { second_factor, version, ..other.clone() }
    }

    /// Without a password and a second factor, which no history holds: an invitation gives them anew.
    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        refuse_taken_name(set, &self.username, self.id).await?;
        let again = Self { second_factor: false, version: self.version + 1, ..self };
        set.write(INSERT_AGAIN)
            .bind(again.username.clone())
            .bind(again.email.clone())
            .bind(search_key(&again.username, &again.email))
            .bind(again.is_active)
            .bind(again.is_staff)
            .bind(again.is_superuser)
            .bind(again.rights.to_string())
            .bind(again.created_at)
            .bind(again.version)
            .bind(again.id)
            .execute_one()
            .await?;
        credentials::set_first_password(set, &again, String::new()).await?;
        Ok(set.created(&again)?)
    }

    async fn put_back(self, set: &mut ChangeSet, now: Self) -> Result<(), Refusal> {
        if now.may_everything() && !self.may_everything() && is_last_superuser(set, now.id).await? {
            return Err(Error::Refused(LAST_SUPERUSER.to_owned()).into());
        }
        let Self { username, email, is_active, is_staff, is_superuser, rights, .. } = self;
        let draft = Draft { username, email, is_active, is_staff, is_superuser, rights };
        update(set, &now, draft).await?;
        if !is_active {
            credentials::end_sessions(set, now.id, "").await?;
        }
        Ok(())
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        if self.may_everything() && is_last_superuser(set, self.id).await? {
            return Err(Error::Refused(LAST_SUPERUSER.to_owned()).into());
        }
        set.write(DELETE).bind(self.id).execute_one().await?;
        Ok(set.deleted(&self)?)
    }
}
