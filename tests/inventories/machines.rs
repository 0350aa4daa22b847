//! Lists of machines: Ansible inventories, settings of ssh, tables. What they state, what is none of them, and who is
//! told apart by them.

use super::*;

const INVENTORY: &str = "\
# The shop's machines.
mail.shop.example
[web]
web[01:03].shop.example:2222 http_port=80
10.20.9.9
[db]
db1 ansible_host=10.20.0.10 ansible_user=\"deploy # one\"  # the first
db2 ansible_ssh_host=db2.shop.example
node-[a:b] ansible_host='{{ found }}'
localhost ansible_connection=local
[all_of_them:children]
web
db
[db:vars]
backup = 10.20.0.99
";

#[test]
fn an_ansible_inventory_lists_hosts_and_their_addresses() {
    let it = stated(&[("ops/hosts", INVENTORY)]);
    let wanted = [
        "ops/hosts:2: host:mail.shop.example is a host",
        "ops/hosts:4: host:web01.shop.example is a host",
        "ops/hosts:4: host:web02.shop.example is a host",
        "ops/hosts:4: host:web03.shop.example is a host",
        "ops/hosts:7: host:db1 is a host",
        "ops/hosts:7: host:db1 is address:10.20.0.10",
        "ops/hosts:8: host:db2 is a host",
        "ops/hosts:8: host:db2 is host:db2.shop.example",
        "ops/hosts:9: host:node-a is a host",
        "ops/hosts:9: host:node-b is a host",
    ];
    assert_eq!(facts(&it), wanted);
    let wanted = [
        "ops/hosts:9 unresolved: the address of node-a is a template (1)",
        "ops/hosts:9 unresolved: the address of node-b is a template (1)",
    ];
    assert_eq!(gaps(&it), wanted);
}

#[test]
fn an_ansible_inventory_in_yaml_and_the_variables_of_one_host_are_the_same() {
    let yaml = "\
all:
  children:
    web:
      hosts:
        web[1:2]:
    db:
      hosts:
        db1:
          ansible_host: 10.20.0.10
  vars:
    ansible_user: deploy
";
    let it = stated(&[
        ("ops/production.yml", yaml),
        ("ops/host_vars/cache1.yml", "---\nansible_host: 10.20.0.12\nport: 6379\n"),
        ("ops/host_vars/web1/main.yml", "ansible_host: 10.20.1.1\n"),
        ("ops/host_vars/web2.yml", "port: 1\n"),
        ("ops/group_vars/web.yml", "ansible_host: 10.20.1.9\n"),
    ]);
    let wanted = [
        "ops/host_vars/cache1.yml:1: host:cache1 is a host",
        "ops/host_vars/cache1.yml:1: host:cache1 is address:10.20.0.12",
        "ops/host_vars/web1/main.yml:1: host:web1 is a host",
        "ops/host_vars/web1/main.yml:1: host:web1 is address:10.20.1.1",
        "ops/production.yml:1: host:web1 is a host",
        "ops/production.yml:1: host:web2 is a host",
        "ops/production.yml:8: host:db1 is a host",
        "ops/production.yml:8: host:db1 is address:10.20.0.10",
    ];
    assert_eq!(facts(&it), wanted);
}

#[test]
fn no_other_file_with_sections_is_an_ansible_inventory() {
    let it = stated(&[
        // Without a variable of Ansible, a group of groups or such a place, it may be anything.
        ("lists/teams.ini", "[blue]\nann\nbob\n"),
        ("app/settings.ini", "[server]\nhost = db1\nport=5432\nansible_host=10.0.0.1\n"),
        ("app/php.ini", "[PHP]\nengine = On\n"),
        ("inventory/setup.cfg", "[metadata]\nname = shop\n"),
        ("inventory/README", "The hosts are listed here.\n"),
        ("app/values.yaml", "web:\n  replicas: 2\n  hosts:\n    - a\n"),
        ("app/play.yml", "- hosts: web\n  vars:\n    ansible_host: 10.0.0.1\n"),
        ("app/ingress.yml", "spec:\n  hosts:\n    a.example: {}\n"),
    ]);
    assert_eq!(facts(&it), NOTHING);
    // Where somebody else's or an example's machines are listed, they are nobody's.
    let example = stated(&[("examples/hosts", "[db]\ndb1 ansible_host=10.20.0.10\n")]);
    assert!(example.facts().all(|fact| fact.scope == whodepends::evidence::Scope::Example));
}

