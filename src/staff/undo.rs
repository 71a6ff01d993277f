//! How the changes of each kind are undone.

use crate::admin::Undo;
use crate::auth::groups::{Group, Membership};
use crate::auth::users::User;
use crate::changes::{ChangeSet, REMARKS, Versioned as _, undo};
use crate::domain::airports::Airport;
use crate::domain::bookings::Booking;
use crate::domain::flights::Flight;
use crate::domain::passengers::Passenger;
use crate::error::Error;
use crate::input::Refusal;

/// Every kind that has a history.
pub(super) struct EveryKind;

#[rocket::async_trait]
impl Undo for EveryKind {
    async fn undo(
        &self,
        set: &mut ChangeSet,
        kind: &str,
        id: i64,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), Refusal> {
        match kind {
            Airport::KIND => undo::<Airport>(set, id, before, after).await,
            Flight::KIND => undo::<Flight>(set, id, before, after).await,
            Passenger::KIND => undo::<Passenger>(set, id, before, after).await,
            Booking::KIND => undo::<Booking>(set, id, before, after).await,
            User::KIND => undo::<User>(set, id, before, after).await,
            Group::KIND => undo::<Group>(set, id, before, after).await,
            Membership::KIND => undo::<Membership>(set, id, before, after).await,
            // It is about what was long before.
            REMARKS => Ok(()),
            other => Err(Error::internal(format!("nobody undoes {other}")).into()),
        }
    }
}
