//! A language as its folder in `grammars/` describes it: words and kinds of tree nodes, no code.

use crate::evidence::{About, Provenance};
use std::sync::OnceLock;
use tree_sitter::Query;

/// Words of one meaning.
pub type Words = &'static [&'static str];

/// The kinds of tree nodes that folding needs, by the grammar's own names.
pub struct Nodes {
    /// A string literal.
    pub string: Words,
    /// The literal part of one.
    pub content: Words,
    /// An escape in one.
    pub escape: Words,
    /// An interpolated expression in one.
    pub interpolation: Words,
    /// Adjacent strings.
    pub concatenated: Words,
    /// An operator with two sides.
    pub binary: Words,
    /// A name.
    pub identifier: Words,
    /// A call, or the making of an object.
    pub call: Words,
    /// Parentheses.
    pub parenthesized: Words,
    /// An element of a table by its key.
    pub subscript: Words,
    /// A list of values.
    pub list: Words,
    /// A table of named values, which as an argument holds further arguments.
    pub table: Words,
    /// What has names of its own: functions, classes.
    pub scope: Words,
    /// A class.
    pub class: Words,
}

/// How tables of ORM classes are written.
pub struct Tables {
    /// Names whose value is the table of the class they stand in; `Meta.name` in a class of that name. Words
    /// behind one are such that the file must hold.
    pub assigned: Words,
    /// The same among named values that stand together.
    pub pairs: Words,
    /// Calls whose first argument is a table; `*` stands for any text. Words behind one are modules that what
    /// is called must come from.
    pub called: Words,
    /// Calls further on in the chain of such a call that change the table.
    pub writes: Words,
    /// Calls that make a query builder: called with a text, that is a table.
    pub makers: Words,
    /// Annotations that name a table.
    pub annotations: Words,
    /// Annotations of a class that has a table of its own, named or not.
    pub entities: Words,
    /// Annotations of a class that others extend and that has no table, whatever else it says.
    pub bases: Words,
    /// How a class without a name for its table gets one: `spring`, `snake`; none: it cannot be told.
    pub naming: Words,
    /// Words of a file whose tables are those of a store that has no SQL.
    pub unless: Words,
}

/// How queries over entities (JPQL, HQL) are told from SQL.
pub struct Entities {
    /// Annotations that hold one.
    pub annotations: Words,
    /// Calls that are given one.
    pub calls: Words,
    /// What in the annotation says that it is SQL after all.
    pub native: Words,
    /// Words of a file that works with entities.
    pub marks: Words,
    /// Words of a file whose annotations of that name hold SQL.
    pub unless: Words,
}

/// How statements are given to a database.
pub struct Statements {
    /// Calls that take a statement: `.name` of anything; annotations that hold one: `@Name`. Words behind a
    /// call are modules that what is called must come from.
    pub callees: Words,
    /// Signs of parameters that are the client's own: JDBC's `?`.
    pub parameters: Words,
}

/// How HTTP is called.
pub struct Http {
    /// Calls of HTTP clients, as chains without what they are given: `HttpRequest.newBuilder()*.uri`; `axios.*` is
    /// any function of a client on it, `~` stands for a space. Words behind it say what the file must hold, one of
    /// them, or with `!` must not.
    pub callees: Words,
    /// Calls that are nothing else: one whose address is not known is a gap.
    pub certain: Words,
    /// Calls that make a client with a base address.
    pub created: Words,
    /// The argument that is the base address, where it is named.
    pub base: Words,
    /// Annotations of a class whose routes are calls of another service.
    pub clients: Words,
}

/// How the environment is read.
pub struct Environment {
    /// Calls that read a variable with a default.
    pub callees: Words,
    /// Tables that hold the variables.
    pub tables: Words,
    /// Annotations whose text holds `${name:default}`.
    pub properties: Words,
}

/// Calls that run a command.
pub struct Shell {
    /// Their names.
    pub callees: Words,
}

/// Calls that make text of text; `.name` is one of the text itself.
pub struct Format {
    /// Places are `%s`.
    pub percent: Words,
    /// Places are `{}`.
    pub braces: Words,
    /// The argument is put behind.
    pub append: Words,
    /// What begins a text that is put together piece by piece.
    pub builders: Words,
    /// The text stays what it is.
    pub same: Words,
}

