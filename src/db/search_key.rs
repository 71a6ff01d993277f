//! Text as it is searched, sorted and told apart.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::conn::Conn;
use super::text::{Composed, anywhere};
use crate::error::Result;
use crate::input::is_too_long;

/// The version of [`fold`]. Increase it when `fold` changes: `airline migrate` then rebuilds the stored keys.
pub const KEY_VERSION: i64 = 1;

/// The most words that are looked for; a search that was typed within its limits has fewer.
const MOST_WORDS: usize = 100;

/// Returns what a text is searched and sorted by, so that `sao paulo` finds `São Paulo` on both databases.
///
/// Lower case (full case folding: `WEISS` finds `Weiß`). Latin, Greek and Cyrillic letters lose their marks, also
/// those that Unicode writes as one letter (`ł` becomes `l`). Marks of other scripts stay, because they are
/// letters: Indic vowels, Thai tones, kana. Apostrophes and hyphens become one kind; brackets, quotes and
/// invisible characters go; blanks become single.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut keeps_marks = false;
    for letter in text.chars().map(plain_sign).nfkd() {
        if is_invisible(letter) {
            continue;
        }
        if is_combining_mark(letter) {
            if keeps_marks {
                plain.push(letter);
            }
        } else {
            keeps_marks = letter.is_alphabetic() && !loses_marks(letter);
            for small in letter.to_uppercase().flat_map(char::to_lowercase) {
                match plain_letters(small) {
                    Some(letters) => plain.push_str(letters),
                    None => plain.push(small),
                }
            }
        }
    }
    single_blanks(&plain.nfc().collect::<String>())
}

