//! Stories through the real site, each on a fresh database: SQLite, or PostgreSQL where
//! `TEST_DATABASE_URL` names one. `browser` needs Chromium and its driver; `bin/test` runs all.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::future_not_send, reason = "a test stays on its thread")]

mod support;

mod aboard;
mod accessibility;
mod accounts;
mod arrows;
mod assets;
mod backups;
mod booking;
mod browser;
mod bulk;
mod commands;
mod counts;
mod crawler;
mod data_files;
mod demo;
mod django;
mod engine;
mod exports;
mod factor;
mod failures;
mod forms;
mod guards;
mod history;
mod input;
mod large_loads;
mod lists;
mod loading;
mod log_access;
mod logs;
mod mail;
mod merge;
mod migrations;
mod once;
mod paging;
mod public;
mod resume;
mod rights;
mod schema;
mod searching;
mod statements;
mod supply;
mod templates;
mod throttle;
mod views;
mod wire;
mod zones;
