//! Booking a passenger on a flight.

use rocket::http::Status;
use rocket::post;

use super::flight::{self, Refusal};
use crate::auth::Right;
use crate::changes::ChangeSet;
use crate::db::Db;
use crate::domain::bookings::{self, Booked, Refused};
use crate::error::{Error, Result};
use crate::pages::{Message, Page, Reply, Submission};

/// Puts a passenger on a flight. Asked twice, it says so and changes nothing.
#[post("/<id>/book", data = "<form>")]
pub(super) async fn book(id: i64, form: Submission, db: &Db, page: Page<'_>) -> Result<Reply> {
    page.need_unless_public(Right::Book)?;
    let search = form.0.first("q").to_owned();
    let wanted = form.0.first("passenger").trim();
    if wanted.is_empty() {
        let refusal = Refusal { error: Some("No selection.".to_owned()), chosen: None, search };
        let mut conn = db.conn().await?;
        let shown =
            flight::refused(&mut conn, &page, id, refusal, Status::UnprocessableEntity).await;
        return no_flight(shown.map(Reply::from), &page);
    }
    // What is no number is nobody's id.
    let passenger = wanted.parse::<i64>().unwrap_or(-1);
    let mut set = ChangeSet::begin(db, page.intent("book")).await?;
    let booked = bookings::book(&mut set, id, passenger).await?;
    set.commit().await?;
    let there = format!("/{id}");
    match booked {
        Ok(Booked::New(passenger)) => {
            Ok(page
                .to(there, Some(Message::done(format!("{passenger} is booked on this flight.")))))
        }
        Ok(Booked::Already(passenger)) => {
            let said =
                format!("{passenger} was booked on this flight already; nothing was changed.");
            Ok(page.to(there, Some(Message::note(said))))
        }
        Err(refused) => {
            let status = match refused {
                Refused::NoFlight | Refused::NoPassenger => Status::NotFound,
                Refused::Invalid | Refused::Departed | Refused::Full => Status::Conflict,
            };
            let refusal =
                Refusal { error: Some(refused.to_string()), chosen: Some(passenger), search };
            let mut conn = db.conn().await?;
            let shown = flight::refused(&mut conn, &page, id, refusal, status).await;
            no_flight(shown.map(Reply::from), &page)
        }
    }
}

#[derive(Debug, serde::Serialize)]
struct NoFlight {
    error: String,
}

/// Where there is no flight there is no form to show again: a page of its own says so.
fn no_flight(shown: Result<Reply>, page: &Page<'_>) -> Result<Reply> {
    match shown {
        Err(Error::NotFound) => {
            let context = NoFlight { error: Refused::NoFlight.to_string() };
            let html = page.show("public/no_flight", "No flight", &context)?;
            Ok(html.with_status(Status::NotFound).into())
        }
        other => other,
    }
}
