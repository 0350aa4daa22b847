//! Object stores and what else their providers' command lines reach: `aws`, `gsutil`, `gcloud`, `az`, `rclone`,
//! `s3cmd` (their reference manuals). A bucket or container with an unknown name is a gap. Credentials are never looked
//! at.

use super::clients::known;
use super::options::Options;
use super::transfer::{into, last};
use super::{Call, Commands, Out};
use crate::evidence::scrub::scrub;
use crate::evidence::{Action, Resource, ResourceKind, Text};

/// AWS CLI.
pub struct Aws;
/// gsutil.
pub struct Gsutil;
/// Google Cloud CLI.
pub struct Gcloud;
/// Azure CLI, azcopy.
pub struct Az;
/// rclone.
pub struct Rclone;
/// s3cmd, s5cmd, the MinIO client.
pub struct S3cmd;

/// An object of a bucket; a key may be a prefix.
fn object(bucket: &str, key: &str) -> Option<Resource> {
    if bucket.is_empty() || bucket.contains("{}") {
        return None;
    }
    let key = key.split(['*', '?']).next().unwrap_or(key);
    let parts = vec![Text::from(scrub(key).as_ref())];
    Some(Resource { kind: ResourceKind::Object, server: Some(Text::from(bucket)), database: None, parts })
}

/// The bucket and key of `s3://bucket/key` and the like.
fn split(url: &str, schemes: &[&str]) -> Option<(String, String)> {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme))?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    Some((bucket.to_owned(), key.to_owned()))
}

/// States that an object, or one whose bucket nobody knows, is used.
fn far(call: &Call, action: Action, (bucket, key): &(String, String), out: &mut Out<'_>) {
    match object(bucket, key) {
        Some(object) => out.add(call, None, action, object),
        None => out.unresolved(call, "an object store whose bucket is only known when it runs"),
    }
}

/// States a copy between here and there. `tree`: what is copied is a folder's content.
fn copy(call: &Call, schemes: &[&str], from: &str, to: &str, tree: bool, out: &mut Out<'_>) {
    let name = last(from);
    match split(from, schemes) {
        Some(place) => far(call, Action::Import, &place, out),
        None => out.add_file(call, Action::Read, from),
    }
    match split(to, schemes) {
        Some((bucket, key)) => {
            let folder = key.is_empty() || key.ends_with('/');
            let known = !tree && from != "-" && !name.contains(['*', '?']);
            let key = if folder && known { format!("{key}{name}") } else { key };
            far(call, Action::Export, &(bucket, key), out);
        }
        None if tree => out.add_file(call, Action::Write, to),
        None => out.add_file(call, Action::Write, &into(call, to, name)),
    }
}

/// All sources of a list to its last word.
fn copy_all(call: &Call, schemes: &[&str], words: &[String], tree: bool, out: &mut Out<'_>) {
    let Some((to, sources)) = words.split_last() else { return };
    for from in sources {
        copy(call, schemes, from, to, tree, out);
    }
}

const AWS: [&str; 40] = [
    "profile",
    "region",
    "output",
    "endpoint-url",
    "query",
    "storage-class",
    "exclude",
    "include",
    "acl",
    "sse",
    "sse-kms-key-id",
    "content-type",
    "cache-control",
    "metadata",
    "expires",
    "grants",
    "page-size",
    "bucket",
    "key",
    "body",
    "prefix",
    "queue-url",
    "queue-name",
    "message-body",
    "topic-arn",
    "message",
    "subject",
    "target-arn",
    "table-name",
    "item",
    "stream-name",
    "delivery-stream-name",
    "data",
    "partition-key",
    "function-name",
    "payload",
    "source-arn",
    "copy-source",
    "name",
    "content-encoding",
];

/// The last part of an ARN or of a queue's address.
fn tail(text: &str) -> &str {
    text.rsplit(['/', ':']).next().unwrap_or(text)
}

