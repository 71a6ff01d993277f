//! The templates, embedded: one way for debug and release builds. In debug builds an edit in
//! `templates/` shows on the next request.

use rocket_dyn_templates::{Engines, Template};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Files;

/// The fairing that reads them, strict: a name that the context lacks is an error, not a blank.
#[must_use]
pub fn fairing() -> impl rocket::fairing::Fairing {
    Template::try_custom(register)
}

fn register(engines: &mut Engines) -> Result<(), Box<dyn std::error::Error>> {
    let handlebars = &mut engines.handlebars;
    handlebars.set_strict_mode(true);
    handlebars.set_prevent_indent(true);
    for path in Files::iter() {
        let (Some(name), Some(file)) = (path.strip_suffix(".html.hbs"), Files::get(&path)) else {
            continue;
        };
        handlebars.register_template_string(name, std::str::from_utf8(&file.data)?)?;
    }
    Ok(())
}

/// Every template's name (for the test that each page is looked at).
pub fn names() -> impl Iterator<Item = String> {
    Files::iter().filter_map(|path| path.strip_suffix(".html.hbs").map(str::to_owned))
}
