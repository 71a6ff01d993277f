//! Why somebody may not: sentences beside what he cannot use.

use serde::Serialize;

use crate::auth::groups::{self, Group};
use crate::auth::{Need, Visitor};
use crate::db::Conn;
use crate::error::Result;

/// What is needed to tell somebody why he may not.
pub(super) struct Reasons<'v> {
    by: &'v Visitor,
    groups: Vec<Group>,
}

/// Something to do, or why not.
#[derive(Debug, Serialize)]
pub(super) struct Allowed {
    pub(super) may: bool,
    pub(super) why: String,
}

impl<'v> Reasons<'v> {
    /// Asks for the groups, unless he may do everything.
    pub(super) async fn of(db: &mut Conn, by: &'v Visitor) -> Result<Self> {
        let groups = if by.is_superuser() { Vec::new() } else { groups::all(db).await? };
        Ok(Self { by, groups })
    }

    /// Whom it is about.
    pub(super) fn by(&self) -> &'v Visitor {
        self.by
    }

    /// Whether he has what something needs, and if not, why that matters.
    pub(super) fn allowed(&self, need: Need) -> Allowed {
        let may = self.by.has(need);
        Allowed { may, why: if may { String::new() } else { need.reason(&self.groups) } }
    }
}

impl Allowed {
    /// Not allowed, for a reason of its own.
    pub(super) fn closed(why: String) -> Self {
        Self { may: false, why }
    }
}
