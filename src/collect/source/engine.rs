//! One engine for all languages: the grammar's query marks assignments, calls, annotations and text; constants
//! are folded within the file and taken over from files it imports; folded text that is SQL, a URL in an HTTP
//! call, a mapped table or a connection string is evidence. Unknown parts stay `{}`, and a table whose name
//! holds one is a gap, never a table.

use super::fold::{Constants, File, UNKNOWN, call_of, fits};
use super::language::Language;
use super::marks::{Annotation, Marked, mark, tree_of};
use super::modules::Modules;
use super::place::{Where, script_of};
use super::routes::{self, Routing};
use super::scopes::MAX_CONSTANTS;
use super::tables::{self, Resolved, Table, last};
use super::{clients, connections, queries};
use crate::collect::{World, commands};
use crate::evidence::{
    Action, Basis, Confidence, Evidence, Fact, Gap, GapCode, Mention, MentionKind, Place, Resource,
    ResourceKind, Says, Text, Trait,
};
use crate::input::InputFile;
use crate::sql::{Cache, Dialect, SearchPath, Status, TableUse};
use std::collections::BTreeSet;
use tree_sitter::Node;

/// Words that open SQL worth reading, with what must follow somewhere: prose is not SQL.
const OPENERS: [(&str, &str); 11] = [
    ("select", " from "),
    ("select", "("),
    ("call", "("),
    ("with", " select "),
    ("insert into", ""),
    ("update", " set "),
    ("delete from", ""),
    ("merge into", ""),
    ("truncate", ""),
    ("copy", ""),
    ("refresh materialized", ""),
];

/// Whether a text reads like a statement. Where nothing but statements is taken (`certain`) prose is not to be
/// feared.
fn looks_like_sql(text: &str, certain: bool) -> bool {
    // Prose may begin like a statement; it does not shout its verb, and it has none of SQL's signs.
    let verb = text.split_whitespace().next().unwrap_or("");
    let shouted = verb.chars().all(|c| c.is_ascii_uppercase());
    // `Listen carefully` is a statement only where nothing else is taken.
    if certain && (verb.eq_ignore_ascii_case("listen") || verb.eq_ignore_ascii_case("notify")) {
        return true;
    }
    let quiet = verb.chars().all(|c| c.is_ascii_lowercase());
    let signs = text.contains(['=', '(', '*', ';', '_', '.', '{']);
    // `select o from Order o`.
    let first: Vec<&str> = text.split_whitespace().take(5).collect();
    let aliased = matches!(first.as_slice(), [_, one, _, _, other] if one == other);
    if !(shouted || certain || (quiet && (signs || aliased))) {
        return false;
    }
    let words: Vec<String> = text.split_whitespace().take(4000).map(str::to_ascii_lowercase).collect();
    let flat = format!("{} ", words.join(" "));
    OPENERS.iter().any(|(opener, needs)| flat.starts_with(&format!("{opener} ")) && flat.contains(needs))
}

/// Words that stand where a table would, and are none: `Select a country from the list` is valid SQL.
const ARTICLES: [&str; 12] =
    ["a", "an", "the", "this", "that", "these", "those", "your", "our", "my", "their", "its"];

/// Whether a statement is a sentence after all; none shouts its verb.
fn reads_like_prose(text: &str, tables: &[TableUse]) -> bool {
    let verb = text.split_whitespace().next().unwrap_or("");
    let article = |it: &TableUse| matches!(it.parts.as_slice(), [one] if ARTICLES.contains(&&**one));
    verb.contains(|c: char| c.is_ascii_lowercase()) && tables.iter().any(article)
}

/// The constants of a file by themselves.
pub fn constants(language: &Language, text: &str, environment: Constants) -> Constants {
    let Ok(tree) = tree_of(language, text) else { return Constants::new() };
    let mut marked = mark(language, text, tree.root_node());
    let parents = std::mem::take(&mut marked.parents);
    let mut file = File { environment, ..File::new(language, text, parents) };
    file.learn(tree.root_node(), &marked);
    file.scopes.exported()
}