/// Returns what tells names apart. It is equal for texts that differ only in capitals, in blanks, or in how
/// Unicode writes the same letter (canonical caseless matching, Unicode Standard 3.13, D145).
#[must_use]
pub fn identity(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfd() {
        match letter {
            // The capital of a dotless i is that of another letter.
            'ı' => folded.push(letter),
            'ẞ' => folded.push_str("ss"),
            letter => folded.extend(letter.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    single_blanks(&folded.nfc().collect::<String>())
}

fn single_blanks(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Signs that people and programs write in several ways, as one. What only surrounds words becomes a blank.
fn plain_sign(sign: char) -> char {
    match sign {
        '‘' | '’' | '‛' | 'ʼ' | 'ʻ' | '′' | '`' | '´' | '＇' => '\'',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹘' | '－' => '-',
        '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '＂' | '(' | ')' | '[' | ']' | '{'
        | '}' | '（' | '）' | '［' | '］' => ' ',
        sign => sign,
    }
}

/// Latin letters that Unicode does not take apart.
fn plain_letters(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'ə' => "a",
        'ɓ' => "b",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'ɛ' => "e",
        'ƒ' => "f",
        'ɨ' => "i",
        'ƙ' => "k",
        'ł' => "l",
        'ø' | 'ɔ' => "o",
        'ƴ' => "y",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// Whether a letter is Latin, Greek or Cyrillic.
fn loses_marks(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{2af}' | '\u{370}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}'
        | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1fff}' | '\u{2c60}'..='\u{2c7f}'
        | '\u{a640}'..='\u{a69f}' | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}')
}

/// Control characters, and what only changes how others are drawn: joiners, soft hyphens, marks of direction,
/// variation selectors.
fn is_invisible(letter: char) -> bool {
    letter.is_control() && !letter.is_whitespace()
        || matches!(letter,
            '\u{ad}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How well a text fits what was searched for; the best comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is that: a code, a city, a country.
    Whole,
    /// Each word of the search begins one of its words.
    Beginnings,
    /// It holds each word of the search.
    Parts,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Needle {
    /// All of it, as a key.
    key: String,
    /// What must be found, each anywhere.
    parts: Vec<String>,
}

impl Needle {
    /// Words that are found in any order. A text that is too long (`crate::input::is_too_long`) is none.
    #[must_use]
    pub fn words(text: &str) -> Option<Self> {
        let key = fold(text);
        let parts = words(text, &key)?.into_iter().map(str::to_owned).collect();
        Some(Self { key, parts })
    }

    /// Whether there is nothing to look for: then everything fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// A phrase that is found as it is, within the limits of the search that it comes from.
    #[must_use]
    pub fn phrase(text: &str) -> Self {
        let key = fold(text);
        Self { parts: vec![key.clone()], key }
    }
}

/// A table whose rows are searched by their keys ([`fold`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Searched {
    /// The table, which has the columns `id` and `folded`.
    pub table: &'static str,
    /// Keys that a search may mean as a whole.
    pub whole: &'static [&'static str],
}

impl Searched {
    /// Rows of a table that are found by parts only.
    #[must_use]
    pub const fn by_parts(table: &'static str) -> Self {
        Self { table, whole: &[] }
    }

    /// Finds what a search means: the best fit of any row, and the ids of up to `most` rows that fit so well,
    /// and one more where there are more.
    ///
    /// A table without keys that a search may mean as a whole is not ranked: whatever holds the words is meant.
    pub async fn find(self, db: &mut Conn, needle: &Needle, most: usize) -> Result<Found> {
        let mut query = Composed::select("id, fit FROM ");
        self.push_found(&mut query, needle, most);
        query.push(" AS found");
        Ok(Found::of(db.compose(query).all().await?))
    }

    /// Adds, in brackets, what [`Searched::find`] reads: the columns `id` and `fit`, from which
    /// [`Found::of`] takes the best.
    pub fn push_found(self, query: &mut Composed, needle: &Needle, most: usize) {
        query.push("(SELECT id, ");
        if self.whole.is_empty() {
            query.push("CAST(2 AS BIGINT)");
        } else {
            self.push_rank(query, needle);
        }
        query.push(" AS fit FROM ").push(self.table).push(" WHERE ");
        self.push_fit(query, needle, Fit::Parts);
        if !self.whole.is_empty() {
            query.push(" ORDER BY fit");
        }
        query.limit(most + 1).push(")");
    }

    /// Adds how well a row fits as a number, 0 for the best: what rows are sorted by.
    pub fn push_rank(self, query: &mut Composed, needle: &Needle) {
        query.push("CASE WHEN ");
        self.push_fit(query, needle, Fit::Whole);
        query.push(" THEN CAST(0 AS BIGINT) WHEN ");
        self.push_fit(query, needle, Fit::Beginnings);
        query.push(" THEN CAST(1 AS BIGINT) ELSE CAST(2 AS BIGINT) END");
    }

    /// Adds the condition that a row fits at least so well.
    pub fn push_fit(self, query: &mut Composed, needle: &Needle, fit: Fit) {
        if fit == Fit::Whole {
            query.push("(1 = 0");
            for column in self.whole {
                query.push(" OR ").push(column).push(" = ").bind_text(needle.key.clone());
            }
        } else {
            query.push("(1 = 1");
            for part in &needle.parts {
                let (column, pattern) = match fit {
                    Fit::Beginnings => ("' ' || folded", anywhere(&format!(" {part}"))),
                    Fit::Whole | Fit::Parts => ("folded", anywhere(part)),
                };
                query.push(" AND ").push(column).push(" LIKE ").bind_text(pattern);
                query.push(" ESCAPE '\\'");
            }
        }
        query.push(")");
    }
}

/// What a search means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How well it fits.
    pub fit: Fit,
    /// The ids of the rows that fit so well.
    pub ids: Vec<i64>,
}

impl Found {
    /// Takes the best of rows, each with its id and its rank.
    #[must_use]
    pub fn of(rows: Vec<(i64, i64)>) -> Self {
        let best = rows.iter().map(|(_, rank)| *rank).min().unwrap_or(2);
        let ids = rows.into_iter().filter(|(_, rank)| *rank == best).map(|(id, _)| id).collect();
        let fit = match best {
            0 => Fit::Whole,
            1 => Fit::Beginnings,
            _ => Fit::Parts,
        };
        Self { fit, ids }
    }
}

/// The words of a search's key, each once. None for a search that is too long, before or after it was folded: one
/// letter may become four words (`ﷺ`).
fn words<'k>(text: &str, key: &'k str) -> Option<BTreeSet<&'k str>> {
    let words: BTreeSet<_> = key.split(' ').filter(|word| !word.is_empty()).collect();
    (!is_too_long([text].into_iter()) && words.len() <= MOST_WORDS).then_some(words)
}

