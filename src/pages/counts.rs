//! Counts, for people.

/// A number with commas, as the counts of a list are written; more than are counted is said.
#[must_use]
pub fn counted(count: i64, most: i64) -> String {
    if count > most { format!("more than {}", with_commas(most)) } else { with_commas(count) }
}

/// A number with commas.
#[must_use]
pub fn with_commas(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn counts_have_commas_and_an_end() {
        assert_eq!(counted(0, 10_000), "0");
        assert_eq!(counted(999, 10_000), "999");
        assert_eq!(counted(1_000, 10_000), "1,000");
        assert_eq!(counted(10_000, 10_000), "10,000");
        assert_eq!(counted(10_001, 10_000), "more than 10,000");
        assert_eq!(counted(1_234_567, i64::MAX), "1,234,567");
    }
}
