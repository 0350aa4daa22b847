//! A text as the statements it holds: where each ends, which reader takes it, and what is left when all of them
//! have run. Tables that are made and dropped inside the text, temporary ones and renamed ones are settled here. It
//! reads no statement itself.

use super::holds::Block;
use super::lex::{self, Kind, Lexed};
use super::session::{self, SessionChange};
use super::{
    Dialect, Found, MAX_PARSED_BYTES, Reach, Run, SearchPath, Status, ast, definitions, explain, fold,
    is_private, is_sessions, reach, shown_part, spelling, tokens, traits,
};
use crate::evidence::{Confidence, Text, Trait};
use std::collections::{BTreeMap, BTreeSet};

/// How deep text in a literal of text in a literal is read.
const MAX_NESTED: usize = 3;

type Name = Vec<String>;

/// What all statements of a text do together.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) reads: BTreeMap<Name, Confidence>,
    pub(super) writes: BTreeMap<Name, Confidence>,
    /// Of those, the ones that are only written if they are the one that a statement means.
    pub(super) unsure: BTreeSet<Name>,
    pub(super) touches: BTreeMap<(Name, &'static str), Confidence>,
    /// Tables that are defined after others, which are no data flow but in the lens.
    pub(super) made: BTreeSet<Name>,
    pub(super) models: BTreeMap<Name, Confidence>,
    /// Written tables that go by another name at the end.
    pub(super) renamed: BTreeMap<Name, Name>,
    /// What the bodies of definitions do: those that stand in literals, and those that are statements.
    pub(super) defined: Defined,
    pub(super) body: Body,
    pub(super) files_read: BTreeSet<String>,
    pub(super) files_written: BTreeSet<String>,
    pub(super) routines: BTreeSet<Name>,
    pub(super) reaches: BTreeSet<Reach>,
    pub(super) session: Vec<SessionChange>,
    pub(super) acts: bool,
    pub(super) traits: BTreeSet<Trait>,
    pub(super) status: Option<Status>,
}

/// What the bodies of definitions do.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) reads: BTreeMap<Name, Confidence>,
    pub(super) writes: BTreeMap<Name, Confidence>,
    pub(super) touches: BTreeMap<(Name, &'static str), Confidence>,
    pub(super) traits: BTreeSet<Trait>,
    pub(super) routines: BTreeSet<Name>,
    pub(super) reaches: BTreeSet<Reach>,
}

/// Tables in bodies that stand in literals.
#[derive(Debug, Default)]
pub(super) struct Defined {
    pub(super) reads: BTreeSet<Name>,
    pub(super) writes: BTreeSet<Name>,
    pub(super) touches: BTreeSet<(Name, &'static str)>,
}

/// One statement and how sure its reading is.
struct Step {
    found: Found,
    confidence: Confidence,
    /// Whether it is one statement, of which the order of its parts is known.
    parsed: bool,
    /// When it is run.
    when: When,
}

/// When a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Where it stands.
    Here,
    /// Its body is run by whoever calls what it defines, or by what sets that off.
    Defines,
    /// It is such a body.
    Inside,
    /// It is such a body, in a literal.
    Literal,
}

/// Reads a text.
pub(super) fn read(sql: &str, dialect: Dialect) -> Whole {
    let mut whole = Whole::default();
    let mut steps = Vec::new();
    let text = spelling::plain(unwrapped(sql, dialect), dialect);
    let pieces = pieces(&text, dialect);
    let several = pieces.len() > 1 && dialect == Dialect::Postgres;
    for piece in pieces {
        let lexed = lex::lex(piece, dialect);
        let when = if definitions::has_body(&lexed) { When::Defines } else { When::Here };
        let traits = if when == When::Here { &mut whole.traits } else { &mut whole.body.traits };
        let (found, status) = statement(piece, &lexed, traits);
        // Of several, one that is not understood makes the text one that is told from tokens.
        whole.status = match (whole.status, status) {
            (None, status) => Some(status),
            (Some(Status::NotSql), Status::NotSql) => Some(Status::NotSql),
            (Some(Status::Parsed), Status::Parsed) => Some(Status::Parsed),
            _ => Some(Status::Tokens),
        };
        let confidence = if status == Status::Parsed { Confidence::High } else { Confidence::Low };
        let parsed = status == Status::Parsed;
        let step = Step { found, confidence, parsed, when };
        nested(step, dialect, 0, traits, &mut steps);
    }
    settle(steps, dialect, &mut whole);
    if several && !whole.session.is_empty() {
        whole.session.insert(0, SessionChange::Text { begins: true });
        whole.session.push(SessionChange::Text { begins: false });
    }
    whole
}

