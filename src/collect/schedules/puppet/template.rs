//! Templates of Puppet, ERB and EPP ("Creating templates" in its documentation), with what is known filled in: values,
//! conditions and loops over known ones. All else stays in it as it is written. It runs no code.

use super::super::node::{Kind, Node};
use super::super::values::scalar;
use crate::schedule;

/// How deep blocks may lie in each other.
const MAX_DEPTH: usize = 32;
/// How long a template may become; a longer one stays as it is.
const MAX_RENDERED: usize = 256 * 1024;
/// How many pieces of it may be written, those of loops each time.
const MAX_PIECES: usize = 20_000;

/// In which of the two it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Ruby in `<% %>`.
    Erb,
    /// Puppet in `<% %>`.
    Epp,
}

/// What a name stands for.
type Lookup<'k> = dyn Fn(&str) -> Option<Node> + 'k;

/// A piece of a template.
enum Piece<'t> {
    Text(&'t str),
    /// `<%= value %>`: the expression, and all of it.
    Value(&'t str, &'t str),
    /// Code that begins or ends nothing.
    Code(&'t str),
    Choice(Vec<Branch<'t>>, &'t str),
    Each {
        over: &'t str,
        names: Vec<&'t str>,
        body: Vec<Piece<'t>>,
        tags: (&'t str, &'t str),
    },
}

/// `if`, `unless`, `elsif`, `else`: its condition, its tag and what it holds.
struct Branch<'t> {
    /// The condition and whether it must hold; none: otherwise.
    condition: Option<(&'t str, bool)>,
    tag: &'t str,
    body: Vec<Piece<'t>>,
}

/// The text with what is known in it.
pub(super) fn rendered(text: &str, language: Language, known: &Lookup<'_>) -> String {
    let tags = tags(text);
    let mut reader = Reader { tags: &tags, at: 0, language };
    let mut pieces = Vec::new();
    while reader.at < tags.len() {
        let (more, end) = reader.body(0);
        pieces.extend(more);
        // An end of nothing is code like any other.
        pieces.extend(end.map(|end| Piece::Code(end.whole)));
    }
    let mut writer = Writer { language, out: String::new(), pieces: 0 };
    writer.all(&pieces, known);
    if writer.out.len() > MAX_RENDERED || writer.pieces > MAX_PIECES { text.to_owned() } else { writer.out }
}

/// A text or a tag.
#[derive(Clone, Copy)]
struct Tag<'t> {
    whole: &'t str,
    /// What stands in the tag; of a text nothing.
    code: Option<&'t str>,
}

/// Texts and tags in turn, blanks taken away where a tag says so.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let (mut told, mut rest, mut cut) = (Vec::new(), text, false);
    let plain = |text: &str, cut: bool| -> usize {
        let line = text.split_inclusive('\n').next().unwrap_or("");
        if cut && line.trim().is_empty() && line.ends_with('\n') { line.len() } else { 0 }
    };
    while let Some(start) = rest.find("<%") {
        let Some(length) = rest[start..].find("%>") else { break };
        let whole = &rest[start..start + length + 2];
        let mut before = &rest[plain(rest, cut)..start.max(plain(rest, cut))];
        if whole.starts_with("<%-") {
            before = before.trim_end_matches([' ', '\t']);
        }
        told.push(Tag { whole: before, code: None });
        let code = whole[2..whole.len() - 2].trim_start_matches('-');
        cut = code.ends_with('-');
        let code = code.strip_suffix('-').unwrap_or(code);
        // Two signs are one that is no tag.
        if code.starts_with('%') {
            told.push(Tag { whole, code: None });
        } else if !code.starts_with('#') {
            told.push(Tag { whole, code: Some(code) });
        }
        rest = &rest[start + length + 2..];
    }
    told.push(Tag { whole: &rest[plain(rest, cut)..], code: None });
    told
}

