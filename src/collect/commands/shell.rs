//! Shell text (POSIX sh and bash) as a tree: assignments, sourced files, wrappers peeled, here-documents,
//! redirections. It follows text from top to bottom and never decides which branch is taken: both are read.

use super::{Call, Context, Out, state};
use std::collections::BTreeMap;
use tree_sitter::{Node, Parser};

/// How deep text may nest, and how many times a command may hold another as text.
const MAX_DEPTH: usize = 200;
const MAX_NESTED_TEXTS: usize = 8;
/// How long a resolved word may become.
const MAX_WORD: usize = 64 * 1024;

/// What is known while a text is read.
struct Shell<'a> {
    text: &'a str,
    first_line: u64,
    env: BTreeMap<String, String>,
    folder: Option<String>,
    nested: usize,
}

#[derive(Default, Clone)]
struct Redirects {
    stdin: Option<String>,
    stdin_file: Option<String>,
    stdout_file: Option<String>,
}

/// Reads a text.
pub(super) fn read(text: &str, context: &Context<'_>, out: &mut Out<'_>) {
    let env = context.env.clone();
    let mut shell = Shell { text, first_line: context.first_line, env, folder: None, nested: 0 };
    shell.run(context, out);
}

impl Shell<'_> {
    fn run(&mut self, context: &Context<'_>, out: &mut Out<'_>) {
        let mut parser = Parser::new();
        if parser.set_language(&tree_sitter_bash::LANGUAGE.into()).is_err() {
            return;
        }
        if let Some(tree) = parser.parse(self.text, None) {
            self.walk(tree.root_node(), &Redirects::default(), context, out, 0);
        }
    }

    fn of(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn walk(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        match node.kind() {
            "variable_assignment" => {
                let (name, value) = self.assignment(node, depth);
                self.inside(node, context, out, depth);
                self.env.insert(name, value);
            }
            "command" => self.command(node, redirects, context, out, depth),
            "redirected_statement" => {
                let mut own = redirects.clone();
                let mut cursor = node.walk();
                let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
                for child in children.iter().filter(|child| child.kind().ends_with("_redirect")) {
                    self.redirect(*child, &mut own, depth);
                }
                for child in children {
                    if child.kind() == "heredoc_redirect" {
                        // `psql <<EOF | gzip > x`: the rest of the pipeline hangs below the redirect.
                        let mut cursor = child.walk();
                        let rest: Vec<Node<'_>> = child
                            .named_children(&mut cursor)
                            .filter(|n| matches!(n.kind(), "pipeline" | "list" | "command"))
                            .collect();
                        for part in rest {
                            self.walk(part, &Redirects::default(), context, out, depth + 1);
                        }
                    } else if !child.kind().ends_with("_redirect") {
                        self.walk(child, &own, context, out, depth + 1);
                    }
                }
            }
            _ => {
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
                    self.walk(child, redirects, context, out, depth + 1);
                }
            }
        }
    }

    /// Commands inside substitutions of a word.
    fn inside(&mut self, node: Node<'_>, context: &Context<'_>, out: &mut Out<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            if matches!(child.kind(), "command_substitution" | "process_substitution") {
                self.walk(child, &Redirects::default(), context, out, depth + 1);
            } else {
                self.inside(child, context, out, depth + 1);
            }
        }
    }

    fn assignment(&self, node: Node<'_>, depth: usize) -> (String, String) {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name)).to_owned();
        let value = node.child_by_field_name("value").map_or(String::new(), |value| self.word(value, depth));
        (name, value)
    }

    fn redirect(&self, node: Node<'_>, own: &mut Redirects, depth: usize) {
        match node.kind() {
            "heredoc_redirect" => {
                let mut cursor = node.walk();
                let quoted = node.named_children(&mut cursor).any(|child| {
                    child.kind() == "heredoc_start" && self.of(child).contains(['\'', '"', '\\'])
                });
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor) {
                    match child.kind() {
                        "heredoc_body" if quoted => own.stdin = Some(self.of(child).to_owned()),
                        "heredoc_body" => own.stdin = Some(self.expanded(child, depth)),
                        "file_redirect" => self.redirect(child, own, depth + 1),
                        _ => {}
                    }
                }
            }
            "herestring_redirect" => {
                own.stdin = node.named_child(0).map(|word| self.word(word, depth));
            }
            "file_redirect" => {
                let destination = node.child_by_field_name("destination");
                let Some(path) = destination.map(|word| self.word(word, depth)) else { return };
                let text = self.of(node);
                if text.starts_with('<') {
                    own.stdin_file = Some(path);
                } else if !text.starts_with("2>") && !path.chars().all(|c| c.is_ascii_digit() || c == '-') {
                    own.stdout_file = Some(path);
                }
            }
            _ => {}
        }
    }

    /// The text of a node with its expansions resolved, everything between them kept.
    fn expanded(&self, node: Node<'_>, depth: usize) -> String {
        let mut out = String::new();
        let mut at = node.start_byte();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            if matches!(
                child.kind(),
                "simple_expansion" | "expansion" | "command_substitution" | "arithmetic_expansion"
            ) {
                out.push_str(self.text.get(at..child.start_byte()).unwrap_or(""));
                out.push_str(&self.word(child, depth + 1));
                at = child.end_byte();
            }
        }
        out.push_str(self.text.get(at..node.end_byte()).unwrap_or(""));
        out
    }

    fn variable(&self, name: &str) -> String {
        self.env.get(name).cloned().unwrap_or_else(|| "{}".to_owned())
    }

    /// A word with quotes removed and variables resolved.
    fn word(&self, node: Node<'_>, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return "{}".to_owned();
        }
        let text = self.of(node);
        let mut word = match node.kind() {
            "raw_string" => text.trim_start_matches('\'').trim_end_matches('\'').to_owned(),
            "ansi_c_string" => text.trim_start_matches("$'").trim_end_matches('\'').to_owned(),
            "string" => {
                let inner = self.expanded(node, depth);
                let inner = inner.strip_prefix('"').unwrap_or(&inner);
                let inner = inner.strip_suffix('"').unwrap_or(inner);
                inner.replace("\\\"", "\"").replace("\\$", "$").replace("\\\n", "").replace("\\`", "`")
            }
            "simple_expansion" => self.variable(text.trim_start_matches('$')),
            "expansion" => self.parameter(text),
            "command_substitution" => substitution(text),
            "arithmetic_expansion" | "process_substitution" => "{}".to_owned(),
            "concatenation" | "command_name" | "variable_name" if node.named_child_count() > 0 => {
                let mut whole = String::new();
                let mut cursor = node.walk();
                let mut at = node.start_byte();
                for child in node.named_children(&mut cursor) {
                    whole.push_str(self.text.get(at..child.start_byte()).unwrap_or(""));
                    whole.push_str(&self.word(child, depth + 1));
                    at = child.end_byte();
                }
                whole.push_str(self.text.get(at..node.end_byte()).unwrap_or(""));
                whole
            }
            _ => text.replace('\\', ""),
        };
        if word.len() > MAX_WORD {
            word = "{}".to_owned();
        }
        word
    }

    /// `${NAME}`, `${NAME:-default}`, `${NAME:=default}`; other operators give an unknown.
    fn parameter(&self, text: &str) -> String {
        let inner = text.trim_start_matches("${").trim_end_matches('}');
        let end = inner.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'_').unwrap_or(inner.len());
        let (name, rest) = inner.split_at(end);
        let default = ["!:-", ":-", ":=", "-", "="].iter().find_map(|operator| rest.strip_prefix(operator));
        match (self.env.get(name), default) {
            (Some(value), _) if rest.is_empty() || default.is_some() => value.clone(),
            (None, Some(default)) => default.trim_matches(['"', '\'']).to_owned(),
            _ => "{}".to_owned(),
        }
    }

    fn command(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut env = self.env.clone();
        let mut words = Vec::new();
        let mut own = redirects.clone();
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            match child.kind() {
                "variable_assignment" => {
                    let (name, value) = self.assignment(child, depth);
                    env.insert(name, value);
                }
                kind if kind.ends_with("_redirect") => self.redirect(child, &mut own, depth),
                "comment" => {}
                _ => words.push(self.word(child, depth)),
            }
        }
        self.inside(node, context, out, depth + 1);
        let call = Call {
            words,
            env,
            stdin: own.stdin,
            stdin_file: own.stdin_file,
            stdout_file: own.stdout_file,
            line: self.first_line + node.start_position().row as u64,
            folder: self.folder.clone(),
        };
        self.call(call, context, out);
    }

    /// One command: what changes the shell itself, wrappers, and the rest.
    fn call(&mut self, mut call: Call, context: &Context<'_>, out: &mut Out<'_>) {
        loop {
            let Some(command) = call.words.first() else { return };
            let name = command.rsplit('/').next().unwrap_or(command).to_owned();
            match name.as_str() {
                "." | "source" => return self.source(&call, context),
                "cd" => {
                    self.folder = call.words.get(1).filter(|folder| !folder.contains("{}")).cloned();
                    return;
                }
                "sh" | "bash" | "dash" | "ksh"
                    if call.words.iter().any(|word| {
                        word.starts_with('-') && word.ends_with('c') && !word.starts_with("--")
                    }) =>
                {
                    let at = call.words.iter().position(|word| word.starts_with('-') && word.ends_with('c'));
                    let text = at.and_then(|at| call.words.get(at + 1)).cloned();
                    return self.text(text, &call, context, out);
                }
                "su" | "runuser" => {
                    let at = call.words.iter().position(|word| word == "-c" || word == "--command");
                    let text = at.and_then(|at| call.words.get(at + 1)).cloned();
                    return self.text(text, &call, context, out);
                }
                "eval" => return self.text(Some(call.words[1..].join(" ")), &call, context, out),
                "flock" => {
                    if let Some(at) = call.words.iter().position(|word| word == "-c" || word == "--command") {
                        let text = call.words.get(at + 1).cloned();
                        return self.text(text, &call, context, out);
                    }
                    // flock [options] FILE COMMAND …: the lock file is the first plain word.
                    let rest =
                        peel(&call.words, &["-w", "-E", "--wait", "--timeout", "--conflict-exit-code"], 1);
                    call.words = rest;
                }
                wrapper => match WRAPPERS.iter().find(|(known, ..)| *known == wrapper) {
                    Some((_, with_value, plain)) => call.words = peel(&call.words, with_value, *plain),
                    None => return state(&call, out),
                },
            }
            // Assignments in front of the wrapped command (`env A=b cmd`).
            while let Some((name, value)) = call.words.first().and_then(|word| word.split_once('=')) {
                call.env.insert(name.to_owned(), value.to_owned());
                call.words.remove(0);
            }
        }
    }

    /// A command given as text.
    fn text(&mut self, text: Option<String>, call: &Call, context: &Context<'_>, out: &mut Out<'_>) {
        let Some(text) = text.filter(|_| self.nested < MAX_NESTED_TEXTS) else { return };
        let mut inner = Shell {
            text: &text,
            first_line: call.line,
            env: call.env.clone(),
            folder: self.folder.clone(),
            nested: self.nested + 1,
        };
        inner.run(context, out);
    }

    /// A sourced file gives its variables; what it does is stated where it is read itself.
    fn source(&mut self, call: &Call, context: &Context<'_>) {
        let Some(path) = call.words.get(1).filter(|_| self.nested < MAX_NESTED_TEXTS) else { return };
        let Some(text) = (context.files)(path) else { return };
        let mut parser = Parser::new();
        if parser.set_language(&tree_sitter_bash::LANGUAGE.into()).is_err() {
            return;
        }
        let Some(tree) = parser.parse(&text, None) else { return };
        let mut inner = Shell {
            text: &text,
            first_line: 1,
            env: self.env.clone(),
            folder: None,
            nested: self.nested + 1,
        };
        inner.assignments(tree.root_node(), 0);
        self.env = inner.env;
    }

    fn assignments(&mut self, node: Node<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if node.kind() == "variable_assignment" {
            let (name, value) = self.assignment(node, depth);
            self.env.insert(name, value);
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
            self.assignments(child, depth + 1);
        }
    }
}

