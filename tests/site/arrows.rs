//! The arrows of the house point downward: `use crate::` may name only what stands below.

use crate::support::files;

/// From the ground up; what stands in one line knows nothing of its neighbours.
const FLOORS: [&[&str]; 11] = [
    &["error", "clock", "random", "wire"],
    &["input", "mail"],
    &["db"],
    &["config"],
    &["changes"],
    &["domain", "auth"],
    &["data", "pages"],
    &["public", "accounts", "admin", "health"],
    &["staff"],
    &["site"],
    &["cli"],
];

fn floor(module: &str) -> usize {
    let found = FLOORS.iter().position(|modules| modules.contains(&module));
    found.unwrap_or_else(|| panic!("say on which floor {module} stands"))
}

#[test]
fn every_arrow_points_down() {
    let mut arrows = 0;
    for (name, text) in files("src", ".rs") {
        let path = name.strip_prefix("src/").unwrap().trim_end_matches(".rs");
        let module = path.split('/').next().unwrap();
        if module == "lib" || module == "main" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for part in line.split("crate::").skip(1) {
                // `use crate::{a, b}` names several.
                let names =
                    part.trim_start_matches('{').split(['{', '}', ';', ':']).next().unwrap();
                let names =
                    if part.starts_with('{') { names.split(',').collect() } else { vec![names] };
                for used in names {
                    let used: String = used
                        .trim()
                        .chars()
                        .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
                        .collect();
                    if used.is_empty() || used == module {
                        continue;
                    }
                    arrows += 1;
                    assert!(
                        floor(module) > floor(&used),
                        "{name}:{}: {module} must not know {used}",
                        number + 1
                    );
                }
            }
        }
    }
    assert!(arrows > 100, "{arrows} arrows");
}

/// What tests may do and the program may not is forbidden by lints; what no lint knows, here.
#[test]
fn one_place_for_the_environment_and_for_raw_sql() {
    for (name, text) in files("src", ".rs") {
        if name != "src/config.rs" {
            assert!(!text.contains("std::env::var"), "{name}");
        }
        if !name.starts_with("src/db/") {
            assert!(!text.contains("AssertSqlSafe"), "{name}");
        }
    }
}

/// What a kind costs, and what `docs/ARCHITECTURE.md` shows whoever adds one.
#[test]
fn a_plain_kind_takes_about_a_hundred_lines() {
    let text = std::fs::read_to_string(crate::support::source().join("src/staff/airports.rs"));
    let lines = text.unwrap().lines().count();
    assert!(lines < 110, "{lines} lines");
}
