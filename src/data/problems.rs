//! What is wrong with a file, line by line.

use std::collections::HashMap;

/// What is wrong with a file: nothing of it was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file.
    pub file: String,
    /// The lines and what is wrong with each; line 0 is the file as a whole.
    pub lines: Vec<(u64, String)>,
}

impl Problems {
    /// One thing that is wrong with a file as a whole.
    pub(super) fn whole(file: &str, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), lines: vec![(0, why.into())] }
    }

    /// Each thing that is wrong, with its lines, in the order of the first.
    fn by_reason(&self) -> Vec<(&str, Vec<u64>)> {
        let mut places = HashMap::new();
        let mut reasons: Vec<(&str, Vec<u64>)> = Vec::new();
        for (line, why) in &self.lines {
            let place = *places.entry(why.as_str()).or_insert(reasons.len());
            match reasons.get_mut(place) {
                Some((_, lines)) => lines.push(*line),
                None => reasons.push((why, vec![*line])),
            }
        }
        reasons
    }
}

/// Prints what is wrong, each thing once with its lines.
impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 50;
        let reasons = self.by_reason();
        for (number, (why, lines)) in reasons.iter().take(SHOWN).enumerate() {
            let end = if number == 0 { "" } else { "\n" };
            match lines.as_slice() {
                [0, ..] | [] => write!(f, "{end}{}: {why}", self.file)?,
                lines => write!(f, "{end}{}, {}: {why}", self.file, named(lines))?,
            }
        }
        let more: usize = reasons.iter().skip(SHOWN).map(|(_, lines)| lines.len()).sum();
        match more {
            0 => Ok(()),
            1 => write!(f, "\n… and 1 more bad line."),
            more => write!(f, "\n… and {more} more bad lines."),
        }
    }
}

/// Lines as people name them: `line 3`, `lines 3, 5 and 9`, `lines 3, 5, 9, 10, 11 and 995 more`.
fn named(lines: &[u64]) -> String {
    const MOST: usize = 10;
    let numbers: Vec<_> = lines.iter().map(u64::to_string).collect();
    match numbers.as_slice() {
        [] => String::new(),
        [one] => format!("line {one}"),
        [some @ .., last] if numbers.len() <= MOST => {
            format!("lines {} and {last}", some.join(", "))
        }
        many => {
            let (shown, more) = many.split_at(MOST);
            format!("lines {} and {} more", shown.join(", "), more.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Problems;

    #[test]
    fn what_repeats_is_said_once() {
        let bad = |line| (line, "bad".to_owned());
        let mut lines = vec![bad(3), (4, "worse".to_owned()), bad(5), bad(9)];
        let file = "f.csv".to_owned();
        let problems = Problems { file: file.clone(), lines: lines.clone() };
        assert_eq!(problems.to_string(), "f.csv, lines 3, 5 and 9: bad\nf.csv, line 4: worse");
        lines = (1..=1_000).map(bad).collect();
        let many = Problems { file, lines }.to_string();
        assert_eq!(many, "f.csv, lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 990 more: bad");
        assert_eq!(Problems::whole("f.csv", "bad").to_string(), "f.csv: bad");
    }
}
