//! Captures through the binary: what the shop's two captures add to its logs, counted by hand from the bytes of
//! the requests; and captures that end or lie anywhere are read to where they make sense.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn scan(paths: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["scan", "--format", "json"])
        .args(paths)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{paths:?}: {:?} {said}", output.status);
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// `consumer action resource class outcome` and how often it was observed.
fn observed(report: &serde_json::Value) -> BTreeMap<String, u64> {
    let links = report["links"].as_array().expect("links are a list").iter();
    let word = |link: &serde_json::Value, key: &str| link[key].as_str().unwrap_or("").to_owned();
    let name = |link: &serde_json::Value| {
        ["consumer", "action", "resource", "class", "outcome"].map(|key| word(link, key)).join(" ")
    };
    links
        .map(|link| (name(link), link["count"].as_u64().unwrap_or(0)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

#[test]
fn captures_beside_logs_add_only_what_no_log_saw_and_count_nothing_twice() {
    let logs = observed(&scan(&["fixtures/shop/world"]));
    let mut both = observed(&scan(&["fixtures/shop/world", "fixtures/shop/captures"]));
    for (link, count) in &logs {
        assert_eq!(both.remove(link), Some(*count), "{link}");
    }
    // Counted from the request lines in the capture's bytes, not by this program.
    let wanted: BTreeMap<String, u64> = [
        ("job:batch1/housekeeping call endpoint:orders-api/GET /internal/health/rollup app ok", 2),
        ("client:shopfront@10.20.1.10 call endpoint:orders-api/GET /v1/customers/{id} app ok", 5),
        ("client:shopfront@10.20.1.10 call endpoint:orders-api/GET /v1/orders app ok", 12),
        ("client:shopfront@10.20.1.10 call endpoint:orders-api/GET /v1/orders/{id} app ok", 11),
        ("client:shopfront@10.20.1.10 call endpoint:orders-api/GET /v1/prices app ok", 4),
        ("client:shopfront@10.20.1.10 call endpoint:orders-api/POST /v1/orders app ok", 3),
        ("client:shopfront@10.20.1.10 call endpoint:orders-api/POST /v1/orders/{id}/status app ok", 1),
    ]
    .map(|(link, count)| (link.to_owned(), count))
    .into();
    assert_eq!(both, wanted);
}

#[test]
fn a_server_that_only_a_capture_saw_is_told_by_its_address() {
    let report = scan(&["fixtures/shop/captures/shop-db.pcap"]);
    let readers: Vec<&str> = report["links"]
        .as_array()
        .expect("links are a list")
        .iter()
        .filter(|link| link["resource"] == "table:10.20.0.10/shop/public.daily_settlement")
        .filter_map(|link| link["consumer"].as_str())
        .collect();
    assert!(readers.contains(&"client:batch_rw@10.20.2.21"), "{readers:?}");
}

#[test]
fn a_capture_that_ends_or_lies_anywhere_is_read_as_far_as_it_makes_sense() {
    let whole =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop/captures/orders-api.pcap"))
            .expect("the capture is there");
    let folder = tempfile::tempdir().expect("a folder");
    for index in 0..40usize {
        let mut bytes = whole.clone();
        let at = 24 + index * 1409;
        if index % 2 == 0 {
            bytes.truncate(at);
        } else {
            for (step, byte) in bytes[at..].iter_mut().step_by(97).enumerate() {
                *byte ^= (step * 31 + index) as u8;
            }
        }
        std::fs::write(folder.path().join(format!("{index:02}.pcap")), bytes).expect("it is written");
    }
    let path = folder.path().to_string_lossy().into_owned();
    let report = scan(&[&path]);
    let inputs = report["inputs"].as_array().expect("inputs are a list");
    assert_eq!(inputs.len(), 40);
    let gaps: std::collections::BTreeSet<&str> = report["gaps"]
        .as_array()
        .expect("gaps are a list")
        .iter()
        .filter_map(|gap| gap["code"].as_str())
        .collect();
    assert!(gaps.contains("truncated"), "{gaps:?}");
}

/// The packets of one of the shop's classic captures: microseconds and bytes.
fn packets(name: &str) -> Vec<(u64, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/shop/captures/{name}.pcap"));
    let bytes = std::fs::read(path).expect("the capture is there");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut out = Vec::new();
    let mut at = 24;
    while at + 16 <= bytes.len() {
        let length = number(at + 8) as usize;
        let micros = u64::from(number(at)) * 1_000_000 + u64::from(number(at + 4));
        out.push((micros, bytes[at + 16..at + 16 + length].to_vec()));
        at += 16 + length;
    }
    out
}

/// A block of pcapng (draft-ietf-opsawg-pcapng, section 3.1).
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().div_ceil(4) * 4;
    let length = (padded as u32 + 12).to_le_bytes();
    let mut out = kind.to_le_bytes().to_vec();
    out.extend(length);
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(length);
    out
}

/// A pcapng with two interfaces: Ethernet in microseconds, and raw IP (link type 101) in nanoseconds.
fn two_interfaces() -> Vec<u8> {
    let mut out = block(0x0a0d_0d0a, b"\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff");
    out.extend(block(1, b"\x01\x00\x00\x00\x00\x00\x04\x00"));
    out.extend(block(1, b"\x65\x00\x00\x00\x00\x00\x04\x00\x09\x00\x01\x00\x09\x00\x00\x00\x00\x00\x00\x00"));
    let web = packets("orders-api").into_iter().map(|(micros, data)| (micros, 0u32, micros, data));
    let database =
        packets("shop-db").into_iter().map(|(micros, data)| (micros, 1, micros * 1000, data[14..].to_vec()));
    let mut all: Vec<(u64, u32, u64, Vec<u8>)> = web.chain(database).collect();
    all.sort();
    for (_, interface, ticks, data) in all {
        let mut body = Vec::new();
        let length = data.len() as u32;
        for number in [interface, (ticks >> 32) as u32, ticks as u32, length, length] {
            body.extend(number.to_le_bytes());
        }
        body.extend(data);
        out.extend(block(6, &body));
    }
    out
}

#[test]
fn a_pcapng_with_two_interfaces_of_two_link_types_says_what_the_two_captures_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("both.pcapng");
    std::fs::write(&path, two_interfaces()).expect("it is written");
    let one = observed(&scan(&[&path.to_string_lossy()]));
    let two = observed(&scan(&["fixtures/shop/captures"]));
    assert!(one.len() > 10);
    assert_eq!(one, two);
}

#[cfg(feature = "capture")]
#[test]
fn a_filter_leaves_out_what_it_does_not_let_through() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("both.pcapng").to_string_lossy().into_owned();
    std::fs::write(&path, two_interfaces()).expect("it is written");
    for (filter, alone) in [("tcp port 8080", "orders-api"), ("host 10.20.0.10 and tcp", "shop-db")] {
        let some = observed(&scan(&[&path, "--bpf", filter]));
        assert_eq!(some, observed(&scan(&[&format!("fixtures/shop/captures/{alone}.pcap")])), "{filter}");
    }
    assert_eq!(observed(&scan(&[&path, "--bpf", "udp"])), BTreeMap::new());
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .args(["scan", &path, "--bpf", "prot tcp"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("prot tcp") && said.contains("syntax error"), "{said}");
}

/// A classic capture, little-endian, Ethernet (pcap savefile format).
fn classic(packets: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\x00\x00\x01\0\0\0".to_vec();
    for (micros, data) in packets {
        let length = data.len() as u32;
        for number in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length] {
            out.extend(number.to_le_bytes());
        }
        out.extend(data);
    }
    out
}

