//! PowerShell: statements in the order of the text, with variables, tables of parameters, functions and files that are
//! dot-sourced. A function does its work where it is called and nothing where it is defined. Both branches of `if` are
//! read and what they set differently is unknown; what a `catch` does is read, what it sets counts for nothing.

mod cmdlets;
mod objects;
mod operators;
mod parse;

use super::{Around, DATE, Env, Given, MAX_DEPTH, UNKNOWN, own_folder, paths, programs};
use crate::collect::commands::{Context, Out};
use crate::evidence::{Action, GapCode};
use parse::{Body, Command, Expression, Parser, Part, Stage, Statement};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many values of a loop are followed.
const MAX_LOOP: usize = 64;
/// How long a value may become.
const MAX_VALUE: usize = 64 * 1024;
/// How many functions may call one another.
const MAX_CALLS: usize = 16;

/// What is known of a value before the script runs.
#[derive(Debug, Clone)]
enum Value {
    Unknown,
    Text(String),
    List(Vec<Value>),
    Table(Rc<BTreeMap<String, Value>>),
    /// An object of .NET that the script made.
    Object(usize),
    Block(Rc<Body>),
}

impl Value {
    /// As one text; unknown parts are `{}`.
    fn text(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::List(all) => all.iter().map(Value::text).collect::<Vec<_>>().join(" "),
            _ => UNKNOWN.to_owned(),
        }
    }

    /// Each value of a list.
    fn each(&self) -> Vec<Value> {
        match self {
            Value::List(all) => all.iter().flat_map(Value::each).collect(),
            other => vec![other.clone()],
        }
    }

    fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Text(one), Value::Text(two)) => one == two,
            (Value::List(one), Value::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Value::Table(one), Value::Table(two)) => Rc::ptr_eq(one, two),
            (Value::Object(one), Value::Object(two)) => one == two,
            (Value::Block(one), Value::Block(two)) => Rc::ptr_eq(one, two),
            _ => false,
        }
    }
}

type Variables = Rc<BTreeMap<String, Value>>;

struct Shell<'a> {
    variables: Variables,
    functions: BTreeMap<String, Rc<Body>>,
    objects: Vec<objects::Object>,
    around: &'a mut Around,
    env: Env,
    own: Option<String>,
    host: Option<String>,
    /// Functions that are being followed.
    open: Vec<String>,
    /// Functions of the text itself, and those that were called.
    own_functions: BTreeSet<String>,
    called: BTreeSet<String>,
    depth: usize,
    line: u64,
    /// A text that is dot-sourced gives its names alone.
    quiet: bool,
    returned: Option<Value>,
}

/// Reads a text.
pub(super) fn read(
    text: &str,
    line: u64,
    pinned: bool,
    env: Env,
    around: &mut Around,
    context: &Context<'_>,
    out: &mut Out<'_>,
) {
    // Quotes as word processors set them are quotes ("about_Quoting_Rules").
    let straight = text.replace(['“', '”', '„'], "\"").replace(['‘', '’', '‚'], "'");
    let mut parser = Parser::new(&straight, line, pinned);
    let statements = parser.statements(None);
    if parser.deep {
        out.gap(GapCode::Limit, "MAX_DEPTH: blocks and brackets that nest deeper were not followed", line);
    }
    let mut shell = Shell {
        variables: Rc::default(),
        functions: BTreeMap::new(),
        objects: Vec::new(),
        around,
        env,
        own: own_folder(context),
        host: context.host.as_deref().map(str::to_owned),
        open: Vec::new(),
        own_functions: BTreeSet::new(),
        called: BTreeSet::new(),
        depth: 0,
        line,
        quiet: false,
        returned: None,
    };
    shell.all(&statements, context, out);
    shell.never_called(context, out);
}

