//! Charts of Helm: what runs, and by which hosts it is reached.

use super::*;

const CHART: &str = "apiVersion: v2\nname: orders\nversion: 1.2.3\n";
const VALUES: &str = "image: { repository: registry.shop.test/orders }\ningress:\n  enabled: true\n  hosts:\n    - host: orders.shop.test\n    - old.shop.test\n";

#[test]
fn a_chart_runs_as_a_service_and_its_values_name_its_hosts() {
    let evidence = stated(&[("deploy/orders/Chart.yaml", CHART), ("deploy/orders/values.yaml", VALUES)]);
    assert_eq!(
        facts(&evidence),
        [
            "deploy/orders/Chart.yaml:2: container:orders is a service",
            "deploy/orders/Chart.yaml:2: container:orders is component:deploy/orders",
            "deploy/orders/values.yaml:5: system:orders is endpoint:orders.shop.test:443",
            "deploy/orders/values.yaml:5: system:orders is endpoint:orders.shop.test:80",
            "deploy/orders/values.yaml:6: system:orders is endpoint:old.shop.test:443",
            "deploy/orders/values.yaml:6: system:orders is endpoint:old.shop.test:80",
        ]
    );
    assert_eq!(gaps(&evidence), NOTHING);
}

#[test]
fn values_without_a_chart_a_library_and_what_is_switched_off_name_nobody() {
    let library = "apiVersion: v2\nname: common\ntype: library\n";
    let off = VALUES.replace("true", "false");
    let cache = "image: redis:7\n";
    let evidence = stated(&[
        ("a/values.yaml", VALUES),
        ("b/Chart.yaml", library),
        ("b/values.yaml", VALUES),
        ("c/Chart.yaml", CHART),
        ("c/values.yaml", &off),
        ("d/Chart.yaml", &CHART.replace("orders", "cache")),
        ("d/values.yaml", cache),
    ]);
    assert_eq!(
        facts(&evidence),
        [
            "c/Chart.yaml:2: container:orders is a service",
            "c/Chart.yaml:2: container:orders is component:c",
            "d/Chart.yaml:2: container:cache is a cache",
            "d/Chart.yaml:2: container:cache is component:d",
        ]
    );
}