#[test]
fn captures_that_follow_each_other_are_added_and_a_copy_of_one_is_not() {
    let all = packets("orders-api");
    let whole = observed(&scan(&["fixtures/shop/captures/orders-api.pcap"]));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_string_lossy().into_owned();
    let (one, two) = all.split_at(all.len() / 2);
    std::fs::write(folder.path().join("a.pcap"), classic(one)).expect("it is written");
    std::fs::write(folder.path().join("b.pcap"), classic(two)).expect("it is written");
    let sum = |links: &BTreeMap<String, u64>| links.values().sum::<u64>();
    let added = observed(&scan(&[&path]));
    // The connection that the cut goes through may lose the request it goes through.
    assert!((sum(&whole) - 1..=sum(&whole)).contains(&sum(&added)), "{added:?} {whole:?}");
    // The second half beside the whole: the same packets, seen twice.
    std::fs::write(folder.path().join("a.pcap"), classic(&all)).expect("it is written");
    assert_eq!(observed(&scan(&[&path])), whole);
}

/// An Ethernet frame with a DNS answer (RFC 1035): this name has this address.
fn answer(name: &str, address: [u8; 4]) -> Vec<u8> {
    let labels: Vec<u8> =
        name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    let mut message = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0".to_vec();
    message.extend(&labels);
    message.extend(b"\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04");
    message.extend(address);
    let (udp, ip) = ((message.len() + 8) as u16, (message.len() + 28) as u16);
    let mut frame = vec![0; 12];
    frame.extend(b"\x08\0\x45\0");
    frame.extend(ip.to_be_bytes());
    frame.extend(b"\0\x01\0\0\x40\x11\0\0\x0a\x14\0\x35\x0a\x14\x01\x0b\0\x35\x9c\x40");
    frame.extend(udp.to_be_bytes());
    frame.extend(b"\0\0");
    frame.extend(message);
    frame
}

#[test]
fn an_answer_on_the_wire_gives_no_known_host_another_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = "as_of = \"2026-11-24\"\n[[host]]\nname = \"app1\"\naddresses = [\"10.20.1.11\"]\n\
        [[system]]\nkind = \"database\"\nname = \"shop-db\"\n[[source]]\npath = \"*.log\"\nserver = \"shop-db\"\n\
        [[consumer]]\nkind = \"service\"\nname = \"billing\"\nusers = [\"billing\"]\nhosts = [\"app1\"]\n";
    let log = "2026-10-26 10:00:00.000 UTC [7] user=billing,db=shop,app=x,client=10.20.1.66 \
               LOG:  statement: SELECT a FROM s.t\n";
    std::fs::write(folder.path().join("whodepends.toml"), inventory).expect("it is written");
    std::fs::write(folder.path().join("a.log"), log).expect("it is written");
    let path = folder.path().to_string_lossy().into_owned();
    let consumers = |report: &serde_json::Value| -> Vec<String> { observed(report).into_keys().collect() };
    let alone = consumers(&scan(&[&path]));
    assert!(alone.iter().all(|link| link.starts_with("client:billing@10.20.1.66 ")), "{alone:?}");
    for (name, address, now) in [
        // It would make the foreign address a second one of app1, and billing at home there.
        ("app1.shop.example", [10, 20, 1, 66], "client:billing@10.20.1.66 "),
        // A name for an address nobody knows is only a name.
        ("feed.shop.example", [10, 20, 1, 66], "client:billing@feed "),
    ] {
        let packet = classic(&[(1_793_000_000_000_000, answer(name, address))]);
        std::fs::write(folder.path().join("dns.pcap"), packet).expect("it is written");
        let told = consumers(&scan(&[&path]));
        assert!(told.iter().all(|link| link.starts_with(now)), "{name}: {told:?}");
    }
}
