//! The navigation of the staff site: the kinds that somebody may view, and the views he pinned.

use serde::Serialize;

use super::manage::Registry;
use crate::auth::views::{self, View};
use crate::auth::{Act, Need, Visitor};
use crate::db::Conn;
use crate::error::Result;

/// The navigation, as its template shows it.
#[derive(Debug, Serialize)]
pub(super) struct Nav {
    kinds: Vec<KindLink>,
    pinned: Vec<ViewLink>,
    /// Every saved view that he sees of kinds that he may view.
    #[serde(skip)]
    pub(super) views: Vec<View>,
}

/// A kind in the navigation.
#[derive(Debug, Serialize)]
struct KindLink {
    slug: &'static str,
    plural: &'static str,
    here: bool,
    /// The letter that goes there after `g`.
    key: String,
}

/// A saved view, as a link.
#[derive(Debug, Serialize)]
pub(super) struct ViewLink {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) href: String,
}

impl ViewLink {
    pub(super) fn of(view: &View) -> Self {
        Self {
            id: view.id,
            name: view.name.clone(),
            kind: view.kind.clone(),
            href: format!("/admin/{}/?{}", view.kind, view.query),
        }
    }
}

impl Nav {
    /// The navigation with the page that is being looked at.
    pub(super) async fn of(
        db: &mut Conn,
        registry: Registry,
        by: &Visitor,
        here: &str,
    ) -> Result<Self> {
        let mut views = match &by.user {
            Some(user) => views::visible_to(db, user.id).await?,
            None => Vec::new(),
        };
        views.retain(|view| {
            registry.find(&view.kind).is_ok() && by.has(Need::to(Act::View, &view.kind))
        });
        let kinds = registry.visible_to(by).map(|model| KindLink {
            slug: model.slug,
            plural: model.plural,
            here: model.slug == here,
            key: model.slug.chars().take(1).collect(),
        });
        Ok(Self {
            kinds: kinds.collect(),
            pinned: views.iter().filter(|view| view.pinned).map(ViewLink::of).collect(),
            views,
        })
    }
}
