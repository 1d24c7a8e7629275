//! Prints the schema in the schema definition language: `cargo run --bin schema > schema.graphql`. With `--federation`, as
//! a subgraph of a federated graph.

use std::env;
use std::process::ExitCode;

use feedback_graphql::graphql::{sdl, subgraph_sdl};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (None, _) => print!("{}", sdl()),
        (Some(argument), None) if argument == "--federation" => print!("{}", subgraph_sdl()),
        _ => {
            eprintln!("expected no argument, or --federation for the schema as a subgraph");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
