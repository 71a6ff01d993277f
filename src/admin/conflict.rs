//! Two saved the same object: what stands there now, beside what was typed.

use serde::Serialize;

use super::fields::told;
use super::model::{Input, Loaded, Manage};
use crate::changes;
use crate::db::Conn;
use crate::domain::times;
use crate::error::Result;
use crate::input::Values;

/// Somebody saved meanwhile: what stands there now, beside what was typed.
#[derive(Debug, Serialize)]
pub(super) struct Conflict {
    who: String,
    when: String,
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    label: &'static str,
    theirs: String,
    yours: String,
}

impl Conflict {
    /// Of what somebody typed with what somebody else has saved meanwhile.
    pub(super) async fn of(
        db: &mut Conn,
        manage: &'static dyn Manage,
        id: i64,
        current: &Loaded,
        typed: &Values,
    ) -> Result<Self> {
        let model = manage.model();
        let latest = changes::history(db, model.slug, id, 0).await?;
        let latest = latest.iter().find(|entry| entry.kind == model.slug);
        let differences = model
            .fields
            .iter()
            .filter(|field| !matches!(field.input, Input::Rows { .. } | Input::Chooser { .. }))
            .map(|field| Difference {
                label: field.label,
                theirs: told(field, &current.values),
                yours: told(field, typed),
            })
            .filter(|difference| difference.theirs != difference.yours)
            .collect();
        Ok(Self {
            who: latest.map_or_else(|| "Somebody".to_owned(), |entry| entry.actor.clone()),
            when: latest
                .and_then(|entry| times::local(entry.at, ""))
                .map(|at| format!("{} {} {}", at.date, at.time, at.zone))
                .unwrap_or_default(),
            differences,
        })
    }
}
