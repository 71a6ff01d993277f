//! A kind of object, as data: how it is listed, searched and filled in.

use crate::auth::Need;
use crate::db::Searched;

/// A kind of object, as data: what is shown. Every string here stands in the source; none comes
/// from a visitor.
#[derive(Debug)]
pub struct Model {
    /// Its name in addresses: `flights`.
    pub slug: &'static str,
    /// One of it: `flight`.
    pub name: &'static str,
    /// Many of it: `Flights`.
    pub plural: &'static str,
    /// What the list of it is for, in a sentence, for an empty list.
    pub empty: &'static str,
    /// How it is listed.
    pub list: List,
    /// How it is filled in.
    pub fields: &'static [Field],
    /// Whether it is only looked at: there is a list, and the engine has a page for each, but no form.
    pub read_only: bool,
    /// What one needs to be told of objects of this kind by name, where another form asks for one.
    pub named_to: Need,
}

/// How a kind is listed.
#[derive(Debug)]
pub struct List {
    /// The table itself, with what is left joined to it: what filters and searches look into.
    pub table: &'static str,
    /// The table with all that its columns are joined to.
    pub from: &'static str,
    /// The column of ids.
    pub id: &'static str,
    /// What is shown of each; the first leads to its form.
    pub columns: &'static [Column],
    /// Where a word of a search must be found, in one of these.
    pub search: &'static [Look],
    /// What the search looks into, for people.
    pub search_help: &'static str,
    /// The fields of the search language.
    pub filters: &'static [Filter],
    /// The order at first: columns' names with commas between, with `-` for downward.
    pub order: &'static str,
}

/// A column of a list.
#[derive(Debug)]
pub struct Column {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it shows.
    pub show: Show,
    /// What it is sorted by.
    pub sort: Key,
    /// The form's field that can be changed in the list's row; empty for none.
    pub edits: &'static str,
}

impl Column {
    const fn new(name: &'static str, title: &'static str, show: Show, sort: Key) -> Self {
        Self { name, title, show, sort, edits: "" }
    }

    /// A column of text that is never missing, sorted by what it shows.
    #[must_use]
    pub const fn text(name: &'static str, title: &'static str, sql: &'static str) -> Self {
        Self::new(name, title, Show::Text(sql), Key::Text(sql))
    }

    /// A column of names, sorted by their search key.
    #[must_use]
    pub const fn named(
        name: &'static str,
        title: &'static str,
        sql: &'static str,
        key: &'static str,
    ) -> Self {
        Self::new(name, title, Show::Text(sql), Key::Text(key))
    }

    /// A column of numbers that are never missing.
    #[must_use]
    pub const fn number(name: &'static str, title: &'static str, sql: &'static str) -> Self {
        Self::new(name, title, Show::Number(sql), Key::Number(sql))
    }

    /// A column of numbers with a fraction, which may be missing; the key is nearly the same as a whole number.
    #[must_use]
    pub const fn decimal(
        name: &'static str,
        title: &'static str,
        sql: &'static str,
        key: &'static str,
    ) -> Self {
        Self::new(name, title, Show::Decimal(sql), Key::Sparse(key))
    }

    /// A column of minutes.
    #[must_use]
    pub const fn minutes(name: &'static str, title: &'static str, sql: &'static str) -> Self {
        Self::new(name, title, Show::Minutes(sql), Key::Number(sql))
    }

    /// A column of yes and no; the key is the same as a number.
    #[must_use]
    pub const fn flag(
        name: &'static str,
        title: &'static str,
        sql: &'static str,
        key: &'static str,
    ) -> Self {
        Self::new(name, title, Show::Flag(sql), Key::Number(key))
    }

    /// A column of moments (seconds since 1970, or nothing) in some zone.
    #[must_use]
    pub const fn moment(
        name: &'static str,
        title: &'static str,
        at: &'static str,
        zone: &'static str,
    ) -> Self {
        Self::new(name, title, Show::Moment { at, zone }, Key::Sparse(at))
    }

    /// Sorted by something else than it shows.
    #[must_use]
    pub const fn by(self, sort: Key) -> Self {
        Self { sort, ..self }
    }

    /// Changed in the list's row through a field of the form.
    #[must_use]
    pub const fn edits(self, edits: &'static str) -> Self {
        Self { edits, ..self }
    }
}