impl Commands for Aws {
    fn names(&self) -> &'static [&'static str] {
        &["aws"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "", &AWS);
        let words: Vec<String> = options.known().map(str::to_owned).collect();
        let [service, verb, rest @ ..] = &words[..] else { return };
        let named = |kind: ResourceKind, option: &[&str]| {
            let name = known(options.get(option).map(tail))?;
            Some(Resource { kind, server: None, database: None, parts: vec![name] })
        };
        let (queue, topic) = (ResourceKind::Queue, ResourceKind::Topic);
        let told = match (service.as_str(), verb.as_str()) {
            ("s3", "cp" | "mv" | "sync") => {
                let tree = verb == "sync" || options.has(&["recursive"]);
                return copy_all(call, &["s3://"], rest, tree, out);
            }
            ("s3", "rm" | "ls") => {
                let action = if verb == "rm" { Action::Touch } else { Action::Read };
                for place in rest.iter().filter_map(|word| split(word, &["s3://"])) {
                    far(call, action, &place, out);
                }
                return;
            }
            ("s3api", "put-object" | "get-object") => {
                let place = [["bucket"], ["key"]].map(|name| options.get(&name).unwrap_or("{}").to_owned());
                let [bucket, key] = place;
                let (file, there) = match verb.as_str() {
                    "put-object" => (Action::Read, Action::Export),
                    _ => (Action::Write, Action::Import),
                };
                for path in options.all(&["body"]).chain(rest.iter().map(String::as_str)) {
                    out.add_file(call, file, path);
                }
                return far(call, there, &(bucket, key), out);
            }
            ("sqs", "send-message" | "send-message-batch") => (Action::Publish, named(queue, &["queue-url"])),
            ("sqs", "receive-message" | "delete-message") => (Action::Consume, named(queue, &["queue-url"])),
            ("sqs", "purge-queue") => (Action::Touch, named(queue, &["queue-url"])),
            ("sns", "publish") => (Action::Publish, named(topic, &["topic-arn", "target-arn"])),
            ("kinesis", "put-record" | "put-records") => (Action::Publish, named(topic, &["stream-name"])),
            ("firehose", "put-record" | "put-record-batch") => {
                (Action::Publish, named(topic, &["delivery-stream-name"]))
            }
            ("dynamodb", "get-item" | "query" | "scan" | "batch-get-item") => {
                (Action::Read, named(ResourceKind::Table, &["table-name"]))
            }
            ("dynamodb", "put-item" | "update-item" | "delete-item") => {
                (Action::Write, named(ResourceKind::Table, &["table-name"]))
            }
            _ => return,
        };
        match told {
            (action, Some(resource)) => out.add(call, None, action, resource),
            (_, None) => out.unresolved(call, "a queue, topic or table that is only known when it runs"),
        }
    }
}

impl Commands for Gsutil {
    fn names(&self) -> &'static [&'static str] {
        &["gsutil"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(&call.words, "ohuaxi", &[]);
        let words: Vec<String> = options.known().map(str::to_owned).collect();
        let schemes = ["gs://", "s3://"];
        let Some((verb, rest)) = words.split_first() else { return };
        match verb.as_str() {
            "cp" | "mv" => copy_all(call, &schemes, rest, options.has(&["r", "R"]), out),
            "rsync" => copy_all(call, &schemes, rest, true, out),
            "rm" | "ls" | "cat" | "stat" => {
                let action = if verb == "rm" { Action::Touch } else { Action::Read };
                for place in rest.iter().filter_map(|word| split(word, &schemes)) {
                    far(call, action, &place, out);
                }
            }
            _ => {}
        }
    }
}

impl Commands for Gcloud {
    fn names(&self) -> &'static [&'static str] {
        &["gcloud"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs =
            ["project", "account", "format", "message", "configuration", "topic", "attribute", "filter"];
        let options = Options::of(&call.words, "", &longs);
        let words: Vec<String> = options.known().map(str::to_owned).collect();
        let plain: Vec<&str> = words.iter().map(String::as_str).collect();
        match plain[..] {
            ["storage", verb @ ("cp" | "mv" | "rsync"), ..] => {
                let tree = verb == "rsync" || options.has(&["recursive", "r"]);
                copy_all(call, &["gs://", "s3://"], &words[2..], tree, out);
            }
            ["pubsub", "topics", "publish", topic, ..] => {
                if let Some(name) = known(Some(tail(topic))) {
                    let parts = vec![name];
                    let topic = Resource { kind: ResourceKind::Topic, server: None, database: None, parts };
                    out.add(call, None, Action::Publish, topic);
                }
            }
            _ => {}
        }
    }
}

