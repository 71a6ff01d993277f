//! Rights: what an account may do, as a closed list; and why it may not, as a sentence.
//!
//! As in Django there are four rights for each kind of object. Whoever may change may view. The
//! others are named after what they allow.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::groups::Group;
use crate::error::Error;

/// What is done to a kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Look at its list, its objects and their histories.
    View,
    /// Make one.
    Add,
    /// Change one.
    Change,
    /// Delete one.
    Delete,
}

impl Act {
    /// All four, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::View, Self::Add, Self::Change, Self::Delete];

    /// As it stands in codes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Add => "add",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

/// The kinds that there are rights for, by their names in addresses.
pub const KINDS: [&str; 5] = ["airports", "flights", "passengers", "users", "groups"];

/// Something that an account may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Do something to objects of a kind (one of [`KINDS`]).
    On(Act, &'static str),
    /// Put passengers on flights and take them off.
    Book,
    /// See who is aboard.
    SeeNames,
    /// Take lists home as files.
    Export,
    /// Bring files in.
    Import,
    /// Give and take rights, membership in groups, and entry to the staff site.
    ManageUsers,
}

impl Right {
    /// Those that are not about one kind of object.
    pub const NAMED: [Self; 5] =
        [Self::Book, Self::SeeNames, Self::Export, Self::Import, Self::ManageUsers];

    /// Every right that there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let on = KINDS.iter().flat_map(|kind| Act::ALL.map(|act| Self::On(act, kind)));
        on.chain(Self::NAMED)
    }

    /// The right to do something to a kind; none for a kind that has none.
    #[must_use]
    pub fn on(act: Act, kind: &str) -> Option<Self> {
        KINDS.iter().find(|known| **known == kind).map(|kind| Self::On(act, kind))
    }

    /// As it is kept: `change_flights`, `see_names`.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::On(act, kind) => format!("{}_{kind}", act.name()),
            Self::Book => "book".to_owned(),
            Self::SeeNames => "see_names".to_owned(),
            Self::Export => "export".to_owned(),
            Self::Import => "import".to_owned(),
            Self::ManageUsers => "manage_users".to_owned(),
        }
    }

    /// The right of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::all().find(|right| right.code() == code)
    }

    /// Whether it comes with another: who changes must see what, and who books must see whom.
    fn comes_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::On(Act::View, kind), Self::On(Act::Change, same)) => kind == same,
            (Self::SeeNames, Self::Book) => true,
            (Self::SeeNames, Self::On(Act::View | Act::Change, kind)) => kind == "passengers",
            _ => false,
        }
    }
}

/// As people read it: `Change flights`.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(act, kind) => {
                let act = match act {
                    Act::View => "View",
                    Act::Add => "Add",
                    Act::Change => "Change",
                    Act::Delete => "Delete",
                };
                write!(f, "{act} {kind}")
            }
            Self::Book => f.write_str("Book passengers"),
            Self::SeeNames => f.write_str("See passengers’ names"),
            Self::Export => f.write_str("Export"),
            Self::Import => f.write_str("Import"),
            Self::ManageUsers => f.write_str("Manage users"),
        }
    }
}

/// A set of rights. Kept and written as codes with blanks between; a code that this program does not
/// know is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Rights(BTreeSet<Right>);

impl Rights {
    /// Reads codes with blanks between.
    #[must_use]
    pub fn parse(codes: &str) -> Self {
        codes.split_whitespace().filter_map(Right::parse).collect()
    }

    /// Whether a right is among them, or comes with one that is.
    #[must_use]
    pub fn has(&self, right: Right) -> bool {
        self.0.contains(&right) || self.0.iter().any(|held| right.comes_with(*held))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Right> {
        self.0.iter().copied()
    }

    /// These and others.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        Self(self.0.union(&others.0).copied().collect())
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().collect())
    }
}

impl From<String> for Rights {
    fn from(codes: String) -> Self {
        Self::parse(&codes)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, right) in self.0.iter().enumerate() {
            let blank = if number == 0 { "" } else { " " };
            write!(f, "{blank}{}", right.code())?;
        }
        Ok(())
    }
}

impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What something needs of who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To be signed in to an account of staff.
    Staff,
    /// A right.
    Right(Right),
    /// To be a superuser.
    Superuser,
}

impl Need {
    /// What one needs to do something to objects of a kind, those included that are parts of others:
    /// who is aboard is changed by who may book, and who is in a group by who manages users.
    #[must_use]
    pub fn to(act: Act, kind: &str) -> Self {
        match (Right::on(act, kind), kind, act) {
            (Some(right), ..) => Self::Right(right),
            // (What the demo's log said may name who was aboard.)
            (None, "bookings" | "remarks", Act::View) => Self::Right(Right::SeeNames),
            (None, "bookings", _) => Self::Right(Right::Book),
            // Of the log one sees what is about kinds that one may view.
            (None, "log", Act::View) => Self::Staff,
            (None, "memberships", _) => Self::Right(Right::ManageUsers),
            (None, ..) => Self::Superuser,
        }
    }

    /// As an error carries it.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Staff => "staff".to_owned(),
            Self::Superuser => "superuser".to_owned(),
            Self::Right(right) => right.code(),
        }
    }

    /// The need of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        match code {
            "staff" => Some(Self::Staff),
            "superuser" => Some(Self::Superuser),
            right => Right::parse(right).map(Self::Right),
        }
    }

    /// The error of somebody who lacks it.
    #[must_use]
    pub fn denied(self) -> Error {
        Error::Denied(self.code())
    }

    /// Why who lacks it may not, and who could help: a sentence for a button or a page.
    #[must_use]
    pub fn reason(self, groups: &[Group]) -> String {
        match self {
            Self::Staff => "This needs an account of staff; yours is none. \
                Somebody who manages users can make it one."
                .to_owned(),
            Self::Superuser => "This needs a superuser.".to_owned(),
            Self::Right(right) => {
                let names: Vec<_> = groups
                    .iter()
                    .filter(|group| group.rights.has(right))
                    .map(|group| format!("“{}”", group.name))
                    .collect();
                let who = match names.as_slice() {
                    [] => {
                        "No group has it; somebody who manages users can give it to you.".to_owned()
                    }
                    [one] => format!("The group {one} has it."),
                    [first @ .., last] => {
                        format!("The groups {} and {last} have it.", first.join(", "))
                    }
                };
                format!("This needs the right “{right}”. {who}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Act, Right, Rights};

    proptest! {
        #![proptest_config(crate::random::many())]

        /// Any text is a set of rights, and is written as the same set.
        #[test]
        fn any_codes_are_read(
            codes in prop_oneof!["((view|add|change|delete|see|manage)_[a-z]{0,10} ?|book ?){0,9}", any::<String>()]
        ) {
            let rights = Rights::parse(&codes);
            prop_assert_eq!(Rights::parse(&rights.to_string()), rights);
        }
    }

    #[test]
    fn codes_lead_back_to_their_rights() {
        assert_eq!(Right::all().count(), 25);
        for right in Right::all() {
            assert_eq!(Right::parse(&right.code()), Some(right));
        }
        assert_eq!(Right::parse("view_nothing"), None);
        let rights = Rights::parse("book nonsense  change_flights book");
        assert_eq!(Rights::parse(&rights.to_string()), rights);
        assert_eq!(rights.iter().count(), 2);
    }

    #[test]
    fn who_changes_may_view_and_who_books_sees_whom() {
        let has = |codes: &str, right| Rights::parse(codes).has(right);
        assert!(has("change_flights", Right::On(Act::View, "flights")));
        assert!(!has("change_flights", Right::On(Act::View, "airports")));
        assert!(!has("change_flights", Right::On(Act::Delete, "flights")));
        assert!(!has("view_flights", Right::On(Act::Change, "flights")));
        assert!(has("book", Right::SeeNames) && has("view_passengers", Right::SeeNames));
        assert!(!has("see_names view_flights", Right::Book));
    }
}
