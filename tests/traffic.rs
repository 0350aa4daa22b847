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
        ("client:shopfront/3.2@10.20.1.10 call endpoint:orders-api/GET /v1/customers/{} app ok", 5),
        ("client:shopfront/3.2@10.20.1.10 call endpoint:orders-api/GET /v1/orders app ok", 12),
        ("client:shopfront/3.2@10.20.1.10 call endpoint:orders-api/GET /v1/orders/{} app ok", 11),
        ("client:shopfront/3.2@10.20.1.10 call endpoint:orders-api/GET /v1/prices app ok", 4),
        ("client:shopfront/3.2@10.20.1.10 call endpoint:orders-api/POST /v1/orders app ok", 3),
        ("client:shopfront/3.2@10.20.1.10 call endpoint:orders-api/POST /v1/orders/{}/status app ok", 1),
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
        .filter(|link| link["resource"] == "table:10.20.0.10:5432/shop/public.daily_settlement")
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
