//! One's own account: signing in and out, password, second factor, sessions; and the first superuser.

pub mod account;
pub mod factor;
pub mod first;
pub mod login;
pub mod password;
mod proof;
pub mod reset;
pub mod sessions;

use rocket::{Route, routes};

/// The routes of accounts.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![
        login::form,
        login::sign_in,
        login::code,
        login::give_code,
        login::sign_out,
        account::show,
        account::change_mail,
        password::form,
        password::change,
        proof::form,
        proof::confirm,
        factor::show,
        factor::offer,
        factor::switch_on,
        factor::switch_off,
        factor::new_codes,
        factor::codes_saved,
        reset::form,
        reset::ask,
        reset::choose_form,
        reset::choose,
        sessions::list,
        sessions::end,
        sessions::end_others,
        first::form,
        first::make,
    ]
}
