//! What is said of interfaces other than HTTP's own: services of Protocol Buffers, WSDL, channels of AsyncAPI.

use super::company::report;
use super::*;

const PROTO: &str = r#"syntax = "proto3";
// service Hidden { rpc Nothing (A) returns (B); }
package shop.orders.v1;
/* service Gone {
   rpc Away (A) returns (B); } */
message Order { string service = 1; string rpc = 2; message Line { int32 n = 1; } }
service Orders {
  option (note) = "service X { rpc Y (";
  rpc Get (GetRequest) returns (Order) {
    option (google.api.http) = { get: "/v1/orders/{id}" };
  }
  rpc Watch (stream WatchRequest)
      returns (stream Order);
}
service Empty {}
service Admin { rpc Drop(Order) returns (Order); }
"#;

#[test]
fn each_method_of_a_proto_is_a_request() {
    let evidence = stated(&[("services/orders/orders.proto", PROTO)]);
    let wanted = ["12", "16", "9"].iter().zip(["Orders/Watch", "Admin/Drop", "Orders/Get"]);
    let wanted: Vec<String> = wanted
        .map(|(line, method)| {
            format!("services/orders/orders.proto:{line}: component:services/orders serves POST /shop.orders.v1.{method}/rpc")
        })
        .collect();
    assert_eq!(facts(&evidence), wanted);
    assert_eq!(gaps(&evidence), NOTHING);
}

#[test]
fn what_is_no_proto_or_is_a_test_s_states_nothing() {
    for (path, text) in [
        ("a/notes.txt", PROTO),
        ("tests/orders.proto", PROTO),
        (
            "a/x.proto",
            "syntax = \"proto3\";\nmessage A { message B { string service = 1; } }\nservice /* open",
        ),
        (
            "a/y.proto",
            "syntax = \"proto3\";\nservice Odd { option x = { rpc Deep (A) returns (B); }; }\nrpc Top (A) returns (B);\n",
        ),
    ] {
        assert_eq!(facts(&stated(&[(path, text)])), NOTHING, "{path}");
    }
}

const WSDL: &str = r#"<?xml version="1.0"?>
<wsdl:definitions name="Rates" targetNamespace="http://shop.example/rates" xmlns:tns="http://shop.example/rates"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/">
  <wsdl:portType name="Rates">
    <wsdl:operation name="NotBound"/>
  </wsdl:portType>
  <wsdl:binding name="RatesSoap" type="tns:Rates">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="GetRate"><soap:operation soapAction="urn:GetRate"/></wsdl:operation>
    <wsdl:operation name="SetRate"><soap:operation soapAction="urn:SetRate"/></wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Rates">
    <wsdl:port name="A" binding="tns:RatesSoap">
      <soap:address location="https://ann:hunter2secret@rates.partner.example/ws/rates?wsdl"/>
    </wsdl:port>
    <wsdl:port name="B" binding="tns:RatesSoap"><soap:address location="http://localhost:8080/ws"/></wsdl:port>
    <wsdl:port name="C" binding="tns:Other"><soap:address location="http://other.example/ws"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"#;

#[test]
fn operations_of_a_wsdl_are_posts_to_the_address_of_their_port() {
    let evidence = stated(&[("clients/rates.wsdl", WSDL)]);
    let at = |operation: &str| {
        format!("clients/rates.wsdl:14: endpoint:rates.partner.example:443 serves POST /ws/rates/{operation}")
    };
    assert_eq!(facts(&evidence), [at("GetRate"), at("SetRate")]);
    assert_eq!(
        gaps(&evidence),
        ["clients/rates.wsdl:16 unresolved: the address of a port is none of a server (1)"]
    );
    let schema = WSDL.replace("http://schemas.xmlsoap.org/wsdl/\"", "http://www.w3.org/ns/wsdl\"");
    let broken = WSDL.replace("</wsdl:service>", "</wsdl:port>");
    assert_eq!(facts(&stated(&[("clients/rates.wsdl", &schema)])), NOTHING);
    let told = gaps(&stated(&[("clients/rates.wsdl", &broken)]));
    assert!(
        told.iter().any(|gap| gap.starts_with("clients/rates.wsdl bad-config: not valid XML")),
        "{told:?}"
    );
}

const SECOND: &str = r#"asyncapi: 2.6.0
info: { title: Billing, version: "1" }
servers: { prod: { url: "kafka.shop.example:9092", protocol: kafka } }
channels:
  orders.created:
    publish: { operationId: onOrder }
  invoices.{region}:
    subscribe: { operationId: invoiceMade }
  unused: {}
  far: { $ref: 'other.yaml#/x' }
