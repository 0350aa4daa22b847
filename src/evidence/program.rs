//! What programs are for, by the names they give themselves: one table of application names and user agents. It says what
//! kind of consumer somebody is, never who, and a name proves nothing: anybody can set any.

use super::usage::Class;
use serde::{Deserialize, Serialize};

/// What kind of consumer somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It runs all the time.
    Service,
    /// A clock or another job starts it.
    Job,
    /// Somebody starts it.
    Script,
    /// Somebody sits at it: an interactive client, or a browser.
    Person,
    /// It makes reports and charts of what it reads, for people.
    BiTool,
    /// It comes from outside of the estate's networks.
    Partner,
    /// It watches.
    Monitoring,
    /// It copies everything away.
    Backup,
    /// It keeps a copy up to date.
    Replication,
    /// It asks whether something is there.
    Probe,
    /// It passes on what others ask.
    Proxy,
}

impl Role {
    const ALL: [Role; 11] = [
        Role::Service,
        Role::Job,
        Role::Script,
        Role::Person,
        Role::BiTool,
        Role::Partner,
        Role::Monitoring,
        Role::Backup,
        Role::Replication,
        Role::Probe,
        Role::Proxy,
    ];

    /// The word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Role::Service => "service",
            Role::Job => "job",
            Role::Script => "script",
            Role::Person => "person",
            Role::BiTool => "bi-tool",
            Role::Partner => "partner",
            Role::Monitoring => "monitoring",
            Role::Backup => "backup",
            Role::Replication => "replication",
            Role::Probe => "probe",
            Role::Proxy => "proxy",
        }
    }

    /// The role of that word.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// What the program of this name is for, where the table has it.
    pub fn of_program(name: &str) -> Option<Role> {
        let name = name.to_ascii_lowercase();
        PROGRAMS.iter().find(|program| program.is(&name)).map(|program| program.role)
    }

    /// Whether the program of this name has windows: no service and no script works through it.
    pub fn has_windows(name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let program = PROGRAMS.iter().find(|program| program.is(&name));
        program.is_some_and(|it| it.role == Role::Person && !TYPED.contains(&it.name))
    }

    /// What kind of consumer does nothing but this.
    pub fn of_class(class: Class) -> Option<Role> {
        match class {
            Class::App | Class::Maintenance => None,
            Class::Monitoring => Some(Role::Monitoring),
            Class::Probe | Class::Keepalive => Some(Role::Probe),
            Class::Backup => Some(Role::Backup),
            Class::Replication => Some(Role::Replication),
            Class::Browsing => Some(Role::Person),
        }
    }

    /// The class of all that it does, where it does nothing that is an application's work.
    pub fn class(self) -> Option<Class> {
        match self {
            Role::Monitoring => Some(Class::Monitoring),
            Role::Probe => Some(Class::Probe),
            Role::Backup => Some(Class::Backup),
            Role::Replication => Some(Class::Replication),
            _ => None,
        }
    }
}

/// How a name is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It is all of the name.
    Whole,
    /// The name begins with it, and no letter follows.
    Begins,
    /// It stands anywhere in the name, as programs over HTTP say it among other things.
    Within,
}

/// One program.
struct Program {
    /// In lower case.
    name: &'static str,
    told: Told,
    role: Role,
}

impl Program {
    /// Whether a name, in lower case, is this program's.
    fn is(&self, name: &str) -> bool {
        match self.told {
            Told::Whole => name == self.name,
            Told::Begins => name
                .strip_prefix(self.name)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphabetic())),
            Told::Within => name.contains(self.name),
        }
    }
}

/// The table's name of the program that a name, in lower case, is of: without the version and all that follows.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    PROGRAMS.iter().find(|program| program.is(name)).map(|program| program.name)
}

/// The class that a program's own name gives to all it does, where it gives one; in lower case, and told by the beginning.
pub(super) fn class_of(name: &str) -> Option<Class> {
    let begins =
        |it: &&Program| if it.told == Told::Within { name.starts_with(it.name) } else { it.is(name) };
    let found = PROGRAMS.iter().find(begins);
    found.and_then(|program| program.role.class())
}

/// Whether a user agent, in lower case, says anywhere that it only looks whether a site is there.
pub(super) fn watches(agent: &str) -> bool {
    PROGRAMS.iter().any(|it| it.told == Told::Within && it.role == Role::Probe && it.is(agent))
}

