//! From a form to an object that it refers to, and back with it: in a dialog where there are scripts, on
//! a page of its own where there are none. What was typed goes along in the address, and comes back.

use super::manage::{Manage, Registry, Saved};
use super::model::{Field, Input, Model};
use crate::auth::{Act, Visitor};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::{Errors, Values};

/// The fields by which the form of a related object knows where it leads back to.
pub(super) const CARRIED: [&str; 3] = ["_into", "_return", "_dialog"];

/// The kind that a field's objects are of.
fn kind_of(field: &Field) -> Option<&'static str> {
    match field.input {
        Input::Pick { kind } | Input::Rows { kind } => Some(kind),
        _ => None,
    }
}

/// Where a button of a form leads (`_related` holds the field and `add` or `open`): the form of the
/// related object, with the way back. Where its text means no object or several, the field's error.
pub(super) async fn leave(
    db: &mut Conn,
    registry: Registry,
    by: &Visitor,
    model: &'static Model,
    id: Option<i64>,
    typed: &Values,
) -> Result<Result<String, Errors>> {
    let (name, wish) = typed.first("_related").split_once(':').unwrap_or_default();
    let field = model.fields.iter().find(|field| field.name == name).ok_or(Error::NotFound)?;
    by.need(field.needs)?;
    let kind = kind_of(field).ok_or(Error::NotFound)?;
    let there = if wish == "add" {
        registry.open(kind, Act::Add, by)?;
        format!("/admin/{kind}/add/")
    } else {
        let manage = registry.open(kind, Act::View, by)?;
        let id = match manage.resolve(db, typed.first(name)).await? {
            Ok(id) => id,
            Err(why) => return Ok(Err(Errors::one(field.name, why))),
        };
        format!("/admin/{kind}/{id}/change/")
    };
    let form = match id {
        Some(id) => format!("/admin/{}/{id}/change/", model.slug),
        None => format!("/admin/{}/add/", model.slug),
    };
    let kept = typed.iter().filter(|(name, _)| !["csrf", "_related"].contains(name));
    let mut state = form_urlencoded::Serializer::new(String::new());
    state.extend_pairs(kept);
    let back = format!("{form}?{}", state.finish());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("_into", name).append_pair("_return", &back);
    Ok(Ok(format!("{there}?{}", query.finish())))
}

/// What a field holds for an object that was saved.
pub(super) async fn text_of(
    db: &mut Conn,
    manage: &'static dyn Manage,
    saved: &Saved,
) -> Result<String> {
    let chosen = manage.chosen(db, &[saved.id]).await?;
    Ok(chosen.into_iter().next().map_or_else(|| saved.label.clone(), |choice| choice.text))
}

/// The form that one came from: its address, its field, and what it holds.
fn waiting(registry: Registry, typed: &Values) -> Option<(&str, &'static Field, Values)> {
    let (path, state) = typed.first("_return").split_once('?')?;
    let mut parts = path.strip_prefix("/admin/")?.strip_suffix('/')?.split('/');
    let model = registry.find(parts.next()?).ok()?.model();
    match (parts.next()?, parts.next(), parts.next()) {
        ("add", None, None) => {}
        (id, Some("change"), None) if id.parse::<i64>().is_ok() => {}
        _ => return None,
    }
    let field = model.fields.iter().find(|field| field.name == typed.first("_into"))?;
    Some((path, field, Values::from_urlencoded(state)))
}

/// The address of the form that one came from, as one left it.
pub(super) fn way_back(registry: Registry, typed: &Values) -> Option<String> {
    let (path, _, values) = waiting(registry, typed)?;
    Some(address(path, &values))
}

fn address(path: &str, values: &Values) -> String {
    let mut state = form_urlencoded::Serializer::new(String::new());
    state.extend_pairs(values.iter());
    format!("{path}?{}", state.finish())
}

/// The address of the form that one came from, with the object in its field.
pub(super) fn come_back(registry: Registry, typed: &Values, text: &str) -> Option<String> {
    let (path, field, mut values) = waiting(registry, typed)?;
    let mut held = values.all(field.name).to_vec();
    if let Input::Rows { .. } = field.input {
        held.retain(|text| !text.trim().is_empty());
    } else {
        held.clear();
    }
    held.push(text.to_owned());
    values.set_all(field.name, held);
    Some(address(path, &values))
}
