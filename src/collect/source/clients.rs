//! Calls of HTTP clients: where they go, as far as the text tells. A path without an address is only told
//! where the client it is given to was made with one, and no call is given a method that nobody has written.

use super::fold::{File, UNKNOWN, call_of, fits};
use super::marks::Marked;
use crate::collect::commands;
use crate::evidence::Resource;
use std::collections::BTreeMap;
use tree_sitter::Node;

/// How many calls of a chain are looked at for its method, on each side.
const MAX_CHAIN: usize = 12;
/// How much of a file's beginning is looked at for what it takes from others, and how much behind a call for
/// what is set on it, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;
const MAX_AROUND: usize = 4096;
/// Methods as clients name their functions.
const VERBS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("delete", "DELETE"),
    ("del", "DELETE"),
    ("patch", "PATCH"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];
/// Functions of clients whose arguments say the method.
const CALLS: [&str; 6] = ["request", "fetch", "stream", "exchange", "execute", "open"];
const ADDRESS: &str = "an HTTP call whose address is only known when it runs";
const METHOD: &str = "an HTTP call whose method is only known when it runs";

/// The beginning of a text.
pub fn head(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// A URL whose named parameters are unknown parts: `{id}` is filled in when it runs.
pub fn unnamed(url: &str) -> String {
    let (mut out, mut rest) = (String::new(), url);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str(UNKNOWN);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out
}

/// Clients that the file makes, by the name they are given, with their base address; `None`: it has none, or
/// it cannot be told.
pub fn bases(file: &File<'_>, marked: &Marked<'_>) -> BTreeMap<String, Option<String>> {
    let words = &file.language.http;
    let mut out: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (name, value) in marked.assigned.iter().chain(&marked.reassigned) {
        let mut at = Some(*value);
        // The base is set somewhere in a chain: `builder.baseUrl("…").build()`.
        while let Some(call) = at.and_then(call_of) {
            if fits(file.callee(call.arguments), words.created) {
                let arguments = file.arguments(call.arguments);
                let base = arguments.iter().find(|(name, _)| match name {
                    Some(name) => words.base.contains(&name.as_str()),
                    None => words.base.is_empty(),
                });
                let base = base.and_then(|(_, value)| file.fold(*value));
                let base = base.filter(|base| base.contains("://") && !base.starts_with(UNKNOWN));
                let known = out.entry(plain(file.of(*name)).to_owned()).or_insert_with(|| base.clone());
                // Two clients of one name: which is meant where, this does not tell.
                if *known != base {
                    *known = None;
                }
                break;
            }
            at = call.receiver;
        }
    }
    out
}

fn plain(name: &str) -> &str {
    ["self.", "this."].iter().find_map(|own| name.strip_prefix(own)).unwrap_or(name)
}

fn verb(name: &str) -> Option<&'static str> {
    VERBS.iter().find(|(verb, _)| name.eq_ignore_ascii_case(verb)).map(|(_, method)| *method)
}

/// A call with what stands around it.
struct Asked<'a, 't> {
    file: &'a File<'a>,
    arguments: Node<'t>,
    /// The chain without what its calls are given: `HttpRequest.newBuilder().uri`.
    chain: String,
    /// Its arguments by place, those by name left out.
    given: Vec<Node<'t>>,
}

impl<'a, 't> Asked<'a, 't> {
    fn new(file: &'a File<'a>, arguments: Node<'t>) -> Asked<'a, 't> {
        let mut cursor = arguments.walk();
        let given = arguments.named_children(&mut cursor);
        let given = given.filter(|it| !it.kind().ends_with("comment") && it.kind() != "keyword_argument");
        Asked { file, arguments, chain: chain(file, arguments), given: given.collect() }
    }

    /// What is called last: `get` of `this.http.get`.
    fn last(&self) -> &str {
        self.chain.rsplit(['.', ' ']).next().unwrap_or(&self.chain)
    }

