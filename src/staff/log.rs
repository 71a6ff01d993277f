//! What was done, as a list to look at: change sets. The engine has a page for each.

use crate::admin::{Column, Filled, Filter, Key, List, Loaded, Look, Manage, Model, Saved};
use crate::auth::{Need, Visitor, log_access};
use crate::changes::ChangeSet;
use crate::db::{Conn, Searched};
use crate::error::{Error, Result};
use crate::input::Refusal;

/// The log.
#[derive(Debug)]
pub struct Log;

/// What a set is about: rather a flight than the bookings beside it.
const ABOUT: &str = "COALESCE((SELECT c.label FROM changes c WHERE c.change_set_id = s.id
    ORDER BY CASE WHEN c.kind IN ('bookings', 'memberships') THEN 1 ELSE 0 END, c.id DESC LIMIT 1), '')";
const CHANGES: &str = "(SELECT COUNT(*) FROM changes c WHERE c.change_set_id = s.id)";

const UNDONE: &str = "EXISTS (SELECT 1 FROM change_sets u WHERE u.undoes = s.id)";
const STATE: &str = "CASE WHEN EXISTS (SELECT 1 FROM change_sets u WHERE u.undoes = s.id)
     THEN 'undone' WHEN s.undoes IS NOT NULL THEN 'undo' ELSE '' END";

/// Who did what, why, and what each change is about.
const NAMED: &str = "(SELECT change_set_id AS id, folded FROM change_set_keys
     UNION ALL SELECT change_set_id, folded FROM change_keys) AS named";
const WHO: &str = "(SELECT change_set_id AS id, who AS folded FROM change_set_keys) AS people";
/// What was done, and to what.
const WHAT: &str = "(SELECT id, LOWER(action) AS folded FROM change_sets
     UNION ALL SELECT change_set_id, folded FROM change_keys) AS acts";
const WHO_KEY: &str =
    "COALESCE((SELECT k.who FROM change_set_keys k WHERE k.change_set_id = s.id), '')";

static MODEL: Model = Model {
    slug: "log",
    name: "entry",
    plural: "Log",
    empty: "Whatever is added, changed or deleted is told here.",
    list: List {
        table: "change_sets s",
        from: "change_sets s",
        id: "s.id",
        columns: &[
            Column::number("number", "Number", "s.id"),
            Column::moment("when", "When", "s.at", "'UTC'").by(Key::Number("s.at")),
            Column::text("who", "Who", "s.actor").by(Key::Text(WHO_KEY)),
            Column::text("what", "What", "s.action"),
            Column::text("about", "About", ABOUT),
            Column::number("changes", "Changes", CHANGES),
            Column::text("reason", "Reason", "s.reason"),
            Column::text("state", "State", STATE),
        ],
        search: &[Look::Related { column: "s.id", searched: Searched::by_parts(NAMED), kind: "" }],
        search_help: "who, what, the reason, or what it is about",
        filters: &[
            Filter::new("kind", "Kind", Look::Choice(log_access::KINDS)),
            Filter::states(&[
                ("undone", "Undone", UNDONE),
                ("undo", "An undo", "s.undoes IS NOT NULL"),
                ("reasoned", "With a reason", "s.reason <> ''"),
            ]),
            Filter::new(
                "who",
                "Who",
                Look::Related { column: "s.id", searched: Searched::by_parts(WHO), kind: "" },
            ),
            Filter::new(
                "what",
                "What",
                Look::Related { column: "s.id", searched: Searched::by_parts(WHAT), kind: "" },
            ),
            Filter::new("when", "When", Look::Moment("s.at")),
            Filter::new("number", "Number", Look::Number("s.id")),
        ],
        order: "-number",
    },
    fields: &[],
    read_only: true,
    named_to: Need::Superuser,
};

#[rocket::async_trait]
impl Manage for Log {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    /// What is about kinds that one may view, and about no other.
    fn only(&self, by: &Visitor) -> Vec<&'static str> {
        log_access::conditions(by)
    }

    async fn load(&self, _db: &mut Conn, _id: i64) -> Result<Option<Loaded>> {
        Ok(None)
    }

    async fn save(&self, _set: &mut ChangeSet, _form: Filled<'_>) -> Result<Saved, Refusal> {
        Err(Error::NotFound.into())
    }

    async fn delete(&self, _set: &mut ChangeSet, _id: i64) -> Result<()> {
        Err(Error::NotFound)
    }
}
