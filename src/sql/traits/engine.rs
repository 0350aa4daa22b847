//! What only one engine (or a few) understands, or understands in its own way: functions, operators, clauses, hints
//! and physical addresses. What the SQL standard has, and what the big engines share, is not listed, nor is what every
//! statement of an engine has (`::`, LIMIT, RETURNING). It never asks which engine is meant to come.

use crate::evidence::Trait;
use crate::sql::Dialect;
use sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr, Insert,
    LimitClause, OnInsert, Select, Statement, TableFactor,
};
use std::collections::BTreeSet;

/// The trait's name; its value says which pattern.
const ENGINE_SPECIFIC: &str = "engine-specific";

/// Functions of one engine or of few. PostgreSQL manual, chapter 9; MySQL 8.4 Reference Manual, chapter 14;
/// Transact-SQL Reference, "Functions"; Oracle SQL Language Reference 19c, chapter 7; SQLite, "Built-In Functions".
const FUNCTIONS: [&str; 102] = [
    "add_months",
    "age",
    "array_to_string",
    "bit_xor",
    "charindex",
    "choose",
    "curdate",
    "currval",
    "curtime",
    "date_add",
    "date_format",
    "date_part",
    "date_sub",
    "date_trunc",
    "dateadd",
    "datediff",
    "datename",
    "datepart",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "elt",
    "eomonth",
    "field",
    "find_in_set",
    "from_unixtime",
    "gen_random_uuid",
    "generate_series",
    "getdate",
    "getutcdate",
    "group_concat",
    "ifnull",
    "iif",
    "inet_aton",
    "inet_ntoa",
    "initcap",
    "instr",
    "isnull",
    "isnumeric",
    "json_agg",
    "json_build_array",
    "json_build_object",
    "json_object_agg",
    "json_unquote",
    "julianday",
    "last_day",
    "last_insert_id",
    "last_insert_rowid",
    "lastval",
    "len",
    "load_file",
    "make_interval",
    "makedate",
    "months_between",
    "newid",
    "next_day",
    "nlssort",
    "numtodsinterval",
    "nvl",
    "nvl2",
    "openjson",
    "patindex",
    "plainto_tsquery",
    "quotename",
    "regexp_matches",
    "regexp_split_to_array",
    "regexp_split_to_table",
    "replicate",
    "row_to_json",
    "scope_identity",
    "split_part",
    "sqlite_version",
    "str_to_date",
    "strftime",
    "string_agg",
    "string_split",
    "string_to_array",
    "stuff",
    "subdate",
    "substring_index",
    "sys_context",
    "sys_guid",
    "sysdatetime",
    "sysutcdatetime",
    "timediff",
    "timestampadd",
    "timestampdiff",
    "to_char",
    "to_date",
    "to_days",
    "to_number",
    "to_timestamp",
    "to_tsquery",
    "to_tsvector",
    "try_cast",
    "try_convert",
    "ts_rank",
    "unix_timestamp",
    "userenv",
    "utc_timestamp",
    "uuid_generate_v4",
    "wm_concat",
];

/// What the names of whole families of such functions begin with.
const FAMILIES: [&str; 3] = ["dbms_", "jsonb_", "utl_"];

/// Adds the patterns of functions.
pub(super) fn of_function(function: &Function, traits: &mut BTreeSet<Trait>) {
    let parts: Vec<String> =
        function.name.0.iter().map(|part| part.to_string().to_ascii_lowercase()).collect();
    let (name, package) = match &parts[..] {
        [name] => (name.as_str(), ""),
        // A function of the application's own schema is its own, whatever it is called.
        [schema, name] if schema == "pg_catalog" => (name.as_str(), ""),
        [package, name] => (name.as_str(), package.as_str()),
        _ => return,
    };
    let family = |text: &str| FAMILIES.iter().any(|family| text.starts_with(family));
    if family(package) {
        add(traits, package);
    } else if !package.is_empty() {
    } else if FUNCTIONS.binary_search(&name).is_ok() || family(name) {
        add(traits, name);
    } else if name == "decode" && arguments(function) > 2 {
        // PostgreSQL's own has two arguments and is another.
        add(traits, "decode");
    }
    let ordered = matches!(&function.args, FunctionArguments::List(list)
        if list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::Separator(_))));
    if ordered {
        add(traits, "separator");
    }
}

