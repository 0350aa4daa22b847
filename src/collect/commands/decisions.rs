//! Tests of the day in front of a command line: on which days it does its work at all. Only what decides over all of the
//! line is told, as `only if TEST` or `unless TEST`; what the test means is for who knows the schedule.

use std::ops::Range;
use tree_sitter::Node;

/// A decision: where its test stands, and how it is told.
pub(super) type Decision = (Range<usize>, String);

/// The parts of `a && b || c`, each with what stands behind it.
fn parts<'t>(node: Node<'t>, out: &mut Vec<(Node<'t>, &'static str)>, behind: &'static str) {
    if node.kind() != "list" || out.len() > MAX_PARTS {
        out.push((node, behind));
        return;
    }
    let mut cursor = node.walk();
    let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
    let joint = children.iter().find_map(|child| match child.kind() {
        "&&" => Some("&&"),
        "||" => Some("||"),
        _ => None,
    });
    let sides: Vec<Node<'_>> = children.into_iter().filter(|child| child.is_named()).collect();
    match (sides[..].first(), sides.get(1), joint) {
        (Some(left), Some(right), Some(joint)) => {
            parts(*left, out, joint);
            parts(*right, out, behind);
        }
        _ => out.push((node, behind)),
    }
}

/// How many parts of one line are looked at.
const MAX_PARTS: usize = 32;

/// The first word of a command.
fn name<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    let name = (node.kind() == "command").then(|| node.child_by_field_name("name")).flatten();
    name.and_then(|name| text.get(name.byte_range())).unwrap_or("")
}

fn is_test(node: Node<'_>, text: &str) -> bool {
    node.kind() == "test_command" || name(node, text) == "test"
}

fn asks_the_date(node: Node<'_>, text: &str) -> bool {
    is_test(node, text) && text.get(node.byte_range()).is_some_and(|test| test.contains("date "))
}

fn told(word: &str, node: Node<'_>, text: &str) -> Decision {
    (node.byte_range(), format!("{word} {}", &text[node.byte_range()]))
}

/// Tests in a chain of `&&`, as far as only tests and waits stand before them.
fn in_chain(chain: &[(Node<'_>, &str)], text: &str) -> Vec<Decision> {
    let asks = chain.iter().map_while(|(node, _)| {
        let harmless = is_test(*node, text) || matches!(name(*node, text), "sleep" | "cd" | "true");
        harmless.then(|| asks_the_date(*node, text).then(|| told("only if", *node, text)))
    });
    asks.flatten().collect()
}

fn of_whole(node: Node<'_>, text: &str) -> Vec<Decision> {
    if node.kind() == "if_statement" {
        let mut cursor = node.walk();
        let other =
            node.named_children(&mut cursor).any(|it| matches!(it.kind(), "else_clause" | "elif_clause"));
        let mut cursor = node.walk();
        let conditions: Vec<Node<'_>> =
            node.children_by_field_name("condition", &mut cursor).filter(Node::is_named).collect();
        let ([condition], false) = (&conditions[..], other) else { return Vec::new() };
        let mut chain = Vec::new();
        parts(*condition, &mut chain, "");
        let all = chain.iter().all(|(_, joint)| *joint != "||");
        return if all { in_chain(&chain, text) } else { Vec::new() };
    }
    let mut chain = Vec::new();
    parts(node, &mut chain, "");
    let ends_well = |node: Node<'_>| matches!(name(node, text), "true" | ":" | "exit");
    match &chain[..] {
        [(test, "||"), (work, "")] if asks_the_date(*test, text) && !ends_well(*work) => {
            vec![told("unless", *test, text)]
        }
        [chain @ .., (_, "||"), (end, "")] if ends_well(*end) && chain.iter().all(|it| it.1 == "&&") => {
            in_chain(chain, text)
        }
        [chain @ .., _] if chain.iter().all(|it| it.1 == "&&") => in_chain(chain, text),
        _ => Vec::new(),
    }
}

/// Whether a command waits for a time that only its run tells: `sleep $RANDOM`, `perl -e 'sleep int(rand(43200))'`.
pub(super) fn waits_at_random(command: &str) -> bool {
    let random = ["RANDOM", "rand(", "shuf "].iter().any(|word| command.contains(word));
    let waits = command.starts_with("sleep ") || (command.starts_with("perl ") && command.contains("sleep"));
    random && waits
}

/// What decides over all of a command line.
pub(super) fn decisions(root: Node<'_>, text: &str) -> Vec<Decision> {
    let mut cursor = root.walk();
    let statements: Vec<Node<'_>> =
        root.named_children(&mut cursor).filter(|node| node.kind() != "comment").take(3).collect();
    match &statements[..] {
        [only] => of_whole(*only, text),
        [first, _, ..] => {
            let mut chain = Vec::new();
            parts(*first, &mut chain, "");
            match &chain[..] {
                [(test, joint), (end, "")] if asks_the_date(*test, text) && name(*end, text) == "exit" => {
                    let word = if *joint == "||" { "only if" } else { "unless" };
                    vec![told(word, *test, text)]
                }
                _ => Vec::new(),
            }
        }
        [] => Vec::new(),
    }
}
