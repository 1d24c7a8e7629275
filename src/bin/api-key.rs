//! Creates an API key: prints it once, with the entry to store.

use std::process::ExitCode;

use clap::Parser;
use feedback_graphql::auth::{NewKey, Scope, make_key};

/// Creates an API key for a server or a script
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Name of the key, which the log shows
    #[arg(value_name = "NAME")]
    name: String,

    /// Scope of the key: feedback:read, or feedback:manage, which includes it
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = parse_scope)]
    scopes: Vec<Scope>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match make_key(&arguments.name, &arguments.scopes) {
        Ok(NewKey { token, entry }) => {
            println!("The key, which is shown only once:\n");
            println!("  {token}\n");
            println!("Send it with each request:\n");
            println!("  Authorization: Bearer {token}\n");
            println!("The entry for \"keys\" in the secret, which holds only the key's digest:\n");
            println!("  {entry}\n");
            println!("The whole secret, if this is its first key:\n");
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
