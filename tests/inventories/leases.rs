//! Leases and records of DNS: whose an address was, and when; what is no list of them; and that nobody is known by an
//! address in a time that is not his.

use super::*;

/// The facts with the time they held.
fn held(evidence: &Evidence) -> Vec<String> {
    let mut lines: Vec<String> = evidence
        .facts()
        .map(|fact| {
            let Says::SameAs(other) = &fact.says else { return format!("{fact:?}") };
            let span =
                fact.span.map_or("always".to_owned(), |span| format!("{} to {}", span.first, span.last));
            format!("{}: {} is {other}, {span}", fact.place, fact.about)
        })
        .collect();
    lines.sort();
    lines
}

const ISC: &str = "\
# dhcpd keeps its times in UTC.
lease 10.20.3.7 {
  starts 1 2026/10/26 06:00:00;
  ends 1 2026/10/26 18:00:00;
  binding state active;
  client-hostname \"ann-laptop\";
}
lease 10.20.3.8 {
  starts epoch 1792994400; # Mon Oct 26 06:00:00 2026
  ends never;
  binding state active;
  client-hostname \"printer\";
}
lease 10.20.3.7 {
  starts 1 2026/10/26 06:00:00;
  ends 1 2026/10/26 09:00:00;
  binding state free;
  client-hostname \"ann-laptop\";
}
lease 10.20.3.7 {
  starts 1 2026/10/26 12:00:00;
  ends 1 2026/10/26 18:00:00;
  binding state active;
  client-hostname \"bob-laptop\";
}
lease 10.20.3.9 {
  starts 1 2026/10/26 06:00:00;
  ends 1 2026/10/26 09:00:00;
  binding state abandoned;
  client-hostname \"nobody\";
}
lease 10.20.3.10 {
  starts 1 2026/10/26 06:00:00;
  ends 1 2026/10/26 09:00:00;
}
";

#[test]
fn a_lease_holds_from_its_beginning_to_its_end_or_to_the_next() {
    let it = stated(&[("dhcp/dhcpd.leases", ISC)]);
    let wanted = [
        "dhcp/dhcpd.leases:14: host:ann-laptop is address:10.20.3.7, 2026-10-26T06:00:00Z to 2026-10-26T09:00:00Z",
        "dhcp/dhcpd.leases:20: host:bob-laptop is address:10.20.3.7, 2026-10-26T12:00:00Z to 2026-10-26T18:00:00Z",
        "dhcp/dhcpd.leases:8: host:printer is address:10.20.3.8, 2026-10-26T06:00:00Z to 9999-12-01T00:00:00Z",
    ];
    assert_eq!(held(&it), wanted);
}

#[test]
fn kea_and_dnsmasq_say_it_otherwise() {
    let kea = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n\
        10.20.3.7,02:00:00:00:00:01,,3600,1792998000,1,0,0,ann-laptop.,0,\n\
        10.20.3.7,02:00:00:00:00:01,,3600,1792999800,1,0,0,ann-laptop.,0,\n\
        10.20.3.8,02:00:00:00:00:02,,3600,1792998000,1,0,0,gone,1,\n";
    let it = stated(&[
        ("kea/kea-leases4.csv", kea),
        (
            "router/dnsmasq.leases",
            "1792998000 02:00:00:00:00:03 10.20.3.9 bob-laptop *\n0 02:00:00:00:00:04 10.20.3.10 * *\n",
        ),
    ]);
    let wanted = [
        "kea/kea-leases4.csv:2: host:ann-laptop is address:10.20.3.7, 2026-10-26T06:00:00Z to 2026-10-26T06:29:59Z",
        "kea/kea-leases4.csv:3: host:ann-laptop is address:10.20.3.7, 2026-10-26T06:30:00Z to 2026-10-26T07:30:00Z",
        "router/dnsmasq.leases:1: host:bob-laptop is address:10.20.3.9, 2026-10-26T06:58:00Z to 2026-10-26T07:00:00Z",
    ];
    assert_eq!(held(&it), wanted);
    // The same words elsewhere are none.
    let other = stated(&[
        ("notes/a.txt", "lease 10.20.3.7 {\nfor the office\n"),
        ("b.csv", "address,hostname\nx,y\n"),
    ]);
    assert_eq!(held(&other), NOTHING);
}

