//! Previews: what is to be done is carried out, looked at, and taken back, so the page cannot promise
//! less than would happen. What is confirmed carries a seal over exactly that; when it is done, it is
//! done again and must come to the same, or the difference is shown instead.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::{Changed, differences};
use super::manage::{Manage, Registry};
use super::model::Model;
use super::seal::Seal;
use crate::auth::{Act, Need, Visitor};
use crate::changes::{ChangeSet, Entry, Remembered};
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values, visible};

/// How many objects of a section the page names; it counts them all.
const NAMED: usize = 100;

/// An object to which nothing will be done, and why.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Refused {
    pub(super) kind: String,
    pub(super) id: i64,
    pub(super) label: String,
    pub(super) why: String,
    /// Whether all that is missing is the password, typed once more.
    pub(super) unconfirmed: bool,
}

impl Refused {
    /// That something was refused to an object; an error of ours stays one.
    pub(super) fn of(
        registry: Registry,
        kind: &str,
        id: i64,
        label: String,
        refusal: Refusal,
    ) -> Result<Self> {
        let model = registry.find(kind).ok().map(Manage::model);
        let unconfirmed = matches!(refusal, Refusal::Failed(Error::Unconfirmed));
        Ok(Self { kind: kind.to_owned(), id, label, why: why(model, refusal)?, unconfirmed })
    }
}

/// What will be done to one kind of objects.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    heading: String,
    named: Vec<Named>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct Named {
    label: String,
    href: Option<String>,
    values: Vec<Changed>,
}

/// A field that the confirmation carries along.
#[derive(Debug, Serialize)]
pub(super) struct Carried {
    name: String,
    value: String,
}

/// What the page of a preview shows of what would be done.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    /// What somebody confirmed before came to something else: what differs.
    differs: Vec<String>,
    changed_meanwhile: bool,
    sections: Vec<Section>,
    /// What changes along, and is in no object's row.
    effects: Vec<String>,
    refused: Vec<Refused>,
    refused_more: usize,
    unconfirmed: bool,
    /// Whether anything would be done.
    any: bool,
    seal: String,
    seen: String,
    reason: String,
    carried: Vec<Carried>,
}

impl Preview {
    /// Of what a set would do. Kinds that somebody may not view are not told of. `typed` is what a
    /// confirmation said that came to something else, if this follows one.
    pub(super) fn of(
        registry: Registry,
        by: &Visitor,
        operation: &str,
        set: &ChangeSet,
        refused: Vec<Refused>,
        typed: &Values,
        carry: &[&str],
    ) -> Self {
        let sealed = Seal::of(operation, set, &refused);
        let unconfirmed = refused.iter().any(|refused| refused.unconfirmed);
        let mut groups: BTreeMap<(&str, u8), (usize, Vec<Named>)> = BTreeMap::new();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut any = false;
        for remembered in set.remembered() {
            any = true;
            let Remembered { kind, object_id, label, before, after } = remembered;
            if !by.has(Need::to(Act::View, kind)) {
                continue;
            }
            names.insert(format!("{kind}.{object_id}"), label.to_owned());
            let verb = match (before, after) {
                (Some(_), Some(_)) => 0,
                (None, _) => 1,
                (_, None) => 2,
            };
            let group = groups.entry((kind, verb)).or_default();
            group.0 += 1;
            if group.1.len() < NAMED {
                let linked = registry.find(kind).is_ok() && before.is_some();
                group.1.push(Named {
                    label: label.to_owned(),
                    href: linked.then(|| format!("/admin/{kind}/{object_id}/change/")),
                    values: if verb == 0 {
                        values_of(registry, kind, before, after)
                    } else {
                        Vec::new()
                    },
                });
            }
        }
        let sections = groups
            .into_iter()
            .map(|((kind, verb), (count, named))| Section {
                heading: match verb {
                    0 => format!("{} will change", numbered(count, kind)),
                    1 => format!("{} will be made again", numbered(count, kind)),
                    _ => format!("{} will be deleted", numbered(count, kind)),
                },
                more: count - named.len(),
                named,
            })
            .collect();
        let follows = typed.has("seal");
        let carried = carry
            .iter()
            .flat_map(|name| typed.all(name).iter().map(move |value| (name, value)))
            .map(|(name, value)| Carried { name: (*name).to_owned(), value: value.clone() })
            .collect();
        let mut refused = refused;
        for part in &refused {
            names.insert(format!("{}.{}", part.kind, part.id), part.label.clone());
        }
        Self {
            differs: if follows {
                sealed.differences(typed.first("seen"), &names)
            } else {
                Vec::new()
            },
            changed_meanwhile: follows,
            unconfirmed,
            sections,
            effects: Vec::new(),
            any,
            refused_more: refused.len().saturating_sub(NAMED),
            refused: {
                refused.truncate(NAMED);
                refused
            },
            reason: typed.first("reason").to_owned(),
            seal: sealed.digest,
            seen: sealed.seen,
            carried,
        }
    }

