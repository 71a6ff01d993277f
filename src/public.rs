//! What visitors see: the list of flights, one flight, booking.

pub mod appearance;
pub mod booking;
pub mod flight;
pub mod index;

use rocket::{Route, routes};

/// The routes of the visitors' pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![
        index::index,
        flight::show,
        flight::candidates,
        booking::book,
        appearance::show,
        appearance::choose,
    ]
}