/// A step, and those of the literals it runs.
fn nested(
    mut step: Step,
    dialect: Dialect,
    depth: usize,
    traits: &mut BTreeSet<Trait>,
    steps: &mut Vec<Step>,
) {
    let texts = std::mem::take(&mut step.found.dynamic);
    let within = step.when;
    steps.push(step);
    if depth >= MAX_NESTED {
        return;
    }
    for Run { text, block, defined } in texts {
        let when = match within {
            _ if defined => When::Literal,
            When::Defines => When::Inside,
            within => within,
        };
        let pieces = if block { vec![&*text] } else { pieces(&text, dialect) };
        for piece in pieces {
            let lexed = lex::lex(piece, dialect);
            let (mut found, status) = if block {
                (tokens::read(&lexed, true), Status::Tokens)
            } else {
                statement(piece, &lexed, traits)
            };
            let defines = when == When::Here && !block && definitions::has_body(&lexed);
            let when = if defines { When::Defines } else { when };
            let confidence = if status == Status::Parsed { Confidence::Medium } else { Confidence::Low };
            // What only a run can tell is no name.
            let known = |name: &Name| !name.iter().any(|part| part.contains(fold::UNKNOWN_NAME));
            found.reads.retain(known);
            found.writes.retain(known);
            found.touches.retain(|(name, _)| known(name));
            // What a routine sets for itself ends with it; whether its text runs at all is not known.
            found.session.clear();
            found.reaches.clear();
            let parsed = status == Status::Parsed;
            nested(Step { found, confidence, parsed, when }, dialect, depth + 1, traits, steps);
        }
    }
}

/// Whether a text holds something that the parser takes and misunderstands: lists of functions as a table,
/// names in Unicode escapes, tables in parentheses after ONLY where that is not spelled out.
fn misparsed(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    ["rows from", "u&\"", "only (", "only("].iter().any(|words| lower.contains(words))
}

/// Reads one statement; of one that is only explained, what a plan is made of.
fn statement(piece: &str, lexed: &Lexed<'_>, traits: &mut BTreeSet<Trait>) -> (Found, Status) {
    if let Some(at) = settings_end(lexed) {
        let inner = piece.get(lexed.span(at).0..).unwrap_or("");
        return read_one(inner, &lex::lex(inner, lexed.dialect), traits);
    }
    let Some(explained) = explain::explained(lexed) else { return read_one(piece, lexed, traits) };
    let inner = piece.get(lexed.span(explained.at).0..).unwrap_or("");
    let lexed = lex::lex(inner, lexed.dialect);
    if explained.runs {
        return read_one(inner, &lexed, traits);
    }
    let (found, status) = read_one(inner, &lexed, &mut BTreeSet::new());
    (explain::planned(found), status)
}

/// Where the statement begins that `SET STATEMENT variable = value FOR` only sets something for (MariaDB, "SET
/// STATEMENT").
fn settings_end(lexed: &Lexed<'_>) -> Option<usize> {
    let sets = lexed.dialect == Dialect::MySql && lexed.is(0, "set") && lexed.is(1, "statement");
    let at = lexed.find(2, &["for"]).filter(|_| sets)? + 1;
    (at < lexed.tokens.len()).then_some(at)
}

