//! One session of a log: who it is, the statement that may still turn out to have failed, what the server said a
//! statement uses. It keeps state and counts nothing.

use super::{Event, Record, Who};
use crate::evidence::scrub::scrub;
use crate::evidence::{Class, Confidence, Place, Stamp, Text};
use crate::sql::{Analysis, SearchPath, SessionChange, TableUse, Understood};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Whether a statement does anything to the application's data, as far as it is understood.
pub(super) fn does(understood: &Understood) -> bool {
    understood.class == Class::App && (understood.names_something() || understood.analysis.acts)
}

/// How many tables the server may name for one statement; more are left out.
const MAX_AUDITED_TABLES: usize = 1024;

/// What the server says a statement uses.
#[derive(Debug)]
pub(super) struct Audit {
    /// The server's number: the statement in the upper half, a part of it (a statement of a function) in the lower.
    pub number: u64,
    /// The tables it named.
    pub tables: BTreeSet<TableUse>,
    /// The statement, where a record held it.
    pub statement: Option<Arc<Understood>>,
    /// When it was said.
    pub stamp: Stamp,
    /// Where.
    pub place: Place,
}

impl Audit {
    /// Whether it is about this statement: by its number, by its text, else by a table that both name.
    pub fn is_of(&self, number: u64, understood: &Understood) -> bool {
        if number != 0 && number == self.number {
            return true;
        }
        // Where the server numbers both, what has another number is another one.
        let numbers = |it: u64| it != 0 && it.trailing_zeros() >= 32;
        if numbers(number) && numbers(self.number) {
            return false;
        }
        match &self.statement {
            Some(it) => it.shape.fingerprint == understood.shape.fingerprint,
            None => self.shares_a_table(understood),
        }
    }

    /// Whether it was said ahead of this statement's own line. What an EXECUTE runs is told with the text that was
    /// prepared.
    pub fn is_for(&self, understood: &Understood) -> bool {
        understood.shape.sample.starts_with("execute ") || self.is_of(0, understood)
    }

    /// Whether a statement with a later number is one that this one sets off (by a trigger): the server tells the tables of
    /// both as those of the first, and none by the number of the second.
    pub fn sets_off(&self, number: u64, understood: &Understood) -> bool {
        let tables = &understood.analysis.tables;
        let told = |table: &TableUse| {
            self.tables.iter().any(|it| it.action == table.action && it.parts.last() == table.parts.last())
        };
        number.trailing_zeros() >= 32 && self.number < number && !tables.is_empty() && tables.iter().all(told)
    }

    fn shares_a_table(&self, understood: &Understood) -> bool {
        let named = |name: Option<&Text>| understood.analysis.tables.iter().any(|it| it.parts.last() == name);
        self.tables.iter().any(|it| named(it.parts.last()))
    }

    /// Whether another record says no more than this one: the text of the same statement, and no table of it.
    pub fn repeats(&self, number: u64, understood: Option<&Arc<Understood>>) -> bool {
        let texts = self.statement.as_ref().zip(understood);
        let same = texts.is_some_and(|(one, other)| one.shape.fingerprint == other.shape.fingerprint);
        same && self.is_beside(number)
    }

    /// Whether it is the statement itself, and not one of a function's that it runs.
    pub fn is_first(&self) -> bool {
        self.number & 0xffff_ffff == 1
    }

    /// Whether another record is of the same text of several statements, of which each has a number: an auditing role is
    /// told of what it was given, and the text is read for the rest once.
    pub fn holds(&self, number: u64, tables: &[TableUse], understood: Option<&Arc<Understood>>) -> bool {
        let unsure = |it: &TableUse| it.confidence == Confidence::Low;
        let Some((one, other)) = self.statement.as_ref().zip(understood) else { return false };
        let behind = (number >> 32).saturating_sub(self.number >> 32);
        let may = !tables.is_empty() && tables.iter().all(unsure) && self.tables.iter().all(unsure);
        may && one.shape.fingerprint == other.shape.fingerprint
            && behind > 0
            && behind < crate::sql::split(&one.shape.sample).len() as u64
    }

    /// Whether both are parts of one statement.
    pub fn is_beside(&self, number: u64) -> bool {
        self.number >> 32 == number >> 32
    }

