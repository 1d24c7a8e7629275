//! Prints the schema in the schema definition language: `cargo run --bin schema > schema.graphql`.

fn main() {
    print!("{}", feedback_graphql::graphql::sdl());
}