    /// The value of an argument by its name, also of the first table that is given.
    fn named(&self, names: &[&str]) -> Option<Node<'t>> {
        let table = self.given.first().filter(|it| self.file.language.nodes.table.contains(&it.kind()));
        let mut cursor = self.arguments.walk();
        let mut found =
            self.arguments.named_children(&mut cursor).find_map(|it| value_of(self.file, it, names));
        if let Some(table) = table.filter(|_| found.is_none()) {
            let mut cursor = table.walk();
            found = table.named_children(&mut cursor).find_map(|it| value_of(self.file, it, names));
        }
        found
    }

    /// Whether a word of the language fits: a chain as it is written, `name.*` for any function of a client
    /// of that name. Words behind it must stand somewhere in the file, one of them; those with `!` must not.
    fn fits(&self, word: &str) -> bool {
        let mut words = word.split(' ').filter(|it| !it.is_empty());
        let pattern = words.next().unwrap_or("");
        let same = match pattern.strip_suffix(".*") {
            Some(client) => {
                let on = self.chain.strip_suffix(self.last()).and_then(|on| on.strip_suffix('.'));
                let on = on.map(|on| on.rsplit('.').next().unwrap_or(on).trim_matches(['_', '$', '#']));
                on.is_some_and(|on| on.eq_ignore_ascii_case(client)) && self.is_of_client()
            }
            // `this.fetch` is no `fetch`; `this.axios.get` is `axios.get`.
            None if !pattern.contains('.') => self.chain == pattern.replace('~', " "),
            None => fits(plain(&self.chain), &[&pattern.replace('~', " ")]),
        };
        let head = head(self.file.text, MAX_HEAD);
        let (without, with): (Vec<&str>, Vec<&str>) = words.partition(|it| same && it.starts_with('!'));
        let holds = |it: &&str| head.contains(*it);
        same && !without.iter().any(|it| holds(&&it[1..])) && (with.is_empty() || with.iter().any(holds))
    }

    /// Whether clients have a function of this name.
    fn is_of_client(&self) -> bool {
        verb(self.last()).is_some() || CALLS.contains(&self.last())
    }

    /// The client of this file that it is asked of.
    fn client<'b>(&self, bases: &'b BTreeMap<String, Option<String>>) -> Option<&'b Option<String>> {
        let chain = plain(&self.chain);
        let on = chain.split(['.', '(']).next().unwrap_or(chain);
        let built = self.chain.ends_with(".uri") || self.is_certain();
        // A client may be a function itself: `const api = axios.create(…); api({ url: … })`.
        bases.get(on).filter(|_| self.is_of_client() || built || chain == on)
    }

    fn is_certain(&self) -> bool {
        self.file.language.http.certain.iter().any(|word| self.fits(&word.replacen("new ", "new~", 1)))
    }

    fn is_http(&self) -> bool {
        self.is_certain() || self.file.language.http.callees.iter().any(|word| self.fits(word))
    }

    fn url(&self, node: Node<'_>) -> Option<String> {
        self.file.fold(node).filter(|text| text.contains("://") || text.starts_with('/'))
    }

    /// Where it goes: the first argument, the second behind a method, or one that is called so. What else a
    /// call is given is what it sends.
    fn target(&self) -> Option<String> {
        if let Some(url) = self.named(&["url", "uri"]) {
            return self.url(url);
        }
        if self.given.is_empty() {
            // `new URL("…").openStream()` is given nothing.
            let call = call_of(self.file.parent(self.arguments)?)?;
            return self.url(call.receiver?);
        }
        self.url(*self.given.get(usize::from(self.is_method_first()))?)
    }

    /// `request("GET", url)`: a client is asked by a function that takes the method first.
    fn is_method_first(&self) -> bool {
        let Some(first) = self.given.first().copied() else { return false };
        let table = self.file.language.nodes.table.contains(&first.kind());
        let url = self.given.get(1).copied().or_else(|| self.named(&["url", "uri"]).filter(|_| !table));
        let behind = url.is_some_and(|url| self.url(url).is_some());
        let asks = ["request", "stream", "needle", "open"].contains(&self.last());
        asks && self.url(first).is_none() && (self.method_in(first).is_some() || behind)
    }

    /// The method that an expression is: `"POST"`, `HttpMethod.POST`, a constant.
    fn method_in(&self, node: Node<'_>) -> Option<&'static str> {
        let said = |text: &str| VERBS.iter().find(|(_, it)| *it == text).map(|(_, method)| *method);
        match self.file.fold(node) {
            Some(text) => said(&text.to_ascii_uppercase()),
            None => said(self.file.of(node).rsplit('.').next().unwrap_or("").trim()),
        }
    }

    /// The method of a call: its own name, what its arguments say, what the calls around it in a chain say;
    /// GET where nothing else can be said, as the clients do. `None`: it is only known when it runs.
    fn method(&self) -> Option<&'static str> {
        let last = self.last();
        // `post`, `postForObject`, `new HttpPost`.
        let lower = last.to_ascii_lowercase();
        let own = VERBS.iter().find(|(verb, _)| {
            let rest = lower.strip_prefix(verb).or_else(|| lower.strip_prefix(&format!("http{verb}")));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("for"))
        });
        if let Some((_, method)) = own {
            return Some(method);
        }
        if self.is_method_first() {
            return self.method_in(*self.given.first()?);
        }
        if let Some(said) = self.named(&["method"]) {
            return self.method_in(said);
        }
        match last {
            "exchange" | "execute" => return self.method_in(*self.given.get(1)?),
            // Python: what is sent along is sent by POST (urllib.request, "Request").
            "urlopen" | "Request" if self.given.len() > 1 || self.named(&["data"]).is_some() => {
                return Some("POST");
            }
            "openConnection" => {
                let after = self.file.text.get(self.arguments.end_byte()..).unwrap_or("");
                let set = ["setRequestMethod", "setDoOutput"];
                let set = set.iter().any(|word| head(after, MAX_AROUND).contains(word));
                return (!set).then_some("GET");
            }
            _ => {}
        }
        if !self.file.language.nodes.table.is_empty() {
            return self.options();
        }
        match self.around() {
            Around::Said(method) => method,
            Around::Ended => Some("GET"),
            // A builder that is kept may be told its method elsewhere.
            Around::Open if ["uri", "url", "newBuilder"].contains(&last) => None,
            Around::Open => Some("GET"),
        }
    }

    /// The method that the options of a call say: `fetch(url, { method: 'PUT' })`.
    fn options(&self) -> Option<&'static str> {
        if self.arguments.kind() == "argument_list" {
            return Some("GET");
        }
        // What is called back is no option.
        let table = |node: Node<'_>| self.file.language.nodes.table.contains(&node.kind());
        let first = self.given.first().copied().filter(|first| table(*first));
        let options = match first.or_else(|| self.given.get(1).copied()) {
            Some(options) if table(options) => options,
            Some(named) if named.kind() == "identifier" => {
                return self.constant(&format!("{}.method", self.file.of(named)), named);
            }
            Some(other) if !other.kind().contains("function") => return None,
            _ => return Some("GET"),
        };
        let mut method = Some("GET");
        let mut cursor = options.walk();
        for pair in options.named_children(&mut cursor) {
            if let Some(value) = value_of(self.file, pair, &["method"]) {
                method = self.method_in(value);
            } else if pair.kind() == "shorthand_property_identifier" && self.file.of(pair) == "method" {
                method = self.constant("method", pair);
            } else if pair.kind() == "spread_element" {
                method = None;
            }
        }
        method
    }

    fn constant(&self, name: &str, node: Node<'_>) -> Option<&'static str> {
        let value = self.file.scopes.get(name, node.start_byte()).flatten()?;
        VERBS.iter().find(|(_, it)| value.eq_ignore_ascii_case(it)).map(|(_, method)| *method)
    }

    /// `client.post().uri("…")` before it, `builder.uri(URI.create("…")).POST(…)` behind it.
    fn around(&self) -> Around {
        let mut at = self.file.parent(self.arguments).and_then(call_of).and_then(|call| call.receiver);
        for _ in 0..MAX_CHAIN {
            let Some(call) = at.and_then(call_of) else { break };
            if let Some(said) = self.said(call.arguments) {
                return Around::Said(said);
            }
            at = call.receiver;
        }
        let Some(mut at) = self.file.parent(self.arguments) else { return Around::Open };
        for _ in 0..MAX_CHAIN {
            // Only what is called on this call is of its chain: what this is an argument of is not.
            let Some(above) = self.file.parent(at) else { break };
            let on = call_of(above).and_then(|call| call.receiver).is_some_and(|on| on.id() == at.id());
            let member = ["object", "function"]
                .iter()
                .any(|field| above.child_by_field_name(field).is_some_and(|it| it.id() == at.id()));
            if !on && !member {
                break;
            }
            if let Some(call) = call_of(above) {
                if let Some(said) = self.said(call.arguments) {
                    return Around::Said(said);
                }
                if ["build", "send", "execute"].contains(&last(self.file, call.arguments)) {
                    return Around::Ended;
                }
            }
            at = above;
        }
        Around::Open
    }

    /// The method that a call of a chain says.
    fn said(&self, arguments: Node<'_>) -> Option<Option<&'static str>> {
        let name = last(self.file, arguments);
        if name == "method" {
            let mut cursor = arguments.walk();
            let first = arguments.named_children(&mut cursor).find(|it| !it.kind().ends_with("comment"));
            return Some(first.and_then(|first| self.method_in(first)));
        }
        verb(name).map(Some)
    }
}

/// What stands around a call in its chain.
enum Around {
    /// A method; `None`: one that cannot be told.
    Said(Option<&'static str>),
    /// Nothing, and the chain ends its request.
    Ended,
    /// Nothing.
    Open,
}

/// The value of a pair of one of these names.
fn value_of<'t>(file: &File<'_>, pair: Node<'t>, names: &[&str]) -> Option<Node<'t>> {
    let name = pair.child_by_field_name("key").or_else(|| pair.child_by_field_name("name"))?;
    let name = file.of(name).trim_matches(['"', '\'']);
    names.contains(&name).then(|| pair.child_by_field_name("value")).flatten()
}

/// What is called last in a chain.
fn last<'a>(file: &'a File<'_>, arguments: Node<'_>) -> &'a str {
    let callee = file.callee(arguments);
    callee.rsplit(['.', ' ']).next().unwrap_or(callee).trim()
}