    /// Takes over more tables.
    pub fn add(&mut self, tables: &[TableUse]) {
        let room = MAX_AUDITED_TABLES.saturating_sub(self.tables.len());
        self.tables.extend(tables.iter().take(room).cloned());
    }
}

/// How many plans of one statement's functions are held until the statement itself is seen.
pub(super) const MAX_PLANNED: usize = 64;

/// A login and its database.
pub(super) type Login = (Text, Text);

/// An open session.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Who it is, as far as is known.
    pub who: Who,
    replication: bool,
    /// The last names a record gave it, and its number in the book.
    said: Option<Arc<Who>>,
    number: Option<usize>,
    /// A statement that was announced, with its number.
    pub pending: Option<(Arc<Understood>, Stamp, Place, u64)>,
    /// The shape of the EXECUTE that the pending statement is the text of.
    pub executes: Option<u64>,
    /// Statements seen with their plan, whose own line may follow.
    pub planned: Vec<(Arc<Understood>, Stamp, u64, Place)>,
    /// The shape of the statement that was told last, of which no plan was seen.
    pub unplanned: Option<u64>,
    /// A text of several statements that was told with a plan, and which of them that was.
    pub text_planned: Option<(u64, u32)>,
    /// Cursors whose declaration was told by its own line: their plans follow when they are closed.
    cursors: Vec<u64>,
    /// What the server said of statements that are not told yet.
    pub audits: Vec<Audit>,
    /// A text of several statements, and of how many of them its audit is still to come.
    texts: Option<(u64, usize)>,
    /// An error was seen: whether for lack of rights.
    pub failed: Option<bool>,
    /// Whether what it was about never ran.
    pub not_run: bool,
    /// Whether the statement named next was read or planned only.
    pub examined: bool,
    /// When and as whom it was let in.
    pub connect: Option<(usize, Stamp, Place)>,
    /// Whether a statement of it was seen.
    pub spoke: bool,
    /// Whether one did anything to the application's data.
    pub acted: bool,
    /// Where it looks for unqualified names.
    path: SearchPath,
    /// What a record said that the client calls itself.
    named: Text,
    /// The program that the statement at hand names by itself.
    tag: Text,
    /// Whether it was only seen to do a part of what another one logs.
    worker: bool,
    /// The login and the database that the server let it in with, and how its lines spell them.
    let_in: Option<Login>,
    spelled: Option<Login>,
    /// Whether it goes on under a login that its statements do not name.
    user_changed: bool,
}

impl Session {
    /// Whether a record is of a later session that was given the same number: an operating system gives process ids
    /// again, and without lines about connections nothing else tells. Neither the login of a session changes nor, where
    /// a session has one database for good, its database and its client.
    pub fn is_over_at(&self, record: &Record, one_database: bool) -> bool {
        let said = &record.who;
        let same = self.said.as_ref().is_some_and(|known| Arc::ptr_eq(known, said));
        if same || self.user_changed || matches!(record.event, Event::Tables { .. }) {
            return false;
        }
        let differ = |mine: &Text, said: &Text| !mine.is_empty() && !said.is_empty() && mine != said;
        let moved = || {
            differ(&self.who.database, &said.database)
                || differ(&self.who.client, &said.client)
                || self.who.port != 0 && said.port != 0 && self.who.port != said.port
        };
        let let_in_again = self.connect.is_some() && matches!(record.event, Event::Authorized(_));
        if let Some((user, _)) = &self.let_in {
            // What a prefix was read as need not be the login, but holds a part of it, and stays the same.
            let kin = said.user.is_empty() || user.contains(&*said.user) || said.user.contains(&**user);
            let spells = self
                .spelled
                .as_ref()
                .is_some_and(|(user, database)| differ(user, &said.user) || differ(database, &said.database));
            let elsewhere = differ(&self.who.client, &said.client)
                || self.who.port != 0 && said.port != 0 && self.who.port != said.port;
            return let_in_again || !kin || spells || elsewhere;
        }
        differ(&self.who.user, &said.user) || let_in_again || one_database && moved()
    }

