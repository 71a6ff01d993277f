//! Accounts, for those who manage them. Nobody gives what he lacks, or changes somebody who may do
//! more than he; the last superuser stays.

use super::Choices;
use super::groups::{choice, lacking, refuse_to_give};
use crate::admin::{
    Choice, Column, Field, Filled, Filter, Input, Key, List, Loaded, Look, Manage, Model, Saved,
    Search,
};
use crate::auth::groups::{self, Group};
use crate::auth::users::{self, Draft, User};
use crate::auth::{Need, Right, Rights, Visitor, credentials};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};

/// The kind.
#[derive(Debug)]
pub struct Users;

const LAST_SIGN_IN: &str = "(SELECT s.at FROM sign_ins s WHERE s.user_id = u.id)";
const ROLE: &str =
    "CASE WHEN u.is_superuser THEN 'Superuser' WHEN u.is_staff THEN 'Staff' ELSE 'None' END";
const GROUPS: &str = "COALESCE((SELECT STRING_AGG(g.name, ', ' ORDER BY g.folded) FROM groups g
    JOIN memberships m ON m.group_id = g.id WHERE m.user_id = u.id), '')";

const GROUPS_FOLDED: &str =
    "COALESCE((SELECT STRING_AGG(g.folded, ', ' ORDER BY g.folded) FROM groups g
    JOIN memberships m ON m.group_id = g.id WHERE m.user_id = u.id), '')";

static MODEL: Model = Model {
    slug: "users",
    name: "user",
    plural: "Users",
    empty: "Add somebody, give him rights or groups, and invite him.",
    list: List {
        table: "users u",
        from: "users u",
        id: "u.id",
        columns: &[
            Column::named("username", "Name", "u.username", "u.folded"),
            Column::named("email", "Mail address", "u.email", "LOWER(u.email)"),
            Column::text("role", "Role", ROLE),
            Column::named("groups", "Groups", GROUPS, GROUPS_FOLDED),
            Column::flag("active", "Active", "u.is_active", "CAST(CASE WHEN u.is_active THEN 1 ELSE 0 END AS BIGINT)"),
            Column::text("factor", "Second factor", "CASE WHEN u.second_factor THEN 'Yes' ELSE '' END").by(Key::Number("CAST(CASE WHEN u.second_factor THEN 1 ELSE 0 END AS BIGINT)")),
            Column::moment("seen", "Last sign-in", LAST_SIGN_IN, "'UTC'"),
        ],
        search: &[Look::Words("u.folded")],
        search_help: "a name or a mail address",
        filters: &[
            Filter::new("is", "State", Look::Choice(&[
                    ("active", "Active", "u.is_active"),
                    ("inactive", "Not active", "NOT u.is_active"),
                    ("superuser", "Superusers", "u.is_superuser"),
                    ("staff", "Staff", "u.is_staff AND NOT u.is_superuser"),
                    ("protected", "With a second factor", "u.second_factor"),
                    ("unprotected", "Without a second factor", "NOT u.second_factor"),
                ])),
            Filter::new("name", "Name", Look::Words("u.folded")),
            Filter::new("group", "Group", Look::Words(GROUPS_FOLDED)),
        ],
        order: "username",
    },
    fields: &[
        Field::text("username", "Name", 150).required().help("To sign in with: letters, digits and @ . + - _"),
        Field::text("email", "Mail address", 254).help("Invitations and links for a new password go there."),
        Field::new("is_active", "Active", Input::Flag { at_first: true }).help("May sign in. Take this away instead of deleting an account: its history stays told.").needs(Need::Right(Right::ManageUsers)),
        Field::new("is_staff", "Staff", Input::Flag { at_first: false }).help("May enter the staff site, and do there what the rights below allow.").needs(Need::Right(Right::ManageUsers)),
        Field::new("is_superuser", "Superuser", Input::Flag { at_first: false }).help("May do everything, without any right being given.").needs(Need::Superuser),
        Field::new("groups", "Groups", Input::Chooser { kind: "groups" }).needs(Need::Right(Right::ManageUsers)),
        Field::new("rights", "Rights of his own, besides those of his groups", Input::Rights).needs(Need::Right(Right::ManageUsers)),
    ],
    named_to: Need::Right(Right::ManageUsers),
    ..Model::PLAIN
};

/// Why somebody may not change an account, if so.
pub(super) async fn closed(db: &mut Conn, by: &Visitor, user: &User) -> Result<Option<String>> {
    if by.is_superuser() {
        return Ok(None);
    }
    if user.is_superuser {
        return Ok(Some("Only a superuser changes a superuser.".to_owned()));
    }
    let rights = users::rights_of(db, user).await?;
    Ok(lacking(by, &rights).map(|lacking| {
        format!("This account may do more than you ({lacking}), so you may look only.")
    }))
}