    /// Says what else changes along.
    pub(super) fn effects(&mut self, effects: Vec<String>) {
        self.effects = effects;
    }

    /// Carries one more field along.
    pub(super) fn carry(&mut self, name: &str, value: impl Into<String>) {
        self.carried.push(Carried { name: name.to_owned(), value: value.into() });
    }
}

/// An operation together with what changes along with it: a confirmation means both.
pub(super) fn with_effects(operation: String, effects: &[String]) -> String {
    [&[operation], effects].concat().join("\n")
}

/// Whether a confirmation means exactly what a set does.
pub(super) fn is_sealed(
    typed: &Values,
    operation: &str,
    set: &ChangeSet,
    refused: &[Refused],
) -> bool {
    typed.first("seal") == Seal::of(operation, set, refused).digest
}

fn values_of(
    registry: Registry,
    kind: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Vec<Changed> {
    differences(
        registry,
        &Entry {
            change_set_id: 0,
            at: 0,
            actor: String::new(),
            action: String::new(),
            kind: kind.to_owned(),
            object_id: 0,
            label: String::new(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        },
    )
}

/// `1 flight`, `2 flights`: kinds are named in the plural.
pub(super) fn numbered(count: usize, kind: &str) -> String {
    let one = if count == 1 { kind.strip_suffix('s') } else { None };
    format!("{count} {}", one.unwrap_or(kind))
}

/// Why a part was refused, as a sentence; an error of ours stays one.
fn why(model: Option<&Model>, refusal: Refusal) -> Result<String> {
    match refusal {
        Refusal::Invalid(errors) => Ok(told(model, &errors)),
        Refusal::Failed(error @ (Error::Refused(_) | Error::Unconfirmed)) => Ok(error.to_string()),
        Refusal::Failed(Error::NotFound) => Ok("It is gone.".to_owned()),
        Refusal::Failed(Error::Conflict(_)) => {
            Ok("Something else depends on it, or has its place.".to_owned())
        }
        Refusal::Failed(error) => Err(error),
    }
}

/// What is wrong with fields, in one line.
fn told(model: Option<&Model>, errors: &Errors) -> String {
    let label = |name: &str| {
        let fields = model.map_or(&[][..], |model| model.fields);
        fields
            .iter()
            .find(|field| field.name == name)
            .map_or(name.to_owned(), |field| field.label.to_owned())
    };
    errors
        .iter()
        .map(|(name, errors)| format!("{}: {}", label(name), errors.join(" ")))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The reason that a form gives for what it does; may be empty. What nobody sees in it, such as the mark of direction
/// that comes along when Hebrew is copied, is left out.
pub(super) fn reason(typed: &Values) -> Result<String> {
    const LONGEST: usize = 200;
    let reason = visible(typed.first("reason"));
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if reason.chars().count() > LONGEST {
        return Err(Error::BadRequest("A reason has at most 200 characters."));
    }
    Ok(reason)
}