struct Reader<'r, 't> {
    tags: &'r [Tag<'t>],
    at: usize,
    language: Language,
}

impl<'t> Reader<'_, 't> {
    /// The pieces up to the tag that ends or goes on with what holds them.
    fn body(&mut self, depth: usize) -> (Vec<Piece<'t>>, Option<Tag<'t>>) {
        let mut pieces = Vec::new();
        while let Some(tag) = self.tags.get(self.at).copied() {
            self.at += 1;
            let Some(code) = tag.code else {
                pieces.push(Piece::Text(tag.whole));
                continue;
            };
            if let Some(value) = code.strip_prefix('=') {
                pieces.push(Piece::Value(value.trim(), tag.whole));
                continue;
            }
            let code = code.trim();
            // What a template of Puppet's own is given says nothing by itself.
            if self.language == Language::Epp && code.starts_with('|') {
                continue;
            }
            match self.begins(code) {
                _ if self.goes_on(code) => return (pieces, Some(tag)),
                Begins::Nothing => pieces.push(Piece::Code(tag.whole)),
                _ if depth >= MAX_DEPTH => pieces.push(Piece::Code(tag.whole)),
                Begins::Choice(condition) => pieces.push(self.choice(condition, tag.whole, depth)),
                Begins::Each(over, names) => {
                    let (body, end) = self.body(depth + 1);
                    let tags = (tag.whole, end.map_or("", |end| end.whole));
                    pieces.push(Piece::Each { over, names, body, tags });
                }
            }
        }
        (pieces, None)
    }

    fn choice(&mut self, first: (&'t str, bool), tag: &'t str, depth: usize) -> Piece<'t> {
        let (mut branches, mut condition, mut tag) = (Vec::new(), Some(first), tag);
        loop {
            let (body, end) = self.body(depth + 1);
            branches.push(Branch { condition, tag, body });
            let Some(end) = end else { return Piece::Choice(branches, "") };
            let code = self.bare(end.code.unwrap_or(""));
            match (code.strip_prefix("elsif"), code) {
                (Some(other), _) => condition = Some((other, true)),
                (None, "else") => condition = None,
                _ => return Piece::Choice(branches, end.whole),
            }
            tag = end.whole;
        }
    }

    /// Code without the braces of Puppet's blocks.
    fn bare<'c>(&self, code: &'c str) -> &'c str {
        let code = code.trim();
        if self.language == Language::Erb {
            return code;
        }
        let code = code.strip_prefix('}').unwrap_or(code);
        code.strip_suffix('{').unwrap_or(code).trim()
    }

    /// Whether it ends a block, or goes on with its next branch.
    fn goes_on(&self, code: &str) -> bool {
        match self.language {
            Language::Epp => code.starts_with('}'),
            Language::Erb => {
                let word = code.split([' ', '\n', ';']).next().unwrap_or("");
                ["end", "else", "elsif", "}"].contains(&word) || code.starts_with("end.")
            }
        }
    }

    fn begins(&self, code: &'t str) -> Begins<'t> {
        let opens = match self.language {
            Language::Epp => code.ends_with('{'),
            Language::Erb => true,
        };
        let bare = if self.language == Language::Epp { code.trim_end_matches('{').trim() } else { code };
        for (word, wanted) in [("if", true), ("unless", false)] {
            let condition = bare.strip_prefix(word).filter(|rest| rest.starts_with([' ', '(', '!']));
            // `if a then b end` on one line ends by itself.
            if let Some(condition) = condition.filter(|it| opens && !it.ends_with(" end")) {
                return Begins::Choice((condition.trim(), wanted));
            }
        }
        let block = match self.language {
            Language::Epp => bare.strip_suffix('|').filter(|_| opens).and_then(|head| head.rsplit_once('|')),
            Language::Erb => {
                bare.strip_suffix('|').and_then(|head| head.rsplit_once('|')).and_then(|(head, names)| {
                    let head = head.trim_end();
                    head.strip_suffix(" do").or_else(|| head.strip_suffix('{')).map(|head| (head, names))
                })
            }
        };
        if let Some((head, names)) = block {
            let head = head.trim();
            let each = [".sort.each", ".each_pair", ".each"].iter().find_map(|end| head.strip_suffix(end));
            let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let names: Vec<&str> = names.split(',').map(|name| name.trim().trim_start_matches('$')).collect();
            let known = each.filter(|_| names.iter().all(plain));
            return Begins::Each(known.unwrap_or(""), names);
        }
        let opener = |word: &str| ["case", "while", "until", "for", "begin"].contains(&word);
        let first = code.split(' ').next().unwrap_or("");
        let opens = match self.language {
            Language::Epp => opens,
            Language::Erb => opener(first) || code.ends_with(" do"),
        };
        if opens { Begins::Each("", Vec::new()) } else { Begins::Nothing }
    }
}

