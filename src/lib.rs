//! whodepends finds hidden dependencies before a migration: who uses a system, and what only works because
//! of when it runs.
//!
//! # One direction
//!
//! ```text
//! input ─▶ collect ─▶ evidence ─▶ resolve ─▶ graph ─▶ findings ─▶ report
//! ```
//!
//! A collector states sentences ([`evidence::Use`], [`evidence::Fact`]), never conclusions. Only [`resolve`]
//! decides identity. A rule sees only the [`graph`]. A report sees only the [`report::Report`]. [`scan`] is
//! the pipeline on one screen; [`cli`] is the only place that knows the terminal. Who may name whom is held
//! by `tests/tidy.rs`.
//!
//! # Where this departs from the design
//!
//! - `settings` is a module of its own: `whodepends.toml` is needed by collectors (zones, servers), by
//!   resolving (inventory) and by the report (accepted findings), and none of them may import the others.
//! - `schedule` is reached by `collect/schedules` and `collect/logs` (zones by name); it still imports
//!   nothing of the crate. `settings` asks it whether a zone is one.
//! - `resolve` gets a `Clock`, a function that evaluates schedules, instead of importing `schedule`: telling
//!   jobs under one login apart by the clock needs it, and the direction of imports stays as it was.
//! - Sessions of a log are joined by one step in file order over records that were parsed and understood in
//!   parallel, instead of by associative chunk heads and tails: parsing is where the time goes, and the
//!   result is the same for any block size and any number of threads by construction.
//! - What the settings file states travels apart from other evidence, so that settings given to a later scan replace it. An
//!   evidence file whose input the scan has already is left out, not merged.
//! - A format's own words decide more than a line: what its server says of a statement's tables, how it ended, totals
//!   without a time. `Activity` therefore counts undated events apart, and a vantage says whether its format was tried.
//! - In MySQL's logs a database is the schema: `srv/shop/shop.orders`.
//! - `ResourceKind` has `lock`: an advisory lock ties programs that share no table.
//! - Literals that tell something (a window's width, a lock, a name in the catalogue) stay in a second, wider shape; the
//!   fingerprint stays that of the folded text.
//! - What a server does by itself (a file on its disk, another server) is told of by `data-export` and opens no system of
//!   its own in the rules about consumers.
//! - Access logs are formats of `collect/logs` like query logs, with one more event: a request stands for itself, so it
//!   is heard in `requests` and not in `sessions`.
//! - The shared path tree of a server is one per log stream, where memory has to stay bounded; what two streams fold
//!   differently, the routes of source and API documents put right in `resolve`.
//! - `Class` has `browsing`: people at browsers are one consumer (`client:browsers`), shown and never a finding.
//! - A program's version enters no id of a client; the names in a request's query are kept (never their values),
//!   because they tell one thing at a path from another.
//! - An encrypted connection belongs to the consumer of its host that alone states a use of that server, a request without
//!   a login to the one that alone states it there, where no job runs and it calls itself by no other name: two things agree,
//!   and nothing else of it can be seen.
//! - A log that names no server is taken for that of the only server which is written to have its database and one of
//!   its logins, and a gap says so: without it, a first scan without an inventory shows each database twice.
//! - A port that is PostgreSQL's usual one is no part of a server's name.
//! - `Says` also has `Sleeps` (two steps of a script and the fixed sleep between them), `RunsAs`, `Includes`, `DeclaredAs`, `DeclaredUse`, `OfClass` and `Remark`: what inventories,
//!   crontabs and scripts state beside the facts the design lists. `Precedes` became `WaitsFor`, which names the other job as their scheduler
//!   does, because a place that states one job does not know the mention of the other. A file that a
//!   script tests or a lock it waits for is a use with a trait (`tests-file`, `waits-for-lock`), because the
//!   collector that reads one script does not know the other; the rule sees both ends in the graph.
//! - `Class` has `maintenance` (VACUUM, ANALYZE, REINDEX): neither an application's work nor monitoring.
//! - `ResourceKind` has `routine`: a client that only calls functions of the database depends on it, and which
//!   tables those touch is not known.
//! - `MentionKind` has `code`: a file of a component that a job may run by itself. A folder of which one job alone runs
//!   a file is that job where that file and what it takes in are all that works there; several jobs of one folder stay several.
//! - Names that a session looks for in several schemas carry the list (`{catalog,public}`) until `resolve`, which
//!   alone knows the tables, picks the first schema that has it.
//! - The files of one capture ring are read singly: a connection that goes on in the next file is one whose
//!   beginning was not seen there.
//! - A session that a capture and a log share is not joined by its port: an act without a login belongs to the
//!   consumer that, where logins are seen, alone does the same from the same host. It needs no clock to agree, and says
//!   nothing where two could be meant.
//! - Inventories of which one file refers to another (a catalogue's API, and whoever provides it) are asked twice: first
//!   what their files say to each other, then what they state. A consumer that `whodepends.toml` lists is spelled as
//!   there; nothing else is joined before `resolve`.
//! - Routes are joined over files within `collect/source`: a router's path is a sentence only once the files that
//!   mount it are read, like a constant that another file holds. Classes that are mapped to tables likewise.
//! - Paths in `whodepends.toml` count from its own folder as well as from the arguments.
//! - What spreads a timer's starts (`RandomizedDelaySec`) travels among its guards, because it belongs to the unit and not to
//!   the expression. `Meaning::misread` tells what people read otherwise, so that a rule needs no dialect; a `CRON_TZ` of
//!   cronie stands in the schedule's text.
//! - A symbolic link is kept by its target, though never followed: it masks units, names instances and tells a host's zone.
//! - `ResourceKind::Host` is stated where a command reaches a host and nothing finer is known; a file by a relative path
//!   belongs to its consumer alone.
//! - Equal files of configuration management are not copies of each other: each stands for its own hosts.
//! - `Clock` has `Happening`: a job that others or an event start has no clock and is listed all the same. Schedulers that keep
//!   the jobs of many hosts (AutoSys, Control-M) are looked up by dialect alone in `resolve/orders`.
//! - A schedule that its product has no text for (a Windows trigger in XML, an agent's numbers) has one of ours, which `inspect
//!   schedule` takes. What a command makes of its schedule is read from its guards in `schedule`, so that the report, which
//!   evaluates schedules as well, says the same as the rules.
//! - A job's work may be several pieces, SQL and files among them, because one DAG or one agent's job does all of them. A DAG
//!   that has its file for itself runs that file. Of what a job inside an application does, only what stands in the function or
//!   class that it names is a link of it, and of the application.
//! - Lists of machines are written, not declared, as `/etc/hosts` is: what contradicts itself is believed neither way, and
//!   `whodepends.toml` goes first. `Says` has `Pods` (whose names a workload gives its pods), `Permitted` (shown, never a use) and `Retires`.
//! - Each command of a script connects by itself: only code, whose settings say where it connects, has its tables put to the
//!   one database it is known to use. Tables of servers nobody knows hand something over only on one host.
//! - Java, Kotlin, JavaScript, TypeScript, Ruby, PHP and C# are read as words for their schedules, not as trees: schedules stand in
//!   calls and annotations, and a grammar for each of them would be half of the program.
//! - The zone of a schedule that none states is the host's; a schedule that a template fills in is a job without runs.
//! - `commands` reads unit files, because `systemctl start` needs what a timer needs. `Says` has `RunsPart` (the part of a file that
//!   is a job's work), `Relays` (what a pooler's log tells of its way to a server) and `OfRole`.
//! - `decisions` is a module of its own, because what is accepted needs settings and findings, and neither may import the other.
//! - Uses that come many at once wait as lists and are merged when they are asked for. A view is what it is computed from, so
//!   whoever reads it is no step further away.
//! - A host before which several consumers' logins come and nowhere else is a way and nobody's. A declared service without a
//!   consumer is `service:`, not `external:`. Of an encrypted connection only what an inventory lists is a finding.
//! - `entities[].class` is the role of a consumer (service, person, partner …); the class of traffic stands at the links.
//! - A connection names its engine as a trait. Usual ports of five other engines are no part of a server's name either, unless two
//!   of them stand on one host. A script of code has its tables at the one place that its driver connects to.
//! - Clients under one login from one place are parted by the names that they give themselves; a client that is alone there keeps
//!   the id without a program.
//! - For one question, uses of evidence files come by the group (all but the statement), and only the links that it touches are
//!   made; what needs statements or moments is read again whole. The answer is that of the whole scan.
//! - `SchedulePlace` has `knows`: what content alone says goes before any file name. Data of Hiera is told level by level, at its
//!   own line, and no precedence is applied.
//! - `Says` has `InstalledAt`, and `InputRecord` says where a copied file lies on its host. A name alone ties a role's job only to
//!   its own role's file. Lines of a crontab with different commands are different jobs, named by what differs.
//! - A folder that an inventory names, and one beside folders with build files, is a component of its own.
//! - Whether a host is a way to the server is inferred from all who come from it: there alone, what others do or declare may change
//!   a verdict on somebody who shares none of their identifiers but the host, or the name under which a use is told; never whether.
//! - In PostgreSQL's logs the server's word on whom it lets in outranks how a line's prefix was read.
//! - What `uses` says is read in `evidence/stated`, because settings check it, the inventory states it and `init` writes it. `*` is the
//!   only sign with a meaning in it. An entry speaks only of the kinds that it lists, and whether a service is a hop is told by what
//!   it calls itself.
//! - `Says` has `Imports`: what a file of code takes in is done by whoever runs it; code that others take in as well is of both, and a
//!   script stays its own. A file of a tree and the manifest that installs it and tells the same job are one.
//! - What a file's beginning tells of its own form (a `log_line_prefix`, what stands in front of a client) is learnt once for each file.
//! - Streams in an archive or with more than one server per file are not told apart yet; the file is the
//!   stream's unit.

#![warn(missing_docs)]

pub mod cli;
pub mod collect;
pub mod decisions;
pub mod evidence;
pub mod findings;
pub mod graph;
pub mod history;
pub mod input;
pub mod inspect;
pub mod report;
pub mod resolve;
pub mod scan;
pub mod schedule;
pub mod settings;
pub mod sql;
pub mod timing;
