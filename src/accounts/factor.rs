//! One's own second factor: setting it up with an app, recovery codes, switching it off. Each asks that
//! the password was typed just now.

use qrcode::{Color, EcLevel, QrCode};
use rocket::http::Status;
use rocket::{get, post};
use serde::Serialize;

use super::proof;
use crate::auth::events::Event;
use crate::auth::factor::{self, RecoveryCodes, Shared};
use crate::auth::throttle::{self, Subjects};
use crate::auth::{Account, credentials, groups, users};
use crate::changes::ChangeSet;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::pages::{Html, Message, Page, Reply, Submission};

const HERE: &str = "/admin/factor/";

#[derive(Debug, Serialize)]
struct Shown {
    csrf: String,
    on: bool,
    compulsory: Vec<String>,
    codes_left: i64,
    /// Whether codes were shown that may not be saved.
    codes_unsaved: bool,
    offered: Option<Offered>,
    error: Option<String>,
}

/// A secret on its way to an app.
#[derive(Debug, Serialize)]
struct Offered {
    spelled: String,
    address: String,
    qr: Qr,
}

/// A QR code as one path of an SVG, a unit for each module, with the quiet zone of four around it.
#[derive(Debug, Serialize)]
struct Qr {
    side: usize,
    path: String,
}

impl Qr {
    const QUIET: usize = 4;