/// What code begins.
enum Begins<'t> {
    Nothing,
    Choice((&'t str, bool)),
    /// A loop, over nothing where it is not one over a value.
    Each(&'t str, Vec<&'t str>),
}

struct Writer {
    language: Language,
    out: String,
    pieces: usize,
}

impl Writer {
    fn all(&mut self, pieces: &[Piece<'_>], known: &Lookup<'_>) {
        for piece in pieces {
            self.pieces += 1;
            if self.pieces > MAX_PIECES || self.out.len() > MAX_RENDERED {
                return;
            }
            self.one(piece, known);
        }
    }

    fn one(&mut self, piece: &Piece<'_>, known: &Lookup<'_>) {
        match piece {
            Piece::Text(text) | Piece::Code(text) => self.out.push_str(text),
            Piece::Value(expression, whole) => {
                let told = self.value(expression, known);
                self.out.push_str(told.as_ref().and_then(Node::text).unwrap_or(whole));
            }
            Piece::Choice(branches, end) => self.choice(branches, end, known),
            Piece::Each { over, names, body, tags } => match self.value(over, known) {
                Some(Node { kind: Kind::List(items), .. }) if names.len() == 1 => {
                    for item in &items {
                        self.all(body, &with(&[(names[0], item)], known));
                    }
                }
                Some(Node { kind: Kind::Map(entries), .. }) if names.len() == 2 => {
                    for (key, value) in &entries {
                        self.all(body, &with(&[(names[0], key), (names[1], value)], known));
                    }
                }
                _ => {
                    self.out.push_str(tags.0);
                    self.all(body, known);
                    self.out.push_str(tags.1);
                }
            },
        }
    }

    /// The branch that is known to hold; those that may, with the tags around them.
    fn choice(&mut self, branches: &[Branch<'_>], end: &str, known: &Lookup<'_>) {
        let mut open = false;
        for branch in branches {
            let holds = match branch.condition {
                None => Some(true),
                Some((condition, wanted)) => self.holds(condition, known, 0).map(|holds| holds == wanted),
            };
            match holds {
                Some(false) => continue,
                Some(true) if !open => return self.all(&branch.body, known),
                _ => {
                    // Branches before it that do not hold are gone, so the first of them begins the choice.
                    self.out.push_str(if open { branch.tag } else { branches[0].tag });
                    open = true;
                    self.all(&branch.body, known);
                }
            }
            if holds == Some(true) {
                break;
            }
        }
        if open {
            self.out.push_str(end);
        }
    }

    /// Whether a condition holds; `None`: that is not known.
    fn holds(&self, condition: &str, known: &Lookup<'_>, depth: usize) -> Option<bool> {
        let condition = condition.trim();
        if depth > MAX_DEPTH {
            return None;
        }
        let inner = |part: &str| self.holds(part, known, depth + 1);
        if let Some(parts) = split(condition, &["||", " or "]) {
            let told: Vec<Option<bool>> = parts.into_iter().map(inner).collect();
            return if told.contains(&Some(true)) {
                Some(true)
            } else {
                told.iter().all(Option::is_some).then_some(false)
            };
        }
        if let Some(parts) = split(condition, &["&&", " and "]) {
            let told: Vec<Option<bool>> = parts.into_iter().map(inner).collect();
            return if told.contains(&Some(false)) {
                Some(false)
            } else {
                told.iter().all(Option::is_some).then_some(true)
            };
        }
        if let Some(inside) = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            return inner(inside);
        }
        for (sign, equal) in [("==", true), ("!=", false)] {
            if let Some((value, literal)) = condition.split_once(sign) {
                let value = self.settled(value.trim(), known)?;
                let literal = literal.trim();
                let literal = quoted(literal).or(match literal {
                    "undef" | ":undef" | "nil" => Some(""),
                    _ if literal.bytes().all(|b| b.is_ascii_alphanumeric()) => Some(literal),
                    _ => None,
                })?;
                return Some((value.text()? == literal) == equal);
            }
        }
        if let Some(negated) = condition.strip_prefix('!').or_else(|| condition.strip_prefix("not ")) {
            return inner(negated).map(|holds| !holds);
        }
        for asked in [".nil?", ".empty?", ".to_s.empty?"] {
            if let Some(value) = condition.strip_suffix(asked) {
                return self.settled(value, known).map(|value| is_empty(&value));
            }
        }
        // What is given as nothing is false.
        let value = self.settled(condition, known)?;
        Some(!matches!(value.text(), Some("" | "false")))
    }

    /// A value of which all is known.
    fn settled(&self, expression: &str, known: &Lookup<'_>) -> Option<Node> {
        let value = self.value(expression, known)?;
        let open = value.text().is_some_and(schedule::has_placeholder);
        (!open).then_some(value)
    }

    /// What an expression of one name stands for.
    fn value(&self, expression: &str, known: &Lookup<'_>) -> Option<Node> {
        let expression = expression.trim();
        if let Some(literal) = quoted(expression) {
            return Some(scalar(1, literal));
        }
        let (name, mut rest) = self.name(expression)?;
        let mut value = known(name)?;
        while !rest.is_empty() {
            if let Some((key, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let key = quoted(key.trim())?;
                value = super::fill::entry(&value, key)?.clone();
                rest = after;
            } else if let Some((glue, after)) =
                rest.strip_prefix(".join(").and_then(|rest| rest.split_once(')'))
            {
                let texts = value.items().iter().map(Node::text).collect::<Option<Vec<_>>>()?;
                value = scalar(value.line, texts.join(quoted(glue.trim())?));
                rest = after;
            } else {
                rest = [".to_s", ".strip", ".chomp"].iter().find_map(|end| rest.strip_prefix(end))?;
            }
        }
        Some(value)
    }

    /// The variable that an expression begins with, and what stands behind it.
    fn name<'e>(&self, expression: &'e str) -> Option<(&'e str, &'e str)> {
        for (open, close) in [("scope.lookupvar(", ')'), ("scope[", ']')] {
            if let Some((name, rest)) = expression.strip_prefix(open).and_then(|it| it.split_once(close)) {
                return Some((quoted(name.trim())?, rest));
            }
        }
        let bare = match self.language {
            Language::Erb => expression.strip_prefix('@').unwrap_or(expression),
            Language::Epp => expression.strip_prefix('$')?,
        };
        let part =
            |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (b == b':' && self.language == Language::Epp);
        let length = bare.bytes().position(|b| !part(b)).unwrap_or(bare.len());
        (length > 0).then(|| bare.split_at(length))
    }
}

/// Names that a loop gives values to, in front of what is known.
fn with<'k>(own: &'k [(&'k str, &'k Node)], known: &'k Lookup<'k>) -> impl Fn(&str) -> Option<Node> + 'k {
    move |name| {
        let found = own.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).clone());
        found.or_else(|| known(name))
    }
}

