//! Accounts, groups and rights of Django's, as they are here.

use sqlx::FromRow;

use super::earlier::Earlier;
use super::{Copied, Fate, Ids, not_there, read, values, why};
use crate::auth::rights::{Act, KINDS};
use crate::auth::{Right, Rights, credentials, groups, users};
use crate::changes::ChangeSet;
use crate::data::Progress;
use crate::db::{Conn, identity};
use crate::error::{Error, Result};
use crate::input::Refusal;

#[derive(FromRow)]
struct OldUser {
    id: i64,
    username: String,
    email: String,
    password: String,
    is_active: i64,
    is_staff: i64,
    is_superuser: i64,
}

/// The right that a permission of Django's is here. Whoever changed passengers or flights there put people
/// on flights in the same form; whoever changed accounts gave them rights in theirs.
fn rights_of(permissions: &[(i64, String, String)], owner: i64) -> Rights {
    let mut rights = Vec::new();
    for (_, codename, model) in permissions.iter().filter(|(of, ..)| *of == owner) {
        let kind = format!("{model}s");
        let act = Act::ALL.into_iter().find(|act| *codename == format!("{}_{model}", act.name()));
        let Some(act) = act.filter(|_| KINDS.contains(&&*kind)) else { continue };
        rights.extend(Right::on(act, &kind));
        match (act, model.as_str()) {
            (Act::Change, "passenger" | "flight") => rights.push(Right::Book),
            (Act::Change, "user") => rights.push(Right::ManageUsers),
            _ => {}
        }
    }
    rights.into_iter().collect()
}

pub(super) async fn copy_groups(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, String)> =
        read(from, "CAST(id AS BIGINT), name FROM auth_group ORDER BY id").await?;
    let permissions: Vec<(i64, String, String)> = read(
        from,
        "CAST(g.group_id AS BIGINT), p.codename, t.model FROM auth_group_permissions g
         JOIN auth_permission p ON p.id = g.permission_id
         JOIN django_content_type t ON t.id = p.content_type_id
         WHERE t.app_label IN ('auth', 'flights') ORDER BY g.id",
    )
    .await?;
    let there = groups::all(set).await?;
    let mut copied = Copied::of("groups");
    let earlier = Earlier::of(set, "groups", "group").await?;
    progress.begin("groups", rows.len());
    for (id, name) in rows {
        row!(set, copied, progress, format!("group {id} ({name})"), async {
            let said = name.clone();
            if let Some(known) = earlier.object(id) {
                let group = groups::find(set, known).await?.ok_or(Error::NotFound)?;
                ids.groups.insert(id, group);
                earlier.same(id, &said)?;
                return Ok(Fate::Known);
            }
            let (group, fate) = if let Some(known) =
                there.iter().find(|known| identity(&known.name) == identity(&name))
            {
                (known.clone(), Fate::Known)
            } else {
                let mut draft = groups::Draft::parse(&values([("name", name)]))?;
                draft.rights = rights_of(&permissions, id);
                (groups::insert(set, draft).await?, Fate::Added)
            };
            earlier.remember(set, id, said, group.id)?;
            ids.groups.insert(id, group);
            Ok(fate)
        });
    }
    progress.end();
    Ok(copied)
}

pub(super) async fn copy_users(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<OldUser> = read(
        from,
        "CAST(id AS BIGINT) AS id, username, email, password,
         CAST(CASE WHEN is_active THEN 1 ELSE 0 END AS BIGINT) AS is_active,
         CAST(CASE WHEN is_staff THEN 1 ELSE 0 END AS BIGINT) AS is_staff,
         CAST(CASE WHEN is_superuser THEN 1 ELSE 0 END AS BIGINT) AS is_superuser
         FROM auth_user ORDER BY id",
    )
    .await?;
    let permissions: Vec<(i64, String, String)> = read(
        from,
        "CAST(u.user_id AS BIGINT), p.codename, t.model FROM auth_user_user_permissions u
         JOIN auth_permission p ON p.id = u.permission_id
         JOIN django_content_type t ON t.id = p.content_type_id
         WHERE t.app_label IN ('auth', 'flights') ORDER BY u.id",
    )
    .await?;
    let mut copied = Copied::of("users");
    let earlier = Earlier::of(set, "users", "user").await?;
    progress.begin("users", rows.len());
    for old in rows {
        row!(set, copied, progress, format!("user {} ({})", old.id, old.username), async {
            let said = old.username.clone();
            if let Some(known) = earlier.object(old.id) {
                let user = users::find(set, known).await?.ok_or(Error::NotFound)?;
                ids.users.insert(old.id, user);
                earlier.same(old.id, &said)?;
                return Ok(Fate::Known);
            }
            if earlier.was_deleted(set, old.id).await? {
                let why = "It was copied before, and has been deleted here since.";
                return Err(Error::Refused(why.to_owned()).into());
            }
            if !said.contains('\0')
                && let Some(known) = users::by_name(set, &said).await?
            {
                earlier.remember(set, old.id, said, known.id)?;
                ids.users.insert(old.id, known);
                return Ok(Fate::Known);
            }
            let mut draft =
                users::Draft::parse(&values([("username", old.username), ("email", old.email)]))?;
            draft.is_active = old.is_active == 1;
            draft.is_staff = old.is_staff == 1;
            draft.is_superuser = old.is_superuser == 1;
            draft.rights = rights_of(&permissions, old.id);
            let user = users::insert(set, draft).await?;
            // What nobody here can check is no password: an invitation gives one anew.
            let hash = Some(old.password)
                .filter(|hash| hash.starts_with("pbkdf2_sha256$") && !hash.contains('\0'));
            credentials::set_first_password(set, &user, hash.unwrap_or_default()).await?;
            earlier.remember(set, old.id, said, user.id)?;
            ids.users.insert(old.id, user);
            ids.new_users.insert(old.id);
            Ok(Fate::Added)
        });
    }
    progress.end();
    Ok(copied)
}

pub(super) async fn copy_memberships(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, i64)> = read(
        from,
        "CAST(user_id AS BIGINT), CAST(group_id AS BIGINT) FROM auth_user_groups ORDER BY id",
    )
    .await?;
    let mut copied = Copied::of("memberships");
    progress.begin("memberships", rows.len());
    for (user, group) in rows {
        row!(set, copied, progress, format!("user {user} in group {group}"), async {
            let is_new = ids.new_users.contains(&user);
            let user = ids.users.get(&user).ok_or_else(|| not_there("account"))?;
            let group = ids.groups.get(&group).ok_or_else(|| not_there("group"))?;
            let there = groups::of_user(set, user.id).await?;
            if there.iter().any(|known| known.id == group.id) {
                return Ok(Fate::Known);
            }
            if !is_new {
                let why = format!(
                    "The account {} was here before: its groups are left as they are.",
                    user.username
                );
                return Err(Error::Refused(why).into());
            }
            groups::join(set, user, group).await?;
            Ok(Fate::Added)
        });
    }
    progress.end();
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_becomes_a_right() {
        let rows = [
            (1, "change_passenger".to_owned(), "passenger".to_owned()),
            (1, "view_airport".to_owned(), "airport".to_owned()),
            (1, "add_logentry".to_owned(), "logentry".to_owned()),
            (2, "delete_flight".to_owned(), "flight".to_owned()),
        ];
        assert_eq!(rights_of(&rows, 1), Rights::parse("change_passengers view_airports book"));
        assert_eq!(rights_of(&rows, 2), Rights::parse("delete_flights"));
    }
}
