//! Holds `template.yaml` against the code, and against itself.
//!
//! A linter checks a SAM template against AWS's own schemas. It does not know which variables this program reads,
//! which calls it makes, how its table is keyed or who may come in where, and it lets a reference to nothing pass. A
//! stack with such a fault deploys, or half deploys, and fails on the first request; here it fails before.
//!
//! Much of the template hangs on conditions. The tests look at what is left of it for one choice of the parameters
//! ([`document::Template::with`]), as AWS would create it, and at no piece of it out of its condition.

mod alarms;
mod api;
mod dashboard;
mod deployment;
mod document;
mod encryption;
mod function;
mod indexes;
mod keys;
mod log_lines;
mod logs;
mod permissions;
mod table;
mod variation;
mod wholeness;