/// Reads a file: what it states, and what it says of routes, which are joined over files.
pub fn read(
    language: &Language,
    input: &InputFile,
    text: &str,
    at: &Where,
    modules: &Modules<'_>,
    world: &World<'_>,
    open: &mut Vec<connections::Open>,
) -> (Evidence, Routing) {
    let mut out = Evidence::new();
    let tree = match tree_of(language, text) {
        Ok(tree) => tree,
        Err(why) => {
            out.add_gap(Gap::new(Place::whole(&input.path), GapCode::Limit, why.detail()));
            return (out, Routing::default());
        }
    };
    let mut marked = mark(language, text, tree.root_node());
    let imported = modules.imported(input, language, &marked.imports);
    let (environment, properties) = (modules.environment(input), modules.properties(&at.component));
    let mut file = File {
        imported,
        environment,
        properties,
        ..File::new(language, text, std::mem::take(&mut marked.parents))
    };
    let assembled = file.learn(tree.root_node(), &marked);
    if file.scopes.full {
        let detail = format!("MAX_CONSTANTS: its constants have more than {MAX_CONSTANTS} bytes");
        out.add_gap(Gap::new(Place::whole(&input.path), GapCode::Limit, detail));
    }
    let cache = Cache::of_unknown(Dialect::Postgres);
    // What more is put behind is told as a whole, not by its beginning.
    let inside: BTreeSet<usize> = assembled.iter().map(|(node, _)| node.id()).collect();
    let (told, seen) = (Vec::new(), inside.clone());
    let mut say = Sayer {
        file: &file,
        input,
        at,
        cache: &cache,
        world,
        modules,
        told,
        inside,
        seen,
        connected: None,
        out: &mut out,
    };
    say.imports(&marked);
    say.assignments(&marked);
    say.mapped(&marked);
    let told = &mut say.told;
    let only = connections::Reader { file: &file, at, input, told, open, out: say.out }.read(&marked);
    // A script is its own whole: what it asks, it asks where it connects.
    say.connected = only.filter(|_| at.actor.get(MentionKind::Script).is_some());
    say.calls(&marked);
    say.texts(&marked.texts, &marked.ignored);
    for (node, text) in assembled {
        say.text(node, &text);
    }
    let routing = Routing::default();
    let mut reader = routes::Reader { file: &file, input, at, modules, routing, out: &mut out };
    reader.read(&marked);
    let routing = reader.routing;
    (out, routing)
}

struct Sayer<'a> {
    file: &'a File<'a>,
    input: &'a InputFile,
    at: &'a Where,
    cache: &'a Cache,
    world: &'a World<'a>,
    modules: &'a Modules<'a>,
    /// Byte ranges that were read as commands: their texts are told.
    told: Vec<std::ops::Range<usize>>,
    /// Expressions that a text was folded from, and the texts that were.
    inside: BTreeSet<usize>,
    seen: BTreeSet<usize>,
    /// The database that all statements of the file are given to.
    connected: Option<Resource>,
    out: &'a mut Evidence,
}

impl<'a> Sayer<'a> {
    fn place(&self, node: Node<'_>) -> Place {
        Place::line(&self.input.path, node.start_position().row as u64 + 1)
    }

    /// Which files of the scan it takes in. Whoever runs it runs these as well.
    fn imports(&mut self, marked: &Marked<'_>) {
        let kinds = [MentionKind::Script, MentionKind::Code];
        let about =
            kinds.iter().find_map(|kind| Some(Mention::new(*kind, self.at.actor.get(*kind)?.clone())));
        let Some(about) = about else { return };
        for file in self.modules.taken_in(self.input, self.file.language, &marked.imports) {
            let (about, says) = (about.clone(), Says::Imports(script_of(file)));
            let (basis, scope) = (Basis::Written, self.at.scope);
            let place = Place::whole(&self.input.path);
            self.out.add_fact(Fact { about, says, basis, scope, span: None, place });
        }
    }