/// `https://account.blob.core.windows.net/container/path` as container of an account and path.
fn blob(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let rest = rest.split('?').next().unwrap_or(rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let account = host.split('.').next().unwrap_or(host);
    let (container, key) = path.split_once('/').unwrap_or((path, ""));
    host.contains(".blob.").then(|| (format!("{account}/{container}"), key.to_owned()))
}

impl Commands for Az {
    fn names(&self) -> &'static [&'static str] {
        &["az", "azcopy"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let options = Options::of(
            &call.words,
            "cnfsdo",
            &[
                "account-name",
                "account-key",
                "sas-token",
                "connection-string",
                "container-name",
                "name",
                "file",
                "source",
                "destination",
                "pattern",
                "auth-mode",
                "subscription",
                "output",
                "destination-path",
            ],
        );
        let plain: Vec<&str> = options.known().collect();
        if call.name() == "azcopy" {
            let ["copy" | "cp" | "sync", from, to, ..] = plain[..] else { return };
            for (word, near, there) in
                [(from, Action::Read, Action::Import), (to, Action::Write, Action::Export)]
            {
                match blob(word) {
                    Some(place) => far(call, there, &place, out),
                    None => out.add_file(call, near, word),
                }
            }
            return;
        }
        let ["storage", "blob", verb, ..] = plain[..] else { return };
        let account =
            options.get(&["account-name"]).or(call.env.get("AZURE_STORAGE_ACCOUNT").map(String::as_str));
        let batch = verb.ends_with("batch");
        let container = match (batch, verb) {
            (true, "upload-batch") => options.get(&["d", "destination"]),
            (true, _) => options.get(&["s", "source"]),
            _ => options.get(&["c", "container-name"]),
        };
        let container = match (account, container) {
            (Some(account), Some(container)) => format!("{account}/{container}"),
            (None, Some(container)) => container.to_owned(),
            _ => "{}".to_owned(),
        };
        let name = options.get(&["n", "name", "destination-path"]).unwrap_or("");
        let (near, there, file) = match verb {
            "upload" => (Action::Read, Action::Export, options.get(&["f", "file"])),
            "upload-batch" => (Action::Read, Action::Export, options.get(&["s", "source"])),
            "download" => (Action::Write, Action::Import, options.get(&["f", "file"])),
            "download-batch" => (Action::Write, Action::Import, options.get(&["d", "destination"])),
            _ => return,
        };
        let name = if name.is_empty() && verb == "upload" { file.map_or("", last) } else { name };
        if let Some(path) = file {
            out.add_file(call, near, path);
        }
        far(call, there, &(container, name.to_owned()), out);
    }
}

impl Commands for Rclone {
    fn names(&self) -> &'static [&'static str] {
        &["rclone"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "config",
            "transfers",
            "checkers",
            "include",
            "exclude",
            "filter",
            "filter-from",
            "include-from",
            "bwlimit",
            "log-file",
            "log-level",
            "min-age",
            "max-age",
            "backup-dir",
            "retries",
            "stats",
            "exclude-from",
            "files-from",
        ];
        let options = Options::of(&call.words, "", &longs);
        let words: Vec<&str> = options.known().collect();
        // `remote:path`; a single letter would be a drive.
        let remote = |word: &str| {
            let (name, path) = word.split_once(':')?;
            (!name.contains('/') && name.len() > 1)
                .then(|| (name.to_owned(), path.trim_start_matches('/').to_owned()))
        };
        let [verb, from, rest @ ..] = &words[..] else { return };
        match (*verb, rest.first()) {
            ("copy" | "copyto" | "sync" | "move" | "moveto" | "bisync", Some(to)) => {
                match remote(from) {
                    Some(place) => far(call, Action::Import, &place, out),
                    None => out.add_file(call, Action::Read, from),
                }
                match remote(to) {
                    Some(place) => far(call, Action::Export, &place, out),
                    None => out.add_file(call, Action::Write, to),
                }
            }
            ("cat" | "ls" | "lsl" | "lsf" | "check" | "rcat" | "delete" | "purge" | "deletefile", _) => {
                let action = match *verb {
                    "rcat" => Action::Export,
                    "delete" | "purge" | "deletefile" => Action::Touch,
                    _ => Action::Import,
                };
                if let Some(place) = remote(from) {
                    far(call, action, &place, out);
                }
            }
            _ => {}
        }
    }
}

impl Commands for S3cmd {
    fn names(&self) -> &'static [&'static str] {
        &["s3cmd", "s5cmd", "s4cmd"]
    }

    fn state(&self, call: &Call, out: &mut Out<'_>) {
        let longs = [
            "config",
            "access_key",
            "secret_key",
            "host",
            "host-bucket",
            "region",
            "exclude",
            "include",
            "mime-type",
            "add-header",
            "storage-class",
            "multipart-chunk-size-mb",
            "rexclude",
            "exclude-from",
            "endpoint-url",
            "acl",
        ];
        let options = Options::of(&call.words, "cm", &longs);
        let words: Vec<String> = options.known().map(str::to_owned).collect();
        let Some((verb, rest)) = words.split_first() else { return };
        match verb.as_str() {
            "put" | "get" | "cp" | "mv" | "sync" if rest.len() > 1 => {
                copy_all(call, &["s3://"], rest, verb == "sync" || options.has(&["recursive", "r"]), out);
            }
            "get" | "ls" | "la" | "del" | "rm" | "info" => {
                let action = match verb.as_str() {
                    "get" => Action::Import,
                    "del" | "rm" => Action::Touch,
                    _ => Action::Read,
                };
                for (bucket, key) in rest.iter().filter_map(|word| split(word, &["s3://"])) {
                    if verb == "get" {
                        out.add_file(call, Action::Write, last(&key));
                    }
                    far(call, action, &(bucket, key), out);
                }
            }
            _ => {}
        }
    }
}