/// Reads one statement: by the parser, with placeholders neutral if need be, or from its tokens.
fn read_one(piece: &str, lexed: &Lexed<'_>, traits: &mut BTreeSet<Trait>) -> (Found, Status) {
    let dialect = lexed.dialect;
    let changes = session::of_tokens(lexed);
    if piece.len() <= MAX_PARSED_BYTES && !misparsed(piece) {
        if let Some(mut found) = ast::read(piece, dialect, traits) {
            found.take(tokens::definitions(lexed));
            found.session.extend(changes);
            return (found, Status::Parsed);
        }
        // Placeholders of client libraries are no SQL; a parameter stands in for them.
        if let Some(neutral) = fold::neutral(piece)
            && let Some(mut found) = ast::read(&neutral, dialect, traits)
        {
            found.take(tokens::definitions(&lex::lex(&neutral, dialect)));
            found.session.extend(changes);
            return (found, Status::Parsed);
        }
    }
    let mut found = tokens::read(lexed, false);
    found.statement |= !changes.is_empty();
    found.session.extend(changes);
    if !found.statement {
        return (found, Status::NotSql);
    }
    traits::of_tokens(&fold::fold_all(piece, dialect), traits);
    found.reaches.append(&mut reach::of_text(piece));
    (found, Status::Tokens)
}

/// Without what a server puts before a text: Query Store declares the parameters in parentheses.
fn unwrapped(sql: &str, dialect: Dialect) -> &str {
    let text = sql.trim_start_matches('\u{feff}');
    if dialect != Dialect::MsSql || !text.trim_start().starts_with("(@") {
        return text;
    }
    let lexed = lex::lex(text, dialect);
    let end = lexed.after_list(0);
    let begins = ["select", "insert", "update", "delete", "merge", "with", "exec", "declare", "if", "set"];
    if begins.iter().any(|word| lexed.is(end, word)) {
        return text.get(lexed.span(end).0..).unwrap_or(text);
    }
    text
}

/// The statements of a text: between semicolons that are in no string, comment or block, and between `GO` of SQL
/// Server's clients.
fn pieces(text: &str, dialect: Dialect) -> Vec<&str> {
    let lexed = lex::lex(text, dialect);
    let (mut parts, mut start) = (Vec::new(), 0);
    let begins = (0..lexed.tokens.len()).rfind(|at| lexed.is(*at, "begin")).unwrap_or(0);
    let mut block = Block::at(&lexed, 0, begins);
    let mut push = |from: usize, to: usize| {
        if from < to {
            parts.push(text.get(lexed.span(from).0..lexed.span(to - 1).1).unwrap_or(""));
        }
    };
    for at in 0..lexed.tokens.len() {
        let batch = dialect == Dialect::MsSql && lexed.is(at, "go") && alone(text, lexed.span(at));
        if batch || lexed.is(at, ";") && block.ends() {
            push(start, at);
            // `GO 5` runs the batch so often.
            let count = batch && lexed.kind(at + 1) == Some(Kind::Number) && same_line(text, &lexed, at);
            start = at + 1 + usize::from(count);
            block = Block::at(&lexed, start, begins);
        } else {
            block.step(&lexed, at);
        }
    }
    push(start, lexed.tokens.len());
    parts
}

/// Whether a token and the one behind it stand on one line.
fn same_line(text: &str, lexed: &Lexed<'_>, at: usize) -> bool {
    let between = text.get(lexed.span(at).1..lexed.span(at + 1).0);
    between.is_some_and(|between| !between.contains('\n'))
}

/// Whether a word is all that stands on its line.
fn alone(text: &str, (start, end): (usize, usize)) -> bool {
    let before = text.get(..start).unwrap_or("").rsplit('\n').next().unwrap_or("");
    let after = text.get(end..).unwrap_or("").split('\n').next().unwrap_or("");
    before.trim().is_empty() && after.trim().chars().all(|c| c.is_ascii_digit() || c == ';')
}

