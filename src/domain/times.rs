//! Moments, stored in UTC, shown in an airport's own time. The time zones are those that this program brings
//! along: the machine's own files are never read, so that every machine shows the same.

mod typed;

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

pub use typed::{is_local, parse_local};

/// A moment as a clock at an airport shows it.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct LocalTime {
    /// `Mon 23 Nov 2026`
    pub date: String,
    /// `08:05`
    pub time: String,
    /// `EST`; `UTC` where the airport has no time zone, [`UNKNOWN_ZONE`] where its zone is not known.
    pub zone: String,
    /// `2026-11-23T08:05-05:00`, for machines.
    pub iso: String,
    /// Days after the day of departure there: `+1`; empty on the same day.
    pub day_change: String,
}

/// What stands beside a time whose airport has a time zone that this program does not know.
pub const UNKNOWN_ZONE: &str = "UTC (zone unknown)";

impl LocalTime {
    /// `Mon 23 Nov 2026 08:05`; with the zone where the clocks are not the airport's own.
    #[must_use]
    pub fn brief(&self) -> String {
        let Self { date, time, zone, .. } = self;
        if zone.starts_with("UTC") { self.to_string() } else { format!("{date} {time}") }
    }
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.date, self.time, self.zone)
    }
}

/// Whether a text is a year, a month or a day: `2026`, `2026-12`, `2026-12-24`.
#[must_use]
pub fn is_day(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len());
    parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.len() <= 3
        && lengths.eq([4, 2, 2].into_iter().take(parts.len()))
}

/// When a year, a month or a day begins and when the next one does, in seconds since 1970, UTC.
#[must_use]
pub fn span(text: &str) -> Option<(i64, i64)> {
    if !is_day(text) {
        return None;
    }
    let mut parts = text.split('-').map(|part| part.parse::<i16>().unwrap_or(0));
    let year = parts.next()?;
    let (month, day) = (parts.next(), parts.next());
    let part = |part: Option<i16>| i8::try_from(part.unwrap_or(1)).ok();
    let first = Date::new(year, part(month)?, part(day)?).ok()?;
    let length = match (month, day) {
        (None, _) => 1.year(),
        (Some(_), None) => 1.month(),
        (Some(_), Some(_)) => 1.day(),
    };
    let after = first.checked_add(length).ok()?;
    let second = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
    Some((second(first)?, second(after)?))
}

/// The time zone of a name, if this program knows it.
fn known_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok().filter(|zone| !zone.is_unknown())
}

/// The time zone of a name; UTC for none, and for one that is not known, which [`local`] says.
fn zone(name: &str) -> TimeZone {
    known_zone(name).unwrap_or(TimeZone::UTC)
}

/// Whether an airport's time zone is one that this program does not know. (No zone is not unknown.)
#[must_use]
pub fn is_unknown_zone(name: &str) -> bool {
    !name.is_empty() && known_zone(name).is_none()
}

/// The name of a time zone as the IANA database spells it: `Europe/Paris` for `europe/paris`. A link such as
/// `Asia/Calcutta` keeps its own name.
#[must_use]
pub fn zone_name(name: &str) -> Option<String> {
    // Files that hold zones and are none of the world's.
    const NONE: [&str; 3] = ["localtime", "posixrules", "Factory"];
    let zone = known_zone(name)?;
    let name = zone.iana_name()?;
    (!NONE.contains(&name)).then(|| name.to_owned())
}

/// How jiff writes `2026-11-23T08:05-05:00`.
const WITH_OFFSET: &str = "%Y-%m-%dT%H:%M%:z";

/// A moment at an airport, or nothing where it lies outside the years -9999 to 9999.
#[must_use]
pub fn local(at: i64, zone_name: &str) -> Option<LocalTime> {
    let known = known_zone(zone_name);
    let is_unknown = known.is_none() && !zone_name.is_empty();
    let zoned = Timestamp::from_second(at).ok()?.to_zoned(known.unwrap_or(TimeZone::UTC));
    Some(LocalTime {
        date: zoned.strftime("%a %-d %b %Y").to_string(),
        time: zoned.strftime("%H:%M").to_string(),
        zone: if is_unknown { UNKNOWN_ZONE.to_owned() } else { zoned.strftime("%Z").to_string() },
        iso: zoned.strftime(WITH_OFFSET).to_string(),
        day_change: String::new(),
    })
}

/// How far the clocks of a time zone are from UTC at a moment, in seconds; none where the zone is not known.
#[must_use]
pub(super) fn offset(at: i64, zone_name: &str) -> Option<i64> {
    let zone = if zone_name.is_empty() { TimeZone::UTC } else { known_zone(zone_name)? };
    Some(i64::from(zone.to_offset(Timestamp::from_second(at).ok()?).seconds()))
}

/// A moment on clocks that are so many seconds from UTC: `2026-11-23 08:05`.
#[must_use]
pub(super) fn at_offset(at: i64, seconds: i64) -> Option<String> {
    let shown = Timestamp::from_second(at.checked_add(seconds)?).ok()?;
    Some(shown.strftime("%Y-%m-%d %H:%M").to_string())
}