    /// Takes over what a record says of who it is, as far as that kind of record is to be believed.
    pub fn hear_of(&mut self, record: &Record) {
        self.hear_tag(record);
        let own = record.event.statement().is_some() && !matches!(record.event, Event::ErrorStatement(_));
        if self.worker && own {
            (self.worker, self.number) = (false, None);
        }
        let statement = matches!(record.event, Event::Statement { .. });
        let tables = matches!(record.event, Event::Tables { .. });
        if tables
            && (self.user_changed && record.who.client != self.who.client
                || !self.user_changed && !self.who.user.is_empty())
        {
            // Whose rights a statement uses may be those of a view's or a routine's owner, who is elsewhere.
            return;
        }
        if statement && self.user_changed {
            let client = if self.who.client.is_empty() { record.who.client.clone() } else { Text::from("") };
            self.learn(&Arc::new(Who { user: Text::from(""), client, ..(*record.who).clone() }));
        } else {
            self.learn(&record.who);
        }
    }

    /// Whether a record takes it to another database, or to another program's statement, while one is pending.
    pub fn moves(&self, record: &Record) -> bool {
        let to = &record.who.database;
        let comes = matches!(record.event, Event::Statement { .. } | Event::Tables { sql: Some(_), .. });
        let of_another = comes && record.who.tag != self.tag;
        self.pending.is_some() && (of_another || !to.is_empty() && *to != self.who.database)
    }

    /// Takes over which program the statement of a record names; other records are about the one before.
    fn hear_tag(&mut self, record: &Record) {
        let tells = record.event.statement().is_some() && !matches!(record.event, Event::Prepared(_));
        if tells && record.who.tag != self.tag {
            self.tag = record.who.tag.clone();
            self.number = None;
        }
    }

    /// It goes on under a login that its statements do not name, from where it was.
    pub fn goes_on_as_another(&mut self, client: Text) {
        self.user_changed = true;
        self.who.client = client;
    }

    /// What a statement that worked changes for those after it.
    pub fn change(&mut self, understood: &Understood) {
        let changes = &understood.analysis.session;
        if changes.is_empty() {
            return;
        }
        let before = (self.path.at_once(), self.path.application().cloned());
        self.path.change_in(changes, &self.who.database);
        if self.path.application() != before.1.as_ref() {
            let name = self.path.application().map(|name| Text::from(scrub(name)));
            (self.who.application, self.said) = (name.unwrap_or_else(|| self.named.clone()), None);
            self.number = None;
        }
        for change in changes {
            if let SessionChange::Database(name) = change {
                (self.who.database, self.said) = (name.clone(), None);
                self.number = None;
            }
        }
        if self.path.at_once() != before.0 {
            self.number = None;
        }
    }

    /// What a statement changes that only its audit told. One inside of a function ends with it; and of a text of several
    /// statements, the others are told by themselves.
    pub fn change_alone(&mut self, audit: &Audit) {
        let Some(statement) = audit.statement.as_ref().filter(|_| audit.is_first()) else { return };
        let changes = !statement.analysis.session.is_empty();
        if changes && crate::sql::split(&statement.shape.sample).len() < 2 {
            self.change(statement);
        }
    }

    /// What its audit tells was run. A server runs nothing in a transaction that has failed, and audits nothing there, not
    /// even what takes it back.
    pub fn runs(&mut self) {
        if self.path.goes_on() {
            self.number = None;
        }
    }

    /// What its audits told before the statement that failed: that has worked.
    pub fn audits_before(&mut self, failed: &Understood) -> Vec<Audit> {
        let ahead = self.audit_ahead(failed).filter(|_| !self.not_run);
        let of_failed = ahead.map(|index| self.audits[index].number);
        let before = |audit: &mut Audit| !of_failed.is_some_and(|number| audit.is_beside(number));
        self.audits.extract_if(.., before).collect()
    }

    /// The server says whom it lets in, and to which database: that outranks how a line's prefix was read.
    pub fn is_let_in(&mut self, who: &Who) {
        if !who.user.is_empty() && !who.database.is_empty() {
            self.let_in = Some((who.user.clone(), who.database.clone()));
            (self.who.user, self.who.database) = (who.user.clone(), who.database.clone());
            self.number = None;
        }
    }

    /// How its lines spell the login and the database that it was let in with, and what these are.
    pub fn spelling(&self) -> Option<(&Login, &Login)> {
        self.spelled.as_ref().zip(self.let_in.as_ref())
    }

    /// Whether nothing was seen of it but that a statement runs in it: it has no login and said nothing before. Processes
    /// that do a part of another's statement are so.
    pub fn is_worker(&mut self) -> bool {
        let worker = self.who.user.is_empty() && self.connect.is_none() && self.let_in.is_none();
        if worker && !self.spoke && !self.worker {
            (self.worker, self.number) = (true, None);
        }
        self.worker
    }

