//! Makes an API key: prints it once, and what of it is to be stored.

use std::process::ExitCode;

use clap::Parser;
use feedback_graphql::auth::{NewKey, Scope, make_key};

/// Makes an API key for a server or a script
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// What the key is called in the log: whose it is, and what for
    #[arg(value_name = "NAME")]
    name: String,

    /// What it allows: feedback:read, or feedback:manage, which includes it
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = parse_scope)]
    scopes: Vec<Scope>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match make_key(&arguments.name, &arguments.scopes) {
        Ok(NewKey { token, entry }) => {
            println!("The key, which is shown only here and now. Give it to whoever is to use it:\n");
            println!("  {token}\n");
            println!("They send it with each request:\n");
            println!("  Authorization: Bearer {token}\n");
            println!("What to add to \"keys\" in the secret. It does not tell the key:\n");
            println!("  {entry}\n");
            println!("The secret as a whole, if this is its first key:\n");
            println!("  {{\"keys\": [{entry}]}}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: the operating system has no random numbers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| "expected feedback:read or feedback:manage".to_owned())
}
