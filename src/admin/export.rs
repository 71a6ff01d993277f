//! A list as a CSV file (RFC 4180), as it is searched, narrowed and sorted: all of it, written while it is
//! read. Between two batches it holds no connection to the database.

use std::sync::Arc;

use rocket::http::{ContentType, Header};
use rocket::response::{self, Responder, Response};
use rocket::tokio::sync::{OwnedSemaphorePermit, Semaphore};
use rocket::{Request, State, get};

use super::asked::Asked;
use super::batches::{BATCH, Batches};
use super::manage::{Manage, Registry};
use super::rows::{Cell, Line};
use crate::auth::{Act, Need, Right, Staff, Visitor};
use crate::data::formulas::guarded;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::pages::Query;
use crate::pages::stream::{Body, Pieces};

/// The most files that are written at once.
const AT_ONCE: usize = 8;

/// Room for the files that are written at once.
#[derive(Debug)]
pub struct Exports(Arc<Semaphore>);

impl Default for Exports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// A file on its way.
pub(super) struct Export {
    registry: Registry,
    manage: &'static dyn Manage,
    /// What held for all that could be seen when it began.
    only: Vec<&'static str>,
    batches: Batches,
    /// The heading and the first rows, until they are sent.
    first: Option<Vec<u8>>,
    _room: OwnedSemaphorePermit,
}

/// The kind of a name, for somebody who may export its list.
fn open(registry: Registry, kind: &str, by: &Visitor) -> Result<&'static dyn Manage> {
    let manage = registry.open(kind, Act::View, by)?;
    by.need(Need::Right(Right::Export))?;
    Ok(manage)
}

/// The list, whole.
#[get("/admin/<kind>/export")]
pub(super) async fn export(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    exports: &State<Exports>,
    db: &Db,
) -> Result<Export> {
    let manage = open(**registry, kind, staff.0)?;
    let list = &manage.model().list;
    let asked = Asked::by(manage, staff.0, &query.0);
    let room = Arc::clone(&exports.0).try_acquire_owned().map_err(|_| Error::Busy)?;
    let mut conn = db.conn().await?;
    let Ok(narrowing) = asked.narrowing(&mut conn, list).await? else {
        return Err(Error::BadRequest("This search is not understood: its list says why."));
    };
    let names: Vec<_> = asked.columns.iter().map(|column| column.name).collect();
    let only = asked.only.clone();
    let mut batches = Batches::of(list, narrowing, asked);
    // What fails here is still a page that says so.
    let lines = batches.next(&mut conn, BATCH).await?;
    let first = Some(as_csv(Some(names.as_slice()), &lines)?);
    Ok(Export { registry: **registry, manage, only, batches, first, _room: room })
}

#[rocket::async_trait]
impl Pieces for Export {
    async fn next(&mut self, request: &Request<'_>) -> Result<Option<Vec<u8>>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.batches.is_done() {
            return Ok(None);
        }
        // Whoever has lost the right meanwhile gets no more.
        let db = Db::of(request).ok_or_else(|| Error::internal("there is no database"))?;
        let now = Visitor::again(request, &db).await?;
        let manage = open(self.registry, self.manage.model().slug, &now)?;
        if manage.only(&now) != self.only {
            return Err(Error::Refused("What you may see was changed.".to_owned()));
        }
        let lines = {
            let mut conn = db.conn().await?;
            self.batches.next(&mut conn, BATCH).await?
        };
        as_csv(None, &lines).map(Some)
    }
}

impl<'r> Responder<'r, 'r> for Export {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'r> {
        let slug = self.manage.model().slug;
        let name = format!("attachment; filename=\"{slug}.csv\"; filename*=UTF-8''{slug}.csv");
        Response::build()
            .header(ContentType::CSV)
            .header(Header::new("Content-Disposition", name))
            .header(Header::new("Cache-Control", "no-store"))
            .max_chunk_size(Body::CHUNK)
            .streamed_body(Body::new(request, self))
            .ok()
    }
}

/// Rows as CSV, below a heading where there is one.
fn as_csv(names: Option<&[&str]>, lines: &[Line]) -> Result<Vec<u8>> {
    let mut file = csv::Writer::from_writer(Vec::new());
    if let Some(names) = names {
        file.write_record(names).map_err(Error::internal)?;
    }
    for line in lines {
        file.write_record(line.cells.iter().map(field)).map_err(Error::internal)?;
    }
    file.into_inner().map_err(|error| Error::internal(error.error()))
}

/// A cell as a file holds it.
pub(super) fn field(cell: &Cell) -> String {
    if matches!(cell, Cell::Text(_)) { guarded(cell.plain()) } else { cell.plain() }
}