/// What a column shows: SQL expressions, and how their values are written.
#[derive(Debug, Clone, Copy)]
pub enum Show {
    /// Text.
    Text(&'static str),
    /// A whole number, or nothing.
    Number(&'static str),
    /// A number with a fraction, or nothing.
    Decimal(&'static str),
    /// Minutes, as hours and minutes.
    Minutes(&'static str),
    /// Yes or no, where no is worth a look.
    Flag(&'static str),
    /// A moment, in a time zone.
    Moment {
        /// Seconds since 1970.
        at: &'static str,
        /// An IANA zone's name.
        zone: &'static str,
    },
}

/// What rows are put in order by: an SQL expression and its type.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// Text that is never missing.
    Text(&'static str),
    /// A number (a BIGINT, where it is computed) that is never missing.
    Number(&'static str),
    /// A number that may be missing; such rows come last.
    Sparse(&'static str),
}

/// A field of the search language.
#[derive(Debug)]
pub struct Filter {
    /// Its name in searches: `from`.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it looks into.
    pub look: Look,
}

impl Filter {
    /// A field of the search language.
    #[must_use]
    pub const fn new(name: &'static str, title: &'static str, look: Look) -> Self {
        Self { name, title, look }
    }

    /// `is:`, the states that objects can be in: name, title, condition of each.
    #[must_use]
    pub const fn states(states: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        Self::new("is", "State", Look::Choice(states))
    }
}

/// What a filter or a search looks into: columns of the list's own table.
#[derive(Debug)]
pub enum Look {
    /// One of some choices: name, title, condition.
    Choice(&'static [(&'static str, &'static str, &'static str)]),
    /// Folded text that holds the words.
    Words(&'static str),
    /// An object of another kind whose folded text holds the words.
    Related {
        /// The column that refers to it.
        column: &'static str,
        /// Where it is looked for.
        searched: Searched,
        /// Its kind, to suggest from.
        kind: &'static str,
    },
    /// A whole number that can be compared.
    Number(&'static str),
    /// A day, as `2026-12-24`, or empty; compared with a year, a month or a day.
    Day(&'static str),
    /// A moment, in seconds since 1970; compared with a year, a month or a day of UTC.
    Moment(&'static str),
}

/// A field of a form.
#[derive(Debug)]
pub struct Field {
    /// Its name in forms.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// What to write there, where the label does not say it.
    pub help: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// How it is filled in.
    pub input: Input,
    /// What one needs to see it, besides the kind's right to view.
    pub seen_by: Need,
    /// What one needs to fill it in, besides the kind's right to add or change. Others see what
    /// there is, and why they cannot change it.
    pub needs: Need,
}

impl Field {
    /// A field that may be left out, and that everybody fills in who may change the kind.
    #[must_use]
    pub const fn new(name: &'static str, label: &'static str, input: Input) -> Self {
        Self {
            name,
            label,
            help: "",
            required: false,
            input,
            seen_by: Need::Staff,
            needs: Need::Staff,
        }
    }

    /// A line of text of at most so many characters.
    #[must_use]
    pub const fn text(name: &'static str, label: &'static str, longest: usize) -> Self {
        Self::new(name, label, Input::Text { longest })
    }

    /// It must be given.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What to write there.
    #[must_use]
    pub const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// What one needs to see it.
    #[must_use]
    pub const fn seen_by(self, seen_by: Need) -> Self {
        Self { seen_by, ..self }
    }

    /// What one needs to fill it in.
    #[must_use]
    pub const fn needs(self, needs: Need) -> Self {
        Self { needs, ..self }
    }
}

/// How a field is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A line of text of at most so many characters.
    Text {
        /// Characters, not bytes.
        longest: usize,
    },
    /// A whole number.
    Number {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A decimal number.
    Decimal,
    /// Yes or no.
    Flag {
        /// What it is for a new object.
        at_first: bool,
    },
    /// Rights, as a table of boxes: kinds and what is done to them.
    Rights,
    /// A date and a time at some airport.
    LocalTime,
    /// One object of a kind, by what people call it; suggested as one types.
    Pick {
        /// The kind.
        kind: &'static str,
    },
    /// Objects of a kind as rows: those that are there can be taken out, new ones are picked.
    Rows {
        /// The kind.
        kind: &'static str,
    },
    /// Objects of a kind in two panes: the chosen ones, and a search among the others.
    Chooser {
        /// The kind.
        kind: &'static str,
    },
}

impl Model {
    /// What a kind is that says nothing else: it has a form, and staff are told of its objects by name.
    pub const PLAIN: Self = Self {
        slug: "",
        name: "",
        plural: "",
        empty: "",
        list: List {
            table: "",
            from: "",
            id: "",
            columns: &[],
            search: &[],
            search_help: "",
            filters: &[],
            order: "",
        },
        fields: &[],
        read_only: false,
        named_to: Need::Staff,
    };
}