/// Adds to a query that a column of keys holds every word of a search; none does where the search is too
/// long (`crate::input::is_too_long`). The text so far must end with a complete condition.
pub fn and_all_words(query: &mut Composed, column: &'static str, search: &str) {
    let key = fold(search);
    let Some(words) = words(search, &key) else {
        query.push(" AND 1 = 0");
        return;
    };
    for word in words {
        query.push(" AND ").push(column).push(" LIKE ").bind_text(anywhere(word));
        query.push(" ESCAPE '\\'");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_takes_accents_case_and_blanks_away() {
        for (text, key) in [
            ("  São   Paulo ", "sao paulo"),
            ("ÜNÏQUE", "unique"),
            ("ＡＢＣ", "abc"),
            ("a\0b", "ab"),
            ("Tromsø", "tromso"),
            ("Łódź", "lodz"),
            ("Đà Nẵng", "da nang"),
            ("Şanlıurfa", "sanliurfa"),
            ("WEISS", "weiss"),
            ("Weiß", "weiss"),
            ("YILMAZ", "yilmaz"),
            ("Yılmaz", "yilmaz"),
            ("IŞIL", "isil"),
            ("İzmir", "izmir"),
            ("ΠΑΠΑΔΟΠΟΥΛΟΣ", "παπαδοπουλοσ"),
            ("Παπαδόπουλος", "παπαδοπουλοσ"),
            ("Пётр", "петр"),
            ("O’Brien", "o'brien"),
            ("“Harry” Potter", "harry potter"),
            ("Tokyo (Haneda) (HND)", "tokyo haneda hnd"),
            ("Jean–Luc", "jean-luc"),
            ("Ærøskøbing", "aeroskobing"),
            ("ﬁ", "fi"),
            ("WEIẞ", "weiss"),
            ("葛\u{e0100}城", "葛城"),
            ("Ɗambatta", "dambatta"),
            ("Gəncə", "ganca"),
        ] {
            assert_eq!(fold(text), key, "{text}");
        }
    }

    #[test]
    fn marks_that_are_letters_are_kept() {
        for (one, other) in [
            ("करण शर्मा", "किरण शर्मा"),
            ("たいち", "だいち"),
            ("はは", "はば"),
            ("ไทย", "ไท่ย"),
            ("한", "하"),
        ] {
            assert_ne!(fold(one), fold(other));
            assert_ne!(identity(one), identity(other));
        }
        // However Unicode writes them, and with a joiner or without.
        assert_eq!(fold("か\u{3099}"), fold("が"));
        assert_eq!(fold("क्\u{200d}ष"), fold("क्ष"));
    }

    #[test]
    fn identity_knows_capitals_and_blanks_only() {
        for (one, other) in [
            ("ann  SMITH ", "Ann Smith"),
            ("Weiß", "WEISS"),
            ("Cafe\u{301}", "CAFÉ"),
            ("ΣΟΦΟΣ", "σοφος"),
        ] {
            assert_eq!(identity(one), identity(other));
        }
        for (one, other) in [
            ("Cafe", "Café"),
            ("Yılmaz", "Yilmaz"),
            ("O’Brien", "O'Brien"),
            ("Ann Smith", "Hannah Smithson"),
        ] {
            assert_ne!(identity(one), identity(other));
        }
    }
}