/// A moment in UTC as people read it and as machines do; both empty outside of the years -9999 to 9999.
#[must_use]
pub fn told(at: i64) -> (String, String) {
    let local = local(at, "");
    let text = local.as_ref().map(ToString::to_string);
    (text.unwrap_or_default(), local.map(|at| at.iso).unwrap_or_default())
}

/// The day of a moment at an airport, `2026-11-23`; empty for no moment.
#[must_use]
pub fn local_day(at: Option<i64>, zone_name: &str) -> String {
    at.and_then(|at| Timestamp::from_second(at).ok())
        .map(|at| at.to_zoned(zone(zone_name)).date().to_string())
        .unwrap_or_default()
}

/// A moment at an airport as a form shows it, `2026-11-23T08:05`; empty for no moment. It carries an offset where
/// the local time alone would not say which moment it is: in the hour that clocks show twice, and as
/// `2026-11-23T08:05Z` at an airport without a time zone that is known.
#[must_use]
pub fn for_input(at: Option<i64>, zone_name: &str) -> String {
    let text = |at| {
        let moment = Timestamp::from_second(at).ok()?;
        let Some(zone) = known_zone(zone_name) else {
            return Some(moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%MZ").to_string());
        };
        let zoned = moment.to_zoned(zone.clone());
        let offset = zone.to_ambiguous_zoned(zoned.datetime()).offset();
        let is_repeated = matches!(offset, AmbiguousOffset::Fold { .. });
        let format = if is_repeated { WITH_OFFSET } else { "%Y-%m-%dT%H:%M" };
        Some(zoned.strftime(format).to_string())
    };
    at.and_then(text).unwrap_or_default()
}

/// An arrival, with the days that the calendar moved on since the local day of departure.
#[must_use]
pub fn arrival(
    departs_at: i64,
    origin: &str,
    minutes: i64,
    destination: &str,
) -> Option<LocalTime> {
    let arrives_at = departs_at.checked_add(minutes.checked_mul(60)?)?;
    let mut arrival = local(arrives_at, destination)?;
    let day =
        |at, zone_name| Some(Timestamp::from_second(at).ok()?.to_zoned(zone(zone_name)).date());
    let days = (day(arrives_at, destination)? - day(departs_at, origin)?).get_days();
    if days != 0 {
        arrival.day_change = format!("{days:+}");
    }
    Some(arrival)
}

/// A day as typed into a date field, or nothing.
#[must_use]
pub fn parse_day(text: &str) -> Option<Date> {
    text.trim().parse().ok()
}

/// The day some days after a moment, in UTC (for sample data).
#[must_use]
pub fn day_after(at: i64, days: i64) -> Option<Date> {
    Timestamp::from_second(at).ok()?.to_zoned(TimeZone::UTC).date().checked_add(days.days()).ok()
}

/// Minutes as people say them: `9 h 5 min`.
#[must_use]
pub fn spoken(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        _ if minutes < 0 => format!("{minutes} min"),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_east_over_night_lands_on_the_next_day() {
        let departs = parse_local("2026-11-23T19:30", "America/New_York").unwrap();
        let there = local(departs, "America/New_York").unwrap();
        assert_eq!((there.time.as_str(), there.zone.as_str()), ("19:30", "EST"));
        let arrival = arrival(departs, "America/New_York", 430, "Europe/Paris").unwrap();
        assert_eq!((arrival.time.as_str(), arrival.day_change.as_str()), ("08:40", "+1"));
    }

    #[test]
    fn a_flight_over_the_date_line_can_land_the_day_before() {
        let departs = parse_local("2026-11-23T00:30", "Pacific/Auckland").unwrap();
        let arrival = arrival(departs, "Pacific/Auckland", 540, "Pacific/Honolulu").unwrap();
        assert_eq!(arrival.day_change, "-1");
    }

    #[test]
    fn zones_have_the_databases_names() {
        for (typed, name) in [
            ("Europe/Paris", Some("Europe/Paris")),
            ("europe/paris", Some("Europe/Paris")),
            ("utc", Some("UTC")),
            ("Asia/Calcutta", Some("Asia/Calcutta")),
            ("asia/kolkata", Some("Asia/Kolkata")),
            ("Etc/Unknown", None),
            ("etc/unknown", None),
            ("localtime", None),
            ("posixrules", None),
            ("Mars/Phobos", None),
            ("", None),
        ] {
            assert_eq!(zone_name(typed).as_deref(), name, "{typed}");
        }
    }

    #[test]
    fn a_zone_that_is_not_known_is_said() {
        let zone = |name| local(1_800_000_000, name).unwrap().zone;
        assert_eq!(zone(""), "UTC");
        assert_eq!([zone("Mars/Phobos"), zone("Etc/Unknown")], [UNKNOWN_ZONE, UNKNOWN_ZONE]);
        assert_eq!(for_input(Some(1_800_000_000), "Mars/Phobos"), "2027-01-15T08:00Z");
    }

    #[test]
    fn minutes_are_spoken() {
        assert_eq!(
            [0, 45, 60, 545, -5].map(spoken),
            ["0 min", "45 min", "1 h", "9 h 5 min", "-5 min"]
        );
    }
}