    /// It was seen from its first statement on.
    pub fn begins(&mut self) {
        self.path = SearchPath::from_the_start();
    }

    /// A statement failed, and with it the transaction that is open.
    pub fn fail(&mut self) {
        self.path.fail();
    }

    /// Takes over what a record says of who it is.
    fn learn(&mut self, said: &Arc<Who>) {
        if self.said.as_ref().is_some_and(|known| Arc::ptr_eq(known, said)) {
            return;
        }
        learn(&mut self.who, said);
        if let Some((user, database)) = &self.let_in {
            (self.who.user, self.who.database) = (user.clone(), database.clone());
            if self.spelled.is_none() && !said.user.is_empty() {
                self.spelled = Some((said.user.clone(), said.database.clone()));
            }
        }
        if !said.application.is_empty() {
            self.named = said.application.clone();
        }
        self.said = Some(said.clone());
        self.number = None;
    }

    /// Statements of it are in this database.
    pub fn enter(&mut self, database: &Text) {
        if self.who.database != *database {
            self.who.database = database.clone();
            (self.said, self.number) = (None, None);
        }
    }

    /// Unqualified names are looked for here.
    pub fn looks(&mut self, path: SearchPath) {
        if self.path != path {
            self.path = path;
            self.number = None;
        }
    }

    /// Whether an audit without tables is of a text that was told already: each statement of a text that holds several
    /// is audited with all of it.
    pub fn is_told(&mut self, audited: Option<&Arc<Understood>>) -> bool {
        let Some(shape) = audited.map(|it| &it.shape) else { return false };
        if let Some((text, more @ 1..)) = self.texts
            && text == shape.fingerprint
        {
            self.texts = Some((text, more - 1));
            return true;
        }
        match crate::sql::split(&shape.sample).into_iter().filter(|it| is_audited_whole(it)).count() {
            // What ends a transaction, or sets something, may stand between them.
            0 => {}
            1 => self.texts = None,
            several => self.texts = Some((shape.fingerprint, several - 1)),
        }
        false
    }

    /// A cursor was declared with a line of its own.
    pub fn declares(&mut self, understood: &Understood) {
        if understood.shape.sample.starts_with("declare ") && self.cursors.len() < MAX_PLANNED {
            self.cursors.push(understood.shape.fingerprint);
        }
    }

    /// Whether a plan is of a cursor whose declaration was told already.
    pub fn has_declared(&mut self, fingerprint: u64) -> bool {
        let known = self.cursors.iter().position(|it| *it == fingerprint);
        known.map(|index| self.cursors.remove(index)).is_some()
    }

    /// Whether a plan is of a text of several statements that another plan told already: one of the same text, of a
    /// statement before this one. `parts`: which of them it may be of; 0: the text is one.
    pub fn is_planned_text(&mut self, fingerprint: u64, parts: u64) -> bool {
        let before = self.text_planned.take().filter(|(text, _)| *text == fingerprint && parts != 0);
        let first = before.map_or(0, |(_, part)| part + 1);
        let behind = parts.checked_shr(first).unwrap_or(0);
        let part = if behind == 0 { parts.trailing_zeros() } else { first + behind.trailing_zeros() };
        self.text_planned = (parts != 0).then_some((fingerprint, part));
        before.is_some() && behind != 0
    }

    /// Where what the server said ahead of a statement's own line is held; of an EXECUTE that is told as done, it is that
    /// one's.
    pub fn audit_ahead(&self, understood: &Understood) -> Option<usize> {
        let executes = |audit: &Audit| {
            audit.statement.as_ref().is_some_and(|it| it.shape.sample.starts_with("execute "))
        };
        let done = |audit: &Audit| self.audits.iter().any(|it| it.is_beside(audit.number) && executes(it));
        let is_execute = understood.shape.sample.starts_with("execute ");
        self.audits.iter().position(|audit| audit.is_for(understood) && !(is_execute && done(audit)))
    }

    /// Whether it replicates.
    pub fn replicates(&mut self, replication: bool) {
        self.replication = replication;
        self.number = None;
    }
}