/// The variables that statements set.
fn sets(statements: &[Statement], depth: usize, names: &mut BTreeSet<String>) {
    if depth > MAX_DEPTH {
        return;
    }
    let mut inner = |statements: &[Statement]| sets(statements, depth + 1, names);
    for statement in statements {
        match statement {
            Statement::If(ways, other) => {
                ways.iter().for_each(|(_, body)| inner(body));
                other.iter().for_each(|body| inner(body));
            }
            Statement::Each(_, _, body) | Statement::Loop(body) | Statement::Block(body) => inner(body),
            Statement::Switch(_, cases) => cases.iter().for_each(|body| inner(body)),
            Statement::Try(body, _, finally) => {
                inner(body);
                inner(finally);
            }
            _ => {}
        }
    }
    for statement in statements {
        if let Statement::Assign(target, ..) = statement {
            names.extend(assigned(target));
        }
    }
}

fn assigned(target: &Expression) -> Option<String> {
    match target {
        Expression::Variable(name) => Some(name.clone()),
        Expression::Cast(inner) => assigned(inner),
        _ => None,
    }
}

/// Two ways to the same place: what they do not agree on is unknown.
fn merge(one: &mut Variables, other: &Variables) {
    if Rc::ptr_eq(one, other) {
        return;
    }
    let held = Rc::make_mut(one);
    for (name, value) in held.iter_mut() {
        if !other.get(name).is_some_and(|told| told.same(value)) {
            *value = Value::Unknown;
        }
    }
    for name in other.keys() {
        held.entry(name.clone()).or_insert(Value::Unknown);
    }
}

