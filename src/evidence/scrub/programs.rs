//! Which programs are given secrets, and by which option or at which place, as their manual pages have it. It holds
//! the table only, and never a rule about a word of which the program is not known: `-p` is a port elsewhere.

/// Where a program's secret stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Secret {
    /// The value of an option or the word behind a keyword: `-p x`, `--pass=x`, `using x`.
    Value(&'static str),
    /// The same, which may also stand without a blank: `-Px`.
    Short(&'static str),
    /// Of an option's value what stands behind a sign: `-U u%x`.
    Part(&'static str, char),
    /// Of an option's value what stands behind this prefix: `-passin pass:x`.
    Prefixed(&'static str, &'static str),
    /// The n-th word that is no option, counted from 1 behind the subcommand.
    Operand(usize),
    /// The first word that is no option, unless it sets something: `login x`, not `login user=u`.
    NoPair,
    /// Of the first word that is no option what stands behind a sign.
    OperandPart(char),
    /// The last word that is no option, where this letter is among the flags.
    LastWith(char),
    /// The word behind a share: `\\s\x PW`.
    BehindShare,
    /// `user/password@place` as the first word that is no option, or the value of `userid`.
    Login,
    /// The same as the value behind a keyword.
    LoginBehind(&'static str),
    /// The value of a header that an option sets, where its name says that it is a secret.
    Header(&'static str),
    /// A here-string.
    Here,
}

/// Programs that take secrets the same way.
pub(super) struct Program {
    /// Their names in lower case, without a folder and `.exe`.
    pub(super) names: &'static [&'static str],
    /// The words that must follow, options apart.
    pub(super) sub: &'static [&'static str],
    /// The names are common words: they count only where a command begins.
    pub(super) first: bool,
    /// They are commands of these programs, and count only where one of them came before.
    pub(super) inside: &'static [&'static str],
    /// Options begin with a slash, too, whatever their case, and `$` is a letter.
    pub(super) windows: bool,
    /// Options whose next word is their value, as far as words are counted.
    pub(super) valued: &'static [&'static str],
    /// Where the secrets stand.
    pub(super) secrets: &'static [Secret],
}

const PLAIN: Program =
    Program { names: &[], sub: &[], first: false, inside: &[], windows: false, valued: &[], secrets: &[] };

use Secret::{
    BehindShare, Header, Here, LastWith, Login, LoginBehind, NoPair, Operand, OperandPart, Part, Prefixed,
    Short, Value,
};

/// Words in front of a command that run it.
pub(super) const WRAPPERS: &[&str] = &[
    "sudo", "doas", "nohup", "time", "env", "nice", "ionice", "setsid", "stdbuf", "command", "xargs", "do",
    "then", "else", "if", "while", "until", "!", "{", "export", "db2", "docker", "podman", "kubectl", "call",
    "@echo",
];

/// Such words that take a word themselves.
pub(super) const WRAPPERS_WITH_A_WORD: &[&str] = &["exec", "ssh", "su", "chroot", "flock", "timeout"];