"#;

const THIRD: &str = r##"asyncapi: 3.0.0
channels:
  orders: { address: orders.created }
  nowhere: { address: null }
  answers:
    $ref: '#/components/channels/answers'
operations:
  onOrder:
    action: receive
    channel: { $ref: '#/channels/orders' }
    reply: { channel: { $ref: '#/channels/answers' } }
  lost:
    action: send
    channel: { $ref: '#/channels/nowhere' }
components:
  channels: { answers: { address: orders.answers } }
"##;

/// What a document states, with the action.
fn channels(evidence: &Evidence) -> Vec<String> {
    let mut told: Vec<String> = evidence
        .facts()
        .map(|fact| match &fact.says {
            Says::DeclaredUse(Some(action), it) => {
                format!("{}: {} {} {}", fact.place, fact.about, action.word(), it.parts.join("/"))
            }
            other => format!("{other:?}"),
        })
        .collect();
    told.sort();
    told
}

#[test]
fn a_document_says_from_which_side_it_is_told() {
    let evidence = stated(&[("billing/asyncapi.yaml", SECOND)]);
    let wanted = [
        "billing/asyncapi.yaml:5: component:billing consume orders.created",
        "billing/asyncapi.yaml:7: component:billing publish invoices.{region}",
    ];
    assert_eq!(channels(&evidence), wanted);
    let wanted = "billing/asyncapi.yaml:1 unresolved: a channel is described in another file, which is not followed (1)";
    assert_eq!(gaps(&evidence), [wanted]);
    let evidence = stated(&[("billing/asyncapi.yaml", THIRD)]);
    let wanted = [
        "billing/asyncapi.yaml:16: component:billing publish orders.answers",
        "billing/asyncapi.yaml:3: component:billing consume orders.created",
    ];
    assert_eq!(channels(&evidence), wanted);
    let wanted = "billing/asyncapi.yaml:1 unresolved: operation lost: the address of its channel does not stand in this document (1)";
    assert_eq!(gaps(&evidence), [wanted]);
}

#[test]
fn what_only_speaks_of_asyncapi_states_nothing() {
    let inner = format!("tools:\n{}", SECOND.lines().map(|line| format!("  {line}\n")).collect::<String>());
    for (path, text) in [("a/notes.yaml", inner.as_str()), ("examples/asyncapi.yaml", SECOND)] {
        assert_eq!(channels(&stated(&[(path, text)])), NOTHING, "{path}");
    }
    let evidence = stated(&[("a/asyncapi.yaml", "asyncapi: 1.2.0\ntopics: { x: { publish: {} } }\n")]);
    assert_eq!(gaps(&evidence), ["a/asyncapi.yaml bad-config: neither AsyncAPI 2 nor 3 (1)"]);
}

/// Whether each link to a channel of a script beside a document is declared.
fn declared(document: &str, script: &str) -> Vec<String> {
    let report = report(&[
        (
            "whodepends.toml",
            "as_of = \"2026-11-24\"\n[[consumer]]\nkind = \"service\"\nname = \"billing\"\nsource = [\"billing\"]\n",
        ),
        ("billing/package.json", "{}"),
        ("billing/asyncapi.yaml", document),
        ("billing/run.sh", script),
    ]);
    let links = report["links"].as_array().expect("links are a list").iter();
    let topics = links.filter(|link| link["resource"].as_str().is_some_and(|it| it.starts_with("topic:")));
    let line = |link: &serde_json::Value| {
        let declared = link["bases"].as_array().is_some_and(|all| all.iter().any(|it| it == "declared"));
        format!("{} {} {} {declared}", link["consumer"], link["action"], link["resource"]).replace('"', "")
    };
    let mut told: Vec<String> = topics.map(line).collect();
    told.sort();
    told
}

#[test]
fn a_channel_that_the_document_lists_is_declared_and_no_other() {
    let script = "#!/bin/sh\nkcat -C -b kafka:9092 -t orders.created\nkcat -P -b kafka:9092 -t invoices.eu\n\
        kcat -P -b kafka:9092 -t invoices.\nkcat -P -b kafka:9092 -t orders.created\n";
    let document = SECOND.replace("  far: { $ref: 'other.yaml#/x' }\n", "");
    let wanted = [
        "service:billing consume topic:kafka:9092/orders.created true",
        // A parameter is never empty.
        "service:billing publish topic:kafka:9092/invoices. false",
        "service:billing publish topic:kafka:9092/invoices.eu true",
        "service:billing publish topic:kafka:9092/orders.created false",
    ];
    assert_eq!(declared(&document, script), wanted);
}
