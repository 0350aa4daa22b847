//! Pipes and redirections: what one command hands to the next, and which files stand for its input and output. It
//! follows text and never decides what a command makes of what it is given.

use super::shell::Shell;
use super::{Context, Out};
use tree_sitter::Node;

/// What a command is given, and where what it says goes.
#[derive(Default, Clone)]
pub(super) struct Redirects {
    pub(super) stdin: Option<String>,
    pub(super) stdin_file: Option<String>,
    pub(super) stdout_file: Option<String>,
    pub(super) piped: bool,
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
        let last = stages.len().saturating_sub(1);
        let mut given = redirects.clone();
        for (index, stage) in stages.into_iter().enumerate() {
            // What the whole pipeline writes, its last stage writes.
            let file = given.stdout_file.take();
            let mut own = given.clone();
            own.stdout_file =
                if index == last { redirects.stdout_file.clone() } else { file.filter(|_| index > 0) };
            self.walk(stage, &own, context, out, depth + 1);
            given = self.produced(stage, &given, depth);
        }
    }

    /// What a stage of a pipeline hands to the next, as far as that is known before it runs.
    fn produced(&mut self, stage: Node<'_>, given: &Redirects, depth: usize) -> Redirects {
        let unknown = Redirects { piped: true, ..Redirects::default() };
        let (command, mut own) = if stage.kind() == "redirected_statement" {
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
                    return given.clone();
                }
                own.stdout_file = None;
                own
            }
            "cat" | "zcat" | "gunzip" | "gzcat" | "xzcat" | "zstdcat" | "bzcat" => match plain[..] {
                [only] if !only.contains("{}") => {
                    Redirects { stdin_file: Some(only.clone()), ..Redirects::default() }
                }
                _ => unknown,
            },
            "tee" => given.clone(),
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
        let mut own = redirects.clone();
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in children.iter().filter(|child| child.kind().ends_with("_redirect")) {
            self.redirect(*child, &mut own, depth);
            self.inside(*child, context, out, depth);
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
                self.walk(child, &own, context, out, depth + 1);
            }
        }
    }

    /// What one redirection says, and the files that are held open by their number.
    pub(super) fn redirect(&mut self, node: Node<'_>, own: &mut Redirects, depth: usize) {
        match node.kind() {
            "heredoc_redirect" => {
                let mut cursor = node.walk();
                let quoted = node.named_children(&mut cursor).any(|child| {
                    child.kind() == "heredoc_start" && self.of(child).contains(['\'', '"', '\\'])
                });
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor).collect::<Vec<_>>() {
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
                let Some(path) = destination.map(|word| self.whole_word(word, depth)) else { return };
                let text = self.of(node);
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                let descriptor: Option<u32> = text[..digits].parse().ok();
                let input = text[digits..].starts_with('<');
                let number = path.chars().all(|c| c.is_ascii_digit() || c == '-');
                match descriptor {
                    Some(3..) => {
                        if let Some(descriptor) = descriptor.filter(|_| !number) {
                            self.state.descriptors.insert(descriptor, path);
                        }
                    }
                    _ if input => own.stdin_file = Some(path),
                    Some(2) => {}
                    _ if !number => own.stdout_file = Some(path),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}
