//! Puts the site together: the table of contents of every route, and what they are handed.

use rocket::{Build, Rocket, catchers};
use rocket_db_pools::Database as _;

use crate::auth::first::FirstLink;
use crate::clock::Clock;
use crate::config::Settings;
use crate::db::DbPool;
use crate::db::readiness::Readiness;
use crate::error::Result;
use crate::pages::{assets, cache, catchers, gate, headers, log, resume, templates};
use crate::wire::Peers;
use crate::{accounts, admin, health, public, staff};

/// The site, ready to be launched.
pub fn site(settings: Settings, clock: Clock, first: FirstLink) -> Result<Rocket<Build>> {
    let (figment, _) = settings.rocket()?;
    Ok(rocket::custom(figment)
        .attach(DbPool::init())
        .attach(templates::fairing())
        .attach(log::RequestLog)
        .attach(gate::Gate)
        .attach(headers::Headers)
        .manage(Readiness::of(settings.database.clone()))
        .manage(settings)
        .manage(clock)
        .manage(first)
        .manage(Peers::default())
        .manage(cache::PageCache::default())
        .manage(staff::KINDS)
        .manage(admin::Exports::default())
        .mount("/", public::routes())
        .mount("/", accounts::routes())
        .mount("/", admin::routes())
        .mount("/", staff::access::routes())
        .mount("/", gate::routes())
        .mount("/", resume::routes())
        .mount("/", assets::routes())
        .mount("/", health::routes())
        .register("/", catchers![catchers::any]))
}
