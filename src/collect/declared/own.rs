//! The inventory of our own: the hosts, systems and consumers of `whodepends.toml`. The settings in the same
//! file (`[estate]`, `[[source]]`, `[[accept]]`) are not evidence and are read in `settings`.

use super::{Inventory, Notes};
use crate::evidence::scrub::{scrub, scrub_name};
use crate::evidence::{
    About, Action, Basis, Class, Mention, MentionKind, Provenance, Resource, Role, Says, Text, stated,
};
use crate::input::InputFile;
use crate::settings::{ConsumerEntry, Settings};

/// `whodepends.toml`.
pub struct Own;

impl Inventory for Own {
    fn about(&self) -> &'static About {
        &About {
            name: "whodepends-toml",
            title: "whodepends.toml: hosts, systems, consumers and what they use",
            provenance: Provenance::Recorded,
        }
    }

    fn claims(&self, file: &InputFile) -> bool {
        file.name() == "whodepends.toml"
    }

    fn read(&self, text: &str, notes: &mut Notes<'_>) -> Result<(), String> {
        let settings = Settings::parse(text)?;
        hosts_and_systems(&settings, notes);
        for consumer in &settings.consumers {
            state_consumer(consumer, notes)?;
        }
        Ok(())
    }
}

fn hosts_and_systems(settings: &Settings, notes: &mut Notes<'_>) {
    let declared = Basis::Declared;
    for host in &settings.hosts {
        let about = Mention::new(MentionKind::Host, host.name.as_str());
        notes.say(&about, Says::DeclaredAs(Text::from("host")), declared, &host.name);
        for address in &host.addresses {
            let same = Says::SameAs(Mention::new(MentionKind::Address, address.as_str()));
            notes.say(&about, same, declared, address);
        }
        for alias in &host.aliases {
            let same = Says::SameAs(Mention::new(MentionKind::Host, alias.as_str()));
            notes.say(&about, same, declared, alias);
        }
        if let Some(zone) = &host.zone {
            notes.say(&about, Says::InZone(Text::from(zone.as_str())), declared, &host.name);
        }
    }
    for system in &settings.systems {
        let about = Mention::new(MentionKind::System, system.name.as_str());
        notes.say(&about, Says::DeclaredAs(Text::from(system.kind.as_str())), declared, &system.name);
        for address in &system.addresses {
            let same = Says::SameAs(Mention::new(MentionKind::Endpoint, address.as_str()));
            notes.say(&about, same, declared, address);
        }
        for database in &system.databases {
            let server = Some(Text::from(system.name.as_str()));
            let it = Resource::database(server, Some(Text::from(database.as_str())));
            notes.say(&about, Says::Serves(it), declared, &system.name);
        }
        if let Some(owner) = &system.owner {
            notes.say(&about, Says::OwnedBy(Text::from(owner.as_str())), declared, &system.name);
        }
    }
}

fn state_consumer(consumer: &ConsumerEntry, notes: &mut Notes<'_>) -> Result<(), String> {
    let declared = Basis::Declared;
    let about = Mention::new(MentionKind::Declared, format!("{}:{}", consumer.kind, consumer.name));
    let near = format!("\"{}\"", consumer.name);
    notes.say(&about, Says::DeclaredAs(Text::from(consumer.kind.as_str())), declared, &near);
    if let Some(owner) = &consumer.owner {
        notes.say(&about, Says::OwnedBy(Text::from(owner.as_str())), declared, &near);
    }
    let names = [
        (MentionKind::Declared, &consumer.aliases),
        (MentionKind::User, &consumer.users),
        (MentionKind::Application, &consumer.applications),
        (MentionKind::Script, &consumer.scripts),
        (MentionKind::Component, &consumer.source),
    ];
    for (kind, texts) in names {
        for text in texts {
            // Names in logs are scrubbed; those of the inventory must still be the same names.
            let name = match kind {
                MentionKind::User => scrub_name(text),
                MentionKind::Application => scrub(text),
                _ => text.into(),
            };
            notes.say(&about, Says::SameAs(Mention::new(kind, name.as_ref())), declared, &near);
        }
    }
    for (kind, texts) in [(MentionKind::Host, &consumer.hosts), (MentionKind::Address, &consumer.addresses)] {
        for text in texts {
            notes.say(&about, Says::RunsOn(Mention::new(kind, text.as_str())), declared, &near);
        }
    }
    if let Some(word) = &consumer.class {
        match (Class::from_word(word), Role::from_word(word)) {
            (Some(class), _) => notes.say(&about, Says::OfClass(class), declared, &near),
            (None, Some(role)) => notes.say(&about, Says::OfRole(role), declared, &near),
            (None, None) => {
                return Err(format!(
                    "consumer {:?}: class {word:?} is not one of app, monitoring, probe, keepalive, backup, replication, \
                     maintenance, browsing, nor of service, job, script, person, bi-tool, partner, proxy",
                    consumer.name
                ));
            }
        }
    }
    for entry in &consumer.uses {
        let resource = stated::read(entry.resource())
            .map_err(|error| format!("consumer {:?}: {:?}: {error}", consumer.name, entry.resource()))?;
        let actions = entry.actions().iter().map(|action| Action::from_word(action));
        let known: Vec<Action> = actions.flatten().collect();
        if known.is_empty() {
            notes.say(&about, Says::DeclaredUse(None, resource.clone()), declared, &near);
        }
        for action in known {
            notes.say(&about, Says::DeclaredUse(Some(action), resource.clone()), declared, &near);
        }
    }
    Ok(())
}