const fn begins(name: &'static str, role: Role) -> Program {
    Program { name, told: Told::Begins, role }
}

const fn whole(name: &'static str, role: Role) -> Program {
    Program { name, told: Told::Whole, role }
}

const fn within(name: &'static str, role: Role) -> Program {
    Program { name, told: Told::Within, role }
}

/// Interactive clients that scripts run as well.
const TYPED: [&str; 10] =
    ["psql", "pgcli", "mysql", "mariadb", "mysqlsh", "sqlcmd", "sql*plus", "sqlplus", "mongosh", "browsers"];

/// All programs that are known, the first that fits holds.
static PROGRAMS: &[Program] = &[
    // Copies of servers. PostgreSQL's programs set their own names ("fallback_application_name", libpq); MySQL's and
    // MariaDB's send theirs as `program_name` (MySQL, "Performance Schema Connection Attribute Tables").
    begins("pg_dump", Role::Backup),
    begins("pg_dumpall", Role::Backup),
    begins("pg_basebackup", Role::Backup),
    begins("pg_receivewal", Role::Backup),
    // barman.conf(5): streaming_archiver's and backup's names are `barman_receive_wal`, `barman_streaming_backup`.
    begins("barman", Role::Backup),
    // pgbackrest.org, "Configuration Reference": application_name is pgBackRest and its command.
    begins("pgbackrest", Role::Backup),
    begins("wal-g", Role::Backup),
    begins("mysqldump", Role::Backup),
    begins("mariadb-dump", Role::Backup),
    begins("mysqlpump", Role::Backup),
    begins("mariabackup", Role::Backup),
    begins("xtrabackup", Role::Backup),
    // PostgreSQL, "Log-Shipping Standby Servers": what a standby calls itself unless cluster_name says otherwise.
    whole("walreceiver", Role::Replication),
    // Those who watch servers, by the names of their own documentation.
    begins("postgres_exporter", Role::Monitoring),
    begins("pgwatch", Role::Monitoring),
    begins("zabbix", Role::Monitoring),
    begins("datadog", Role::Monitoring),
    begins("datadogsynthetics", Role::Monitoring),
    begins("telegraf", Role::Monitoring),
    begins("check_postgres", Role::Monitoring),
    begins("pganalyze", Role::Monitoring),
    begins("pgmetrics", Role::Monitoring),
    begins("prometheus", Role::Monitoring),
    begins("nagios", Role::Monitoring),
    begins("newrelic", Role::Monitoring),
    begins("newrelicpinger", Role::Monitoring),
    begins("pmm", Role::Monitoring),
    // Health checks of load balancers, orchestrators and services that look at sites (their own documentation).
    begins("haproxy", Role::Probe),
    within("kube-probe", Role::Probe),
    within("elb-healthchecker", Role::Probe),
    within("googlehc", Role::Probe),
    within("uptimerobot", Role::Probe),
    within("pingdom", Role::Probe),
    within("statuscake", Role::Probe),
    within("site24x7", Role::Probe),
    within("check_http", Role::Probe),
    within("blackbox exporter", Role::Probe),
    within("blackbox-exporter", Role::Probe),
    within("route53-health-check", Role::Probe),
    within("consul health check", Role::Probe),
    within("health check monitor", Role::Probe),
    within("internal dummy connection", Role::Probe),
    within("envoy/hc", Role::Probe),
    // Poolers and caches in between. Amazon CloudFront, "Request and response behavior": User-Agent.
    begins("pgbouncer", Role::Proxy),
    begins("pgpool", Role::Proxy),
    begins("pgcat", Role::Proxy),
    begins("odyssey", Role::Proxy),
    begins("proxysql", Role::Proxy),
    begins("maxscale", Role::Proxy),
    whole("amazon cloudfront", Role::Proxy),
    // Interactive clients. psql(1) and mysql(1) as for the dumps; the others as their sessions show them: pgAdmin
    // (`pgAdmin 4 - DB:shop`), DBeaver (`DBeaver 24.0.0 - Main <shop>`), JetBrains, SQL Server Management Studio
    // (`Microsoft SQL Server Management Studio - Query`), MySQL Workbench (`MySQLWorkbench`), mongosh and Compass (appName,
    // MongoDB, "Connection String Options").
    whole("psql", Role::Person),
    begins("pgcli", Role::Person),
    begins("pgadmin", Role::Person),
    begins("dbeaver", Role::Person),
    begins("datagrip", Role::Person),
    begins("intellij idea", Role::Person),
    begins("pycharm", Role::Person),
    begins("heidisql", Role::Person),
    begins("tableplus", Role::Person),
    begins("navicat", Role::Person),
    begins("postico", Role::Person),
    begins("beekeeper", Role::Person),
    whole("mysql", Role::Person),
    whole("mariadb", Role::Person),
    whole("mysqlsh", Role::Person),
    begins("mysqlworkbench", Role::Person),
    begins("mysql-workbench", Role::Person),
    begins("microsoft sql server management studio", Role::Person),
    begins("azuredatastudio", Role::Person),
    whole("sqlcmd", Role::Person),
    // Oracle, V$SESSION.PROGRAM and MODULE.
    begins("sql developer", Role::Person),
    begins("sql*plus", Role::Person),
    begins("sqlplus", Role::Person),
    begins("toad", Role::Person),
    begins("plsqldev", Role::Person),
    begins("mongosh", Role::Person),
    begins("mongodb compass", Role::Person),
    whole("browsers", Role::Person),
    // Reports and charts. Metabase (`Metabase v0.49.1 [uuid]`), Superset, Looker, Qlik, Power BI (its engine is `Mashup
    // Engine` to SQL Server), Excel, as their sessions show them.
    begins("tableau", Role::BiTool),
    begins("power bi", Role::BiTool),
    begins("powerbi", Role::BiTool),
    begins("mashup engine", Role::BiTool),
    begins("metabase", Role::BiTool),
    begins("looker", Role::BiTool),
    begins("apache superset", Role::BiTool),
    begins("superset", Role::BiTool),
    begins("qlik", Role::BiTool),
    whole("qlikview", Role::BiTool),
    whole("qliksense", Role::BiTool),
    begins("redash", Role::BiTool),
    begins("grafana", Role::BiTool),
    begins("microstrategy", Role::BiTool),
    begins("thoughtspot", Role::BiTool),
    begins("cognos", Role::BiTool),
    begins("microsoft excel", Role::BiTool),
    begins("microsoft office", Role::BiTool),
];

