//! Calls in blocks of PL/SQL, told from tokens: a client that only sends `BEGIN hr.pay.run(:1); END;` depends on the
//! database as much as one that names tables (PL/SQL Language Reference, "Procedure Call Statement"). Packages of the
//! server itself, what the block declares for itself and methods of its collections are left out; what a routine does
//! is never told, and neither are functions inside of expressions.

use super::Dialect;
use super::lex::{Kind, Lexed};

/// What packages that come with the server are called (PL/SQL Packages and Types Reference).
const SUPPLIED: [&str; 8] = ["dbms_", "utl_", "apex_", "ctx_", "owa", "htp", "htf", "sdo_"];

/// Owners of such packages.
const OWNERS: [&str; 4] = ["sys", "standard", "ctxsys", "mdsys"];

/// Methods of collections (PL/SQL Language Reference, "Collection Methods").
const METHODS: [&str; 3] = ["extend", "trim", "delete"];

/// Statements that are one word, and words that an expression in parentheses may follow.
const WORDS: [&str; 25] = [
    "null",
    "commit",
    "rollback",
    "return",
    "exit",
    "continue",
    "raise",
    "end",
    "begin",
    "declare",
    "loop",
    "else",
    "then",
    "if",
    "elsif",
    "while",
    "for",
    "forall",
    "case",
    "when",
    "exception",
    "select",
    "insert",
    "values",
    "raise_application_error",
];

/// The routine that a statement calls which begins at a position, or to whose result it sets something.
pub(super) fn call(lexed: &Lexed<'_>, index: usize) -> Option<Vec<String>> {
    // Behind AS stands another name of a column as well.
    if lexed.dialect != Dialect::Oracle || index > 0 && lexed.is(index - 1, "as") {
        return None;
    }
    let (name, sets) = assigned(lexed, index).map_or((index, false), |name| (name, true));
    let (parts, after) = lexed.name(name).filter(|_| lexed.kind(name) != Some(Kind::Param))?;
    let end = lexed.after_list(after);
    // `v(1) := 2` calls nothing. What is set to a bare name may be a variable, or a function of the server.
    let called = !sets || parts.len() > 1 && end > after;
    if end < lexed.tokens.len() && !lexed.is(end, ";") || !called {
        return None;
    }
    let word = parts.len() == 1 && WORDS.iter().any(|word| lexed.is(name, word));
    (!word && !is_supplied(&parts) && !is_own(lexed, &parts)).then_some(parts)
}

/// Where the expression begins whose value a statement gives to a variable: `:1 := f(…)`, `n := f(…)`.
fn assigned(lexed: &Lexed<'_>, index: usize) -> Option<usize> {
    let sign = (index + 1..index + 4).find(|at| lexed.is(*at, ":") && lexed.is(at + 1, "="))?;
    // `:1` is a sign and a number.
    let variable = (index..sign).all(|at| {
        matches!(lexed.kind(at), Some(Kind::Word | Kind::Param | Kind::Number))
            || at == index && lexed.is(at, ":")
    });
    variable.then_some(sign + 2)
}

fn is_supplied(parts: &[String]) -> bool {
    let package = &parts[parts.len().saturating_sub(2)];
    let owned = parts.len() > 1 && OWNERS.contains(&parts[0].as_str());
    owned || parts.len() > 1 && SUPPLIED.iter().any(|supplied| package.starts_with(supplied))
}

/// Whether it is declared in the text itself, or a method of a collection.
fn is_own(lexed: &Lexed<'_>, parts: &[String]) -> bool {
    let method = parts.len() == 2 && METHODS.contains(&parts[1].as_str());
    let declared = |at: &usize| {
        let routine = ["procedure", "function"].iter().any(|word| lexed.is(*at, word));
        routine && lexed.name(at + 1).is_some_and(|(name, _)| name.last() == parts.last())
    };
    let end = lexed.ahead(0, super::lex::LOOKAHEAD);
    lexed.looked(end);
    method || parts.len() == 1 && (0..end).any(|at| declared(&at))
}

#[cfg(test)]
mod tests {
    use crate::sql::{Dialect, analyse};

    fn called(dialect: Dialect, sql: &str) -> String {
        let routines = analyse(sql, dialect).routines;
        routines.iter().map(|name| name.join(".")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_block_tells_which_routines_it_calls() {
        for (sql, routines) in [
            ("BEGIN hr.pkg.run(1); END;", "hr.pkg.run"),
            ("begin pay(:1); \"Close\"; commit; end;", "Close pay"),
            ("BEGIN :1 := hr.pkg.total(:2, f(3)); END;", "hr.pkg.total"),
            (
                "DECLARE n NUMBER; v t_list; BEGIN n := api.next_id(); IF n > 0 THEN log_it(n); ELSE hr.fail; END IF; END;",
                "api.next_id hr.fail log_it",
            ),
            (
                "BEGIN FOR r IN (SELECT id FROM emp) LOOP hr.pay(r.id); END LOOP; EXCEPTION WHEN OTHERS THEN hr.warn(SQLERRM); RAISE; END;",
                "hr.pay hr.warn",
            ),
            ("CALL hr.pkg.run(1)", "hr.pkg.run"),
            // What comes with the server, what the block has of its own, and what is no call.
            (
                "BEGIN DBMS_OUTPUT.PUT_LINE('hr.run(1);'); SYS.UTL_FILE.FCLOSE(f); raise_application_error(-20001, 'x'); END;",
                "",
            ),
            ("DECLARE PROCEDURE run(n NUMBER) IS BEGIN NULL; END; BEGIN run(1); END;", ""),
            (
                "DECLARE v t_list := t_list(); BEGIN v.EXTEND(2); v(1) := 5; v.DELETE; n := w; RETURN; END;",
                "",
            ),
            (
                "BEGIN UPDATE emp SET sal = f(1) WHERE id = 2; INSERT INTO log SELECT id AS run FROM emp; COMMIT; END;",
                "",
            ),
            ("SELECT hr.pkg.total(id) AS total FROM emp", ""),
        ] {
            assert_eq!(called(Dialect::Oracle, sql), routines, "{sql}");
        }
        assert_eq!(called(Dialect::MySql, "BEGIN pay(1); END"), "");
    }
}