fn arguments(function: &Function) -> usize {
    match &function.args {
        FunctionArguments::List(list) => list.args.len(),
        _ => 0,
    }
}

fn add(traits: &mut BTreeSet<Trait>, pattern: &str) {
    traits.insert(Trait::valued(ENGINE_SPECIFIC, pattern));
}

/// Adds the patterns of an expression.
pub(super) fn of_expr(expr: &Expr, dialect: Dialect, traits: &mut BTreeSet<Trait>) {
    let pattern = match expr {
        Expr::Function(function) => return of_function(function, traits),
        Expr::Identifier(name) if name.quote_style.is_none() => physical(&name.value, dialect),
        Expr::CompoundIdentifier(names) => names
            .last()
            .filter(|name| name.quote_style.is_none())
            .and_then(|name| physical(&name.value, dialect)),
        Expr::ILike { .. } => Some("ilike"),
        Expr::RLike { .. } => Some("regexp"),
        Expr::OuterJoin(_) => Some("(+)"),
        Expr::MatchAgainst { .. } => Some("match-against"),
        Expr::AnyOp { right, .. } if !matches!(**right, Expr::Subquery(_)) => Some("any-of-array"),
        Expr::Convert { data_type: Some(_), target_before_value: true, .. } => Some("convert"),
        Expr::JsonAccess { .. } => Some("json-path"),
        Expr::BinaryOp { op, .. } => operator(op),
        _ => None,
    };
    pattern.into_iter().for_each(|pattern| add(traits, pattern));
}

/// Columns that every row has without anybody having made them: where it lies, or who wrote it.
fn physical(name: &str, dialect: Dialect) -> Option<&'static str> {
    match (name.to_ascii_lowercase().as_str(), dialect) {
        ("ctid", Dialect::Postgres | Dialect::Generic) => Some("ctid"),
        ("xmin", Dialect::Postgres) => Some("xmin"),
        ("rowid", Dialect::Oracle | Dialect::Sqlite) => Some("rowid"),
        ("_rowid_", _) => Some("_rowid_"),
        ("rownum", Dialect::Oracle) => Some("rownum"),
        ("sysdate", Dialect::Oracle) => Some("sysdate"),
        _ => None,
    }
}

fn operator(op: &BinaryOperator) -> Option<&'static str> {
    use BinaryOperator as Op;
    Some(match op {
        Op::PGRegexMatch | Op::PGRegexIMatch | Op::PGRegexNotMatch | Op::PGRegexNotIMatch => "~",
        Op::Regexp | Op::Match => "regexp",
        Op::Glob => "glob",
        Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow => "json-arrow",
        Op::AtAt => "@@",
        Op::AtArrow | Op::ArrowAt | Op::PGOverlap => "contains",
        Op::Spaceship => "<=>",
        _ => return None,
    })
}

/// Adds the patterns of a SELECT.
pub(super) fn of_select(select: &Select, traits: &mut BTreeSet<Trait>) {
    let grouped = matches!(&select.group_by, GroupByExpr::All(_));
    let straight = select.select_modifiers.as_ref().is_some_and(|it| it.straight_join);
    for (has, pattern) in [
        (select.top.is_some(), "top"),
        (matches!(select.distinct, Some(Distinct::On(_))), "distinct-on"),
        (!select.connect_by.is_empty(), "connect-by"),
        (select.qualify.is_some(), "qualify"),
        (select.prewhere.is_some(), "prewhere"),
        (!select.lateral_views.is_empty(), "lateral-view"),
        (!select.optimizer_hints.is_empty() || straight, "hint"),
        (grouped, "group-by-all"),
    ] {
        if has {
            add(traits, pattern);
        }
    }
}