    fn orm(&mut self, node: Node<'_>, parts: Vec<Text>, confidence: Confidence) {
        let mut what = self.at.what(Action::Read, Resource::table(parts));
        // A class maps its table; what is done with it the mapping does not tell.
        what.confidence = confidence;
        what.traits.insert(Trait::named("orm-model"));
        let place = self.place(node);
        self.out.add_written(what, place);
    }

    fn unknown(&mut self, node: Node<'_>, detail: &str) {
        let place = self.place(node);
        self.out.add_gap(Gap::new(place, GapCode::Unresolved, detail));
    }

    fn assignments(&mut self, marked: &Marked<'_>) {
        if self.file.works_with.no_tables {
            return;
        }
        let assigned = &marked.assigned;
        let words = &self.file.language.tables;
        let pairs = marked.groups.values().flat_map(|(_, pairs)| pairs);
        let pairs = pairs.filter(|(name, _)| tables::is_named(self.file, *name, None, words.pairs));
        let own = assigned.iter().filter(|(name, _)| {
            let class = self.file.scopes.class_of(name.start_byte());
            class.is_some() && tables::is_named(self.file, *name, class, words.assigned)
        });
        for (name, value) in own.chain(pairs) {
            if let Some(table) = self.file.fold(*value).filter(|table| !table.contains(UNKNOWN)) {
                let schema = self.table_args(assigned, *name);
                let full = schema.map_or(table.clone(), |schema| format!("{schema}.{table}"));
                self.orm(*value, full.split('.').map(Text::from).collect(), Confidence::Medium);
            }
        }
    }