#[test]
fn records_name_addresses_where_they_lead_back() {
    let zone = "\
$TTL 3600
$ORIGIN shop.example.
@  IN SOA ns1 admin ( 1 2 3 4 5 )
ns1   IN A 10.20.0.2
db1   3600 IN A 10.20.0.10 ; the first
www   IN A 10.20.1.11
www   IN A 10.20.1.12
shop  IN CNAME www
a     IN A 10.20.1.20
b     IN A 10.20.1.20
";
    let reverse = "\
$ORIGIN 20.10.in-addr.arpa.
@ IN SOA ns1.shop.example. admin.shop.example. ( 1 2 3 4 5 )
11.1 IN PTR web1.shop.example.
";
    let it = stated(&[
        ("dns/shop.example.zone", zone),
        ("dns/db.10.20", reverse),
        ("dns/dig.txt", "13.1.20.10.in-addr.arpa. 3600 IN PTR web3.shop.example.\n"),
        ("dns/host.out", "14.1.20.10.in-addr.arpa domain name pointer web4.shop.example.\n"),
        (
            "dns/lost",
            "@ IN SOA ns1.shop.example. admin.shop.example. 1 2 3 4 5\nns1.shop.example. IN A 10.20.0.2\n15 IN PTR web5.shop.example.\n",
        ),
        ("docs/dns.md", "14.1.20.10.in-addr.arpa domain name pointer web9.shop.example.\n"),
        ("dns/notes.txt", "We use IN PTR records.\nThey are kept by ann.\n"),
    ]);
    let wanted = [
        "dns/db.10.20:3: host:web1.shop.example is address:10.20.1.11, always",
        "dns/dig.txt:1: host:web3.shop.example is address:10.20.1.13, always",
        "dns/host.out:1: host:web4.shop.example is address:10.20.1.14, always",
        "dns/lost:2: host:ns1.shop.example is address:10.20.0.2, always",
        "dns/shop.example.zone:4: host:ns1.shop.example is address:10.20.0.2, always",
        "dns/shop.example.zone:5: host:db1.shop.example is address:10.20.0.10, always",
    ];
    assert_eq!(held(&it), wanted);
    let lost = gaps(&it).into_iter().filter(|gap| gap.starts_with("dns/lost")).collect::<Vec<_>>();
    assert_eq!(
        lost,
        ["dns/lost:3 unresolved: a record of a zone that says its origin elsewhere: $ORIGIN is missing (1)"]
    );
}

/// Who was seen at a server by its log, by id.
fn seen(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), files);
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(folder.path())
        .args(["scan", ".", "--format", "json"])
        .output()
        .expect("the program starts");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    let links = report["links"].as_array().expect("links are a list");
    let mut who: Vec<String> =
        links.iter().map(|link| link["consumer"].as_str().unwrap_or("").to_owned()).collect();
    who.sort();
    who.dedup();
    who
}

#[test]
fn an_address_is_a_hosts_for_the_time_of_its_lease_alone() {
    let line = |time: &str, user: &str, client: &str| {
        format!(
            "2026-10-26 {time}.123 UTC [4711] user={user},db=shop,app=tool,client={client} LOG:  duration: 0.120 ms  statement: SELECT id FROM public.orders\n"
        )
    };
    let log = line("07:00:01", "early", "10.20.3.7")
        + &line("10:00:01", "between", "10.20.3.7")
        + &line("13:00:01", "late", "10.20.3.7")
        + &line("07:00:02", "both", "10.20.3.7")
        + &line("13:00:02", "both", "10.20.3.7")
        + &line("13:00:03", "paper", "10.20.3.8");
    let who = seen(&[("dhcp/dhcpd.leases", ISC), ("logs/postgresql.log", &log)]);
    let wanted = [
        "client:between@10.20.3.7",
        "client:both@ann-laptop",
        "client:both@bob-laptop",
        "client:early@ann-laptop",
        "client:late@bob-laptop",
        "client:paper@printer",
    ];
    assert_eq!(who, wanted);
}

#[test]
fn two_lists_that_contradict_each_other_are_both_not_believed() {
    let log = "2026-10-26 07:00:01.123 UTC [4711] user=report,db=shop,app=tool,client=10.20.1.5 LOG:  duration: 0.120 ms  statement: SELECT id FROM public.orders\n";
    let table = ("cmdb.csv", "name,ip\nweb5,10.20.1.5\nweb6,10.20.1.6\n");
    let hosts = |name: &str| format!("[web]\n{name} ansible_host=10.20.1.5\n");
    let with = |text: &str| seen(&[table, ("ops/hosts", text), ("logs/postgresql.log", log)]);
    assert_eq!(with(&hosts("web5")), ["client:report@web5"]);
    assert_eq!(with(&hosts("web5.shop.example")), ["client:report@web5"]);
    assert_eq!(with(&hosts("front5")), ["client:report@10.20.1.5"]);
    // A label that two domains share names neither machine.
    let two = "[web]\napp.a.example ansible_host=10.20.1.5\napp.b.example ansible_host=10.20.1.6\n";
    let who = seen(&[("ops/hosts", two), ("logs/postgresql.log", log)]);
    assert_eq!(who, ["client:report@app.a.example"]);
}
