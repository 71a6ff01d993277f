//! Who is asking, and may he: accounts, passwords, sessions, and the guards that stand in
//! handlers' signatures.

pub mod address;
pub mod credentials;
pub mod csrf;
pub mod events;
pub mod factor;
pub mod first;
pub mod groups;
pub mod guards;
pub mod log_access;
mod lookalikes;
pub mod passwords;
pub mod rights;
pub mod sessions;
pub mod throttle;
pub mod users;
pub mod views;

pub use guards::{Account, Cookies, Staff, Visitor};
pub use rights::{Act, Need, Right, Rights};
pub use users::User;
