//! Requests that statements of PostgreSQL make: pg_net's `net.http_post(url := '…')` and its like, and those of the
//! extension http (their READMEs). What is sent is not looked at.

use super::http::endpoint;
use super::{Call, Out};
use crate::evidence::Action;
use crate::sql::{Dialect, Kind, Lexed, lex};

/// How many signs behind its bracket the address of a request may be.
const NEAR: usize = 60;
/// The functions, and the method of each.
const FUNCTIONS: [(&str, &str); 4] =
    [("http_get", "GET"), ("http_post", "POST"), ("http_put", "PUT"), ("http_delete", "DELETE")];

/// States the requests of a text.
pub(super) fn state(text: &str, call: &Call, out: &mut Out<'_>) {
    let lexed = lex(text, Dialect::Postgres);
    for at in 0..lexed.tokens.len() {
        let function = FUNCTIONS.iter().find(|(name, _)| lexed.is(at, name) && lexed.is(at + 1, "("));
        let Some((_, method)) = function else { continue };
        let Some(url) = address(&lexed, at + 2) else { continue };
        let whole = lexed.is(url + 1, ",") || lexed.is(url + 1, ")");
        match lexed.content(url).filter(|_| whole).and_then(|url| endpoint(method, &url)) {
            Some(resource) => out.add(call, None, Action::Call, resource),
            None => out.unresolved(call, "a request to an address that is only known when it runs"),
        }
    }
}

/// Where the address stands: behind `url :=`, or first.
fn address(lexed: &Lexed<'_>, open: usize) -> Option<usize> {
    let named = |at: &usize| {
        lexed.is(*at, "url")
            && (lexed.is(at + 1, ":") && lexed.is(at + 2, "=")
                || lexed.is(at + 1, "=") && lexed.is(at + 2, ">"))
    };
    let found = (open..open + NEAR).find(named).map(|at| at + 3);
    found.or_else(|| (lexed.kind(open) == Some(Kind::Text)).then_some(open))
}