#[test]
fn settings_of_ssh_give_machines_other_names() {
    let config = "\
Include ~/.ssh/more
User nobody
Host db shop-db
    HostName 10.20.0.10
    User postgres
    HostName 10.20.0.11
Host web
  hostname=web1.shop.example # the first
Host *.shop.example !web.shop.example
  HostName 10.20.9.9
Host a b
  HostName %h.shop.example
Host tunnel
  HostName 127.0.0.1
Host bastion
  Port 2222
Match host old
  HostName 10.20.9.8
";
    let it = stated(&[
        ("home/ann/.ssh/config", config),
        ("etc/other.conf", "Host db\n  HostName 10.20.0.12\n"),
        (".ssh/config.d/known_hosts", "db1 ssh-ed25519 AAAA\n"),
    ]);
    let wanted = [
        "home/ann/.ssh/config:3: host:db is address:10.20.0.10",
        "home/ann/.ssh/config:3: host:db is host:shop-db",
        "home/ann/.ssh/config:7: host:web1.shop.example is host:web",
    ];
    assert_eq!(facts(&it), wanted);
    let include = gaps(&it).into_iter().filter(|gap| gap.contains("Include")).collect::<Vec<_>>();
    assert_eq!(include, ["home/ann/.ssh/config:1 unresolved: Include: only files of the scan are read (1)"]);
}

#[test]
fn a_table_of_machines_is_told_by_its_header_and_its_cells() {
    let netbox = "Name,Status,Site,Role,IP Address\n\"app1\",Active,\"Basel, 2\",web,10.20.1.11/24\napp2,Active,Basel,web,\n";
    let cmdb = "ci_name;owner;ip_addresses;aliases\nbatch1;ops;10.20.2.21, 10.20.3.21;cron jobs.shop.example\n\"two words\";ops;10.20.2.22;\n";
    let it = stated(&[("cmdb/devices.csv", netbox), ("cmdb/all.csv", cmdb)]);
    let wanted = [
        "cmdb/all.csv:2: host:batch1 is a host",
        "cmdb/all.csv:2: host:batch1 is address:10.20.2.21",
        "cmdb/all.csv:2: host:batch1 is address:10.20.3.21",
        "cmdb/all.csv:2: host:batch1 is host:cron",
        "cmdb/all.csv:2: host:batch1 is host:jobs.shop.example",
        "cmdb/devices.csv:2: host:app1 is a host",
        "cmdb/devices.csv:2: host:app1 is address:10.20.1.11",
        "cmdb/devices.csv:3: host:app2 is a host",
    ];
    assert_eq!(facts(&it), wanted);
    assert_eq!(gaps(&it), ["cmdb/all.csv:3 unparsed: a record without the name of a machine (1)"]);
}

#[test]
fn no_other_table_is_one_of_machines() {
    let it = stated(&[
        ("a.csv", "name,address\nAnn,12 Low Street\nBob,3 High Street\n"),
        ("b.csv", "host,ip,query\ndb1,10.0.0.1,SELECT 1\n"),
        ("c.csv", "timestamp,host,ip\n1,db1,10.0.0.1\n"),
        // Who came in, line by line.
        ("d.csv", "host,ip\nweb1,10.0.0.1\nweb1,10.0.0.1\nweb1,10.0.0.1\n"),
        ("e.csv", "name,ip\n\"Ann Bee\",10.0.0.1\n\"Bob Cee\",10.0.0.2\n"),
        ("f.csv", "name,owner\ndb1,ops\n"),
    ]);
    assert_eq!(facts(&it), NOTHING);
}