/// The parts of a condition between these words, where there are several; words in brackets part nothing.
fn split<'c>(condition: &'c str, words: &[&str]) -> Option<Vec<&'c str>> {
    let (mut parts, mut depth, mut start, mut at) = (Vec::new(), 0i32, 0, 0);
    while at < condition.len() {
        match condition.as_bytes()[at] {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            _ => {}
        }
        let word =
            words.iter().find(|word| depth == 0 && condition.as_bytes()[at..].starts_with(word.as_bytes()));
        if let Some(word) = word {
            parts.push(condition.get(start..at)?);
            at += word.len();
            start = at;
        } else {
            at += 1;
        }
    }
    parts.push(condition.get(start..)?);
    (parts.len() > 1).then_some(parts)
}

fn quoted(text: &str) -> Option<&str> {
    let inside = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
    (!inside.contains(['\'', '"', '#', '$', '\\'])).then_some(inside)
}

fn is_empty(value: &Node) -> bool {
    match &value.kind {
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        _ => value.text().is_none_or(str::is_empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<Node> {
        let list = |items: &[&str]| Node {
            line: 1,
            kind: Kind::List(items.iter().map(|it| scalar(1, *it)).collect()),
        };
        match name {
            "minute" => Some(scalar(1, "5")),
            "mail" => Some(scalar(1, "")),
            "half" => Some(scalar(1, "${other}")),
            "hosts" => Some(list(&["a", "b"])),
            "env" => Some(Node { line: 1, kind: Kind::Map(vec![(scalar(1, "A"), scalar(1, "1"))]) }),
            _ => None,
        }
    }

    #[test]
    fn what_is_known_is_filled_in_and_all_else_stays() {
        for (text, want) in [
            ("<%= @minute %> <%= hour %> * <%# x %><%= @half -%>\n", "5 <%= hour %> * ${other}"),
            ("<% unless @mail.nil? || @mail.empty? -%>\nM=<%= @mail %>\n<% end -%>\nx\n", "x\n"),
            ("<% if @minute == '5' && !@mail %>a<% else %>b<% end %>", "a"),
            (
                "<% if @minute != 5 %>a<% elsif @x %>b<% else %>c<% end %>",
                "<% if @minute != 5 %>b<% else %>c<% end %>",
            ),
            (
                "<% if @x %>a<% elsif @minute %>b<% else %>c<% end %>",
                "<% if @x %>a<% elsif @minute %>b<% end %>",
            ),
            ("<% @hosts.each do |h| %><%= h %>,<% end %>", "a,b,"),
            ("<%- @env.sort.each do |k, v| -%>\n<%= k %>=<%= v %>\n<%- end -%>\n", "A=1\n"),
            ("<% @x.each do |h| %><%= h %><% end %>", "<% @x.each do |h| %><%= h %><% end %>"),
            ("<%= @hosts.join(' ') %> <%= @env['A'] %> <%= scope.lookupvar('minute') %>", "a b 1 5"),
            (
                "<%= @minute.to_i + 1 %><% end %><% if @half %>x<% end %>",
                "<%= @minute.to_i + 1 %><% end %><% if @half %>x<% end %>",
            ),
        ] {
            assert_eq!(rendered(text, Language::Erb, &known), want, "{text}");
        }
    }

    #[test]
    fn puppets_own_templates_are_read_alike() {
        for (text, want) in [
            ("<%- | $a = 1 | -%>\n<%= $minute %> <%= minute %>", "5 <%= minute %>"),
            ("<% if $mail { %>a<% } else { %>b<% } %>", "b"),
            ("<% $hosts.each |$h| { -%>\n<%= $h %>\n<% } -%>\n", "a\nb\n"),
            ("<% $env.each |$k, $v| { %><%= $k %>=<%= $v %><% } %>", "A=1"),
        ] {
            assert_eq!(rendered(text, Language::Epp, &known), want, "{text}");
        }
    }
}
