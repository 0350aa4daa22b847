//! Kafka's command-line clients: `kcat` (its manual page), `kafka-console-consumer`, `kafka-console-producer` and
//! `kafka-topics` (Apache Kafka documentation, "Basic Kafka Operations"). They state which topic is read or written.

use super::clients::known;
use super::options::Options;
use super::{Call, Commands, Out};
use crate::evidence::{Action, Resource, ResourceKind};

/// kcat, formerly kafkacat.
pub struct Kcat;
/// The scripts that Kafka ships with.
pub struct Console;

/// A topic at the first of its brokers.
fn topic(brokers: Option<&str>, name: &str) -> Option<Resource> {
    let server = known(brokers.and_then(|brokers| brokers.split(',').next()));
    let parts = vec![known(Some(name))?];
    Some(Resource { kind: ResourceKind::Topic, server, database: None, parts })
}

fn state(call: &Call, brokers: Option<&str>, name: Option<&str>, action: Action, out: &mut Out<'_>) {
    match name.and_then(|name| topic(brokers, name)) {
        Some(topic) => out.add(call, None, action, topic),
        None if name.is_some() => out.unresolved(call, "a topic that is only known when it runs"),
        None => {}
    }
}

impl Commands for Kcat {
    fn names(&self) -> &'static [&'static str] {
        &["kcat", "kafkacat"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "btpoDKkcfFXzsrm", &[]);
        let brokers = options.get(&["b"]);
        if options.has(&["G"]) {
            // `-G group topic …`: the group is the first plain word.
            for name in options.known().skip(1) {
                state(call, brokers, Some(name), Action::Consume, out);
            }
            return;
        }
        // Without a mode it writes when it is given input (kcat(1), "-P").
        let given = call.stdin.is_some() || call.stdin_file.is_some() || call.piped;
        let action = match () {
            () if options.has(&["L"]) => return,
            () if options.has(&["P"]) || (given && !options.has(&["C"])) => Action::Publish,
            () => Action::Consume,
        };
        state(call, brokers, options.get(&["t"]), action, out);
        for path in options.known().filter(|_| action == Action::Publish) {
            out.add_file(call, Action::Read, path);
        }
    }
}

impl Commands for Console {
    fn names(&self) -> &'static [&'static str] {
        &[
            "kafka-console-consumer",
            "kafka-console-consumer.sh",
            "kafka-console-producer",
            "kafka-console-producer.sh",
            "kafka-topics",
            "kafka-topics.sh",
        ]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            "",
            &[
                "bootstrap-server",
                "broker-list",
                "topic",
                "zookeeper",
                "group",
                "partition",
                "offset",
                "max-messages",
                "property",
                "producer.config",
                "consumer.config",
                "command-config",
                "config",
                "partitions",
                "replication-factor",
                "timeout-ms",
                "whitelist",
                "include",
            ],
        );
        let brokers = options.get(&["bootstrap-server", "broker-list"]);
        let action = match () {
            () if call.name().contains("consumer") => Action::Consume,
            () if call.name().contains("producer") => Action::Publish,
            () if options.has(&["create"]) || options.has(&["delete"]) || options.has(&["alter"]) => {
                Action::Touch
            }
            () => return,
        };
        let name: Option<&str> = options.get(&["topic"]);
        state(call, brokers, name, action, out);
    }
}
