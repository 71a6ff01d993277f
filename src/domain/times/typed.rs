//! Dates and times as people and files write them, with or without an offset from UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::{WITH_OFFSET, known_zone};

/// A date and time as typed, as seconds since 1970: on the clocks of a time zone, or with its offset from UTC, which
/// must then be the one of these clocks. The error says what to write.
pub fn parse_local(text: &str, zone_name: &str) -> Result<i64, String> {
    let Some((local, offset)) = split_offset(text) else {
        return Err("Give date and time like 2026-11-23 08:05.".to_owned());
    };
    if !(1970..=9990).contains(&local.year()) {
        return Err("Give a year from 1970 to 9990.".to_owned());
    }
    let moment = match (known_zone(zone_name), offset) {
        (Some(zone), Some(offset)) => agreed(local, offset, zone)?,
        (Some(zone), None) => unique(local, &zone)?,
        (None, Some(offset)) => moment(local, offset)?,
        (None, None) => {
            let lacks = if zone_name.is_empty() {
                "The origin has no time zone".to_owned()
            } else {
                format!("The origin's time zone “{zone_name}” is not known")
            };
            let example = local.strftime("%Y-%m-%dT%H:%MZ");
            return Err(format!(
                "{lacks}, so nobody knows when this is. Give the airport a time zone, or write the time with \
                 its offset from UTC, such as {example}."
            ));
        }
    };
    Ok(moment.as_second())
}

/// A date and time as typed, and its offset from UTC if it has one: `2026-11-23 08:05`, `2026-11-23T08:05:00+01`,
/// `2026-11-23T08:05Z`.
fn split_offset(text: &str) -> Option<(DateTime, Option<Offset>)> {
    let (local, rest) = text.trim().split_at_checked("2026-11-23T08:05".len())?;
    if !matches!(shape(local).as_str(), "0000-00-00T00:00" | "0000-00-00 00:00") {
        return None;
    }
    let local = local.replace(' ', "T").parse().ok()?;
    // Other seconds would be lost without a word.
    let rest = rest.strip_prefix(":00").unwrap_or(rest).trim_start();
    Some((local, if rest.is_empty() { None } else { Some(parse_offset(rest)?) }))
}

/// An offset from UTC: `Z`, `+01`, `+0100`, `+01:00`.
fn parse_offset(text: &str) -> Option<Offset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(Offset::UTC);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if !matches!(shape(clock).as_str(), "00" | "0000" | "00:00" | "00:00:00") {
        return None;
    }
    let digits = clock.replace(':', "");
    let part = |start: usize| {
        digits.get(start..start + 2).map_or(Some(0), |digits| digits.parse::<i32>().ok())
    };
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60 + seconds)).ok()
}

/// A text with every digit as 0.
fn shape(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect()
}

/// The moment at which clocks with an offset show a local time.
fn moment(local: DateTime, offset: Offset) -> Result<Timestamp, String> {
    offset.to_timestamp(local).map_err(|error| error.to_string())
}

/// The one moment at which the clocks of a zone show a local time.
fn unique(local: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    match zone.to_ambiguous_zoned(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => moment(local, offset),
        AmbiguousOffset::Gap { .. } => {
            Err("Clocks at the origin skip this time on that day (daylight saving). Enter an earlier or a later one.".to_owned())
        }
        AmbiguousOffset::Fold { before, after } => {
            let written = |offset: Offset| {
                let zoned = moment(local, offset)?.to_zoned(offset.to_time_zone());
                Ok::<_, String>(zoned.strftime(WITH_OFFSET).to_string())
            };
            let (first, second) = (written(before)?, written(after)?);
            Err(format!(
                "Clocks at the origin show this time twice on that day (daylight saving). Which one is it? \
                 Write {first} for the first or {second} for the second."
            ))
        }
    }
}

/// The moment of a local time with an offset, if clocks of a zone have this offset then.
fn agreed(local: DateTime, offset: Offset, zone: TimeZone) -> Result<Timestamp, String> {
    let moment = moment(local, offset)?;
    let there = moment.to_zoned(zone);
    if there.offset() == offset {
        return Ok(moment);
    }
    let (right, same) = (there.strftime("%:z"), there.strftime(WITH_OFFSET));
    Err(format!(
        "Clocks at the origin have the offset {right} then, not this one. If you mean this moment, write {same}."
    ))
}

/// Whether what a form holds is a local time alone, which browsers have a field for.
#[must_use]
pub fn is_local(text: &str) -> bool {
    split_offset(text).is_none_or(|(_, offset)| offset.is_none())
}

#[cfg(test)]
mod tests {
    use super::super::{for_input, parse_local};

    #[test]
    fn a_time_that_clocks_skip_is_refused() {
        let error = parse_local("2026-03-29T02:30", "Europe/Paris").unwrap_err();
        assert!(error.contains("skip"), "{error}");
        assert!(parse_local("tomorrow", "UTC").is_err());
        for text in [
            "2026-02-30T10:00",
            "2026-11-23T08:05+05:00",
            "2026-11-23T08:05:30",
            "2026-11-23T08:05:00:00",
            "2026-11-23T08:05+1",
            "2026-11-23T08:05+01:60",
            "2026-11-23T08:05+99",
            "2026-11-23T08:05 UTC",
            "2026-11-23T08:0é",
            "2026-12-23T08+05",
            "2026-11-23",
        ] {
            assert!(parse_local(text, "UTC").is_err(), "{text}");
        }
        assert!(
            parse_local("2026-11-23 08:05", "UTC").is_ok()
                && parse_local("2026-11-23T08:05:00", "UTC").is_ok()
        );
    }

    #[test]
    fn an_offset_is_read_and_must_be_the_zones() {
        let eight = parse_local("2026-11-23T08:05", "Europe/Paris").unwrap();
        for text in ["2026-11-23T08:05+01:00", "2026-11-23 08:05+01", "2026-11-23 08:05:00 +0100"] {
            assert_eq!(parse_local(text, "Europe/Paris"), Ok(eight), "{text}");
            // Without a zone, the offset alone says when it is.
            assert_eq!(parse_local(text, ""), Ok(eight), "{text}");
        }
        assert_eq!(parse_local("2026-11-23T07:05Z", ""), Ok(eight));
        for text in ["2026-11-23T07:05Z", "2026-11-23T09:05+02:00"] {
            let error = parse_local(text, "Europe/Paris").unwrap_err();
            assert!(error.contains("2026-11-23T08:05+01:00"), "{error}");
        }
        // A time that clocks skip is no time with an offset either.
        assert!(parse_local("2026-03-29T02:30+01:00", "Europe/Paris").is_err());
    }

    #[test]
    fn without_a_zone_a_local_time_is_no_moment() {
        for zone in ["", "Mars/Phobos", "Etc/Unknown"] {
            let error = parse_local("2026-11-23 08:05", zone).unwrap_err();
            assert!(error.contains("2026-11-23T08:05Z"), "{error}");
        }
    }

    #[test]
    fn the_repeated_hour_is_asked_about_and_goes_both_ways() {
        let error = parse_local("2026-10-25T02:30", "Europe/Paris").unwrap_err();
        let mut moments = Vec::new();
        for text in ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"] {
            assert!(error.contains(text), "{error}");
            let at = parse_local(text, "Europe/Paris").unwrap();
            assert_eq!(for_input(Some(at), "Europe/Paris"), text);
            moments.push(at);
        }
        assert_eq!(moments[1] - moments[0], 3600);
    }
}