    /// A schema beside the table name belongs to it (SQLAlchemy's __table_args__).
    fn table_args(&self, assigned: &[(Node<'_>, Node<'_>)], name: Node<'_>) -> Option<String> {
        let class = |node: Node<'_>| Some(self.file.parent(self.file.parent(self.file.parent(node)?)?)?.id());
        assigned.iter().find_map(|(other, value)| {
            let same = self.file.of(*other) == "__table_args__" && class(*other) == class(name);
            let found = same.then(|| self.file.of(*value).split("schema").nth(1)).flatten()?;
            let plain = |part: &&str| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            };
            found.split(['"', '\'']).find(plain).map(str::to_owned)
        })
    }

    /// Classes that are mapped to tables.
    fn mapped(&mut self, marked: &Marked<'_>) {
        let (language, words) = (self.file.language, &self.file.language.tables);
        if words.annotations.is_empty() {
            return;
        }
        if self.file.works_with.no_tables {
            let entity = |it: &&Annotation<'_>| words.entities.contains(&last(self.file.of(it.name)));
            if let Some(entity) = marked.annotations.iter().find(entity) {
                self.unknown(entity.name, "a mapped class of a file that speaks of a store without tables");
            }
            return;
        }
        let naming = self.modules.naming(&self.at.component, words.naming);
        let mut classes = BTreeSet::new();
        for (node, mapped) in tables::of_tree(self.file, marked, &self.input.path) {
            classes.extend(node.parent().map(|class| class.id()));
            match mapped.resolve(language, naming, self.modules) {
                Resolved::Table(parts, confidence) => self.orm(node, parts, confidence),
                Resolved::OfAbove => {}
                Resolved::Unknown => self.unknown(node, "a mapped class whose table's name cannot be told"),
            }
        }
        for it in &marked.annotations {
            let base = marked.at(it.on).iter().any(|it| words.bases.contains(&last(self.file.of(it.name))));
            let names = words.annotations.contains(&last(self.file.of(it.name)));
            if !names || base || classes.contains(&it.on.id()) {
                continue;
            }
            match tables::named(self.file, it) {
                Some(Table::Named(parts)) => match tables::parts(&parts, language, naming) {
                    Some(parts) => self.orm(it.name, parts, Confidence::Medium),
                    None => self.unknown(it.name, "a mapped class whose table's name cannot be told"),
                },
                Some(_) => self.unknown(it.name, "a table whose name is only known when it runs"),
                None => {}
            }
        }
    }

    /// A command that the code runs: what it does is what the code does.
    fn shell(&mut self, callee: Node<'_>, argument: Node<'_>) {
        let nodes = &self.file.language.nodes;
        let text = if nodes.list.contains(&argument.kind()) {
            let mut cursor = argument.walk();
            let quoted = |node: Node<'_>| match self.file.fold(node) {
                Some(word) if !word.contains('\'') => format!("'{word}'"),
                _ => "\"$UNKNOWN\"".to_owned(),
            };
            argument.named_children(&mut cursor).map(quoted).collect::<Vec<_>>().join(" ")
        } else {
            self.file.fold(argument).unwrap_or_default()
        };
        if text.trim().is_empty() {
            return;
        }
        self.told.push(argument.byte_range());
        let (host, inputs) = (self.input.host.clone(), self.world.inputs);
        let files = move |path: &str| inputs.find(host.as_deref(), path)?.text().ok();
        let context = commands::Context {
            host: self.input.host.clone(),
            account: None,
            actor: self.at.actor.clone(),
            about: Mention::new(MentionKind::Code, self.at.script.clone()),
            input: self.input.path.clone(),
            first_line: callee.start_position().row as u64 + 1,
            scope: self.at.scope,
            basis: Basis::Written,
            vantage: Text::from("source"),
            env: self.file.environment.clone(),
            own_folder: self.input.inner.rsplit_once('/').map(|(folder, _)| folder.to_owned()),
            files: &files,
            inputs: Some(self.world.inputs),
        };
        self.out.merge(commands::read(&text, &context).evidence);
    }

    /// Names that hold a query builder, made here or in the file they are imported from.
    fn builders(&self, marked: &Marked<'_>) -> BTreeSet<String> {
        let makers = self.file.language.tables.makers;
        let mut out = BTreeSet::new();
        for (name, value) in marked.assigned.iter().filter(|_| !makers.is_empty()) {
            let made = value.child_by_field_name("arguments").map(|arguments| self.file.callee(arguments));
            if made.is_some_and(|callee| fits(callee, makers)) {
                out.insert(self.file.of(*name).to_owned());
            }
        }
        for import in marked.imports.iter().filter(|_| !makers.is_empty()) {
            let found = self.modules.find(self.input, &import.module, self.file.language);
            let makes = |text: &str| makers.iter().any(|maker| text.contains(&format!("= {maker}(")));
            if found.is_some_and(|file| makes(&file.head_text())) {
                out.extend(import.alias.as_ref().or(import.name.as_ref()).cloned());
            }
        }
        out
    }

    fn calls(&mut self, marked: &Marked<'_>) {
        let bases = clients::bases(self.file, marked);
        let builders = self.builders(marked);
        for (callee, arguments) in &marked.calls {
            let name = self.file.callee(*arguments);
            if self.file.language.shell.callees.contains(&name)
                && let Some(argument) = arguments.named_child(0)
            {
                self.shell(*callee, argument);
                continue;
            }
            let built = name.split('.').next().is_some_and(|on| builders.contains(on))
                && (!name.contains('.') || fits(name, &[".from", ".into", ".table"]));
            if built || tables::is_called(self.file, name, *arguments) {
                self.called_with_table(*callee, *arguments);
            }
            if let Some(resource) = clients::endpoint(self.file, &bases, *arguments) {
                let place = self.place(*callee);
                self.out.add_written(self.at.what(Action::Call, resource), place);
            } else if let Some(detail) = clients::open(self.file, &bases, *arguments) {
                self.unknown(*callee, detail);
            }
        }
    }

    /// `Table("orders", metadata, schema="shop")`, `knex("orders").insert(…)`.
    fn called_with_table(&mut self, callee: Node<'_>, arguments: Node<'_>) {
        let call = self.file.parent(arguments).unwrap_or(arguments);
        let values = self.file.arguments(arguments);
        let schema = values.iter().find(|(name, _)| name.as_deref() == Some("schema"));
        let schema = schema.filter(|(_, value)| self.file.of(*value) != "None");
        let schema = schema.map(|(_, value)| self.file.fold(*value));
        let first = values.iter().find(|(name, _)| name.is_none()).and_then(|(_, it)| self.file.fold(*it));
        let Some(table) = first.filter(|it| !it.is_empty() && !it.contains(['{', ' ', '('])) else { return };
        let mut parts: Vec<Text> = table.split('.').map(Text::from).collect();
        match schema {
            Some(Some(schema)) if !schema.contains(UNKNOWN) => parts.insert(0, Text::from(schema)),
            Some(_) => return self.unknown(callee, "a table whose schema is only known when it runs"),
            None => {}
        }
        if !tables::chain_has(self.file, call, self.file.language.tables.writes) {
            return self.orm(callee, parts, Confidence::Medium);
        }
        let mut what = self.at.what(Action::Write, Resource::table(parts));
        what.confidence = Confidence::Medium;
        what.traits.insert(Trait::named("orm-query"));
        let place = self.place(callee);
        self.out.add_written(what, place);
    }

    /// The outermost expression that a text is folded into; `None`: another text of it was told.
    fn outermost(&mut self, node: Node<'a>) -> Option<Node<'a>> {
        let nodes = &self.file.language.nodes;
        let format = &self.file.language.format;
        let mut top = node;
        while let Some(parent) = self.file.parent(top) {
            let kind = parent.kind();
            let holds = nodes.binary.contains(&kind)
                || nodes.concatenated.contains(&kind)
                || nodes.interpolation.contains(&kind)
                || nodes.string.contains(&kind)
                || nodes.parenthesized.contains(&kind)
                || nodes.identifier.contains(&kind);
            let call = if nodes.call.contains(&kind) { Some(parent) } else { self.file.parent(parent) };
            let makes_text = call.and_then(call_of).is_some_and(|call| {
                let argument = call.arguments.id() == parent.id();
                let callee = self.file.callee(call.arguments);
                let words = [format.percent, format.braces, format.builders, format.same];
                // What is put behind a name belongs to what that name becomes.
                let pieces = fits(callee, format.append) && !self.file.is_put_behind_a_name(call.arguments);
                (argument || nodes.call.contains(&kind))
                    && (pieces || words.iter().any(|words| fits(callee, words)))
            });
            if !holds && !makes_text {
                break;
            }
            if self.inside.contains(&parent.id()) {
                return None;
            }
            self.inside.insert(parent.id());
            top = parent;
        }
        self.seen.insert(top.id()).then_some(top)
    }

    fn texts(&mut self, texts: &[Node<'a>], ignored: &BTreeSet<usize>) {
        for node in texts {
            let told = self.told.iter().any(|told| told.contains(&node.start_byte()));
            if told || ignored.contains(&node.id()) || self.inside.contains(&node.id()) {
                continue;
            }
            let Some(top) = self.outermost(*node) else { continue };
            if let Some(text) = self.file.fold(top).or_else(|| self.file.fold(*node)) {
                self.text(*node, &text);
            }
        }
    }

    /// What a text says by itself.
    fn text(&mut self, node: Node<'_>, text: &str) {
        if text.ends_with(".sql") && text.len() < 200 && !text.contains([' ', '{', '\n']) {
            // A file of statements that the code reads is a part of the code.
            let (about, basis) = (Mention::new(MentionKind::Code, self.at.script.clone()), Basis::Written);
            let says = Says::Includes(Text::from(text));
            let (scope, place) = (self.at.scope, self.place(node));
            self.out.add_fact(Fact { about, says, basis, scope, span: None, place });
            return;
        }
        if connections::starts_like_one(text) {
            let place = self.place(node);
            connections::state(connections::of_text(text), self.at, place, self.out);
            return;
        }
        let standing = queries::standing(self.file, node, text);
        let whole = queries::whole(self.file, standing.of, text);
        if looks_like_sql(&whole, standing.certain) {
            self.sql(node, &whole, standing.of);
        }
    }

    /// A table or routine in the database that the file connects to.
    fn placed(&self, resource: Resource) -> Resource {
        match (&self.connected, resource.kind) {
            (Some(whole), ResourceKind::Table | ResourceKind::Routine) => {
                resource.at(whole.server.as_ref(), whole.database.as_ref())
            }
            _ => resource,
        }
    }

    fn sql(&mut self, node: Node<'_>, text: &str, of: queries::Of) {
        if queries::names_classes(of, self.file, text, self.modules) {
            self.classes(node, text);
            return;
        }
        let understood = self.cache.understand(text);
        // Without FROM it is SQL only if the parser says so and it calls something.
        let calls_only = !text.to_ascii_lowercase().contains("from") && understood.analysis.tables.is_empty();
        if calls_only && (understood.analysis.status != Status::Parsed || !understood.names_something()) {
            return;
        }
        if reads_like_prose(text, &understood.analysis.tables) {
            return;
        }
        let place = self.place(node);
        let mut unknown = text.contains("from {}") || text.contains("FROM {}");
        // Read from tokens, a name ends where an unknown part of it begins.
        let lower = text.to_ascii_lowercase();
        let cut = |name: &Text| {
            understood.analysis.status == Status::Tokens
                && (lower.contains(&format!("{name}{UNKNOWN}"))
                    || lower.contains(&format!("{UNKNOWN}{name}")))
        };
        for told in understood.uses_as_written(&SearchPath::default()) {
            // `orders%s` is read as a name that a parameter ends: `orders$1`.
            let glued = |part: &Text| {
                part.split('$').skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            let open = |part: &Text| part.contains(['{', '}', '?']) || glued(part) || cut(part);
            if told.resource.kind == ResourceKind::Table && told.resource.parts.iter().any(open) {
                unknown = true;
                continue;
            }
            let mut what = self.at.what(told.action, self.placed(told.resource));
            what.shape = understood.shape.clone();
            what.traits = told.traits;
            what.confidence = told.confidence;
            what.class = understood.class;
            self.out.add_written(what, place.clone());
        }
        if unknown {
            let detail = "a statement whose table is only known when it runs";
            self.out.add_gap(Gap::new(place.clone(), GapCode::Unresolved, detail));
        }
        if understood.analysis.status == Status::Tokens {
            let detail = "a statement the parser does not take; its tables were told from tokens";
            self.out.add_gap(Gap::new(place, GapCode::Unparsed, detail));
        }
    }

    /// A query over classes: the tables that those are mapped to. A path from one class to others (`o.items`) is
    /// mapped where those are.
    fn classes(&mut self, node: Node<'_>, text: &str) {
        let naming = self.modules.naming(&self.at.component, self.file.language.tables.naming);
        let named = queries::classes(text);
        if named.is_empty() {
            self.unknown(node, "a query over a class whose table is not known");
        }
        for (action, name) in named {
            let mapped = queries::class(&name, &self.at.component, self.modules);
            match mapped.map(|it| it.resolve(self.file.language, naming, self.modules)) {
                Some(Resolved::Table(parts, _)) => {
                    let mut what = self.at.what(action, Resource::table(parts));
                    what.confidence = Confidence::Medium;
                    what.traits.insert(Trait::named("orm-query"));
                    let place = self.place(node);
                    self.out.add_written(what, place);
                }
                _ => self.unknown(node, "a query over a class whose table is not known"),
            }
        }
    }
}
