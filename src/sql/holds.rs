//! Where a statement ends that holds others: the body of a routine, a block, a rule. It counts words and reads nothing.

use super::Dialect;
use super::lex::Lexed;

/// Whether semicolons belong to what a statement holds: the body of a routine, a block.
pub(super) struct Block {
    holds: bool,
    /// Several stand in parentheses.
    rule: bool,
    /// Declarations stand before BEGIN, with semicolons of their own.
    declares: bool,
    /// The rest of the batch is its body.
    batch: bool,
    depth: i32,
    /// How many routines are declared before BEGIN whose own BEGIN is to come, and whether one is being named.
    routines: i32,
    names: bool,
}

fn routine_at(lexed: &Lexed<'_>, at: usize) -> bool {
    lexed.is(at, "procedure") || lexed.is(at, "function")
}

impl Block {
    /// The statement that begins at a position, in a text whose last BEGIN stands at another.
    pub(super) fn at(lexed: &Lexed<'_>, index: usize, begins: usize) -> Block {
        let words = ["procedure", "proc", "function", "trigger", "package", "event", "task"];
        let made = lexed.is(index, "create") || lexed.is(index, "alter");
        let routine = made && (index..index + 12).any(|at| words.iter().any(|word| lexed.is(at, word)));
        let rule = made && (index..index + 4).any(|at| lexed.is(at, "rule"));
        let transactions =
            ["tran", "transaction", "work", ";", "isolation", "read", "deferred", "immediate", "exclusive"];
        let block = lexed.is(index, "begin")
            && index + 1 < lexed.tokens.len()
            && !transactions.iter().any(|word| lexed.is(index + 1, word));
        let blocks = matches!(lexed.dialect, Dialect::Oracle | Dialect::Snowflake);
        let declares = blocks && (lexed.is(index, "declare") || routine);
        Block {
            holds: routine || block || declares || rule,
            rule,
            declares: declares && begins > index,
            batch: routine
                && (lexed.dialect == Dialect::MsSql || (index..index + 6).any(|at| lexed.is(at, "package"))),
            depth: 0,
            // What is created is none of those.
            routines: -i32::from(made && (index..index + 6).any(|at| routine_at(lexed, at))),
            names: false,
        }
    }

    pub(super) fn step(&mut self, lexed: &Lexed<'_>, at: usize) {
        if !self.holds {
            return;
        }
        match lexed.key(at) {
            "(" if self.rule => self.depth += 1,
            ")" if self.rule => self.depth -= 1,
            "procedure" | "function" => self.names = self.declares && self.depth == 0,
            ";" => self.names = false,
            "is" | "as" if self.names => (self.routines, self.names) = (self.routines + 1, false),
            "begin" if !["tran", "transaction", "work"].iter().any(|word| lexed.is(at + 1, word)) => {
                if self.declares && self.depth == 0 && self.routines > 0 {
                    self.routines -= 1;
                } else if self.depth == 0 {
                    self.declares = false;
                }
                self.depth += 1;
            }
            "case" if at == 0 || !lexed.is(at - 1, "end") => self.depth += 1,
            "end" if !["if", "loop", "while", "repeat", "for"].iter().any(|word| lexed.is(at + 1, word)) => {
                self.depth -= 1
            }
            _ => {}
        }
    }

    pub(super) fn ends(&self) -> bool {
        !self.holds || self.depth <= 0 && !self.declares && !self.batch
    }
}
