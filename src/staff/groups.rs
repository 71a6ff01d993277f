//! Groups of accounts, for those who manage users. Nobody gives what he lacks.

use crate::admin::{
    Choice, Column, Field, Filled, Filter, Input, Key, List, Loaded, Look, Manage, Model, Saved,
    Search,
};
use crate::auth::groups::{self, Draft, Group};
use crate::auth::{Act, Need, Right, Rights, Visitor, users};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};

/// The kind.
#[derive(Debug)]
pub struct Groups;

const USERS: &str = "(SELECT COUNT(*) FROM memberships m WHERE m.group_id = g.id)";

static MODEL: Model = Model {
    slug: "groups",
    name: "group",
    plural: "Groups",
    empty: "A group gives the same rights to everybody in it.",
    list: List {
        table: "groups g",
        from: "groups g",
        id: "g.id",
        columns: &[
            Column::named("name", "Name", "g.name", "g.folded"),
            Column::number("users", "Users", USERS),
            Column::text(
                "factor",
                "Second factor",
                "CASE WHEN g.requires_factor THEN 'Compulsory' ELSE '' END",
            )
            .by(Key::Number("CAST(CASE WHEN g.requires_factor THEN 1 ELSE 0 END AS BIGINT)")),
        ],
        search: &[Look::Words("g.folded")],
        search_help: "a group’s name",
        filters: &[
            Filter::states(&[
                (
                    "empty",
                    "Nobody in it",
                    "NOT EXISTS (SELECT 1 FROM memberships m WHERE m.group_id = g.id)",
                ),
                ("protected", "Second factor compulsory", "g.requires_factor"),
            ]),
            Filter::new("users", "Users", Look::Number(USERS)),
        ],
        order: "name",
    },
    fields: &[
        Field::text("name", "Name", 150).required(),
        Field::new("requires_factor", "Second factor compulsory", Input::Flag { at_first: false })
            .help("Whoever is in the group sets up a second factor before doing anything else.")
            .needs(Need::Right(Right::ManageUsers)),
        Field::new("rights", "Rights", Input::Rights).needs(Need::Right(Right::ManageUsers)),
    ],
    named_to: Need::Right(Right::ManageUsers),
    ..Model::PLAIN
};

/// A group as a list of choices shows it.
pub(super) fn choice(group: &Group) -> Choice {
    Choice::of(group.id, &group.name)
}

/// The rights among some that somebody lacks, as people read them.
pub(super) fn lacking(by: &Visitor, rights: &Rights) -> Option<String> {
    let lacking: Vec<_> =
        rights.iter().filter(|right| !by.may(*right)).map(|right| format!("“{right}”")).collect();
    (!lacking.is_empty()).then(|| lacking.join(", "))
}

/// Refuses rights that were not there before and that the giver lacks.
pub(super) fn refuse_to_give(by: &Visitor, before: &Rights, after: &Rights) -> Result<(), Errors> {
    let held: Vec<_> = before.iter().collect();
    let new: Rights = after.iter().filter(|right| !held.contains(right)).collect();
    match lacking(by, &new) {
        Some(lacking) => {
            Err(Errors::one("rights", format!("You cannot give what you lack: {lacking}.")))
        }
        None => Ok(()),
    }
}

#[rocket::async_trait]
impl Manage for Groups {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>> {
        let Some(group) = groups::find(db, id).await? else {
            return Ok(None);
        };
        let mut values = Values::default();
        values.set("name", group.name.clone());
        if group.requires_factor {
            values.set("requires_factor", "1");
        }
        values.set("rights", group.rights.to_string());
        Ok(Some(Loaded { label: group.name, version: group.version, values }))
    }

    async fn closed_to(&self, db: &mut Conn, by: &Visitor, id: i64) -> Result<Option<String>> {
        let Some(group) = groups::find(db, id).await? else {
            return Ok(None);
        };
        if let Some(lacking) = lacking(by, &group.rights) {
            let why = format!("This group may do more than you ({lacking}), so you may look only.");
            return Ok(Some(why));
        }
        if by.is_superuser() {
            return Ok(None);
        }
        // Who is in it is bound by it, also by its asking for a second factor.
        for user in users::of_group(db, id).await? {
            if super::users::closed(db, by, &user).await?.is_some() {
                // Accounts are named to those who may see them, or be told their names.
                let is_named = by.has(Need::to(Act::View, "users"))
                    || by.has(super::users::Users.model().named_to);
                return Ok(Some(if is_named {
                    format!("{} is in it, who may do more than you.", user.username)
                } else {
                    "An account that may do more than you is in it.".to_owned()
                }));
            }
        }
        Ok(None)
    }

    async fn save(&self, set: &mut ChangeSet, form: Filled<'_>) -> Result<Saved, Refusal> {
        let Filled { by, id, values, .. } = form;
        let draft = Draft::parse(values)?;
        let group = match id {
            None => {
                refuse_to_give(by, &Rights::default(), &draft.rights)?;
                groups::insert(set, draft).await?
            }
            Some(id) => {
                let before = groups::find(set, id).await?.ok_or(Error::NotFound)?;
                refuse_to_give(by, &before.rights, &draft.rights)?;
                groups::update(set, &before, draft).await?
            }
        };
        Ok(Saved::of(group.id, &group.name))
    }

    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        groups::delete(set, id).await
    }

    async fn choices(&self, db: &mut Conn, search: Search<'_>) -> Result<Vec<Choice>> {
        let found = groups::matching(db, search.words, search.owner, search.most).await?;
        Ok(found.iter().map(choice).collect())
    }
}