/// Whether a statement of a text is audited with all of the text: what only changes the session is not.
fn is_audited_whole(statement: &str) -> bool {
    const ALONE: [&str; 20] = [
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint",
        "release",
        "set",
        "reset",
        "show",
        "discard",
        "deallocate",
        "fetch",
        "move",
        "close",
        "listen",
        "unlisten",
        "notify",
        "checkpoint",
    ];
    let verb = statement.trim().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    !verb.is_empty() && !ALONE.contains(&verb)
}

/// Who acts, and where unqualified names are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Acting {
    pub who: Who,
    pub replication: bool,
    pub path: SearchPath,
    /// Whether it may only do a part of what another one logs.
    pub worker: bool,
}

/// What a connection turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Manner {
    /// It did something to the application's data, or nobody can say that it did not.
    Acted,
    /// Its statements were seen, and none did.
    Idle,
    /// It ended, and no statement of it was seen.
    Silent,
}

/// Takes over what a line says beyond what is known.
fn learn(mine: &mut Who, said: &Who) {
    for (mine, said) in [
        (&mut mine.user, &said.user),
        (&mut mine.database, &said.database),
        (&mut mine.application, &said.application),
        (&mut mine.client, &said.client),
    ] {
        if !said.is_empty() {
            *mine = said.clone();
        }
    }
    if said.port != 0 {
        mine.port = said.port;
    }
}

/// All who acted in one stream, each with a number.
#[derive(Debug, Default)]
pub(super) struct Book {
    numbers: HashMap<Acting, usize>,
    list: Vec<Acting>,
}

impl Book {
    /// Calls those whom a prefix was misread for what the server calls them, where that is one login and database.
    pub fn correct(&mut self, spellings: &HashMap<Login, Option<Login>>) {
        for acting in &mut self.list {
            let said = (acting.who.user.clone(), acting.who.database.clone());
            if let Some(Some((user, database))) = spellings.get(&said) {
                (acting.who.user, acting.who.database) = (user.clone(), database.clone());
            }
        }
    }

    /// Whether anybody who acted has a login.
    pub fn names_a_login(&self) -> bool {
        self.list.iter().any(|acting| !acting.who.user.is_empty())
    }

    /// Who has a number.
    pub fn who(&self, number: usize) -> &Acting {
        &self.list[number]
    }

    /// The number of somebody.
    pub fn number(&mut self, acting: Acting) -> usize {
        // The port tells sessions apart, not consumers.
        let Who { application, tag, .. } = &acting.who;
        let application = if tag.is_empty() { application.clone() } else { tag.clone() };
        let acting =
            Acting { who: Who { port: 0, tag: Text::default(), application, ..acting.who }, ..acting };
        if let Some(known) = self.numbers.get(&acting) {
            return *known;
        }
        let number = self.list.len();
        self.list.push(acting.clone());
        self.numbers.insert(acting, number);
        number
    }

    /// Somebody whom no name told apart when the connection was made, and who turned out to be a program of the kind that
    /// copies or watches servers.
    pub fn as_program(&mut self, number: usize, application: &Text) -> usize {
        let acting = self.who(number).clone();
        if !acting.who.application.is_empty() || Class::of_program(application).is_none() {
            return number;
        }
        self.number(Acting { who: Who { application: application.clone(), ..acting.who }, ..acting })
    }

    /// Who acts in a session now.
    pub fn of(&mut self, session: &mut Session) -> usize {
        if let Some(number) = session.number {
            return number;
        }
        let (replication, path) = (session.replication, session.path.at_once());
        let who = Who { tag: session.tag.clone(), ..session.who.clone() };
        let worker = session.worker && who.user.is_empty();
        let number = self.number(Acting { who, replication, path, worker });
        session.number = Some(number);
        number
    }

    /// The same, wherever names are looked for.
    pub fn anywhere(&mut self, number: usize) -> usize {
        let acting = &self.list[number];
        if acting.path == SearchPath::default() {
            return number;
        }
        let anywhere = Acting { path: SearchPath::default(), ..acting.clone() };
        self.number(anywhere)
    }

    /// The same, looking for the names of one statement.
    pub fn naming(&mut self, number: usize, analysis: &Analysis) -> usize {
        let acting = &self.list[number];
        if !acting.path.has_temporary() {
            return number;
        }
        let naming =
            Acting { path: acting.path.as_seen_by(analysis, &acting.who.database), ..acting.clone() };
        self.number(naming)
    }
}
