//! Mistakes in what kinds say of themselves, found before anybody meets them, as Django's `admin/checks.py` does.

use std::collections::BTreeSet;

use super::manage::Registry;
use super::model::{Input, Look, Model};

/// What is wrong with the kinds of a registry, a line each.
#[must_use]
pub fn mistakes(registry: Registry) -> Vec<String> {
    let models: Vec<&Model> = registry.kinds.iter().map(|kind| kind.model()).collect();
    let mut found: Vec<_> = models.iter().flat_map(|model| mistakes_of(model, &models)).collect();
    found.extend(repeated("the navigation", models.iter().map(|model| model.slug)));
    // The first letter is the key that leads to a list.
    let keys: Vec<_> = models.iter().filter_map(|model| model.slug.get(..1)).collect();
    found.extend(repeated("the keys of the navigation", keys.into_iter()));
    for dependent in registry.dependents {
        if !models.iter().any(|model| model.slug == dependent.of) {
            found.push(format!("nothing can depend on {}, which is no kind", dependent.of));
        }
    }
    found
}

fn mistakes_of(model: &Model, models: &[&Model]) -> Vec<String> {
    let (slug, list) = (model.slug, &model.list);
    let columns: Vec<_> = list.columns.iter().map(|column| column.name).collect();
    let fields: Vec<_> = model.fields.iter().map(|field| field.name).collect();
    let mut found = Vec::new();
    found.extend(repeated(&format!("the columns of {slug}"), columns.iter().copied()));
    found.extend(repeated(&format!("the fields of {slug}"), fields.iter().copied()));
    let filters = list.filters.iter().map(|filter| filter.name);
    found.extend(repeated(&format!("the filters of {slug}"), filters));
    let texts = [model.slug, model.name, model.plural, model.empty, list.search_help, list.order];
    let titles = list.columns.iter().map(|column| column.title);
    let titles = titles.chain(list.filters.iter().map(|filter| filter.title));
    let titles = titles.chain(model.fields.iter().map(|field| field.label));
    if texts.into_iter().chain(titles).any(str::is_empty) {
        found.push(format!("a text of {slug} is empty"));
    }
    for name in list.order.split(',').map(|name| name.trim_start_matches('-')) {
        if !columns.contains(&name) {
            found.push(format!("{slug} is sorted by {name}, which is no column"));
        }
    }
    for column in list.columns.iter().filter(|column| !column.edits.is_empty()) {
        if model.read_only || !fields.contains(&column.edits) {
            let (name, edits) = (column.name, column.edits);
            found.push(format!("the column {name} of {slug} edits {edits}, which is no field"));
        }
    }
    let looks = list.filters.iter().map(|filter| &filter.look).chain(list.search);
    let looked_for = looks.filter_map(|look| match look {
        // (An empty one is suggested nowhere.)
        Look::Related { kind, .. } if !kind.is_empty() => Some(*kind),
        _ => None,
    });
    let picked = model.fields.iter().filter_map(|field| match field.input {
        Input::Pick { kind } | Input::Rows { kind } | Input::Chooser { kind } => Some(kind),
        _ => None,
    });
    for kind in looked_for.chain(picked) {
        if !models.iter().any(|model| model.slug == kind) {
            found.push(format!("{slug} refers to {kind}, which is no kind"));
        }
    }
    found
}

fn repeated<'a>(place: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut known = BTreeSet::new();
    names
        .filter(|name| !known.insert(*name))
        .map(|name| format!("{name} is twice among {place}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Column, Field, Filter, List};
    use crate::auth::Need;
    use crate::db::Searched;

    static WRONG: Model = Model {
        slug: "gates",
        name: "gate",
        plural: "",
        empty: "There are no gates.",
        list: List {
            table: "gates g",
            from: "gates g",
            id: "g.id",
            columns: &[
                Column::text("name", "Name", "g.name").edits("nothing"),
                Column::text("name", "Name", "g.name"),
            ],
            search: &[],
            search_help: "the name",
            filters: &[Filter::new(
                "at",
                "Airport",
                Look::Related {
                    column: "g.airport_id",
                    searched: Searched::by_parts("airports"),
                    kind: "harbors",
                },
            )],
            order: "-number",
        },
        fields: &[Field::new("airport", "Airport", Input::Pick { kind: "stations" })],
        read_only: false,
        named_to: Need::Staff,
    };

    #[test]
    fn each_mistake_is_named() {
        let found = mistakes_of(&WRONG, &[&WRONG]).join("\n");
        for part in ["name is twice", "is empty", "number", "nothing", "harbors", "stations"] {
            assert!(found.contains(part), "{part}: {found}");
        }
    }
}
