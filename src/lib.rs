//! **airline**: the public looks flights up and books; staff edit airports, flights and passengers.
//!
//! The map, from the top down; `use crate::` points downward only, and a test sees to it:
//!
//! - [`cli`]: the commands · [`site`]: the table of contents of every route
//! - `staff`: how staff see and change each kind, handed to the engine in `admin`
//! - faces: `public` for visitors, `accounts` for signing in, `admin` the staff engine
//! - `pages`: what pages are made of · [`data`]: files in and out
//! - [`domain`]: airports, flights, passengers, bookings · [`auth`]: who is asking
//! - [`changes`]: the one way to write
//! - the ground: [`db`], [`config`], [`mail`], [`wire`], [`input`], [`clock`], [`random`], [`error`]

pub mod accounts;
pub mod admin;
pub mod auth;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod config;
pub mod data;
pub mod db;
pub mod domain;
pub mod error;
pub mod health;
pub mod input;
pub mod mail;
pub mod pages;
pub mod public;
pub mod random;
pub mod site;
pub mod staff;
pub mod wire;