/// What an account is given that its giver lacks, or must prove once more that he may give.
fn refuse_escalation(
    now: i64,
    by: &Visitor,
    before: Option<&User>,
    draft: &Draft,
    joined: &[Group],
) -> Result<(), Refusal> {
    let none = Rights::default();
    refuse_to_give(by, before.map_or(&none, |before| &before.rights), &draft.rights)?;
    let mut errors = Errors::default();
    for group in joined {
        if let Some(lacking) = lacking(by, &group.rights) {
            let why = format!("“{}” may do what you may not: {lacking}.", group.name);
            errors.add("groups", why);
        }
    }
    errors.into_result(())?;
    let was = before.is_some_and(|before| before.is_superuser);
    if draft.is_superuser && !was {
        by.need(Need::Superuser)?;
    }
    // Links for a new password go to the mail address: who changes it can become the other.
    let other_mail = before.is_some_and(|before| before.email != draft.email);
    if ((draft.is_superuser && !was) || other_mail) && !by.is_confirmed(now) {
        return Err(Error::Unconfirmed.into());
    }
    Ok(())
}

/// The groups of some ids; one that is gone is an error of the field.
async fn groups_of(set: &mut ChangeSet, ids: &[i64]) -> Result<Vec<Group>, Refusal> {
    let mut found = Vec::new();
    for id in ids {
        let group = groups::lock(set, *id).await?;
        found.push(group.ok_or_else(|| {
            Errors::one("groups", "A group that you chose is gone. Choose again.")
        })?);
    }
    Ok(found)
}

#[rocket::async_trait]
impl Manage for Users {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>> {
        let Some(user) = users::find(db, id).await? else {
            return Ok(None);
        };
        let mut values = Values::default();
        values.set("username", user.username.clone());
        values.set("email", user.email.clone());
        let flags = [
            ("is_active", user.is_active),
            ("is_staff", user.is_staff),
            ("is_superuser", user.is_superuser),
        ];
        for (name, _) in flags.iter().filter(|(_, set)| *set) {
            values.set(name, "1");
        }
        let groups = groups::of_user(db, id).await?;
        values.set_all("groups", groups.iter().map(|group| group.id.to_string()).collect());
        values.set("rights", user.rights.to_string());
        Ok(Some(Loaded { label: user.username, version: user.version, values }))
    }

    async fn closed_to(&self, db: &mut Conn, by: &Visitor, id: i64) -> Result<Option<String>> {
        match users::find(db, id).await? {
            Some(user) => closed(db, by, &user).await,
            None => Ok(None),
        }
    }

    async fn save(&self, set: &mut ChangeSet, form: Filled<'_>) -> Result<Saved, Refusal> {
        let Filled { by, id, values, .. } = form;
        let draft = Draft::parse(values)?;
        let Choices { gone, new } = Choices::of(values, "groups");
        let joined = groups_of(set, &new).await?;
        let before = match id {
            Some(id) => Some(users::find(set, id).await?.ok_or(Error::NotFound)?),
            None => None,
        };
        refuse_escalation(set.at(), by, before.as_ref(), &draft, &joined)?;
        let user = match before {
            None => users::insert(set, draft).await?,
            Some(before) => {
                let falls = before.may_everything() && !(draft.is_active && draft.is_superuser);
                if falls && users::is_last_superuser(set, before.id).await? {
                    let field = if draft.is_active { "is_superuser" } else { "is_active" };
                    return Err(Errors::one(field, users::LAST_SUPERUSER).into());
                }
                users::update(set, &before, draft).await?
            }
        };
        if !user.is_active {
            credentials::end_sessions(set, user.id, "").await?;
        }
        for group in gone {
            groups::leave(set, user.id, group).await?;
        }
        for group in &joined {
            groups::join(set, &user, group).await?;
        }
        Ok(Saved::of(user.id, &user.username))
    }

    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        let user = users::lock(set, id).await?.ok_or(Error::NotFound)?;
        if user.may_everything() && users::is_last_superuser(set, id).await? {
            return Err(Error::Refused(users::LAST_SUPERUSER.to_owned()));
        }
        users::delete(set, id).await
    }

    async fn choices(&self, db: &mut Conn, search: Search<'_>) -> Result<Vec<Choice>> {
        let found = users::matching(db, search.words, search.most).await?;
        Ok(found.iter().map(|user| Choice::of(user.id, &user.username)).collect())
    }

    async fn linked(&self, db: &mut Conn, _field: &str, id: i64) -> Result<Vec<Choice>> {
        let groups = groups::of_user(db, id).await?;
        Ok(groups.iter().map(choice).collect())
    }

    fn links(&self, id: i64) -> Vec<(&'static str, String)> {
        vec![("Sign-in and sessions", format!("/admin/users/{id}/access/"))]
    }
}
