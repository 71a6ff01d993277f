//! Our CSS, scripts and icon, and htmx: embedded, under hashed names that browsers keep for ever,
//! compressed when the program was built. What `WhiteNoise` does, and ranges, and lists of `ETag`s.

use rocket::http::{ContentType, Header, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::response::{Responder, Response};
use rocket::{Request, Route, get, routes};
use rust_embed::RustEmbed;
use std::borrow::Cow;
use std::io::Cursor;

include!(concat!(env!("OUT_DIR"), "/names.rs"));

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/static/"]
struct Files;

/// Where an asset is served; empty for one that this build lacks (htmx, without npm).
#[must_use]
pub fn path(name: &str) -> &'static str {
    static PATHS: std::sync::LazyLock<Vec<(&'static str, String)>> =
        std::sync::LazyLock::new(|| {
            NAMES.iter().map(|(name, hashed, _)| (*name, format!("/static/{hashed}"))).collect()
        });
    PATHS.iter().find(|(known, _)| *known == name).map_or("", |(_, path)| path.as_str())
}

/// By which hash a browser checks an asset; empty for one that this build lacks.
#[must_use]
pub fn integrity(name: &str) -> &'static str {
    NAMES.iter().find(|(known, ..)| *known == name).map_or("", |(_, _, integrity)| integrity)
}

/// The routes of this module.
#[must_use]
pub fn routes() -> Vec<Route> {
    routes![serve, robots, favicon]
}

/// An asset under its hashed name.
#[get("/static/<name>")]
fn serve(name: &str, asked: Asked) -> Option<Asset> {
    let known = NAMES.iter().find(|(_, hashed, _)| *hashed == name)?.1;
    let (encoding, file) = asked.encodings.iter().find_map(|encoding| {
        Some((*encoding, Files::get(&format!("{known}{}", encoding.suffix()))?))
    })?;
    Some(Asset { name: known, encoding, body: file.data, asked })
}

/// What crawlers may look at: the public pages.
#[get("/robots.txt")]
fn robots() -> &'static str {
    "User-agent: *\nDisallow: /admin/\n"
}

/// Browsers ask for this name whatever the page says.
#[get("/favicon.ico")]
fn favicon() -> rocket::response::Redirect {
    rocket::response::Redirect::to(path("icon.svg"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }
}

/// What the browser takes, has, and wants of a file.
struct Asked {
    encodings: Vec<Encoding>,
    has: Vec<String>,
    range: Option<String>,
    if_range: Option<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Asked {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let all = |name| request.headers().get(name).collect::<Vec<_>>().join(",");
        Outcome::Success(Self {
            encodings: accepted(&all("Accept-Encoding")),
            has: all("If-None-Match").split(',').map(|tag| tag.trim().to_owned()).collect(),
            range: request.headers().get_one("Range").map(str::to_owned),
            if_range: request.headers().get_one("If-Range").map(str::to_owned),
        })
    }
}

/// The encodings that a browser takes, the smallest first (RFC 9110, 12.5.3: `q=0` is a no).
fn accepted(header: &str) -> Vec<Encoding> {
    let weight = |wanted: &str| {
        header.split(',').find_map(|part| {
            let mut parts = part.split(';').map(str::trim);
            (parts.next()?.eq_ignore_ascii_case(wanted)).then(|| {
                parts
                    .find_map(|part| part.strip_prefix("q="))
                    .and_then(|weight| weight.parse::<f32>().ok())
                    .unwrap_or(1.0)
            })
        })
    };
    let mut taken: Vec<_> = [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter(|encoding| {
            weight(encoding.name()).or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
        })
        .collect();
    taken.push(Encoding::Identity);
    taken
}

struct Asset {
    name: &'static str,
    encoding: Encoding,
    body: Cow<'static, [u8]>,
    asked: Asked,
}

impl Asset {
    /// Strong: the hash in the name, and the encoding, say every byte.
    fn tag(&self) -> String {
        format!("\"{}{}\"", self.name, self.encoding.suffix())
    }

    /// The part that is asked for: `Ok(None)` for all, an error for one beyond the end.
    fn part(&self) -> Result<Option<std::ops::Range<usize>>, ()> {
        let length = self.body.len();
        if self.asked.if_range.as_ref().is_some_and(|tag| *tag != self.tag()) {
            return Ok(None);
        }
        let range = self.asked.range.as_deref().and_then(|range| range.strip_prefix("bytes="));
        let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
            return Ok(None);
        };
        let (start, end) = match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
            (Ok(start), Ok(end)) if start <= end => (start, end.saturating_add(1).min(length)),
            (Ok(start), Err(_)) if last.trim().is_empty() => (start, length),
            (Err(_), Ok(count)) if first.trim().is_empty() => (length - count.min(length), length),
            // Several ranges, or none that can be read: the whole is a right answer too.
            _ => return Ok(None),
        };
        if start >= length { Err(()) } else { Ok(Some(start..end)) }
    }
}

impl<'r> Responder<'r, 'static> for Asset {
    fn respond_to(self, _request: &'r Request<'_>) -> rocket::response::Result<'static> {
        let kind = self.name.rsplit('.').next().and_then(ContentType::from_extension);
        let tag = self.tag();
        let mut response = Response::build();
        response
            .header(kind.unwrap_or(ContentType::Binary))
            .header(Header::new("Cache-Control", "public, max-age=31536000, immutable"))
            .header(Header::new("Vary", "Accept-Encoding"))
            .header(Header::new("Accept-Ranges", "bytes"))
            .header(Header::new("ETag", tag.clone()));
        if self.asked.has.iter().any(|has| *has == "*" || has.trim_start_matches("W/") == tag) {
            return response.status(Status::NotModified).ok();
        }
        if self.encoding != Encoding::Identity {
            response.header(Header::new("Content-Encoding", self.encoding.name()));
        }
        let length = self.body.len();
        let body = match self.part() {
            Ok(None) => self.body.into_owned(),
            Ok(Some(part)) => {
                response.status(Status::PartialContent);
                let told = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                response.header(Header::new("Content-Range", told));
                self.body.get(part).unwrap_or_default().to_vec()
            }
            Err(()) => {
                response.status(Status::RangeNotSatisfiable);
                response.header(Header::new("Content-Range", format!("bytes */{length}")));
                Vec::new()
            }
        };
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, accepted};

    #[test]
    fn a_weight_of_nought_is_a_no() {
        assert_eq!(accepted("gzip, br"), [Encoding::Brotli, Encoding::Gzip, Encoding::Identity]);
        assert_eq!(accepted("br;q=0, gzip;q=0.5"), [Encoding::Gzip, Encoding::Identity]);
        assert_eq!(accepted("*"), [Encoding::Brotli, Encoding::Gzip, Encoding::Identity]);
        assert_eq!(accepted("*;q=0"), [Encoding::Identity]);
        assert_eq!(accepted(""), [Encoding::Identity]);
    }
}
