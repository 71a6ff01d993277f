//! The columns of a file: what people, other programs and our own exports call them.

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With a header: a code and a city, and optionally country, time zone, latitude and longitude.
    Airports,
    /// Origin, destination and duration, without a header as the demo has them; with one, also the departure
    /// (local time at the origin) and the seats.
    Flights,
    /// First and last name, with or without a header.
    Passengers,
}

/// A column that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// What it is called in forms and messages.
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// Other names, as [`normalized`] writes them.
    others: &'static [&'static str],
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Says which object a row is, where it is filled.
    Identifies,
    Needed,
    Optional,
    /// Follows from other data; exports have it, and it is left out when they are read.
    Derived,
}

const fn column(name: &'static str, role: Role, others: &'static [&'static str]) -> Column {
    Column { name, role, others }
}

const AIRPORTS: &[Column] = &[
    column("code", Role::Needed, &["iata", "iatacode", "codeiata", "airportcode"]),
    column(
        "city",
        Role::Needed,
        &["municipality", "cityname", "town", "stadt", "ville", "ciudad", "cidade"],
    ),
    column(
        "country",
        Role::Optional,
        &["countryname", "isocountry", "land", "pays", "país", "pais"],
    ),
    column("timezone", Role::Optional, &["tz", "zone", "ianatimezone", "tzdatabasetimezone"]),
    column("latitude", Role::Optional, &["lat", "latitudedeg"]),
    column("longitude", Role::Optional, &["lon", "lng", "long", "longitudedeg"]),
    column("departures", Role::Derived, &[]),
    column("arrivals", Role::Derived, &[]),
    column("id", Role::Derived, &[]),
    column("version", Role::Derived, &[]),
    column("label", Role::Derived, &[]),
];

const FLIGHTS: &[Column] = &[
    column(
        "origin",
        Role::Needed,
        &[
            "from",
            "orig",
            "origincode",
            "origincity",
            "originairport",
            "fromairport",
            "departureairport",
            "departurecity",
            "departurecode",
        ],
    ),
    column(
        "destination",
        Role::Needed,
        &[
            "to",
            "dest",
            "destinationcode",
            "destinationcity",
            "destinationairport",
            "toairport",
            "arrivalairport",
            "arrivalcity",
            "arrivalcode",
        ],
    ),
    column(
        "duration",
        Role::Needed,
        &[
            "minutes",
            "mins",
            "min",
            "durationminutes",
            "durationmin",
            "flighttime",
            "flightduration",
        ],
    ),
    column(
        "departs",
        Role::Optional,
        &["departure", "departuretime", "departuredatetime", "departsat", "std"],
    ),
    column("capacity", Role::Optional, &["seats"]),
    column("number", Role::Identifies, &[]),
    column("arrives", Role::Derived, &["arrival", "arrivaltime", "arrivaldatetime", "sta"]),
    column("booked", Role::Derived, &["bookedseats"]),
    column("free", Role::Derived, &["freeseats"]),
    column("valid", Role::Derived, &[]),
    column("route", Role::Derived, &[]),
    column("version", Role::Derived, &[]),
    column("label", Role::Derived, &[]),
];

const PASSENGERS: &[Column] = &[
    column(
        "first",
        Role::Needed,
        &[
            "firstname",
            "forename",
            "given",
            "givenname",
            "givennames",
            "vorname",
            "prénom",
            "prenom",
            "fname",
            "firstnames",
            "passengerfirst",
            "passengerfirstname",
            "nome",
            "nombre",
            "nombres",
            "voornaam",
            "förnamn",
            "fornavn",
            "etunimi",
            "imię",
            "imie",
            "имя",
            "名",
        ],
    ),
    column(
        "last",
        Role::Needed,
        &[
            "lastname",
            "surname",
            "family",
            "familyname",
            "nachname",
            "apellidos",
            "sobrenome",
            "lname",
            "lastnames",
            "surnames",
            "passengerlast",
            "passengerlastname",
            "nom",
            "cognome",
            "apellido",
            "achternaam",
            "efternamn",
            "etternavn",
            "efternavn",
            "sukunimi",
            "nazwisko",
            "фамилия",
            "姓",
        ],
    ),
    column("number", Role::Identifies, &[]),
    column("flights", Role::Derived, &[]),
    column("version", Role::Derived, &[]),
    column("label", Role::Derived, &[]),
];

/// What else the first line of a list of people says, and no name of a person is.
const HEADINGS: &[&str] = &[
    "names",
    "passenger",
    "passengers",
    "pax",
    "email",
    "emailaddress",
    "mail",
    "phone",
    "telephone",
    "mobile",
    "address",
    "salutation",
    "gender",
    "birthday",
    "birthdate",
    "dateofbirth",
    "dob",
    "passport",
    "passportnumber",
    "passportno",
    "nationality",
    "seatnumber",
    "notes",
    "comment",
];

/// The same, where some people are called so.
const AMBIGUOUS_HEADINGS: &[&str] =
    &["person", "title", "sex", "age", "seat", "no", "nr", "id", "status"];

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Airports, Self::Flights, Self::Passengers];

    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Airports => AIRPORTS,
            Self::Flights => FLIGHTS,
            Self::Passengers => PASSENGERS,
        }
    }

    /// What many are called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Airports => "airports",
            Self::Flights => "flights",
            Self::Passengers => "passengers",
        }
    }

    /// The column that somebody means by a heading.
    pub(super) fn column(self, heading: &str) -> Option<&'static Column> {
        let heading = normalized(heading);
        self.columns().iter().find(|column| column.names().any(|name| name == heading))
    }

    /// The columns that a file must have, in the order that one without a header has them.
    pub(super) fn needed(self) -> impl Iterator<Item = &'static Column> {
        self.columns().iter().filter(|column| column.role == Role::Needed)
    }

    /// The column that a heading is nearly the name of.
    pub(super) fn nearest(self, heading: &str) -> Option<&'static Column> {
        const NEAR: f64 = 0.8;
        let heading = normalized(heading);
        let nearness = |column: &Column| {
            column.names().map(|name| strsim::jaro_winkler(&heading, name)).fold(0.0, f64::max)
        };
        self.columns()
            .iter()
            .map(|column| (nearness(column), column))
            .filter(|(nearness, _)| *nearness > NEAR)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, column)| column)
    }
}

