//! Values of PowerShell's expressions, as far as they are known before the script runs.

use super::super::{MAX_DEPTH, UNKNOWN};
use super::parse::{Expression, Part};
use super::{MAX_VALUE, Shell, Value, objects, operators};
use crate::collect::commands::{Context, Out};
use std::collections::BTreeMap;
use std::rc::Rc;

impl Shell<'_> {
    pub(super) fn parts(&mut self, parts: &[Part], context: &Context<'_>, out: &mut Out<'_>) -> String {
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
        super::super::batch::dates(&text)
    }

    pub(super) fn variable(&self, name: &str) -> Value {
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

    pub(super) fn value(
        &mut self,
        expression: &Expression,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Value {
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

    pub(super) fn value_of(
        &mut self,
        expression: &Expression,
        context: &Context<'_>,
        out: &mut Out<'_>,
    ) -> Value {
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
}
