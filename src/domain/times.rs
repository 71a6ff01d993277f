//! Moments, stored in UTC, told in an airport's own time.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

/// A moment as a clock at an airport shows it.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct LocalTime {
    /// `Mon 23 Nov 2026`
    pub date: String,
    /// `08:05`
    pub time: String,
    /// `EST`, or `UTC` where the airport's zone is not known.
    pub zone: String,
    /// `2026-11-23T08:05-05:00`, for machines.
    pub iso: String,
    /// Days after the day of departure there: `+1`; empty on the same day.
    pub day_change: String,
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

/// The time zone of a name; UTC for none or for one that is not known.
fn zone(name: &str) -> TimeZone {
    if name.is_empty() { TimeZone::UTC } else { TimeZone::get(name).unwrap_or(TimeZone::UTC) }
}

/// Whether a name is one of the IANA time zone database, such as `Europe/Paris`.
#[must_use]
pub fn zone_exists(name: &str) -> bool {
    // `localtime` and the like depend on the machine.
    (name == "UTC" || name.contains('/')) && TimeZone::get(name).is_ok()
}

/// A moment at an airport, or nothing where it lies outside the years -9999 to 9999.
#[must_use]
pub fn local(at: i64, zone_name: &str) -> Option<LocalTime> {
    let zoned = Timestamp::from_second(at).ok()?.to_zoned(zone(zone_name));
    Some(LocalTime {
        date: zoned.strftime("%a %-d %b %Y").to_string(),
        time: zoned.strftime("%H:%M").to_string(),
        zone: zoned.strftime("%Z").to_string(),
        iso: zoned.strftime("%Y-%m-%dT%H:%M%:z").to_string(),
        day_change: String::new(),
    })
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

/// A moment at an airport as a form shows it, `2026-11-23T08:05`; empty for no moment.
#[must_use]
pub fn for_input(at: Option<i64>, zone_name: &str) -> String {
    at.and_then(|at| Timestamp::from_second(at).ok())
        .map(|at| at.to_zoned(zone(zone_name)).strftime("%Y-%m-%dT%H:%M").to_string())
        .unwrap_or_default()
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

/// A local date and time as typed, as seconds since 1970. The error says what to do.
pub fn parse_local(text: &str, zone_name: &str) -> Result<i64, String> {
    let malformed = || "Give date and time like 2026-11-23 08:05.".to_owned();
    let text = text.trim().replace(' ', "T");
    // Seconds, offsets and zones would be lost in silence: the origin's clocks decide.
    let shape: String =
        text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    if shape != "0000-00-00T00:00" && !(shape == "0000-00-00T00:00:00" && text.ends_with(":00")) {
        return Err(malformed());
    }
    let local: DateTime = text.parse().map_err(|_| malformed())?;
    if !(1970..=9990).contains(&local.year()) {
        return Err("Give a year from 1970 to 9990.".to_owned());
    }
    let ambiguous = zone(zone_name).to_ambiguous_zoned(local);
    if matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. }) {
        return Err("Clocks at the origin skip this time on that day (daylight saving).".to_owned());
    }
    let moment = ambiguous.compatible().map_err(|error| error.to_string())?;
    Ok(moment.timestamp().as_second())
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
    fn a_time_that_clocks_skip_is_refused() {
        let error = parse_local("2026-03-29T02:30", "Europe/Paris").unwrap_err();
        assert!(error.contains("skip"), "{error}");
        assert!(parse_local("tomorrow", "UTC").is_err());
        for text in [
            "2026-02-30T10:00",
            "2026-11-23T08:05+05:00",
            "2026-11-23T08:05:30",
            "2026-11-23T08:05Z",
            "2026-12-23T08+05",
            "2026-11-23",
        ] {
            assert!(parse_local(text, "UTC").is_err(), "{text}");
        }
        assert!(
            parse_local("2026-11-23 08:05", "UTC").is_ok()
                && parse_local("2026-11-23T08:05:00", "UTC").is_ok()
        );
        assert!(!zone_exists("localtime") && zone_exists("UTC") && zone_exists("Europe/Paris"));
    }

    #[test]
    fn minutes_are_spoken() {
        assert_eq!(
            [0, 45, 60, 545, -5].map(spoken),
            ["0 min", "45 min", "1 h", "9 h 5 min", "-5 min"]
        );
    }
}
