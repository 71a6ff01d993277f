//! A list as a CSV file (RFC 4180), as it is searched, narrowed and sorted.

use rocket::http::{ContentType, Header};
use rocket::{Responder, State, get};

use super::asked::{Asked, Place};
use super::manage::Registry;
use super::rows::Cell;
use crate::auth::{Act, Need, Right, Staff};
use crate::db::RequestConn;
use crate::error::{Error, Result};
use crate::pages::Query;

/// A file holds at most so many rows.
const MOST: usize = 100_000;

/// A file to keep.
#[derive(Responder)]
pub(super) struct Download {
    content: Vec<u8>,
    kind: ContentType,
    name: Header<'static>,
    caching: Header<'static>,
}

/// The list, whole.
#[get("/admin/<kind>/export")]
pub(super) async fn export(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
) -> Result<Download> {
    let manage = registry.open(kind, Act::View, staff.0)?;
    let model = manage.model();
    staff.0.need(Need::Right(Right::Export))?;
    let list = &model.list;
    let asked = Asked::by(manage, staff.0, &query.0);
    let Ok(narrowing) = asked.narrowing(&mut db, list).await? else {
        return Err(Error::BadRequest("This search is not understood: its list says why."));
    };
    let mut file = csv::Writer::from_writer(Vec::new());
    let unwritable = |error: csv::Error| Error::internal(error);
    file.write_record(asked.columns.iter().map(|column| column.name)).map_err(unwritable)?;
    for line in list.fetch(&mut db, &narrowing, &asked, &Place::First, MOST).await? {
        file.write_record(line.cells.iter().map(field)).map_err(unwritable)?;
    }
    let name = format!("attachment; filename=\"{0}.csv\"; filename*=UTF-8''{0}.csv", model.slug);
    Ok(Download {
        content: file.into_inner().map_err(|error| Error::internal(error.error()))?,
        kind: ContentType::CSV,
        name: Header::new("Content-Disposition", name),
        caching: Header::new("Cache-Control", "no-store"),
    })
}

fn field(cell: &Cell) -> String {
    if matches!(cell, Cell::Text(_)) { harmless(cell.plain()) } else { cell.plain() }
}

/// Text that no spreadsheet takes for a formula (OWASP, CSV Injection; ASVS 5, 1.2.10): a quote goes
/// before what would begin one.
fn harmless(text: String) -> String {
    const BEGINNINGS: [char; 12] =
        ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];
    if text.starts_with(BEGINNINGS) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::harmless;

    proptest! {
        #![proptest_config(crate::random::many())]

        /// What begins a cell begins no formula, and nothing is lost.
        #[test]
        fn no_cell_is_a_formula(
            text in prop_oneof!["[-=+@＝＋－＠\\t\\r\\n\"']{0,3}\\PC{0,9}", any::<String>()]
        ) {
            let written = harmless(text.clone());
            let quoted = format!("'{text}");
            prop_assert!(written == text || written == quoted);
            prop_assert!(!written.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝']));
        }
    }
}