/// The table.
pub(super) const PROGRAMS: &[Program] = &[
    // Oracle Database Utilities and SQL*Plus, "CONNECT".
    Program { names: &["expdp", "impdp", "sqlldr"], secrets: &[Login], ..PLAIN },
    Program { names: &["exp", "imp"], first: true, secrets: &[Login], ..PLAIN },
    Program {
        names: &["rman"],
        secrets: &[LoginBehind("target"), LoginBehind("catalog"), LoginBehind("auxiliary")],
        ..PLAIN
    },
    Program {
        names: &["connect", "conn"],
        first: true,
        inside: &["sqlplus", "rman", "sql", "sqlcl"],
        secrets: &[Login, LoginBehind("target"), LoginBehind("catalog"), LoginBehind("auxiliary")],
        ..PLAIN
    },
    // IBM Db2, "CONNECT"; Teradata BTEQ, "LOGON".
    Program {
        names: &["connect", "attach"],
        first: true,
        inside: &["db2"],
        secrets: &[Value("using")],
        ..PLAIN
    },
    Program { names: &[".logon"], inside: &["bteq"], secrets: &[OperandPart(',')], ..PLAIN },
    // Clients of other databases.
    Program { names: &["isql", "tsql", "freebcp", "bsqldb", "bsqlodbc"], secrets: &[Short("-P")], ..PLAIN },
    Program { names: &["cqlsh", "hdbsql", "exaplus", "beeline"], secrets: &[Value("-p")], ..PLAIN },
    Program { names: &["nodetool", "nzsql", "nzload"], secrets: &[Value("-pw")], ..PLAIN },
    Program { names: &["vsql"], secrets: &[Value("-w")], ..PLAIN },
    Program { names: &["redis-cli"], secrets: &[Value("--pass"), Value("auth")], ..PLAIN },
    // Transfers and shells of other hosts.
    Program { names: &["ncftpput", "ncftpget", "ncftpls", "ncftp"], secrets: &[Short("-p")], ..PLAIN },
    Program { names: &["plink", "pscp", "psftp", "putty"], secrets: &[Value("-pw")], ..PLAIN },
    Program {
        names: &["user"],
        first: true,
        inside: &["ftp", "lftp", "ncftp"],
        secrets: &[Operand(2)],
        ..PLAIN
    },
    Program { names: &["quote"], first: true, inside: &["ftp"], secrets: &[Value("pass")], ..PLAIN },
    Program { names: &["open"], first: true, inside: &["lftp"], secrets: &[Part("-u", ',')], ..PLAIN },
    Program {
        names: &["smbclient", "smbget", "rpcclient", "smbcacls", "smbspool"],
        secrets: &[Part("-U", '%'), Part("--user", '%'), BehindShare],
        ..PLAIN
    },
    // Clouds and registries.
    Program {
        names: &["az", "oc", "cf", "helm", "skopeo", "buildah", "oras"],
        sub: &["login"],
        secrets: &[Value("-p")],
        ..PLAIN
    },
    Program { names: &["az"], sub: &["acr", "login"], secrets: &[Value("-p")], ..PLAIN },
    Program { names: &["helm"], sub: &["registry", "login"], secrets: &[Value("-p")], ..PLAIN },
    Program {
        names: &["vault"],
        sub: &["login"],
        valued: &["-method", "-path", "-address", "-namespace", "-format"],
        secrets: &[NoPair],
        ..PLAIN
    },
    Program { names: &["vault"], sub: &["operator", "unseal"], secrets: &[Operand(1)], ..PLAIN },
    Program {
        names: &["mc", "mcli"],
        sub: &["alias", "set"],
        valued: &["--api", "--path"],
        secrets: &[Operand(4)],
        ..PLAIN
    },
    Program {
        names: &["mc", "mcli"],
        sub: &["config", "host", "add"],
        valued: &["--api", "--lookup"],
        secrets: &[Operand(4)],
        ..PLAIN
    },
    // Net-SNMP, snmpcmd(1); ipmitool(1).
    Program {
        names: &[
            "snmpget",
            "snmpgetnext",
            "snmpset",
            "snmpwalk",
            "snmpbulkget",
            "snmpbulkwalk",
            "snmptable",
            "snmptrap",
            "snmpstatus",
            "snmpdf",
            "snmpinform",
        ],
        secrets: &[Short("-A"), Short("-X"), Short("-c")],
        ..PLAIN
    },
    Program { names: &["ipmitool"], secrets: &[Short("-P")], ..PLAIN },
    Program { names: &["mosquitto_pub", "mosquitto_sub"], secrets: &[Value("-P")], ..PLAIN },
    // curl(1), wget(1).
    Program { names: &["curl", "wget"], secrets: &[Header("-H"), Header("--header")], ..PLAIN },
    // Logins and keys of one host.
    Program { names: &["kinit", "passwd", "smbpasswd", "chpasswd", "cryptsetup"], secrets: &[Here], ..PLAIN },
    Program { names: &["htpasswd"], valued: &["-C", "-r"], secrets: &[LastWith('b')], ..PLAIN },
    Program {
        names: &["openssl"],
        secrets: &[
            Prefixed("-passin", "pass:"),
            Prefixed("-passout", "pass:"),
            Prefixed("-pass", "pass:"),
            Prefixed("-password", "pass:"),
            Value("-k"),
            Value("-K"),
        ],
        ..PLAIN
    },
    Program {
        names: &["keytool", "jarsigner"],
        secrets: &[
            Value("-storepass"),
            Value("-keypass"),
            Value("-srcstorepass"),
            Value("-deststorepass"),
            Value("-srckeypass"),
            Value("-destkeypass"),
        ],
        ..PLAIN
    },
    // Windows Commands and PowerShell.
    Program { names: &["net"], sub: &["use"], first: true, windows: true, secrets: &[BehindShare], ..PLAIN },
    Program { names: &["net"], sub: &["user"], first: true, windows: true, secrets: &[Operand(2)], ..PLAIN },
    Program { names: &["psexec", "psexec64"], windows: true, secrets: &[Value("-p")], ..PLAIN },
    Program { names: &["schtasks"], windows: true, secrets: &[Value("/rp"), Value("/p")], ..PLAIN },
    Program { names: &["xfreerdp"], windows: true, secrets: &[Value("/p")], ..PLAIN },
    Program {
        names: &["dtexec", "dtutil"],
        windows: true,
        secrets: &[Value("/de"), Value("/decrypt"), Value("-de"), Value("-decrypt")],
        ..PLAIN
    },
    Program {
        names: &["convertto-securestring"],
        valued: &["-Key", "-SecureKey"],
        secrets: &[Value("-String"), Operand(1)],
        ..PLAIN
    },
];