/// How routes are written.
pub struct Routes {
    /// Annotations of a class that serves, each with the module it must be imported from, where there is one.
    pub classes: Words,
    /// Annotations of a class that give the path all its routes begin with.
    pub prefixes: Words,
    /// Annotations of a class's function that make it a route, each with its method: `GetMapping GET`; `*`
    /// where the arguments say it.
    pub methods: Words,
    /// Annotations that add a path to another one.
    pub paths: Words,
    /// Decorators of functions that make them a route of the router before the dot: `get GET`.
    pub decorators: Words,
    /// Calls on a router that make a route: `get GET`.
    pub called: Words,
    /// Calls that make an application: the root of its routes.
    pub apps: Words,
    /// Calls that make a router, which is served where it is mounted.
    pub routers: Words,
    /// Calls on a router that mount another one.
    pub mounts: Words,
    /// Calls or annotations that give the path before all routes of the component; with `=`: an application is
    /// started there, with `?`: a path stands before some routes, with `v`: versions of routes are spoken of.
    pub global: Words,
}

/// How files take over names of others.
pub struct Imports {
    /// `dotted` (Python), `relative` (JavaScript), `classes` (Java).
    pub style: Words,
    /// Endings of files that may be meant.
    pub endings: Words,
    /// The file that stands for its folder.
    pub index: Words,
}

/// By the number that the grammar gives a kind of node: whether it is one that has names of its own. Each node of a
/// tree is asked, and its kind's name would be looked up for each.
pub struct ScopeKinds {
    /// What has names of its own.
    pub scope: Vec<bool>,
    /// Which of them are classes.
    pub class: Vec<bool>,
}

/// One language, from its folder in `grammars/`.
pub struct Language {
    /// Its row in the table.
    pub about: About,
    /// Its parser.
    pub parser: fn() -> tree_sitter::Language,
    /// The query.
    pub query: &'static str,
    /// The query, once compiled.
    pub compiled: OnceLock<Option<Query>>,
    /// The kinds in [`Nodes::scope`] and [`Nodes::class`] by number, once looked up.
    pub scopes: OnceLock<ScopeKinds>,
    /// File endings.
    pub endings: Words,
    /// Interpreters of a first line.
    pub shebangs: Words,
    /// Whether it is read as commands.
    pub commands: bool,
    /// Node kinds.
    pub nodes: Nodes,
    /// Tables of ORM classes.
    pub tables: Tables,
    /// Queries over entities.
    pub entities: Entities,
    /// Statements.
    pub statements: Statements,
    /// HTTP clients.
    pub http: Http,
    /// The environment.
    pub environment: Environment,
    /// Commands.
    pub shell: Shell,
    /// Text made of text.
    pub format: Format,
    /// Routes.
    pub routes: Routes,
    /// Imports.
    pub imports: Imports,
}

include!(concat!(env!("OUT_DIR"), "/languages.rs"));

impl Language {
    /// The language a file ending belongs to.
    pub fn of_ending(ending: &str) -> Option<&'static Language> {
        LANGUAGES.iter().find(|language| language.endings.contains(&ending))
    }

    /// The kinds of nodes that have names of their own.
    pub fn scope_kinds(&self) -> &ScopeKinds {
        self.scopes.get_or_init(|| {
            let grammar = (self.parser)();
            let kinds: Vec<&str> = (0..grammar.node_kind_count())
                .map(|id| grammar.node_kind_for_id(id as u16).unwrap_or_default())
                .collect();
            let of = |words: Words| kinds.iter().map(|kind| words.contains(kind)).collect();
            ScopeKinds { scope: of(self.nodes.scope), class: of(self.nodes.class) }
        })
    }

    /// The query; `None`: it does not fit the grammar, which the tests of the grammars would show.
    pub fn query(&self) -> Option<&Query> {
        self.compiled.get_or_init(|| Query::new(&(self.parser)(), self.query).ok()).as_ref()
    }
}
