//! What is deleted along with what.

use crate::admin::Dependent;

const ENDS: &[&str] = &["f.origin_id", "f.destination_id"];

/// Every kind of object that cannot be without another.
pub(super) const DEPENDENTS: &[Dependent] = &[
    Dependent { of: "airports", kind: "flights", tables: "flights f", columns: ENDS },
    Dependent {
        of: "airports",
        kind: "bookings",
        tables: "bookings b JOIN flights f ON f.id = b.flight_id",
        columns: ENDS,
    },
    Dependent { of: "flights", kind: "bookings", tables: "bookings b", columns: &["b.flight_id"] },
    Dependent {
        of: "passengers",
        kind: "bookings",
        tables: "bookings b",
        columns: &["b.passenger_id"],
    },
    Dependent {
        of: "users",
        kind: "memberships",
        tables: "memberships m",
        columns: &["m.user_id"],
    },
    Dependent {
        of: "groups",
        kind: "memberships",
        tables: "memberships m",
        columns: &["m.group_id"],
    },
];
