//! Fragments that forms ask for as one types. Each has an address of its own.

use rocket::{State, get};
use serde::Serialize;

use super::fields::{CANDIDATES, There, new_row};
use super::manage::{Choice, Registry, Search};
use super::model::Input;
use crate::auth::{Act, Staff};
use crate::db::RequestConn;
use crate::error::{Error, Result};
use crate::input::search_problem;
use crate::pages::{Html, Page, Query, first_of};

/// How many suggestions a field shows.
const SUGGESTED: usize = 8;

#[derive(Debug, Serialize)]
struct Suggestions {
    choices: Vec<Choice>,
    more: bool,
}

#[derive(Debug, Serialize)]
struct Offered {
    name: String,
    search: String,
    candidates: Vec<There>,
    problem: Option<&'static str>,
    more: bool,
}

/// Objects of a kind that a field could mean: `?name=` says which part of the query holds what was
/// typed. With `?only=` it is the one that the text names, as saving would take it.
#[get("/admin/<kind>/suggestions")]
pub(super) async fn suggestions(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let typed = query.0.first(query.0.first("name")).to_owned();
    let manage = registry.open_names(kind, staff.0)?;
    let found = if query.0.has("only") {
        match manage.resolve(&mut db, &typed).await? {
            Ok(id) => manage.chosen(&mut db, &[id]).await?,
            Err(_) => Vec::new(),
        }
    } else {
        let search = Search { words: &typed, owner: None, most: SUGGESTED + 1 };
        manage.choices(&mut db, search).await?
    };
    let (choices, more) = first_of(found, SUGGESTED);
    page.fragment("admin/suggestions", &Suggestions { choices, more })
}

/// Objects of a kind that an owner (`?for=`, of the kind `?of=`) does not have yet, as boxes to tick.
#[get("/admin/<kind>/candidates")]
pub(super) async fn candidates(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let name = query.0.first("name").to_owned();
    let search = query.0.first(&format!("{name}-search")).to_owned();
    let owner = query.0.first("for").parse().ok().filter(|owner| *owner > 0);
    if owner.is_some() {
        // What somebody has already is told by what is left out.
        let of = registry.open(query.0.first("of"), Act::View, staff.0)?.model();
        let field = of.fields.iter().find(|known| known.name == name).ok_or(Error::NotFound)?;
        // Only a field that holds objects of this very kind: another would tell what it must not.
        if !matches!(field.input, Input::Chooser { kind: held } if held == kind) {
            return Err(Error::NotFound);
        }
        staff.0.need(field.seen_by)?;
        staff.0.need(field.needs)?;
    }
    let wanted = Search { words: &search, owner, most: CANDIDATES + 1 };
    let found = registry.open_names(kind, staff.0)?.choices(&mut db, wanted).await?;
    let (found, more) = first_of(found, CANDIDATES);
    let candidates = found
        .into_iter()
        .map(|choice| There { id: choice.id, label: choice.label, ticked: false })
        .collect();
    page.fragment(
        "admin/candidates",
        &Offered { problem: search_problem(&search), name, search, candidates, more },
    )
}

/// One more row for a new object in a field of a kind's form.
#[get("/admin/<kind>/row/<field>/<number>")]
pub(super) fn row(
    kind: &str,
    field: &str,
    number: usize,
    staff: Staff<'_>,
    registry: &State<Registry>,
    page: Page<'_>,
) -> Result<Html> {
    let model = registry.open(kind, Act::View, staff.0)?.model();
    let field = model.fields.iter().find(|known| known.name == field).ok_or(Error::NotFound)?;
    staff.0.need(field.needs)?;
    let Input::Rows { kind } = field.input else {
        return Err(Error::NotFound);
    };
    page.fragment("admin/row", &new_row(field.name, kind, number, String::new()))
}
