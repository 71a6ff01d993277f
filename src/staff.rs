//! How staff see and change each kind of object: data, and a few typed functions.

pub mod access;
pub mod airports;
mod bookings;
mod dependents;
mod effects;
pub mod flights;
pub mod groups;
pub mod log;
pub mod passengers;
mod undo;
pub mod users;

use crate::admin::Registry;
use crate::input::Values;

/// Every kind, in the order of the navigation.
pub const KINDS: Registry = Registry {
    kinds: &[
        &airports::Airports,
        &flights::Flights,
        &passengers::Passengers,
        &users::Users,
        &groups::Groups,
        &log::Log,
    ],
    undo: &undo::EveryKind,
    side_effects: &effects::Times,
    dependents: dependents::DEPENDENTS,
};

/// What a chooser says: only what differs from the form as it was made, so that what came meanwhile
/// stays.
struct Choices {
    /// Ids whose tick was taken away.
    gone: Vec<i64>,
    /// Ids that were ticked; what is no number is nobody's id.
    new: Vec<i64>,
}

impl Choices {
    fn of(values: &Values, field: &str) -> Self {
        let before: Vec<&str> =
            values.first(&format!("{field}-before")).split_whitespace().collect();
        let ticked = values.all(field);
        let gone = before.iter().filter(|id| !ticked.iter().any(|ticked| ticked == *id));
        let new = ticked.iter().filter(|id| !before.contains(&id.as_str()));
        Self {
            gone: gone.filter_map(|id| id.parse().ok()).collect(),
            new: new.map(|id| id.parse().unwrap_or(-1)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_kinds_say_of_themselves_fits_together() {
        assert_eq!(crate::admin::mistakes(super::KINDS), Vec::<String>::new());
    }
}