impl Column {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.others.iter().copied())
    }
}

/// A heading without case, blanks, underscores, hyphens and other signs.
fn normalized(heading: &str) -> String {
    heading.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether the first line of a list of people looks like a header and not like somebody's name. Where that is
/// not clear, it is one: who is refused is asked about, a header that is loaded stays unseen.
pub(super) fn looks_like_a_header(cells: &[String]) -> bool {
    let mut filled = cells.iter().filter(|cell| !cell.trim().is_empty());
    filled.clone().any(|cell| is_heading(cell)) || filled.all(|cell| may_be_heading(cell))
}

/// Whether a cell is a heading and no name of a person.
fn is_heading(cell: &str) -> bool {
    /// Shorter headings are near too many names of people.
    const LONG: usize = 8;
    const NEAR: f64 = 0.92;
    let name = normalized(cell);
    let is_near = |known: &str| known.len() >= LONG && strsim::jaro_winkler(known, &name) > NEAR;
    cell.contains('_')
        || ["name", "naam", "namn", "navn", "nimi"].iter().any(|end| name.ends_with(end))
        || HEADINGS.contains(&name.as_str())
        || PASSENGERS.iter().flat_map(Column::names).any(is_near)
}

/// Whether a cell may be a heading; it may also be the name of a person.
fn may_be_heading(cell: &str) -> bool {
    AMBIGUOUS_HEADINGS.contains(&normalized(cell).as_str())
        || Kind::ALL.into_iter().any(|kind| kind.column(cell).is_some())
}
