//! `portend serve` as a process: the API, the original dashboard's API, the console, and what hostile callers get.

mod server;
mod events;
mod forgetting;
mod api;
mod access;
mod limits;
mod original;
mod console;
mod actions;
mod quality;
