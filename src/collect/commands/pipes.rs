//! Pipes and redirections: what one command hands to the next, and which files stand for its input and output. It
//! follows text and never decides what a command makes of what it is given.

use super::shell::Shell;
use super::words::UNKNOWN;
use super::{Context, Out};
use crate::evidence::Action;
use tree_sitter::Node;

/// What a command is given, and where what it says goes.
#[derive(Debug, Default, Clone)]
pub(super) struct Redirects {
    pub(super) stdin: Option<String>,
    pub(super) stdin_file: Option<String>,
    pub(super) piped: bool,
    /// The files that these redirections themselves read and write, not yet stated.
    files: Vec<(Action, String)>,
}

impl Redirects {
    /// The files that are written.
    pub(super) fn writes(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|(action, _)| *action == Action::Write).map(|(_, path)| path.as_str())
    }

    /// What a call that runs a text was given.
    pub(super) fn of(stdin: Option<String>, stdin_file: Option<String>, piped: bool) -> Redirects {
        Redirects { stdin, stdin_file, piped, files: Vec::new() }
    }

    /// What commands inside are given; files are stated once, where they stand.
    fn given(&self) -> Redirects {
        Redirects { files: Vec::new(), ..self.clone() }
    }
}

impl Shell<'_> {
    /// `a | b`: what a constant command in front writes is what the next one reads.
    pub(super) fn pipeline(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut cursor = node.walk();
        let stages: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        let mut given = redirects.given();
        for stage in stages {
            // Each stage runs in a shell of its own.
            let before = self.state.clone();
            self.walk(stage, &given, context, out, depth + 1);
            given = self.produced(stage, &given, depth);
            self.state = before;
        }
    }

    /// What a stage of a pipeline hands to the next, as far as that is known before it runs.
    fn produced(&mut self, stage: Node<'_>, given: &Redirects, depth: usize) -> Redirects {
        let unknown = Redirects { piped: true, ..Redirects::default() };
        let (command, own) = if stage.kind() == "redirected_statement" {
            let mut own = Redirects::default();
            let mut cursor = stage.walk();
            for child in stage.named_children(&mut cursor).collect::<Vec<_>>() {
                if child.kind().ends_with("_redirect") {
                    self.redirect(child, &mut own, depth);
                }
            }
            (stage.child_by_field_name("body").unwrap_or(stage), own)
        } else {
            (stage, Redirects::default())
        };
        if command.kind() != "command" {
            return unknown;
        }
        let mut cursor = command.walk();
        let parts = command
            .named_children(&mut cursor)
            .filter(|child| child.kind() != "variable_assignment" && !child.kind().ends_with("_redirect"));
        let words: Vec<String> =
            parts.collect::<Vec<_>>().into_iter().flat_map(|part| self.fields(part, depth)).collect();
        let name = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let plain: Vec<&String> = words.iter().skip(1).filter(|word| !word.starts_with('-')).collect();
        match name {
            "echo" | "printf" if !plain.is_empty() => {
                let text = plain.iter().map(|word| word.replace("\\n", "\n")).collect::<Vec<_>>().join(" ");
                Redirects { stdin: Some(text), ..Redirects::default() }
            }
            "cat" if plain.is_empty() => {
                if own.stdin.is_none() && own.stdin_file.is_none() {
                    given.given()
                } else {
                    own.given()
                }
            }
            "cat" | "zcat" | "gunzip" | "gzcat" | "xzcat" | "zstdcat" | "bzcat" | "gzip" | "pv" => {
                match plain[..] {
                    [only] if !only.contains("{}") => {
                        Redirects { stdin_file: Some(only.clone()), ..Redirects::default() }
                    }
                    // It unpacks what it is given.
                    [] if given.stdin_file.is_some() => given.given(),
                    [] if own.stdin_file.is_some() => own.given(),
                    _ => unknown,
                }
            }
            "tee" => given.given(),
            _ => unknown,
        }
    }

    pub(super) fn redirected(
        &mut self,
        node: Node<'_>,
        redirects: &Redirects,
        context: &Context<'_>,
        out: &mut Out<'_>,
        depth: usize,
    ) {
        let mut own = redirects.given();
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in children.iter().filter(|child| child.kind().ends_with("_redirect")) {
            self.redirect(*child, &mut own, depth);
            self.inside(*child, context, out, depth);
        }
        let line = self.line(node);
        self.state_files(&own, Action::Read, line, out);
        if own.stdin.is_some() {
            self.remember(node, &own, depth, out);
        }
        for child in children {
            if child.kind() == "heredoc_redirect" {
                // `psql <<EOF | gzip > x`: the rest of the pipeline hangs below the redirect.
                let mut cursor = child.walk();
                let rest: Vec<Node<'_>> = child
                    .named_children(&mut cursor)
                    .filter(|n| matches!(n.kind(), "pipeline" | "list" | "command"))
                    .collect();
                let given = self.produced(node, redirects, depth);
                for part in rest {
                    let given = if part.kind() == "pipeline" { given.clone() } else { Redirects::default() };
                    self.walk(part, &given, context, out, depth + 1);
                }
            } else if !child.kind().ends_with("_redirect") {
                self.walk(child, &own.given(), context, out, depth + 1);
            }
        }
        self.state_files(&own, Action::Write, line, out);
    }

    /// States the files that redirections read or write; `/dev/tcp/host/port` is a host (bash(1), "REDIRECTION").
    pub(super) fn state_files(&self, own: &Redirects, action: Action, line: u64, out: &mut Out<'_>) {
        if self.quiet {
            return;
        }
        let call = self.bare(line);
        for (_, path) in own.files.iter().filter(|(known, _)| *known == action) {
            match path.strip_prefix("/dev/tcp/").or_else(|| path.strip_prefix("/dev/udp/")) {
                Some(place) => {
                    let (host, port) = place.split_once('/').unwrap_or((place, ""));
                    out.add_host(&call, host, Some(port));
                }
                None => out.add_file(&call, action, path),
            }
        }
    }

    /// What one redirection says, and the files that are held open by their number.
    pub(super) fn redirect(&mut self, node: Node<'_>, own: &mut Redirects, depth: usize) {
        match node.kind() {
            "heredoc_redirect" => {
                own.stdin = self.document(node, depth).or(own.stdin.take());
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
                    if child.kind() == "file_redirect" {
                        self.redirect(child, own, depth + 1);
                    }
                }
                own.piped = false;
            }
            "herestring_redirect" => {
                own.stdin = node.named_child(0).map(|word| self.word(word, depth));
                own.piped = false;
            }
            "file_redirect" => self.file(node, own, depth),
            _ => {}
        }
    }

    /// The text of a here-document, as what reads it is given it.
    pub(super) fn document(&self, node: Node<'_>, depth: usize) -> Option<String> {
        let mut cursor = node.walk();
        let parts: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        let body = self.of(*parts.iter().find(|part| part.kind() == "heredoc_body")?);
        let quotes =
            |part: &Node<'_>| part.kind() == "heredoc_start" && self.of(*part).contains(['\'', '"', '\\']);
        Some(match parts.iter().any(quotes) {
            true => super::template::unmarked(body).into_owned(),
            false => self.here(body, depth),
        })
    }

    fn file(&mut self, node: Node<'_>, own: &mut Redirects, depth: usize) {
        let destination = node.child_by_field_name("destination");
        let Some(path) = destination.map(|word| self.whole_word(word, depth)) else { return };
        let text = self.of(node);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let descriptor: Option<u32> = text[..digits].parse().ok();
        let operator = &text[digits..];
        // `>&2`, `<&3`: another descriptor.
        let number = path.chars().all(|c| c.is_ascii_digit() || c == '-');
        let path = path.trim_start_matches('&').to_owned();
        if number || path.is_empty() || path == UNKNOWN {
            return;
        }
        let input = operator.starts_with('<') && !operator.starts_with("<>");
        match descriptor {
            Some(descriptor @ 3..) => {
                self.state.descriptors.insert(descriptor, path.clone());
                if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") {
                    own.files.push((Action::Write, path));
                }
            }
            // Errors are no hand-over.
            Some(2) => {}
            _ if input => {
                own.files.push((Action::Read, path.clone()));
                own.stdin_file = Some(path);
                own.piped = false;
            }
            _ => own.files.push((Action::Write, path)),
        }
    }
}
