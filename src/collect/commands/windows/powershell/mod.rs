//! PowerShell: statements in the order of the text, with variables, tables of parameters, functions and files that are
//! dot-sourced. A function does its work where it is called and nothing where it is defined. Both branches of `if` are
//! read and what they set differently is unknown; what a `catch` does is read, what it sets counts for nothing.

mod calls;
mod cmdlets;
mod given;
mod objects;
mod operators;
mod parse;
mod values;

use super::{Around, DATE, Env, MAX_DEPTH, UNKNOWN, own_folder, paths};
use crate::collect::commands::{Context, Out};
use crate::evidence::{Action, GapCode};
use parse::{Body, Expression, Parser, Stage, Statement};
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
            self.function(&name, &body, &given::Given::default(), context, out);
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
