//! The staff engine: lists, forms, deletion and history for every kind of object, from data for
//! what is shown and typed code for what is changed. It knows no kind; it is handed them, and owns
//! what must never be forgotten: who may, the change set, the version, the confirmation.

mod asked;
mod batches;
mod bulk;
mod cells;
mod controls;
mod dependents;
pub mod export;
pub mod fields;
mod filters;
pub mod form;
pub mod history;
mod language;
pub mod list;
mod log;
pub mod manage;
mod merge;
pub mod model;
mod model_checks;
mod narrow;
mod nav;
mod preview;
mod reasons;
mod related;
pub mod removal;
mod rows;
mod save;
mod seal;
pub mod start;
pub mod suggest;
mod table;
mod views;

use rocket::{Route, routes};

pub use dependents::Dependent;
pub use export::Exports;
pub use table::Listing;

pub use manage::{Choice, Filled, Loaded, Manage, Registry, Saved, Search, SideEffects, Undo};
pub use model::{Column, Field, Filter, Input, Key, List, Look, Model, Show};
pub use model_checks::mistakes;

/// The routes of the engine: the same for every kind.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![
        start::start,
        list::list,
        list::show_columns,
        export::export,
        form::add,
        save::insert,
        form::change,
        save::update,
        save::update_row,
        bulk::bulk,
        removal::confirm,
        removal::remove,
        history::show,
        log::show,
        log::confirm,
        log::perform_undo,
        views::list,
        views::add,
        views::insert,
        views::edit,
        views::update,
        views::remove,
        views::live_count,
        suggest::suggestions,
        suggest::candidates,
        suggest::row,
    ]
}
