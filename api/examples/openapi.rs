//! Prints the OpenAPI document: `cargo run --example openapi`.

fn main() {
    println!("{:#}", ait_api::document::openapi());
}
