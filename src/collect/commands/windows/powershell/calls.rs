//! Commands of PowerShell: functions of the script, files that are dot-sourced, cmdlets, programs. What none of these is
//! does nothing that is told.

use super::super::{Given as Handed, UNKNOWN, paths, programs};
use super::given::Given;
use super::parse::{Body, Command, Expression, Parser, Part};
use super::{MAX_CALLS, Shell, Value};
use crate::collect::commands::{Context, Out};

impl Shell<'_> {
    /// A block with a value as `$_`.
    pub(super) fn block(
        &mut self,
        body: &Body,
        it: Value,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Value {
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
    pub(super) fn function(
        &mut self,
        name: &str,
        body: &Body,
        given: &Given,
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
    pub(super) fn source(&mut self, path: &str, line: u64, context: &Context<'_>, out: &mut Out<'_>) {
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

    pub(super) fn command(
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
            None => Handed::default(),
            Some(Value::Text(text)) if !text.contains(UNKNOWN) => {
                Handed { stdin: Some(text), ..Handed::default() }
            }
            Some(_) => Handed { piped: true, ..Handed::default() },
        };
        let mut words = vec![name];
        words.extend(given.words.iter().cloned());
        programs::run(words, &handed, command.line, &self.env.clone(), self.around, context, out);
        Value::Unknown
    }

    /// The arguments of a command, tables of parameters spread out.
    pub(super) fn given(
        &mut self,
        arguments: &[Expression],
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Given {
        let mut given = Given::default();
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
