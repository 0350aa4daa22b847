//! What a file of JavaScript takes over from packages: `import x, { a as b } from "p"`, `import * as x from "p"`,
//! `const x = require("p")`, `const { a: b } = require("p")`. Re-exports and dynamic imports are not followed.

use crate::collect::schedules::code::Code;
use crate::collect::schedules::tokens::Kind;
use std::collections::BTreeMap;

/// How many words one import may have.
const MAX_WORDS: usize = 400;

/// Local names, with the package and what of it they are: a member's name, or `*` for the whole.
#[derive(Debug, Default)]
pub(super) struct Imports {
    names: BTreeMap<String, (String, String)>,
}

impl Imports {
    /// Of a file, from some packages.
    pub fn of(code: &Code, packages: &[&str]) -> Imports {
        let mut imports = Imports::default();
        for at in 0..code.tokens.len() {
            let Some(package) = code.tokens.get(at).filter(|it| it.kind == Kind::Text) else { continue };
            let package = package.text.as_str();
            if !packages.contains(&package) || at < 2 {
                continue;
            }
            if code.is_word(at - 1, "from") {
                imports.clause(code, at - 1, package);
            } else if code.is(at - 1, "(") && code.is_word(at - 2, "require") {
                // `import x = require("p")`, `const x = require("p")`, `require("p").a`.
                let sign = (at - 2).checked_sub(1).filter(|sign| code.is(*sign, "="));
                if let Some(sign) = sign {
                    let member = code.word(at + 3).filter(|_| code.is(at + 2, "."));
                    imports.bound(code, sign, package, member);
                }
            }
        }
        imports
    }

    fn learn(&mut self, local: &str, package: &str, member: &str) {
        self.names.insert(local.to_owned(), (package.to_owned(), member.to_owned()));
    }

    /// The words between `import` and `from`.
    fn clause(&mut self, code: &Code, from: usize, package: &str) {
        let first = (from.saturating_sub(MAX_WORDS)..from).rev().find(|at| code.is_word(*at, "import"));
        let Some(first) = first else { return };
        let mut at = first + 1;
        while at < from {
            if code.is(at, "{") {
                for entry in code.arguments(at) {
                    let (start, end) = entry.span;
                    let (Some(name), Some(local)) = (code.word(start), code.word(end - 1)) else { continue };
                    let name = if name == "type" { code.word(start + 1).unwrap_or(name) } else { name };
                    let member = if name == "default" { "*" } else { name };
                    self.learn(local, package, member);
                }
                at = code.pair(at);
            } else if let Some(local) = code.word(at).filter(|word| !matches!(*word, "as" | "type")) {
                self.learn(local, package, "*");
            }
            at += 1;
        }
    }

    /// The name or the pattern in front of `= require(…)`.
    fn bound(&mut self, code: &Code, sign: usize, package: &str, member: Option<&str>) {
        let Some(last) = sign.checked_sub(1) else { return };
        if let Some(local) = code.word(last) {
            self.learn(local, package, member.filter(|member| *member != "default").unwrap_or("*"));
        } else if code.is(last, "}") {
            for entry in code.arguments(code.pair(last)) {
                let (start, end) = entry.span;
                let Some(local) = code.word(end - 1).filter(|_| start + 1 == end) else { continue };
                self.learn(local, package, entry.name.unwrap_or(local));
            }
        }
    }

    /// Whether anything comes from one of these packages.
    pub fn any_of(&self, packages: &[&str]) -> bool {
        self.names.values().any(|(package, _)| packages.contains(&package.as_str()))
    }

    /// The package, and the member of it, that the name in front of an opening bracket is: `x.member(`, `member(`.
    pub fn called<'c>(&'c self, code: &'c Code, open: usize) -> Option<(&'c str, &'c str)> {
        let last = code.word(open.checked_sub(1)?)?;
        let dotted = open >= 3 && (code.is(open - 2, ".") || code.is(open - 2, "?."));
        if !dotted {
            let (package, member) = self.names.get(last)?;
            return Some((package, if member == "*" { last } else { member }));
        }
        // `x.default.member(` of a package that was required whole.
        let default = code.is_word(open - 3, "default") && open >= 5 && code.is(open - 4, ".");
        let object = code.word(if default { open - 5 } else { open - 3 })?;
        let (package, member) = self.names.get(object)?;
        (member == "*" || package == object).then_some((package.as_str(), last))
    }

    /// The package that a local name is, or is a member of.
    pub fn package_of(&self, local: &str) -> Option<(&str, &str)> {
        self.names.get(local).map(|(package, member)| (package.as_str(), member.as_str()))
    }
}
