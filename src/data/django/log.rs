//! What Django's log remembers, as remarks in ours.

use serde_json::Value;
use sqlx::FromRow;

use super::{Copied, Ids, read};
use crate::changes::ChangeSet;
use crate::data::Progress;
use crate::db::Conn;
use crate::error::Result;

#[derive(FromRow)]
struct OldEntry {
    at: String,
    username: String,
    model: String,
    object_id: String,
    label: String,
    flag: i64,
    message: String,
}

pub(super) async fn copy_log(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<OldEntry> = read(
        from,
        "CAST(l.action_time AS TEXT) AS at, u.username AS username, COALESCE(t.model, '') AS model,
         COALESCE(l.object_id, '') AS object_id, l.object_repr AS label,
         CAST(l.action_flag AS BIGINT) AS flag, l.change_message AS message
         FROM django_admin_log l JOIN auth_user u ON u.id = l.user_id
         LEFT JOIN django_content_type t ON t.id = l.content_type_id ORDER BY l.id",
    )
    .await?;
    let mut copied = Copied::of("log entries");
    progress.begin("log entries", rows.len());
    let known = set.remarks().await?;
    for old in rows {
        let text = told(&old);
        if known.contains(&text) {
            copied.known += 1;
        } else {
            set.remark(text, ids.meant(&old.model, &old.object_id), "{}".to_owned())?;
            copied.added += 1;
        }
        progress.step();
    }
    progress.end();
    Ok(copied)
}

/// An entry of Django's log, in a line.
fn told(old: &OldEntry) -> String {
    let done = match old.flag {
        1 => "added",
        2 => "changed",
        3 => "deleted",
        _ => "did something to",
    };
    let day: String = old.at.chars().take(16).collect();
    let OldEntry { username, model, label, .. } = old;
    let details = details(&old.message);
    let line = format!("{day}: {username} {done} the {model} “{label}”{details}");
    line.chars().filter(|letter| !letter.is_control()).take(500).collect()
}

/// What an entry says beyond that: Django writes it as JSON, older versions as a sentence.
fn details(message: &str) -> String {
    let Ok(Value::Array(parts)) = serde_json::from_str(message) else {
        return if message.is_empty() { String::new() } else { format!(": {message}") };
    };
    let mut said = Vec::new();
    for (verb, what) in parts.iter().filter_map(Value::as_object).flatten() {
        let text = |name: &str| what.get(name).and_then(Value::as_str).unwrap_or_default();
        let fields = what.get("fields").and_then(Value::as_array);
        let fields: Vec<_> = fields.into_iter().flatten().filter_map(Value::as_str).collect();
        match (text("object"), fields.as_slice()) {
            ("", []) => {}
            ("", fields) => said.push(format!("{verb} {}", fields.join(", "))),
            (object, _) => said.push(format!("{verb} {} “{object}”", text("name"))),
        }
    }
    if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_djangos_log_says_is_one_line() {
        let entry = |flag, message: &str| {
            told(&OldEntry {
                at: "2019-05-01 10:20:30.123456+00".to_owned(),
                username: "alice".to_owned(),
                model: "flight".to_owned(),
                object_id: "7".to_owned(),
                label: "7 - A to B".to_owned(),
                flag,
                message: message.to_owned(),
            })
        };
        assert_eq!(
            entry(1, "[{\"added\": {}}]"),
            "2019-05-01 10:20: alice added the flight “7 - A to B”"
        );
        assert_eq!(
            entry(
                2,
                r#"[{"changed": {"fields": ["Duration", "Origin"]}}, {"deleted": {"name": "booking", "object": "Bo"}}]"#
            ),
            "2019-05-01 10:20: alice changed the flight “7 - A to B”: changed Duration, Origin; deleted booking “Bo”"
        );
        assert_eq!(
            entry(2, "Changed\nall."),
            "2019-05-01 10:20: alice changed the flight “7 - A to B”: Changedall."
        );
        assert!(entry(3, "[7, null, {\"x\": 1}]").contains("deleted"));
    }
}
