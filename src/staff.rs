//! How staff see and change each kind of object: data, and a few typed functions.

pub mod airports;
mod bookings;
pub mod flights;
pub mod passengers;

use crate::admin::Registry;

/// Every kind, in the order of the navigation.
pub const KINDS: Registry =
    Registry(&[&airports::Airports, &flights::Flights, &passengers::Passengers]);