impl Shell<'_> {
    fn set(&mut self, name: &str, value: Value) {
        Rc::make_mut(&mut self.variables).insert(name.to_owned(), value);
    }

    fn forget(&mut self, statements: &[Statement]) {
        let mut names = BTreeSet::new();
        sets(statements, 0, &mut names);
        for name in names {
            if self.variables.contains_key(&name) {
                self.set(&name, Value::Unknown);
            }
        }
    }

    /// Functions that nothing in the text calls are called from elsewhere: each is read once, with what its parameters are
    /// where nothing is given.
    fn never_called(&mut self, context: &Context<'_>, out: &mut Out<'_>) {
        while let Some(name) = self.functions.keys().find(|name| !self.called.contains(*name)).cloned() {
            let Some(body) = self.functions.get(&name).cloned() else { return };
            if !self.own_functions.contains(&name) || self.around.over {
                self.called.insert(name);
                continue;
            }
            out.sleeps.enter();
            self.function(&name, &body, &cmdlets::Given::default(), context, out);
            out.sleeps.leave();
        }
    }

    /// Statements in a row; the value of the last that has one.
    fn all(&mut self, statements: &[Statement], context: &Context<'_>, out: &mut Out<'_>) -> Value {
        let mut last = Value::Unknown;
        if self.depth > MAX_DEPTH {
            return last;
        }
        self.depth += 1;
        // Functions are known before their text is reached in the files that are read.
        for statement in statements {
            if let Statement::Function(name, body) = statement {
                self.functions.entry(name.clone()).or_insert_with(|| body.clone());
                if !self.quiet {
                    self.own_functions.insert(name.clone());
                }
            }
        }
        for statement in statements {
            if !self.around.may_step(0) {
                break;
            }
            last = self.statement(statement, context, out);
        }
        self.depth -= 1;
        last
    }

    fn statement(&mut self, statement: &Statement, context: &Context<'_>, out: &mut Out<'_>) -> Value {
        match statement {
            Statement::Assign(target, adds, value) => {
                let value = self.statement(value, context, out);
                self.assign(target, *adds, value, context, out);
            }
            Statement::Pipeline(stages) => return self.pipeline(stages, context, out),
            Statement::If(ways, other) => self.branches(ways, other.as_deref(), context, out),
            Statement::Each(name, list, body) => {
                let list = self.all(list, context, out);
                self.each(name, &list, body, context, out);
            }
            Statement::Loop(body) => {
                out.sleeps.enter();
                self.forget(body);
                let before = self.variables.clone();
                self.all(body, context, out);
                merge(&mut self.variables, &before);
                out.sleeps.leave();
            }
            Statement::Switch(asked, cases) => {
                self.all(asked, context, out);
                let before = self.variables.clone();
                let mut after = before.clone();
                for case in cases {
                    self.variables = before.clone();
                    self.all(case, context, out);
                    merge(&mut after, &self.variables);
                }
                self.variables = after;
            }
            Statement::Try(body, catches, finally) => {
                let last = self.all(body, context, out);
                for body in catches {
                    let before = self.variables.clone();
                    out.sleeps.enter();
                    self.all(body, context, out);
                    out.sleeps.leave();
                    self.variables = before;
                }
                self.all(finally, context, out);
                return last;
            }
            Statement::Function(name, body) => {
                self.functions.insert(name.clone(), body.clone());
            }
            Statement::Return(value) => {
                let value =
                    value.as_ref().map_or(Value::Unknown, |value| self.statement(value, context, out));
                // Two ways out that differ leave it unknown.
                let agrees = self.returned.as_ref().is_none_or(|held| held.same(&value));
                self.returned = Some(if agrees { value } else { Value::Unknown });
            }
            Statement::Block(body) => return self.all(body, context, out),
            Statement::Parameters(parameters) => {
                for (name, default) in parameters {
                    let value = default.as_ref().map(|default| self.value(default, context, out));
                    self.set(name, value.unwrap_or(Value::Unknown));
                }
            }
        }
        Value::Unknown
    }

    fn branches(
        &mut self,
        ways: &[(Vec<Statement>, Vec<Statement>)],
        other: Option<&[Statement]>,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) {
        out.sleeps.enter();
        let mut after: Option<Variables> = None;
        let mut before = self.variables.clone();
        for (asked, body) in ways {
            self.variables = before;
            self.all(asked, context, out);
            before = self.variables.clone();
            self.all(body, context, out);
            match &mut after {
                Some(after) => merge(after, &self.variables),
                None => after = Some(self.variables.clone()),
            }
        }
        self.variables = before;
        if let Some(other) = other {
            self.all(other, context, out);
        }
        if let Some(after) = after {
            merge(&mut self.variables, &after);
        }
        out.sleeps.leave();
    }

    fn each(
        &mut self,
        name: &str,
        list: &Value,
        body: &[Statement],
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) {
        out.sleeps.enter();
        let mut values = list.each();
        let known = values.len() <= MAX_LOOP && values.iter().all(|value| !matches!(value, Value::Unknown));
        if values.len() > MAX_LOOP {
            let detail =
                "MAX_LOOP: a loop over more values; its body was followed once, with the value unknown";
            out.gap(GapCode::Limit, detail, self.line);
        }
        if !known {
            values = vec![Value::Unknown];
            self.forget(body);
        }
        let before = self.variables.clone();
        for value in values {
            self.set(name, value);
            self.all(body, context, out);
        }
        if !known {
            merge(&mut self.variables, &before);
        }
        out.sleeps.leave();
    }

    fn assign(
        &mut self,
        target: &Expression,
        adds: bool,
        value: Value,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) {
        match target {
            Expression::Variable(name) => {
                let value = if adds {
                    let held = self.variables.get(name).cloned().unwrap_or(Value::Unknown);
                    operators::add(&held, &value)
                } else {
                    value
                };
                if let Some(name) = name.strip_prefix("env:") {
                    Rc::make_mut(&mut self.env).insert(name.to_ascii_uppercase(), value.text());
                    return;
                }
                self.around.may_step(value_size(&value));
                self.set(name, value);
            }
            Expression::Cast(inner) => self.assign(inner, adds, value, context, out),
            Expression::Member(on, field) => {
                let on = self.value(on, context, out);
                if let Value::Object(at) = on
                    && let Some(object) = self.objects.get_mut(at)
                {
                    object.fields.insert(field.clone(), value);
                }
            }
            Expression::Index(on, key) => {
                if let Expression::Variable(name) = &**on {
                    let key = self.value(key, context, out).text().to_lowercase();
                    if let Some(Value::Table(table)) = Rc::make_mut(&mut self.variables).get_mut(name) {
                        Rc::make_mut(table).insert(key, value);
                    }
                }
            }
            Expression::List(all) => {
                for target in all {
                    self.assign(target, false, Value::Unknown, context, out);
                }
            }
            _ => {}
        }
    }

    fn pipeline(&mut self, stages: &[Stage], context: &Context<'_>, out: &mut Out<'_>) -> Value {
        let mut piped: Option<Value> = None;
        for stage in stages {
            piped = Some(match stage {
                Stage::Expression(expression, writes, line) => {
                    self.line = *line;
                    let value = self.value(expression, context, out);
                    self.written(writes, *line, context, out);
                    value
                }
                Stage::Command(command) => {
                    self.line = command.line;
                    let value = self.command(command, piped, context, out);
                    self.written(&command.writes, command.line, context, out);
                    value
                }
            });
        }
        piped.unwrap_or(Value::Unknown)
    }

    /// Files that redirections write.
    fn written(&mut self, writes: &[Expression], line: u64, context: &Context<'_>, out: &mut Out<'_>) {
        for target in writes {
            let path = self.value(target, context, out).text();
            self.file(Action::Write, &path, line, out);
        }
    }

    /// States that a file is read or written.
    fn file(&mut self, action: Action, path: &str, line: u64, out: &mut Out<'_>) {
        if self.quiet || path.eq_ignore_ascii_case("nul") || path.contains("://") {
            return;
        }
        let path = super::files::pattern(&paths::folded(path, &self.around.drives));
        if path == UNKNOWN || path.is_empty() {
            return;
        }
        let call = self.around.call(Vec::new(), line);
        out.add_file(&call, action, &path);
    }

    fn parts(&mut self, parts: &[Part], context: &Context<'_>, out: &mut Out<'_>) -> String {
        let mut text = String::new();
        for part in parts {
            let told = match part {
                Part::Text(told) => told.clone(),
                Part::Variable(name) => self.variable(name).text(),
                Part::Inner(statements) => self.all(statements, context, out).text(),
                Part::Expression(inner) => self.value(inner, context, out).text(),
            };
            text.push_str(&told);
            if text.len() > MAX_VALUE {
                return UNKNOWN.to_owned();
            }
        }
        super::batch::dates(&text)
    }

    fn variable(&self, name: &str) -> Value {
        if let Some(name) = name.strip_prefix("env:") {
            let upper = name.to_ascii_uppercase();
            return match (self.env.get(&upper), upper.as_str(), &self.host) {
                (Some(held), ..) => Value::Text(held.clone()),
                (None, "COMPUTERNAME", Some(host)) => Value::Text(host.clone()),
                _ => Value::Unknown,
            };
        }
        match (self.variables.get(name), name) {
            (Some(value), _) => value.clone(),
            (None, "psscriptroot") => self.own.clone().map_or(Value::Unknown, Value::Text),
            (None, "pwd") => self.around.folder.clone().map_or(Value::Unknown, Value::Text),
            (None, "true" | "false") => Value::Text(name.to_owned()),
            (None, "null") => Value::Text(String::new()),
            _ => Value::Unknown,
        }
    }

    fn value(&mut self, expression: &Expression, context: &Context<'_>, out: &mut Out<'_>) -> Value {
        if self.depth > MAX_DEPTH || !self.around.may_step(0) {
            return Value::Unknown;
        }
        self.depth += 1;
        let value = self.value_of(expression, context, out);
        self.depth -= 1;
        match &value {
            Value::Text(text) if text.len() > MAX_VALUE => Value::Unknown,
            _ => value,
        }
    }

    fn value_of(&mut self, expression: &Expression, context: &Context<'_>, out: &mut Out<'_>) -> Value {
        match expression {
            Expression::Text(parts) | Expression::Bare(parts) => Value::Text(self.parts(parts, context, out)),
            Expression::Variable(name) | Expression::Splat(name) => self.variable(name),
            Expression::Member(on, name) => {
                // `$MyInvocation.MyCommand.Path` is the script itself.
                if let Expression::Member(inner, command) = &**on
                    && matches!(&**inner, Expression::Variable(name) if name == "myinvocation")
                    && command == "mycommand"
                {
                    let own = self
                        .own
                        .clone()
                        .filter(|_| matches!(name.as_str(), "path" | "definition" | "source"));
                    return own.map_or(Value::Unknown, |own| Value::Text(format!("{own}/{UNKNOWN}")));
                }
                if let Expression::Type(class) = &**on {
                    return objects::fixed_member(class, name);
                }
                let on = self.value(on, context, out);
                self.member(&on, name)
            }
            Expression::Call(on, name, given) => {
                if let Expression::Type(class) = &**on {
                    let given: Vec<Value> = given.iter().map(|it| self.value(it, context, out)).collect();
                    return self.fixed(class, name, &given, out);
                }
                let on = self.value(on, context, out);
                let given: Vec<Value> = given.iter().map(|it| self.value(it, context, out)).collect();
                self.method(&on, name, &given, out)
            }
            Expression::Cast(inner) => self.value(inner, context, out),
            Expression::Index(on, key) => {
                let databases = matches!(&**on, Expression::Member(_, name) if name == "databases");
                let on = match &**on {
                    Expression::Member(server, _) if databases => self.value(server, context, out),
                    on => self.value(on, context, out),
                };
                let key = self.value(key, context, out);
                if databases {
                    return self.database_of(&on, &key, out);
                }
                match (&on, key.text()) {
                    (Value::Table(table), key) => {
                        table.get(&key.to_lowercase()).cloned().unwrap_or(Value::Unknown)
                    }
                    (Value::List(all), at) => {
                        at.parse::<usize>().ok().and_then(|at| all.get(at).cloned()).unwrap_or(Value::Unknown)
                    }
                    _ => Value::Unknown,
                }
            }
            Expression::Table(pairs) => {
                let mut table = BTreeMap::new();
                for (key, value) in pairs {
                    let value = self.all(value, context, out);
                    table.insert(key.clone(), value);
                }
                Value::Table(Rc::new(table))
            }
            Expression::List(all) => {
                let mut values = Vec::new();
                for it in all {
                    match (it, all.len()) {
                        // `@( … )`: each statement of it is an element.
                        (Expression::Inner(inner), 1) => {
                            for statement in inner {
                                let value = self.statement(statement, context, out);
                                values.extend(value.each());
                            }
                        }
                        _ => {
                            let value = self.value(it, context, out);
                            values.push(value);
                        }
                    }
                }
                Value::List(values)
            }
            Expression::Inner(statements) => self.all(statements, context, out),
            Expression::Block(body) => Value::Block(body.clone()),
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.value(left, context, out), self.value(right, context, out));
                operators::binary(operator, &left, &right)
            }
            Expression::Type(_) | Expression::Not => Value::Unknown,
        }
    }

    /// A block with a value as `$_`.
    fn block(&mut self, body: &Body, it: Value, context: &Context<'_>, out: &mut Out<'_>) -> Value {
        let before = self.variables.get("_").cloned();
        self.set("_", it);
        for (name, default) in &body.parameters {
            let value = default.as_ref().map_or(Value::Unknown, |default| self.value(default, context, out));
            self.set(name, value);
        }
        let value = self.all(&body.statements, context, out);
        self.set("_", before.unwrap_or(Value::Unknown));
        value
    }

    /// A function of the script.
    fn function(
        &mut self,
        name: &str,
        body: &Body,
        given: &cmdlets::Given,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Value {
        if self.open.len() >= MAX_CALLS || self.open.iter().any(|open| open == name) {
            return Value::Unknown;
        }
        self.open.push(name.to_owned());
        self.called.insert(name.to_owned());
        let before = self.variables.clone();
        let held = self.returned.take();
        let mut plain = given.plain.iter();
        for (parameter, default) in &body.parameters {
            let value = match given.named(parameter).or_else(|| plain.next()) {
                Some(value) => value.clone(),
                None => default.as_ref().map_or(Value::Unknown, |default| self.value(default, context, out)),
            };
            self.set(parameter, value);
        }
        self.set("args", Value::List(given.plain.clone()));
        let last = self.all(&body.statements, context, out);
        let returned = std::mem::replace(&mut self.returned, held);
        // What a function sets stays its own.
        self.variables = before;
        self.open.pop();
        returned.unwrap_or(last)
    }

    /// A file that is dot-sourced gives its names; what it does is stated where it is read itself.
    fn source(&mut self, path: &str, line: u64, context: &Context<'_>, out: &mut Out<'_>) {
        let path = paths::folded(path, &self.around.drives);
        let call = self.around.call(Vec::new(), line);
        if !self.quiet {
            out.includes(&call, &path);
        }
        let Some(text) = out.text_of(&path, &call) else { return };
        if self.open.len() >= MAX_CALLS || !self.around.may_step(text.len()) {
            return;
        }
        let statements = Parser::new(&text, line, true).statements(None);
        self.open.push(path);
        let quiet = std::mem::replace(&mut self.quiet, true);
        self.all(&statements, context, out);
        self.quiet = quiet;
        self.open.pop();
    }

    fn command(
        &mut self,
        command: &Command,
        piped: Option<Value>,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Value {
        let named = self.value(&command.name, context, out);
        if let Value::Block(body) = &named {
            return self.block(body, piped.unwrap_or(Value::Unknown), context, out);
        }
        let name = named.text();
        if command.how == '.' {
            self.source(&name, command.line, context, out);
            return Value::Unknown;
        }
        let given = self.given(&command.arguments, context, out);
        let lower = name.to_ascii_lowercase();
        if let Some(body) = self.functions.get(&lower).cloned() {
            return self.function(&lower, &body, &given, context, out);
        }
        if let Some(value) = self.cmdlet(&lower, &given, piped.clone(), command.line, context, out) {
            return value;
        }
        if self.quiet || name == UNKNOWN {
            return Value::Unknown;
        }
        let handed = match piped {
            None => Given::default(),
            Some(Value::Text(text)) if !text.contains(UNKNOWN) => {
                Given { stdin: Some(text), ..Given::default() }
            }
            Some(_) => Given { piped: true, ..Given::default() },
        };
        let mut words = vec![name];
        words.extend(given.words.iter().cloned());
        programs::run(words, &handed, command.line, &self.env.clone(), self.around, context, out);
        Value::Unknown
    }

    /// The arguments of a command, tables of parameters spread out.
    fn given(
        &mut self,
        arguments: &[Expression],
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> cmdlets::Given {
        let mut given = cmdlets::Given::default();
        for argument in arguments {
            if let Expression::Splat(name) = argument {
                match self.variable(name) {
                    Value::Table(table) => {
                        table.iter().for_each(|(name, value)| given.set(name, value.clone()))
                    }
                    Value::List(all) => all.into_iter().for_each(|value| given.value(value)),
                    _ => given.unknown = true,
                }
                continue;
            }
            let value = self.value(argument, context, out);
            match argument {
                Expression::Bare(parts) if matches!(parts.first(), Some(Part::Text(text)) if text.starts_with('-')) =>
                {
                    given.option(&value.text());
                }
                _ => given.value(value),
            }
        }
        given
    }
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(all) => all.len(),
        _ => 0,
    }
}

/// Whether a text is a date.
fn is_date(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text == DATE)
}