#[cfg(test)]
mod tests {
    use super::{PROGRAMS, Role, Told};

    #[test]
    fn programs_are_what_they_say_and_near_misses_are_not() {
        for (name, want) in [
            ("psql", Some(Role::Person)),
            ("psqlodbc", None),
            ("mysql", Some(Role::Person)),
            ("mysql-connector-python", None),
            ("mysqldump", Some(Role::Backup)),
            ("pg_dumpall", Some(Role::Backup)),
            ("pgAdmin 4 - DB:shop", Some(Role::Person)),
            ("DBeaver 24.0.0 - Main <shop>", Some(Role::Person)),
            ("Microsoft SQL Server Management Studio - Query", Some(Role::Person)),
            ("Tableau 2024.1", Some(Role::BiTool)),
            ("Metabase v0.49.1 [5f6b]", Some(Role::BiTool)),
            ("lookerup", None),
            ("pgwatch3", Some(Role::Monitoring)),
            ("zabbix_agent2", Some(Role::Monitoring)),
            ("walreceiver", Some(Role::Replication)),
            ("walreceiver_of_mine", None),
            ("kube-probe/1.29", Some(Role::Probe)),
            ("check_http/v2.3.3 (monitoring-plugins 2.3.3)", Some(Role::Probe)),
            ("pgbouncer", Some(Role::Proxy)),
            ("billing", None),
            ("", None),
        ] {
            assert_eq!(Role::of_program(name), want, "{name}");
        }
    }

    #[test]
    fn the_table_is_in_lower_case_and_no_row_hides_another() {
        for (at, program) in PROGRAMS.iter().enumerate() {
            assert_eq!(program.name, program.name.to_ascii_lowercase());
            let first = PROGRAMS.iter().position(|it| it.is(program.name));
            assert_eq!(first, Some(at), "{}", program.name);
        }
        assert!(PROGRAMS.iter().all(|it| it.told != Told::Within || it.role == Role::Probe));
    }
}