    fn of(text: &str) -> Result<Self> {
        use std::fmt::Write as _;
        let code =
            QrCode::with_error_correction_level(text, EcLevel::M).map_err(Error::internal)?;
        let width = code.width();
        let mut path = String::new();
        for (place, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (place % width + Self::QUIET, place / width + Self::QUIET);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        Ok(Self { side: width + 2 * Self::QUIET, path })
    }
}

impl Offered {
    fn of(shared: &Shared) -> Result<Self> {
        let address = shared.address()?;
        Ok(Self { spelled: shared.spelled(), qr: Qr::of(&address)?, address })
    }
}

#[derive(Debug, Serialize)]
struct CodesPage {
    csrf: String,
    codes: Vec<String>,
    batch: String,
}

fn render_codes(page: &Page<'_>, shown: RecoveryCodes) -> Result<Html> {
    let RecoveryCodes { codes, batch } = shown;
    page.show("accounts/codes", "Recovery codes", &CodesPage { csrf: page.token(), codes, batch })
}

async fn render(
    page: &Page<'_>,
    db: &Db,
    account: Account<'_>,
    error: Option<String>,
) -> Result<Html> {
    let user = account.0;
    let mut conn = db.conn().await?;
    let shared = if user.second_factor { None } else { factor::shared(&mut conn, user).await? };
    let groups = groups::of_user(&mut conn, user.id).await?;
    let compulsory = groups.into_iter().filter(|group| group.requires_factor);
    let context = Shown {
        csrf: page.token(),
        on: user.second_factor,
        compulsory: compulsory.map(|group| group.name).collect(),
        codes_left: factor::codes_left(&mut conn, user.id).await?,
        codes_unsaved: factor::has_unsaved_codes(&mut conn, user.id).await?,
        offered: shared.as_ref().map(Offered::of).transpose()?,
        error,
    };
    page.show("accounts/factor", "Second factor", &context)
}

/// The page.
#[get("/admin/factor")]
pub(super) async fn show(account: Account<'_>, db: &Db, page: Page<'_>) -> Result<Reply> {
    if !page.visitor.is_confirmed(page.now()) {
        return Ok(proof::first(&page, HERE));
    }
    Ok(render(&page, db, account, None).await?.into())
}

/// Makes a new secret for an app.
#[post("/admin/factor/offer", data = "<_form>")]
pub(super) async fn offer(
    account: Account<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    if !page.visitor.is_confirmed(page.now()) {
        return Ok(proof::first(&page, HERE));
    }
    if !account.0.second_factor {
        factor::offer(db, account.0).await?;
    }
    Ok(page.to(HERE.to_owned(), None))
}

/// Switches it on, once the app shows the right code; the recovery codes are shown this once. Whoever sends
/// the same again, before the codes are saved, gets others in their place: a second click hides none.
#[post("/admin/factor/on", data = "<form>")]
pub(super) async fn switch_on(
    account: Account<'_>,
    form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let user = account.0;
    if !page.visitor.is_confirmed(page.now()) {
        return Ok(proof::first(&page, HERE));
    }
    let device = page.cookies.get(throttle::DEVICE);
    let subjects = {
        let mut conn = db.conn().await?;
        let (name, address) = (&user.username, &page.address.0);
        let by_name = Subjects::of(&mut conn, name, address, device.as_deref(), page.now());
        by_name.await?.for_code(user.id)
    };
    if let Err(wait) = throttle::admit(db, &subjects, page.now()).await? {
        page.record(Event::TooOften, user.id, "second factor");
        let html = render(&page, db, account, Some(throttle::spoken(wait))).await?;
        return Ok(html.with_status(Status::TooManyRequests).into());
    }
    let mut set = ChangeSet::begin(db, page.intent("change")).await?;
    // Of two clicks the second waits here for the first.
    let user = users::lock(&mut set, user.id).await?.ok_or(Error::NotFound)?;
    if user.second_factor {
        if !factor::has_unsaved_codes(&mut set, user.id).await? {
            return Ok(page.to(HERE.to_owned(), None));
        }
        let codes = factor::renew_codes(&mut set, user.id).await?;
        set.commit().await?;
        page.record(Event::FactorChanged, user.id, "new recovery codes, by their owner");
        return Ok(render_codes(&page, codes)?.into());
    }
    if !factor::accept_first(&mut set, &user, form.0.first("code")).await? {
        drop(set);
        let error = "This code is not right. Is the clock of your device?".to_owned();
        let html = render(&page, db, account, Some(error)).await?;
        return Ok(html.with_status(Status::UnprocessableEntity).into());
    }
    let (user, codes) = factor::switch_on(&mut set, &user).await?;
    credentials::end_sessions(&mut set, user.id, &page.visitor.secret).await?;
    set.commit().await?;
    throttle::forget(db, &subjects).await?;
    page.record(Event::FactorChanged, user.id, "on, by its owner");
    Ok(render_codes(&page, codes)?.into())
}

/// Makes new recovery codes, which are shown this once.
#[post("/admin/factor/codes", data = "<_form>")]
pub(super) async fn new_codes(
    account: Account<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    if !page.visitor.is_confirmed(page.now()) {
        return Ok(proof::first(&page, HERE));
    }
    if !account.0.second_factor {
        return Ok(page.to(HERE.to_owned(), None));
    }
    let mut set = ChangeSet::begin(db, page.intent("change")).await?;
    let codes = factor::renew_codes(&mut set, account.0.id).await?;
    set.commit().await?;
    page.record(Event::FactorChanged, account.0.id, "new recovery codes, by their owner");
    Ok(render_codes(&page, codes)?.into())
}

/// Takes note that the codes are saved. Codes that others have replaced since do not count.
#[post("/admin/factor/saved", data = "<form>")]
pub(super) async fn codes_saved(
    account: Account<'_>,
    form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    if factor::codes_saved(db, account.0.id, form.0.first("batch")).await? {
        let there = if account.0.may_enter() { "/admin/" } else { "/admin/account/" };
        return Ok(page.to(there.to_owned(), None));
    }
    let said = Message::note("Other codes have replaced those that you saved. Make new ones.");
    Ok(page.to(HERE.to_owned(), Some(said)))
}

/// Switches it off, unless a group asks for it.
#[post("/admin/factor/off", data = "<_form>")]
pub(super) async fn switch_off(
    account: Account<'_>,
    _form: Submission,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    if !page.visitor.is_confirmed(page.now()) {
        return Ok(proof::first(&page, HERE));
    }
    let mut set = ChangeSet::begin(db, page.intent("change")).await?;
    let user = users::lock(&mut set, account.0.id).await?.ok_or(Error::NotFound)?;
    let groups = groups::of_user(&mut set, user.id).await?;
    if let Some(group) = groups.iter().find(|group| group.requires_factor) {
        let why = format!("The group “{}” asks for a second factor, so it stays on.", group.name);
        return Err(Error::Refused(why));
    }
    if user.second_factor {
        factor::switch_off(&mut set, &user).await?;
        credentials::end_sessions(&mut set, user.id, &page.visitor.secret).await?;
        set.commit().await?;
        page.record(Event::FactorChanged, user.id, "off, by its owner");
    }
    let said = Message::done("The second factor is off.");
    Ok(page.to("/admin/account/".to_owned(), Some(said)))
}
