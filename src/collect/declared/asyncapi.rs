//! AsyncAPI documents: which channels an application sends to and receives from. Versions 3.x ("Operation Object",
//! `action`) and 2.x ("Channel Item Object", where `publish` is what others publish and the application receives). It
//! does not say at which broker: the servers of a document are those of all its environments.

use super::document::{self, top_keys};
use super::{Inventory, Notes};
use crate::evidence::scrub::scrub;
use crate::evidence::{
    About, Action, Basis, GapCode, Mention, MentionKind, Provenance, Resource, ResourceKind, Says, Scope,
    Text,
};
use crate::input::InputFile;
use serde_json::Value;

/// How many operations one document may state.
pub const MAX_OPERATIONS: usize = 20_000;

/// `asyncapi.yaml` and its like.
pub struct AsyncApi;

impl Inventory for AsyncApi {
    fn about(&self) -> &'static About {
        &About {
            name: "asyncapi",
            title: "AsyncAPI 2 and 3 documents: the channels an application sends to and receives from",
            provenance: Provenance::Documented,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        let head = file.head_text();
        top_keys(&head).iter().any(|(key, _)| *key == "asyncapi")
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        if notes.scope() != Scope::Production {
            return Ok(());
        }
        let document = document::parse(text)?;
        let version = match document.get("asyncapi") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let found = match version.split('.').next() {
            Some("2") => second(&document),
            Some("3") => third(&document),
            _ => return Err("neither AsyncAPI 2 nor 3".to_owned()),
        };
        let about = Mention::new(MentionKind::Component, notes.component());
        for (number, operation) in found.into_iter().enumerate() {
            if number == MAX_OPERATIONS {
                let detail = format!("MAX_OPERATIONS: no more than {MAX_OPERATIONS} operations are read");
                notes.gap(1, GapCode::Limit, &detail);
                break;
            }
            let (action, channel) = match operation {
                Ok(known) => known,
                Err(detail) => {
                    notes.gap(1, GapCode::Unresolved, &detail);
                    continue;
                }
            };
            let near = channel.clone();
            let parts = vec![Text::from(scrub(&channel).as_ref())];
            let topic = Resource { kind: ResourceKind::Topic, server: None, database: None, parts };
            notes.say(&about, Says::DeclaredUse(Some(action), topic), Basis::Declared, &near);
        }
        Ok(())
    }
}

/// What an application does at which channel; the error says which operation cannot be told.
type Operation = Result<(Action, String), String>;

/// The operations of version 2: they stand at their channel, from the view of whoever talks to the application.
fn second(document: &Value) -> Vec<Operation> {
    let channels = document.get("channels").and_then(Value::as_object);
    let mut found = Vec::new();
    for (name, item) in channels.into_iter().flatten() {
        let item = match item.get("$ref").and_then(Value::as_str) {
            Some(reference) => match within(document, reference) {
                Some(item) => item,
                None => {
                    let detail = "a channel is described in another file, which is not followed";
                    found.push(Err(detail.to_owned()));
                    continue;
                }
            },
            None => item,
        };
        for (key, action) in [("publish", Action::Consume), ("subscribe", Action::Publish)] {
            if item.get(key).is_some_and(Value::is_object) {
                found.push(Ok((action, name.clone())));
            }
        }
    }
    found
}

/// The operations of version 3, with the channel that a reply comes by.
fn third(document: &Value) -> Vec<Operation> {
    let operations = document.get("operations").and_then(Value::as_object);
    let mut found = Vec::new();
    for (name, operation) in operations.into_iter().flatten() {
        let operation = operation
            .get("$ref")
            .and_then(Value::as_str)
            .map_or(Some(operation), |reference| within(document, reference));
        let action = operation.and_then(|it| it.get("action")).and_then(Value::as_str);
        let (own, other) = match action {
            Some("send") => (Action::Publish, Action::Consume),
            Some("receive") => (Action::Consume, Action::Publish),
            _ => {
                found.push(Err(
                    scrub(&format!("operation {name} neither sends nor receives here")).into_owned()
                ));
                continue;
            }
        };
        let reference = |at: &str| operation?.pointer(at)?.as_str();
        for (at, action) in [("/channel/$ref", own), ("/reply/channel/$ref", other)] {
            let Some(reference) = reference(at) else { continue };
            let address = within(document, reference).and_then(|channel| channel.get("address")?.as_str());
            found.push(match address {
                Some(address) => Ok((action, address.to_owned())),
                None => {
                    let detail = format!(
                        "operation {name}: the address of its channel does not stand in this document"
                    );
                    Err(scrub(&detail).into_owned())
                }
            });
        }
    }
    found
}

/// What a reference inside of the document means (RFC 6901); one to a channel of the components is followed once.
fn within<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    let found = document.pointer(reference.strip_prefix('#')?)?;
    match found.get("$ref").and_then(Value::as_str) {
        Some(next) => document.pointer(next.strip_prefix('#')?).filter(|it| it.get("$ref").is_none()),
        None => Some(found),
    }
}
