//! What pages are made of: the shell around each, forms, messages, htmx, errors, assets, headers.

pub mod asked;
pub mod assets;
pub mod body;
pub mod cache;
pub mod catchers;
pub mod counts;
pub mod gate;
pub mod headers;
pub mod log;
pub mod messages;
mod methods;
pub mod page;
pub mod resume;
pub mod safe;
pub mod stream;
pub mod templates;

pub use asked::{Hx, Query};
pub use body::Submission;
pub use counts::{counted, with_commas};
pub use messages::Message;
pub use page::{Html, Page, Reply};

/// The first of what a search for one more than `most` found, and whether there is more.
#[must_use]
pub fn first_of<T>(mut found: Vec<T>, most: usize) -> (Vec<T>, bool) {
    let more = found.len() > most;
    found.truncate(most);
    (found, more)
}
