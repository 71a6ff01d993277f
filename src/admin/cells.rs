//! The cells of a list's rows: what they show, or the fields to change them where they stand.

use serde::Serialize;

use super::fields::{FieldView, Source};
use super::manage::{Manage, Registry};
use super::merge;
use super::model::Column;
use super::reasons::Reasons;
use super::rows::{Cell, Line};
use crate::db::Conn;
use crate::error::Result;
use crate::input::Errors;

/// A row, as the page shows it.
#[derive(Debug, Serialize)]
pub(super) struct RowView {
    pub id: i64,
    /// Filled where the row is being edited.
    edit: Option<EditView>,
    cells: Vec<CellView>,
}

/// What a row that is edited sends along.
#[derive(Debug, Serialize)]
struct EditView {
    version: i64,
    base: String,
}

#[derive(Debug, Serialize)]
struct CellView {
    text: String,
    kind: &'static str,
    title: &'static str,
    /// Where it is filled in, in a row that is being edited.
    field: Option<FieldView>,
}

impl RowView {
    pub(super) fn of(line: &Line, columns: &[&'static Column]) -> Self {
        let cells = line.cells.iter().zip(columns).map(|(cell, column)| CellView {
            text: cell.told(),
            kind: match cell {
                Cell::Number(_) | Cell::Decimal(_) | Cell::Minutes(_) => "number",
                Cell::Flag(true) => "yes",
                Cell::Flag(false) => "no",
                Cell::Text(_) | Cell::Moment(_) => "text",
            },
            title: column.title,
            field: None,
        });
        Self { id: line.id, edit: None, cells: cells.collect() }
    }

    /// Puts fields into the cells that can be changed here.
    pub(super) async fn edit(
        &mut self,
        db: &mut Conn,
        manage: &'static dyn Manage,
        registry: Registry,
        reasons: &Reasons<'_>,
        columns: &[&'static Column],
    ) -> Result<()> {
        let Some(loaded) = manage.load(db, self.id).await? else {
            return Ok(());
        };
        let (model, by) = (manage.model(), reasons.by());
        let source = Source {
            manage,
            registry,
            by,
            reasons,
            open: true,
            id: Some(self.id),
            values: &loaded.values,
            errors: &Errors::default(),
        };
        for (cell, column) in self.cells.iter_mut().zip(columns) {
            let field = model.fields.iter().find(|field| field.name == column.edits);
            if let Some(field) = field.filter(|field| by.has(field.needs)) {
                cell.field = Some(source.field(db, field).await?);
            }
        }
        let base = merge::base_of(model, by, &loaded.values);
        self.edit = Some(EditView { version: loaded.version, base });
        Ok(())
    }
}
