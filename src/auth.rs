//! Who is asking, and may he: accounts, passwords, sessions, and the guards that stand in
//! handlers' signatures.

pub mod address;
pub mod csrf;
pub mod first;
pub mod guards;
pub mod passwords;
pub mod sessions;
pub mod throttle;
pub mod users;

pub use guards::{Cookies, Staff, Visitor};
pub use users::User;