/// Adds the patterns of a FROM item.
pub(super) fn of_factor(factor: &TableFactor, traits: &mut BTreeSet<Trait>) {
    match factor {
        TableFactor::Table { with_hints, index_hints, .. } => {
            for hint in with_hints {
                let nolock = hint.to_string().eq_ignore_ascii_case("nolock");
                add(traits, if nolock { "nolock" } else { "hint" });
            }
            if !index_hints.is_empty() {
                add(traits, "hint");
            }
        }
        TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => add(traits, "pivot"),
        TableFactor::Function { name, .. } if name.to_string().eq_ignore_ascii_case("flatten") => {
            add(traits, "flatten");
        }
        _ => {}
    }
}

/// Adds the patterns of a statement's own clauses.
pub(super) fn of_statement(statement: &Statement, traits: &mut BTreeSet<Trait>) {
    match statement {
        Statement::Insert(insert) => of_insert(insert, traits),
        Statement::Update(update) => {
            for (has, pattern) in [
                (update.from.is_some(), "update-from"),
                (!update.table.joins.is_empty(), "update-join"),
                (update.limit.is_some(), "update-limit"),
                (!update.optimizer_hints.is_empty(), "hint"),
            ] {
                if has {
                    add(traits, pattern);
                }
            }
        }
        Statement::Delete(delete) => {
            for (has, pattern) in [
                (delete.using.is_some() || !delete.tables.is_empty(), "delete-join"),
                (delete.limit.is_some(), "delete-limit"),
                (!delete.optimizer_hints.is_empty(), "hint"),
            ] {
                if has {
                    add(traits, pattern);
                }
            }
        }
        Statement::Query(query) => {
            if matches!(query.limit_clause, Some(LimitClause::OffsetCommaLimit { .. })) {
                add(traits, "limit-comma");
            }
        }
        _ => {}
    }
}

fn of_insert(insert: &Insert, traits: &mut BTreeSet<Trait>) {
    let on = match &insert.on {
        Some(OnInsert::DuplicateKeyUpdate(_)) => Some("on-duplicate-key"),
        Some(OnInsert::OnConflict(_)) => Some("on-conflict"),
        _ => None,
    };
    let others = [
        (insert.replace_into, "replace-into"),
        (insert.ignore, "insert-ignore"),
        (insert.or.is_some(), "insert-or"),
        (!insert.optimizer_hints.is_empty(), "hint"),
    ];
    let others = others.into_iter().filter(|(has, _)| *has).map(|(_, pattern)| pattern);
    on.into_iter().chain(others).for_each(|pattern| add(traits, pattern));
}

/// Signs of one engine in text that the parser does not take: (what the folded text holds, the pattern).
const SIGNS: [(&str, &str); 20] = [
    ("nvl(", "nvl"),
    ("(+)", "(+)"),
    (" connect by ", "connect-by"),
    ("rownum", "rownum"),
    ("(nolock)", "nolock"),
    ("getdate(", "getdate"),
    ("dateadd(", "dateadd"),
    ("datediff(", "datediff"),
    ("isnull(", "isnull"),
    ("ifnull(", "ifnull"),
    ("group_concat(", "group_concat"),
    ("date_format(", "date_format"),
    (" on duplicate key ", "on-duplicate-key"),
    (" on conflict", "on-conflict"),
    (" force index", "hint"),
    (" use index", "hint"),
    (" ilike ", "ilike"),
    ("select top ", "top"),
    (" option(", "hint"),
    (" straight_join ", "hint"),
];

/// Adds the patterns of a folded text that was read by its tokens.
pub(in crate::sql) fn of_tokens(folded: &str, traits: &mut BTreeSet<Trait>) {
    for (sign, pattern) in SIGNS {
        let whole = |at: usize| {
            let begins = sign.starts_with(|c: char| c.is_ascii_alphabetic());
            let before = folded[..at].bytes().next_back();
            !begins || !before.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'"'))
        };
        if folded.match_indices(sign).any(|(at, _)| whole(at)) {
            add(traits, pattern);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;

    #[test]
    fn the_list_can_be_searched() {
        assert!(FUNCTIONS.is_sorted_by(|one, other| one < other), "it is sorted, and each stands once");
    }
}
