//! The navigation of the staff site: the kinds that somebody may view.

use serde::Serialize;

use super::model::Registry;
use crate::auth::Visitor;
use crate::db::Conn;
use crate::error::Result;

/// The navigation, as its template shows it.
#[derive(Debug, Serialize)]
pub(super) struct Nav {
    kinds: Vec<KindLink>,
}

/// A kind in the navigation.
#[derive(Debug, Serialize)]
struct KindLink {
    slug: &'static str,
    plural: &'static str,
    here: bool,
}

impl Nav {
    /// The navigation with the page that is being looked at.
    pub(super) async fn of(
        _db: &mut Conn,
        registry: Registry,
        by: &Visitor,
        here: &str,
    ) -> Result<Self> {
        let kinds = registry.visible_to(by).map(|model| KindLink {
            slug: model.slug,
            plural: model.plural,
            here: model.slug == here,
        });
        Ok(Self { kinds: kinds.collect() })
    }
}
