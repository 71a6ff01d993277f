//! Signing in and out, the first superuser, one's own password.

pub mod first;
pub mod login;
pub mod password;
pub mod sessions;

use rocket::{Route, routes};

/// The routes of accounts.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![
        login::form,
        login::sign_in,
        login::sign_out,
        password::form,
        password::change,
        sessions::list,
        sessions::end,
        sessions::end_others,
        first::form,
        first::make,
    ]
}