/// The changes of a session that a statement's own tables are.
fn changes(found: &mut Found, dialect: Dialect) -> (Vec<SessionChange>, Vec<SessionChange>) {
    let mut made: Vec<Name> = std::mem::take(&mut found.temporary).into_iter().collect();
    let in_session = |(name, how): &&(Name, &'static str)| *how == "create" && is_sessions(name, dialect);
    made.extend(found.touches.iter().filter(in_session).map(|(name, _)| name.clone()));
    let key = |name: &Name| key(name, dialect);
    let until_commit = found.until_commit;
    let made = made.iter().filter_map(key).map(|name| SessionChange::Temporary { name, until_commit });
    let dropped = found.touches.iter().filter(|(_, how)| *how == "drop").map(|(name, _)| name);
    let dropped = dropped.chain(&found.gone).filter_map(key).map(SessionChange::Dropped);
    let renamed = found.renamed.iter().filter_map(|(old, new)| Some((key(old)?, key(new)?)));
    let renamed = renamed.map(|(old, new)| SessionChange::Renamed(old, new));
    let after = dropped.chain(renamed).chain(std::mem::take(&mut found.session)).collect();
    (made.collect(), after)
}

/// The name of a temporary table as its session knows it; `None`: no temporary table has such a name.
fn key(name: &Name, dialect: Dialect) -> Option<Vec<Text>> {
    let text = |name: &[String]| name.iter().map(|part| Text::from(shown_part(part))).collect();
    match (dialect, &name[..]) {
        (Dialect::MySql, [_]) => Some(text(&[String::new(), name[0].clone()])),
        (Dialect::Postgres, [_, .., last]) => {
            is_sessions(name, dialect).then(|| text(std::slice::from_ref(last)))
        }
        _ => Some(text(name)),
    }
}

/// What is left when all statements have run.
fn settle(steps: Vec<Step>, dialect: Dialect, whole: &mut Whole) {
    // Where the text itself says that its statements look, and the temporary tables of bodies.
    let (mut path, mut inside) = (SearchPath::default(), SearchPath::default());
    if steps.len() > 1 {
        path.change(&[SessionChange::Text { begins: true }]);
    }
    let mut rows: BTreeSet<Name> = BTreeSet::new();
    let mut born: BTreeMap<Name, bool> = BTreeMap::new();
    for Step { mut found, confidence, parsed, when } in steps {
        let (made, after) = changes(&mut found, dialect);
        if !made.is_empty() {
            whole.traits.insert(Trait::named("temp-table"));
        }
        if found.trigger {
            rows.extend([vec!["inserted".to_owned()], vec!["deleted".to_owned()]]);
        }
        // What a query makes it does not read; a block may read what it has made.
        if when != When::Here {
            inside.change(&made);
        } else if !parsed {
            path.change(&made);
        }
        let at = if when == When::Here { &path } else { &inside };
        let own = |name: &Name| is_nobodys(name, dialect) || placed(name, at).is_none();
        let renamed: BTreeSet<&Name> =
            found.renamed.iter().filter(|(old, _)| own(old)).map(|(_, new)| new).collect();
        let meant = |name: &Name| {
            let named = !rows.contains(name) && !renamed.contains(name) && !is_nobodys(name, dialect);
            named.then(|| placed(name, at)).flatten()
        };
        match when {
            When::Here => {}
            When::Literal => {
                let kept = &mut whole.defined;
                kept.reads.extend(found.reads.iter().filter_map(meant));
                kept.writes.extend(found.writes.iter().filter_map(meant));
                let touch = |(name, how): &(Name, &'static str)| Some((meant(name)?, *how));
                kept.touches.extend(found.touches.iter().filter_map(touch));
                continue;
            }
            When::Defines | When::Inside => {
                whole.acts |= found.acts;
                whole.files_read.append(&mut found.files_read);
                whole.files_written.append(&mut found.files_written);
                let defines = when == When::Defines;
                for (name, how) in found.touches.iter().filter_map(|(name, how)| Some((meant(name)?, *how))) {
                    let own = defines && definitions::is_own(how) && placed(&name, &path).is_some();
                    let kept = if own { &mut whole.touches } else { &mut whole.body.touches };
                    raise(kept, (name, how), confidence);
                }
                // What is made empty is made here.
                let made = found.touches.iter().filter(|(_, how)| *how == "create" && defines);
                let made: BTreeSet<&Name> = made.map(|(name, _)| name).collect();
                for name in &found.writes {
                    match (meant(name), made.contains(name)) {
                        (Some(name), true) => drop(whole.made.insert(name)),
                        (Some(meant), false) => {
                            let sure = if found.unsure.contains(name) { Confidence::Low } else { confidence };
                            raise(&mut whole.body.writes, meant, sure);
                        }
                        _ => {}
                    }
                }
                let reads = found.reads.iter().chain(&found.models);
                for name in reads.filter_map(meant) {
                    raise(&mut whole.body.reads, name, confidence);
                }
                whole.body.routines.append(&mut found.routines);
                whole.body.reaches.append(&mut found.reaches);
                continue;
            }
        }
        for name in found.reads.iter().filter_map(meant) {
            raise(&mut whole.reads, name, confidence);
        }
        for name in found.models.iter().filter_map(meant) {
            raise(&mut whole.models, name, confidence);
        }
        for (old, new) in &found.renamed {
            // Who wrote under the old name is found under the new one.
            if let (Some(old), Some(new)) = (meant(old), meant(new))
                && (whole.writes.contains_key(&old) || whole.made.contains(&old))
            {
                whole.renamed.insert(old, new);
            }
        }
        for (name, how) in found.touches.iter().filter_map(|(name, how)| Some((meant(name)?, *how))) {
            if how == "create" {
                born.entry(name.clone()).or_insert_with(|| whole.reads.contains_key(&name));
            }
            if how == "drop"
                && let Some(known) = born.remove(&name)
            {
                forget(whole, &name, known);
                continue;
            }
            raise(&mut whole.touches, (name, how), confidence);
        }
        for name in &found.writes {
            let unsure = found.unsure.contains(name);
            let Some(name) = meant(name) else { continue };
            if !unsure {
                whole.unsure.remove(&name);
            } else if !whole.writes.contains_key(&name) {
                whole.unsure.insert(name.clone());
            }
            raise(&mut whole.writes, name, if unsure { Confidence::Low } else { confidence });
        }
        whole.made.extend(found.made.iter().filter_map(meant));
        whole.files_read.extend(found.files_read);
        whole.files_written.extend(found.files_written);
        whole.routines.extend(found.routines.into_iter().filter(|name| !is_sessions(name, dialect)));
        whole.reaches.extend(found.reaches);
        if parsed {
            path.change(&made);
        }
        path.change(&after);
        whole.session.extend(made.into_iter().chain(after));
        whole.acts |= found.acts;
    }
}

/// A name as the text itself says where it is looked for; `None`: it is a temporary table of the text's own.
fn placed(name: &Name, path: &SearchPath) -> Option<Name> {
    let shown: Vec<Text> = name.iter().map(|part| Text::from(shown_part(part))).collect();
    let parts: Vec<Text> = name.iter().map(|part| Text::from(part.as_str())).collect();
    let here = !path.hides(&shown, None);
    here.then(|| path.place_in_text(&parts).iter().map(ToString::to_string).collect())
}

/// A table that was made here and is gone: only whoever read it before it was made meant another one.
fn forget(whole: &mut Whole, name: &Name, known: bool) {
    if !known {
        whole.reads.remove(name);
    }
    whole.writes.remove(name);
    whole.made.remove(name);
    whole.touches.retain(|(other, _), _| other != name);
}

fn raise<K: Ord>(map: &mut BTreeMap<K, Confidence>, key: K, confidence: Confidence) {
    let held = map.entry(key).or_insert(confidence);
    *held = (*held).max(confidence);
}

/// Names that stand for no table of anybody else: `#t` and `@t` of a session, and the one row of `dual`.
fn is_nobodys(name: &Name, dialect: Dialect) -> bool {
    let last = name.last().map_or("", String::as_str);
    matches!(dialect, Dialect::MsSql | Dialect::Generic) && is_private(name)
        || is_sessions(name, dialect)
        || last.starts_with('@')
        || name.len() == 1 && last == "dual" && dialect != Dialect::Postgres
}