/// Commands that run another: their options that take a value, and how many plain words stand before the
/// other command.
const WRAPPERS: [(&str, &[&str], usize); 19] = [
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "--user", "--group"], 0),
    ("doas", &["-u", "-C"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "-p", "--class", "--classdata"], 0),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"], 1),
    ("nohup", &[], 0),
    ("setsid", &[], 0),
    ("chronic", &[], 0),
    ("cronic", &[], 0),
    ("exec", &["-a"], 0),
    ("time", &["-f", "-o"], 0),
    ("command", &[], 0),
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("run-one", &[], 0),
    ("setlock", &[], 1),
    ("lckdo", &["-W"], 1),
    ("systemd-cat", &["-t", "-p"], 0),
    ("xargs", &["-n", "-I", "-P", "-L", "-d", "-a", "-s", "-E"], 0),
];

/// The wrapped command: options (and the values of those that take one) and `plain` words are left out.
fn peel(words: &[String], with_value: &[&str], plain: usize) -> Vec<String> {
    let mut at = 1;
    let mut left = plain;
    while let Some(word) = words.get(at) {
        if word == "--" {
            at += 1;
        } else if with_value.contains(&word.as_str()) {
            at += 2;
        } else if word.starts_with('-') && word.len() > 1 {
            at += 1;
        } else if left > 0 {
            left -= 1;
            at += 1;
        } else {
            break;
        }
    }
    words.get(at..).unwrap_or(&[]).to_vec()
}

/// What a command substitution gives: a date where it is `date`, else unknown.
fn substitution(text: &str) -> String {
    let inner = text.trim_start_matches("$(").trim_start_matches('`').trim_start();
    let date = inner == "date)" || inner.starts_with("date ") || inner.starts_with("/bin/date ");
    if date { "{date}".to_owned() } else { "{}".to_owned() }
}
