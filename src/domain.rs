//! What the site is about: airports, flights between them, passengers, and who is booked on what.
//! Types, their rules, and every SQL text about them; no pages.

pub mod airports;
pub mod bookings;
pub mod flights;
pub mod passengers;
pub mod times;
pub mod zones;