/// A chain of calls without what they are given.
fn chain(file: &File<'_>, arguments: Node<'_>) -> String {
    let mut parts = Vec::new();
    let mut at = file.parent(arguments);
    let mut end = arguments.start_byte();
    for _ in 0..MAX_CHAIN {
        let Some(call) = at else { break };
        let inner = call_of(call).and_then(|call| call.receiver).and_then(|on| Some((on, call_of(on)?)));
        let from = inner.as_ref().map_or(call.start_byte(), |(on, _)| on.end_byte());
        let text = file.text.get(from..end).unwrap_or("");
        parts.push(text.split('<').next().unwrap_or(text).trim().replace("?.", "."));
        let Some((on, inner)) = inner else { break };
        parts.push("()".to_owned());
        (at, end) = (Some(on), inner.arguments.start_byte());
    }
    parts.reverse();
    let whole: Vec<String> =
        parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let whole = whole.concat().replace(" .", ".");
    whole.strip_prefix("await ").unwrap_or(&whole).trim_end_matches('.').to_owned()
}

/// What one call asks for.
pub fn endpoint(
    file: &File<'_>,
    bases: &BTreeMap<String, Option<String>>,
    arguments: Node<'_>,
) -> Option<Resource> {
    let asked = Asked::new(file, arguments);
    let url = address(&asked, bases)?;
    commands::http_endpoint(asked.method()?, &unnamed(&url))
}

fn address(asked: &Asked<'_, '_>, bases: &BTreeMap<String, Option<String>>) -> Option<String> {
    let client = asked.client(bases);
    if client.is_none() && !asked.is_http() {
        return None;
    }
    let text = asked.target()?;
    match client {
        Some(Some(base)) if text.starts_with('/') => Some(format!("{}{text}", base.trim_end_matches('/'))),
        _ if text.contains("://") => Some(text),
        _ => None,
    }
}

/// Why a call that is certainly one of HTTP is not told; `None`: it is told, or it is none.
pub fn open(
    file: &File<'_>,
    bases: &BTreeMap<String, Option<String>>,
    arguments: Node<'_>,
) -> Option<&'static str> {
    let asked = Asked::new(file, arguments);
    if address(&asked, bases).is_some() {
        return asked.method().is_none().then_some(METHOD);
    }
    let made = asked.client(bases).is_some();
    (arguments.named_child(0).is_some() && (made || asked.is_certain())).then_some(ADDRESS)
}
