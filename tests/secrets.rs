//! Nothing secret gets out: canaries in every input kind and position, looked for in every output. Each world
//! also names what must be shown of it, so that silence never comes from not having read the text at all.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a secret looks like; scrubbing tells some by where they stand and others by their shape.
#[derive(Clone, Copy)]
enum Shape {
    /// A short password made of words: only its position gives it away.
    Word,
    /// A long random token.
    Token,
    /// An e-mail address.
    Mail,
    /// An account number.
    Iban,
    /// A card number.
    Card,
}

use Shape::{Card, Iban, Mail, Token, Word};

/// A secret that was planted, by the parts of it that must not be seen: half a secret is a leak, too.
struct Canary {
    position: String,
    parts: Vec<String>,
}

/// A scan's inputs, the canaries in them, and what must be shown of them.
struct World {
    folder: tempfile::TempDir,
    canaries: Vec<Canary>,
    shown: Vec<String>,
}

/// The digit that makes a card number pass the check of ISO/IEC 7812-1.
fn check_digit(digits: &str) -> u32 {
    let doubled = |value: u32| if value > 4 { value * 2 - 9 } else { value * 2 };
    let values = digits.chars().rev().filter_map(|c| c.to_digit(10)).enumerate();
    let sum: u32 = values.map(|(at, value)| if at % 2 == 0 { doubled(value) } else { value }).sum();
    (10 - sum % 10) % 10
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        World { folder, canaries: Vec::new(), shown: Vec::new() }
    }

    /// A new secret for a position.
    fn plant(&mut self, shape: Shape, position: &str) -> String {
        let number = self.canaries.len() + 100;
        let (secret, parts) = match shape {
            Word => (format!("hunter{number}-Zq"), vec![format!("hunter{number}")]),
            Token => (
                format!("Qx7LmV2p{number}RtYw9KdZs4HbNcE8uF"),
                vec![format!("qx7lmv2p{number}"), format!("{number}rtyw9kdzs4hbnce8uf")],
            ),
            Mail => (format!("kim.{number}@mail.example.org"), vec![format!("kim.{number}")]),
            Iban => (format!("DE89370400440532{number}130"), vec![format!("0532{number}130")]),
            Card => {
                let digits = format!("411111111111{number}");
                let card = format!("{digits}{}", check_digit(&digits));
                (card.clone(), vec![card])
            }
        };
        self.canaries.push(Canary { position: position.to_owned(), parts });
        secret
    }

    /// A name that stands beside a secret and must be in the JSON report.
    fn show(&mut self, name: impl Into<String>) {
        self.shown.push(name.into());
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    }
}

fn run(args: &[&str], folder: &Path, input: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    // A lens that reads no input closes the pipe; that is no failure of this test.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let Output { stdout, stderr, .. } = child.wait_with_output().expect("the program ends");
    format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

/// All that the program says about a world, as pairs of the command and its output. `statements` are asked of
/// the SQL lens and `schedules` of the schedule lens.
fn outputs(world: &World, statements: &[String], schedules: &[String]) -> Vec<(String, String)> {
    let folder = world.folder.path();
    let beside = tempfile::tempdir().expect("a temporary folder");
    let kept = beside.path().join("report.json");
    let kept = kept.to_str().expect("its name is UTF-8");
    let out = format!("json={kept}");
    let mut all = vec![
        ("scan".to_owned(), run(&["scan", ".", "--as-of", "2026-11-24", "--out", &out], folder, "")),
        ("inspect source".to_owned(), run(&["inspect", "source", "."], folder, "")),
    ];
    let json = std::fs::read_to_string(kept).expect("the JSON report was written");
    let report: serde_json::Value = serde_json::from_str(&json).expect("the report is JSON");
    let texts = |list: &str, key: &str| -> Vec<String> {
        let rows = report[list].as_array().expect("it is a list").iter();
        rows.filter_map(|row| row[key].as_str().map(str::to_owned)).collect()
    };
    for what in texts("findings", "fingerprint").into_iter().chain(texts("entities", "id")) {
        let told = run(&["explain", &what, "--from", kept], folder, "");
        all.push((format!("explain {what}"), told));
    }
    let inputs = report["inputs"].as_array().expect("it is a list").iter();
    for input in inputs.filter(|row| {
        row["kind"].as_str().is_some_and(|kind| kind.contains("postgres-") || kind.contains("access-"))
    }) {
        let path = input["path"].as_str().expect("an input has a path");
        let path = if folder.join(path).exists() { path } else { path.split_once('/').map_or(path, |p| p.1) };
        all.push((format!("inspect log {path}"), run(&["inspect", "log", path], folder, "")));
    }
    let ask = |key: &str, dialect: &str, texts: &[String]| -> String {
        let line = |text: &String| format!("{}\n", serde_json::json!({ "dialect": dialect, key: text }));
        texts.iter().map(line).collect()
    };
    let asked = ask("sql", "postgres", statements) + &ask("sql", "generic", statements);
    all.push(("inspect sql".to_owned(), run(&["inspect", "sql", "-"], folder, &asked)));
    let asked = ask("expr", "vixie", schedules);
    all.push(("inspect schedule".to_owned(), run(&["inspect", "schedule", "-"], folder, &asked)));
    let evidence = beside.path().join("kept.evidence.jsonl.zst");
    let told = run(&["collect", ".", "-o", evidence.to_str().expect("its name is UTF-8")], folder, "");
    let packed = std::fs::File::open(evidence).expect("the evidence file was written");
    let rows = zstd::decode_all(packed).expect("it is zstd");
    all.push(("collect".to_owned(), told + &String::from_utf8(rows).expect("it is UTF-8")));
    all.push(("the JSON report".to_owned(), json));
    all
}

/// Holds a world to the promise: no canary anywhere, and everything that stands beside them shown.
fn nothing_gets_out(world: &World, statements: &[String], schedules: &[String]) {
    let all = outputs(world, statements, schedules);
    let mut leaks = Vec::new();
    for (command, output) in &all {
        let lower = output.to_lowercase();
        for canary in &world.canaries {
            for part in &canary.parts {
                if let Some(at) = lower.find(part.as_str()) {
                    let around: String = lower[..at].chars().rev().take(60).collect();
                    let around: String = around.chars().rev().collect();
                    leaks.push(format!("{} in {command}: …{around}«{part}»", canary.position));
                }
            }
        }
    }
    for (command, output) in &all {
        // A command that failed has shown nothing, and so proves nothing.
        assert!(!output.contains("whodepends: "), "{command}: {output}");
        let said = match command.strip_prefix("inspect ").and_then(|lens| lens.split(' ').next()) {
            Some("log") => output.contains("seen."),
            Some("sql") => statements.is_empty() || output.contains("seen."),
            Some("schedule") => schedules.is_empty() || output.contains("\"next\""),
            // A world of logs alone has no source to show.
            Some(_) => true,
            None => !output.trim().is_empty(),
        };
        assert!(said, "{command} shows nothing of what it was asked: {output}");
    }
    let report = &all.last().expect("the JSON report is the last output").1;
    let unread: Vec<&String> = world.shown.iter().filter(|name| !report.contains(name.as_str())).collect();
    assert!(leaks.is_empty(), "secrets got out:\n{}", leaks.join("\n"));
    assert!(
        unread.is_empty(),
        "not in the report, so their surroundings were not read: {unread:?}\n{report}"
    );
}

#[test]
fn settings_and_source_keep_their_passwords() {
    let mut world = World::new();
    let user = world.plant(Mail, "user of a DSN in .env");
    let mut url = |shape: Shape, position: &str, database: &str| {
        let secret = world.plant(shape, position);
        world.show(format!("db1/{database}"));
        format!("postgresql://app:{secret}@db1:5432/{database}")
    };
    let env = url(Word, "password of a DSN in .env", "in_env");
    let token = url(Token, "token as password of a DSN in .env", "in_env_token");
    let yaml = url(Word, "password of a DSN in YAML", "in_yaml");
    let compose = url(Word, "password of a DSN in a compose environment", "in_compose");
    let python = url(Word, "password of a DSN in Python", "in_python");
    let default = url(Word, "password of a DSN as default of an environment variable", "in_default");
    let comma = url(Word, "password with a comma", "in_comma").replace("-Zq", ",Zq");
    let slash = url(Word, "password with a slash", "in_slash").replace("-Zq", "/Zq");
    let question = url(Word, "password with a question mark", "in_question").replace("-Zq", "?Zq");
    let hash = url(Word, "password with a hash sign", "in_hash").replace("-Zq", "#Zq");
    let at = url(Word, "password with an at sign", "in_at").replace("-Zq", "@Zq");
    world.shown.retain(|name| !["in_comma", "in_hash"].iter().any(|rare| name.ends_with(rare)));
    let pairs = world.plant(Word, "password of a keyword DSN in Python");
    let parts = world.plant(Word, "DB_PASSWORD beside DB_HOST");
    let key = world.plant(Token, "AWS_SECRET_ACCESS_KEY in .env");
    let literal = world.plant(Word, "literal of a statement in Python");
    let part = world.plant(Word, "part of an f-string");
    let mail = world.plant(Mail, "e-mail as literal of a statement in Python");
    let call = world.plant(Word, "password of a URL that Python calls");
    let query = world.plant(Token, "token of a URL's query that Python calls");
    let hook = world.plant(Token, "token in the path of a URL that Python calls");
    let named = world.plant(Word, "short token of a constant in a URL's path");
    let escaped = world.plant(Word, "literal with another engine's escape in Python");
    let migration = world.plant(Word, "literal in an SQL file");
    for name in [
        "in_user",
        "in_pairs",
        "in_parts",
        "seen.py_plain",
        "seen.py_fstring",
        "seen.py_mail",
        "seen.sql_file",
    ] {
        world.show(name);
    }
    world.show("/v1/called");
    world.show("/v1/constant/");
    world.show("seen.py_escaped");
    world.write(
        "services/api/.env",
        &format!(
            "DATABASE_URL={env}\nTOKEN_URL='{token}'\nDB_HOST=db1\nDB_NAME=in_parts\nDB_USER=app\n\
         DB_PASSWORD={parts}\nAWS_SECRET_ACCESS_KEY={key}\nA={comma}\nB={slash}\nC={hash}\nD={at}\nE={question}\nF=postgres://{user}@db1:5432/in_user\n"
        ),
    );
    world.write("services/api/config.yaml", &format!("database:\n  url: \"{yaml}\"\n"));
    world.write(
        "docker-compose.yml",
        &format!("services:\n  web:\n    build: ./services/web\n    environment:\n      DSN: {compose}\n"),
    );
    world.write(
        "services/api/api.py",
        &format!(
            "import os\nimport psycopg2\nimport requests\n\
         connection = psycopg2.connect(\"{python}\")\n\
         other = psycopg2.connect(os.environ.get(\"DSN\", \"{default}\"))\n\
         third = psycopg2.connect(\"host=db1 dbname=in_pairs user=app password={pairs}\")\n\
         NAME = \"{part}\"\n\
         cursor.execute(\"SELECT a FROM seen.py_plain WHERE b = '{literal}'\")\n\
         cursor.execute(f\"SELECT a FROM seen.py_fstring WHERE b = '{{NAME}}'\")\n\
         cursor.execute(\"UPDATE seen.py_mail SET a = '{mail}' WHERE b = 1\")\n\
         requests.get(\"https://bob:{call}@api.example.org/v1/called?token={query}\")\n\
         TOKEN = \"{named}\"\n\
         requests.get(f\"https://api.example.org/v1/constant/{{TOKEN}}\")\n\
         cursor.execute(\"INSERT INTO seen.py_escaped VALUES ('it\\\\'s {escaped}')\")\n\
         requests.post(\"https://hooks.example.org/services/T02AB/B03CD/{hook}\")\n"
        ),
    );
    world.write("services/api/schema.sql", &format!("DELETE FROM seen.sql_file WHERE a = '{migration}';\n"));
    nothing_gets_out(&world, &[], &[]);
}

#[test]
fn java_typescript_and_their_settings_keep_their_passwords() {
    let mut world = World::new();
    let jdbc = world.plant(Word, "password of a JDBC address in YAML");
    let own = world.plant(Word, "spring.datasource.password in YAML");
    let default = world.plant(Word, "default of a placeholder of a password");
    let properties = world.plant(Word, "password in properties");
    let java = world.plant(Word, "password of a JDBC address in Java");
    let field = world.plant(Token, "constant with a secret's name in a URL of Java");
    let literal = world.plant(Word, "literal of a statement in Java");
    let pool = world.plant(Word, "password of a pool in TypeScript");
    let call = world.plant(Token, "token of a URL that TypeScript calls");
    let route = world.plant(Token, "token in the path of a route");
    for name in
        ["in_yaml", "in_properties", "in_java", "in_pool", "seen.java_table", "/v1/called", "/v1/feign/"]
    {
        world.show(name);
    }
    world.write("services/a/pom.xml", "<project>spring-boot</project>");
    world.write(
        "services/a/src/main/resources/application.yml",
        &format!(
            "spring:\n  datasource:\n    url: jdbc:postgresql://db1:5432/in_yaml?user=app&password={jdbc}\n    \
             password: {own}\npartner:\n  password: ${{PARTNER_PASSWORD:{default}}}\n  url: http://partner.example\n"
        ),
    );
    world.write(
        "services/a/src/main/resources/application-x.properties",
        &format!(
            "spring.datasource.url=jdbc:postgresql://db1:5432/in_properties\nspring.datasource.username=app\n\
             spring.datasource.password={properties}\n"
        ),
    );
    world.write(
        "services/a/src/main/java/A.java",
        &format!(
            "@RestController class A {{ static final String apiKey = \"{field}\";\n\
             String url = \"jdbc:postgresql://db1:5432/in_java?user=app&password={java}\";\n\
             @Value(\"${{partner.password}}\") String partnerPassword;\n\
             @GetMapping(\"/hooks/{route}\") void f() {{ jdbc.query(\"SELECT a FROM seen.java_table WHERE b = '{literal}'\");\n\
             restTemplate.getForObject(\"http://api.example.org/v1/called/\" + apiKey + partnerPassword, String.class); }} }}\n\
             @FeignClient(name = \"feign\", url = \"${{partner.url}}\") interface F {{ @GetMapping(\"/v1/feign/{{id}}\") void g(); }}\n"
        ),
    );
    world.write("services/b/package.json", "{}");
    world.write(
        "services/b/b.ts",
        &format!(
            "const pool = new Pool({{ host: 'db1', database: 'in_pool', user: 'app', password: '{pool}' }});\n\
             axios.get('http://api.example.org/v1/called?token={call}');\n"
        ),
    );
    nothing_gets_out(&world, &[], &[]);
}

#[test]
fn scripts_keep_their_passwords_and_literals() {
    let mut world = World::new();
    let mut lines = vec!["#!/bin/bash".to_owned()];
    let mut say = |shape: Shape, position: &str, shown: &str, line: &str| {
        let secret = world.plant(shape, position);
        if !shown.is_empty() {
            world.show(shown);
        }
        lines.push(line.replace("SECRET", &secret));
    };
    say(Word, "PGPASSWORD exported in a script", "", "export PGPASSWORD=SECRET");
    say(Token, "AWS_SECRET_ACCESS_KEY exported in a script", "", "export AWS_SECRET_ACCESS_KEY=SECRET");
    say(
        Word,
        "PGPASSWORD in front of psql",
        "seen.front",
        "PGPASSWORD=SECRET psql -h db1 -d shop -c 'SELECT a FROM seen.front'",
    );
    say(
        Word,
        "password of a keyword DSN of psql",
        "seen.pairs",
        "psql \"host=db1 dbname=shop user=app password=SECRET\" -c 'SELECT a FROM seen.pairs'",
    );
    say(
        Word,
        "quoted password of a keyword DSN of psql",
        "seen.quoted",
        "psql \"host=db1 dbname=shop password='a SECRET'\" -c 'SELECT a FROM seen.quoted'",
    );
    say(
        Word,
        "password of a DSN of psql",
        "seen.url",
        "psql postgresql://app:SECRET@db1/shop -c 'SELECT a FROM seen.url'",
    );
    say(
        Word,
        "password in a variable that psql's DSN uses",
        "seen.variable",
        "PASS=SECRET\npsql \"postgresql://app:$PASS@db1/shop\" -c 'SELECT a FROM seen.variable'",
    );
    say(
        Word,
        "password in the query of psql's DSN",
        "seen.query",
        "psql 'postgresql://app@db1/shop?password=SECRET' -c 'SELECT a FROM seen.query'",
    );
    say(
        Word,
        "literal of psql -c",
        "seen.literal",
        "psql -h db1 -d shop -c \"SELECT a FROM seen.literal WHERE b = 'SECRET'\"",
    );
    say(
        Iban,
        "account number in psql -c",
        "seen.iban",
        "psql -h db1 -d shop -c \"UPDATE seen.iban SET a = 'SECRET'\"",
    );
    say(
        Card,
        "card number without quotes in psql -c",
        "seen.card",
        "psql -h db1 -d shop -c \"SELECT a FROM seen.card WHERE b = SECRET\"",
    );
    say(
        Word,
        "literal in a here-document",
        "seen.here",
        "psql -h db1 -d shop <<'SQL'\nSELECT a FROM seen.here WHERE b = 'SECRET';\nSQL",
    );
    say(
        Word,
        "literal in a here-string",
        "seen.string",
        "psql -h db1 -d shop <<< \"SELECT a FROM seen.string WHERE b = 'SECRET'\"",
    );
    say(
        Word,
        "psql -v value",
        "seen.setting",
        "psql -h db1 -d shop -v who=SECRET -c \"SELECT a FROM seen.setting WHERE b = :'who'\"",
    );
    say(Word, "curl -u", "/v1/user", "curl -u bob:SECRET https://api.example.org/v1/user");
    say(
        Token,
        "curl bearer token",
        "/v1/bearer",
        "curl -H \"Authorization: Bearer SECRET\" https://api.example.org/v1/bearer",
    );
    say(Word, "password of a URL", "/v1/login", "curl https://bob:SECRET@api.example.org/v1/login");
    say(
        Word,
        "token of a URL's query",
        "/v1/query",
        "curl \"https://api.example.org/v1/query?token=SECRET\"",
    );
    say(Token, "token in a URL's path", "/hook/", "curl -d '{}' https://api.example.org/hook/SECRET");
    say(
        Word,
        "short token of a variable in a URL's path",
        "/v1/variable/",
        "TOKEN=SECRET\ncurl \"https://api.example.org/v1/variable/$TOKEN\"",
    );
    say(
        Word,
        "short token as default of a variable in a URL's path",
        "/v1/default/",
        "curl \"https://api.example.org/v1/default/${HOOK_TOKEN:-SECRET}\"",
    );
    say(Mail, "e-mail in a URL's path", "/v1/people/", "curl https://api.example.org/v1/people/SECRET");
    say(Word, "curl data", "/v1/data", "curl -d 'password=SECRET' https://api.example.org/v1/data");
    say(Word, "wget --password", "/v1/wget", "wget --password=SECRET https://files.example.org/v1/wget");
    say(Word, "mysql -p", "", "mysql -u root -pSECRET shop -e 'SELECT 1'");
    say(
        Token,
        "token in a path that scp copies",
        "partner.example.org",
        "scp /srv/SECRET/orders.csv shop@partner.example.org:in/orders_scp.csv",
    );
    say(
        Token,
        "token in a path that scp copies to",
        "/srv/out/there.csv",
        "scp /srv/out/there.csv shop@partner.example.org:in/SECRET/there.csv",
    );
    say(
        Token,
        "rsync --password-file",
        "/srv/out/sync.csv",
        "rsync --password-file /etc/SECRET /srv/out/sync.csv shop@partner.example.org:in/",
    );
    say(
        Token,
        "signature of an s3 URL",
        "daily.csv",
        "aws s3 cp 's3://exports/daily.csv?X-Amz-Signature=SECRET' /srv/in/daily.csv",
    );
    say(Token, "token in an s3 key", "exports", "aws s3 cp /srv/out/x.csv s3://exports/SECRET/x.csv");
    say(
        Mail,
        "e-mail in a path that is written",
        "/srv/out/",
        "psql -h db1 -d shop -c 'SELECT 1' > /srv/out/for-SECRET.csv",
    );
    say(Token, "token in a path that is run", "", "/opt/SECRET/run.sh");
    say(Word, "password given to a script", "", "/opt/jobs/other.sh --password SECRET");
    say(Word, "password of two words given to a script", "", "/opt/jobs/other.sh --password 'two SECRET'");
    say(
        Word,
        "literal of \\copy",
        "seen.copied",
        "psql -h db1 -d shop -c \"\\copy (SELECT a FROM seen.copied WHERE b = 'SECRET') TO '/srv/out/c.csv'\"",
    );
    world.write("batch1/etc/timezone", "UTC\n");
    world.write("batch1/etc/crontab", "5 4 * * * root /opt/jobs/all.sh\n");
    world.write("batch1/opt/jobs/all.sh", &lines.join("\n"));
    world.show("job:batch1/all");
    nothing_gets_out(&world, &[], &[]);
}

#[test]
fn clients_and_transfers_of_scripts_keep_their_passwords() {
    let mut world = World::new();
    let mut lines = vec!["#!/bin/bash".to_owned()];
    let mut say = |shape: Shape, position: &str, shown: &str, line: &str| {
        let secret = world.plant(shape, position);
        if !shown.is_empty() {
            world.show(shown);
        }
        lines.push(line.replace("SECRET", &secret));
    };
    let mut word = |position: &str, shown: &str, line: &str| say(Word, position, shown, line);
    word("mysql --password=", "my.long", "mysql -h db1 --password=SECRET my -e 'SELECT a FROM my.long'");
    word("mysql -p glued", "my.glued", "mysql -h db1 -u root -pSECRET my -e 'SELECT a FROM my.glued'");
    word(
        "MYSQL_PWD in front of mysql",
        "my.front",
        "MYSQL_PWD=SECRET mysql -h db1 my <<< 'SELECT a FROM my.front'",
    );
    word(
        "literal of MySQL in double quotes",
        "my.literal",
        "mysql -h db1 my -e 'SELECT a FROM my.literal WHERE b = \"SECRET\"'",
    );
    word("mysqldump -p glued", "dumped", "mysqldump -h db1 -u root -pSECRET dumped > /srv/out/dumped.sql");
    word(
        "sqlplus user/password@tns",
        "seen.plus",
        "sqlplus -s scott/SECRET@SHOP <<EOF\nSELECT a FROM seen.plus;\nEOF",
    );
    word(
        "sqlplus in quotes and a script",
        "plus_script",
        "sqlplus \"scott/SECRET@//db1:1521/SHOP\" @/opt/plus_script.sql",
    );
    word(
        "connect inside sqlplus",
        "seen.connected",
        "sqlplus /nolog <<EOF\nconnect scott/SECRET@SHOP\nDELETE FROM seen.connected;\nEOF",
    );
    word("sqlcmd -P", "seen.cmd", "sqlcmd -S db1 -U sa -P SECRET -d shop -Q 'SELECT a FROM seen.cmd'");
    word("bcp -P", "seen.bcp", "bcp shop.seen.bcp out /srv/out/b.csv -S db1 -U sa -P SECRET");
    word(
        "db2 connect using",
        "seen.db2",
        "db2 connect to SHOP user bob using SECRET\ndb2 'SELECT a FROM seen.db2'",
    );
    word(
        "password of a mongodb URI",
        "seen_uri",
        "mongosh mongodb://bob:SECRET@m1/shop --eval 'db.seen_uri.find()'",
    );
    word("mongo -p", "seen_mongo", "mongo m1/shop -u bob -p SECRET --eval 'db.seen_mongo.find()'");
    word("mongodump --password", "mdumped", "mongodump --host m1 --db mdumped --password SECRET");
    word("redis-cli -a", "seen_keys", "redis-cli -h r1 -a SECRET GET seen_keys");
    word(
        "password of a redis URL",
        "seen_url_keys",
        "redis-cli -u redis://bob:SECRET@r1:6379/2 GET seen_url_keys",
    );
    word(
        "beeline -p",
        "seen.hive",
        "beeline -u jdbc:hive2://hs2:10000/dw -n etl -p SECRET -e 'SELECT a FROM seen.hive'",
    );
    word(
        "clickhouse-client --password",
        "seen.click",
        "clickhouse-client --host ch1 --password SECRET --query 'SELECT a FROM seen.click'",
    );
    word("lftp -u", "lftp.example.org", "lftp -u bob,SECRET -e 'put /srv/out/a' lftp.example.org");
    word(
        "open inside lftp",
        "inlftp.example.org",
        "lftp <<EOF\nopen -u bob,SECRET inlftp.example.org\nput /srv/out/a\nEOF",
    );
    word(
        "user inside ftp",
        "ftp.example.org",
        "ftp -n ftp.example.org <<EOF\nuser bob SECRET\nput /srv/out/a\nEOF",
    );
    word(
        "quote PASS inside ftp",
        "ftp2.example.org",
        "ftp -n ftp2.example.org <<EOF\nquote USER bob\nquote PASS SECRET\nput /srv/out/a\nEOF",
    );
    word(
        "smbclient -U user%password",
        "smb_seen",
        "smbclient //files/share -U 'bob%SECRET' -c 'put /srv/out/a smb_seen'",
    );
    word("http -a", "/v1/httpie", "http -a bob:SECRET https://api.example.org/v1/httpie");
    word("curl -u glued", "/v1/glued", "curl -sSubob:SECRET https://api.example.org/v1/glued");
    word("curl --user with a sign", "/v1/equals", "curl --user=bob:SECRET https://api.example.org/v1/equals");
    word(
        "curl without a scheme",
        "/v1/plain",
        "curl bob:SECRET@api.example.org/v1/plain?x=1 https://api.example.org/v1/plain",
    );
    word(
        "password of a git URL",
        "seen_repo.git",
        "git clone https://bob:SECRET@git.example.org/o/seen_repo.git /srv/r",
    );
    word(
        "password of a duplicity URL",
        "dup_seen",
        "duplicity /srv/d sftp://bob:SECRET@bk.example.org/dup_seen",
    );
    word(
        "restic password",
        "restic_seen",
        "RESTIC_PASSWORD=SECRET restic -r s3:s3.amazonaws.com/restic_seen backup /srv/d",
    );
    word("zip -P", "zipped.zip", "zip -P SECRET /srv/out/zipped.zip /srv/out/a");
    word(
        "gpg --passphrase",
        "sealed.gpg",
        "gpg --batch --passphrase SECRET -c -o /srv/out/sealed.gpg /srv/out/a",
    );
    word("ldapsearch -w", "ldap1.example.org", "ldapsearch -H ldap://ldap1.example.org -D cn=bob -w SECRET");
    word("sshpass -p", "pass.example.org", "sshpass -p SECRET scp /srv/out/a bob@pass.example.org:in/a");
    word(
        "az --account-key",
        "azacc",
        "az storage blob upload --account-name azacc -c con -n b -f /srv/out/a --account-key SECRET",
    );
    word("s3cmd --secret_key", "s3cmd_seen", "s3cmd --secret_key=SECRET put /srv/out/a s3://s3cmd_seen/b");
    word("kcat -X sasl.password", "kcat_seen", "kcat -b k1 -X sasl.password=SECRET -t kcat_seen -C");
    word(
        "password in a command of another host",
        "seen.far",
        "ssh far.example.org \"PGPASSWORD=SECRET psql -h db1 -d shop -c 'SELECT a FROM seen.far'\"",
    );
    word(
        "password in a function's argument",
        "seen.function",
        "q() { PGPASSWORD=$1 psql -h db1 -d shop -c 'SELECT a FROM seen.function'; }\nq SECRET",
    );
    say(
        Word,
        "password in a comment about order",
        "",
        "# must run after the nightly import, password=SECRET",
    );
    say(Mail, "e-mail in a comment about order", "", "# wait for the nightly import, ask SECRET");
    say(Token, "key of an object", "s3_seen", "aws s3 cp /srv/out/a s3://s3_seen/SECRET");
    world.write("batch1/etc/timezone", "UTC\n");
    world.write("batch1/etc/crontab", "5 4 * * * root /opt/jobs/reach.sh\n");
    world.write("batch1/opt/jobs/reach.sh", &lines.join("\n"));
    world.show("job:batch1/reach");
    nothing_gets_out(&world, &[], &[]);
}

#[test]
fn crontabs_keep_their_passwords_literals_and_remarks() {
    let mut world = World::new();
    let mut lines = vec![];
    let mut schedules = vec![];
    let mut minute = 0;
    let mut job = |shape: Shape, position: &str, shown: &str, command: &str| {
        let secret = world.plant(shape, position);
        world.show(shown);
        minute += 1;
        let command = command.replace("SECRET", &secret);
        lines.push(format!("{minute} 4 * * * {command}"));
        // Whoever pastes a whole line into the schedule lens gets no secret back.
        schedules.push(format!("{minute} 4 * * * {command}"));
    };
    job(
        Word,
        "PGPASSWORD in front of a command",
        "seen.front",
        "PGPASSWORD=SECRET psql -h db1 -d shop -c 'SELECT a FROM seen.front'",
    );
    job(
        Word,
        "password with a comma in front of a command",
        "/opt/jobs/comma.sh",
        "PGPASSWORD=x,SECRET /opt/jobs/comma.sh --password y]SECRET",
    );
    for (position, shown, command) in [
        ("7z -p", "7z", "7z x -pSECRET a.7z"),
        ("mongodump -p", "mongodump", "mongodump -u bob -p SECRET --db shop"),
        ("docker login -p", "docker", "docker login -u bob -p SECRET registry.example.org"),
        ("unzip -P", "unzip", "unzip -P SECRET a.zip"),
        ("openssl -k", "openssl", "openssl enc -k SECRET -in a"),
        ("curl -b", "/v1/cookie", "curl -b session=SECRET https://api.example.org/v1/cookie"),
        ("http --auth", "http", "http --auth bob:SECRET https://api.example.org/v1/auth"),
        ("sqlplus", "sqlplus", "sqlplus bob/SECRET@db1 @a.sql"),
        ("psql -v", "seen.set", "psql -h db1 -d shop -v who=SECRET -c 'SELECT a FROM seen.set'"),
        (
            "escape string of psql -c",
            "seen.escaped",
            r#"psql -h db1 -d shop -c "SELECT a FROM seen.escaped WHERE b = E'it\'s SECRET'""#,
        ),
        (
            "string in double quotes of mysql -e",
            "mysql",
            r#"mysql shop -e 'DELETE FROM t WHERE a = "SECRET"'"#,
        ),
        (
            "statement that is piped to psql",
            "psql -h db1 -d piped",
            "echo \"DELETE FROM t WHERE a = 'SECRET'\" | psql -h db1 -d piped",
        ),
        ("command of another host", "ssh db1", r#"ssh db1 "PGPASSWORD=SECRET psql -d shop -c 'SELECT 1'""#),
    ] {
        job(Word, position, shown, command);
    }
    job(Word, "DB_PASS in front of a command", "/opt/jobs/pass.sh", "DB_PASS=SECRET /opt/jobs/pass.sh");
    job(
        Word,
        "password of a DSN",
        "seen.url",
        "psql postgres://app:SECRET@db1/shop -c 'SELECT a FROM seen.url'",
    );
    job(
        Word,
        "password of a keyword DSN",
        "seen.pairs",
        "psql \"host=db1 dbname=shop password=SECRET\" -c 'SELECT a FROM seen.pairs'",
    );
    job(
        Word,
        "quoted password of a keyword DSN",
        "seen.quoted",
        "psql \"host=db1 dbname=shop password='a SECRET'\" -c 'SELECT a FROM seen.quoted'",
    );
    job(Word, "curl -u", "/v1/user", "curl -fsS -u bob:SECRET https://api.example.org/v1/user");
    job(
        Word,
        "curl -u among other letters",
        "/v1/letters",
        "curl -sSu bob:SECRET https://api.example.org/v1/letters",
    );
    job(
        Token,
        "bearer token",
        "/v1/bearer",
        "curl -H \"Authorization: Bearer SECRET\" https://api.example.org/v1/bearer",
    );
    job(
        Word,
        "token of a URL's query",
        "/v1/query",
        "curl 'https://api.example.org/v1/query?a=b&token=SECRET'",
    );
    job(
        Token,
        "token in the path of a web hook",
        "/services/",
        "curl -d hello https://hooks.example.org/services/T02AB/B03CD/SECRET",
    );
    job(
        Word,
        "wget --password",
        "/v1/wget",
        "wget --user=bob --password=SECRET https://files.example.org/v1/wget",
    );
    job(Word, "mysql -p", "mysqldump", "mysqldump -u root -pSECRET shop");
    job(Word, "sshpass -p", "sshpass", "sshpass -p SECRET scp /srv/out/a.csv shop@partner.example.org:in/");
    job(Word, "sshpass -p without a blank", "sshpass", "sshpass -pSECRET sftp shop@partner.example.org");
    job(Word, "redis-cli -a", "redis-cli", "redis-cli -h cache1 -a SECRET FLUSHDB");
    job(Word, "lftp -u", "lftp", "lftp -u bob,SECRET partner.example.org -e mirror");
    job(
        Word,
        "literal of psql -c",
        "seen.literal",
        "psql -h db1 -d shop -c \"DELETE FROM seen.literal WHERE b = 'SECRET'\"",
    );
    job(
        Word,
        "literal of psql -c in single quotes",
        "seen.single",
        r"psql -h db1 -d shop -c 'DELETE FROM seen.single WHERE b = '\''SECRET'\'''",
    );
    job(
        Word,
        "dollar-quoted literal of psql -c",
        "seen.dollar",
        "psql -h db1 -d shop -c 'DELETE FROM seen.dollar WHERE b = $$SECRET$$'",
    );
    job(
        Word,
        "statement behind a percent sign",
        "seen.percent",
        "psql -h db1 -d shop%DELETE FROM seen.percent WHERE b = 'SECRET'",
    );
    job(Mail, "e-mail as an argument", "/opt/jobs/mail.sh", "/opt/jobs/mail.sh SECRET");
    job(Card, "card number as an argument", "/opt/jobs/card.sh", "/opt/jobs/card.sh SECRET");
    job(Iban, "account number as an argument", "/opt/jobs/iban.sh", "/opt/jobs/iban.sh SECRET");
    job(
        Token,
        "signature of a URL",
        "/v1/signed",
        "wget 'https://files.example.org/v1/signed?X-Amz-Credential=a&X-Amz-Signature=SECRET'",
    );
    job(Word, "password of two words", "/opt/jobs/words.sh", "/opt/jobs/words.sh --password 'two SECRET'");
    job(Token, "token in a path that is run", "/run_it.sh", "/opt/SECRET/run_it.sh");
    for (shape, remark) in [
        (Word, "runs after the import; password=SECRET"),
        (Word, "must be done before settle (password: SECRET)"),
        (Word, "the password is SECRET, start after the import"),
        (Mail, "leave time for the load, ask SECRET"),
        (Token, "wait for the export, key SECRET"),
    ] {
        let secret = world.plant(shape, remark);
        lines.push(format!("# {}", remark.replace("SECRET", &secret)));
        lines.push(format!("30 5 * * * /opt/jobs/remark{}.sh", world.canaries.len()));
        world.show(format!("/opt/jobs/remark{}.sh", world.canaries.len()));
    }
    let variable = world.plant(Word, "PGPASSWORD as a setting of the crontab");
    let odd = world.plant(Word, "a setting cron rejects");
    world.write("batch1/etc/timezone", "UTC\n");
    world.write(
        "batch1/var/spool/cron/crontabs/batch",
        &format!("PGPASSWORD={variable}\nPG-PASSWORD={odd} a b c d e\n{}\n", lines.join("\n")),
    );
    world.write("batch1/opt/jobs/pass.sh", "psql -h db1 -d shop -c 'SELECT a FROM seen.front'\n");
    schedules.push("5 4 * * *".to_owned());
    nothing_gets_out(&world, &[], &schedules);
}

/// The statements that both log formats get, with the secrets already in them; `named` are those that name a
/// table of the same number.
fn statements(world: &mut World) -> Vec<String> {
    let mut all = Vec::new();
    let mut say = |shape: Shape, position: &str, shown: &str, text: &str| {
        let secret = world.plant(shape, position);
        if !shown.is_empty() {
            world.show(shown);
        }
        all.push(text.replace("SECRET", &secret));
    };
    say(Mail, "e-mail as a literal", "seen.mail", "SELECT a FROM seen.mail WHERE b = 'SECRET'");
    say(Iban, "account number as a literal", "seen.iban", "UPDATE seen.iban SET a = 'SECRET' WHERE b = 7");
    say(Card, "card number as a number", "seen.card", "SELECT a FROM seen.card WHERE b = SECRET");
    say(Word, "plain word as a literal", "seen.word", "INSERT INTO seen.word (a, b) VALUES (1, 'SECRET')");
    say(
        Word,
        "literal with a doubled quote",
        "seen.doubled",
        "SELECT a FROM seen.doubled WHERE b = 'it''s SECRET'",
    );
    say(Word, "escape string", "seen.escape", r"SELECT a FROM seen.escape WHERE b = E'it\'s SECRET'");
    say(
        Word,
        "literal behind one that ends with a backslash",
        "seen.backslash",
        r"SELECT a FROM seen.backslash WHERE b LIKE'C:\' AND c = 'SECRET'",
    );
    say(Word, "dollar quotes", "seen.dollar", "SELECT a FROM seen.dollar WHERE b = $$it's SECRET$$");
    say(Word, "tagged dollar quotes", "seen.tagged", "SELECT a FROM seen.tagged WHERE b = $x$ SECRET $$ $x$");
    say(Word, "bit and national strings", "seen.prefixed", "SELECT a FROM seen.prefixed WHERE b = N'SECRET'");
    say(Word, "unicode escapes", "seen.unicode", "SELECT a FROM seen.unicode WHERE b = U&'SECRET'");
    say(Word, "literal over two lines", "seen.lines", "SELECT a FROM seen.lines WHERE b = 'one\n\tSECRET'");
    say(Word, "line comment", "seen.comment", "SELECT a FROM seen.comment -- password SECRET\n\tWHERE b = 1");
    say(Word, "block comment", "seen.block", "SELECT a FROM seen.block /* for SECRET */ WHERE b = 1");
    say(Word, "statement cut inside a literal", "seen.cut", "SELECT a FROM seen.cut WHERE b = 'SECRET");
    say(
        Word,
        "statement cut inside dollar quotes",
        "seen.cutdollar",
        "SELECT a FROM seen.cutdollar WHERE b = $q$SECRET",
    );
    say(
        Word,
        "statement the parser does not take",
        "seen.odd",
        "SELECT a FROM seen.odd WHERE b === 'SECRET' ON ON",
    );
    say(Mail, "e-mail in double quotes", "seen.wrong", "SELECT a FROM seen.wrong WHERE b = \"SECRET\"");
    say(Mail, "e-mail as the name of a column", "seen.alias", "SELECT a AS \"SECRET\" FROM seen.alias");
    say(
        Word,
        "COPY FROM PROGRAM",
        "seen.program",
        "COPY seen.program FROM PROGRAM 'curl -u bob:SECRET https://x.example.org/'",
    );
    say(Token, "COPY from a path", "seen.path", "COPY seen.path FROM '/srv/SECRET/in.csv'");
    say(Word, "ALTER ROLE", "", "ALTER ROLE app PASSWORD 'SECRET'");
    say(Word, "CREATE USER", "", "CREATE USER app WITH LOGIN PASSWORD 'SECRET' VALID UNTIL '2030-01-01'");
    say(
        Word,
        "CREATE USER MAPPING",
        "",
        "CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'a', password 'SECRET')",
    );
    say(
        Word,
        "CREATE SUBSCRIPTION",
        "",
        "CREATE SUBSCRIPTION s CONNECTION 'host=db2 password=SECRET' PUBLICATION p",
    );
    say(
        Word,
        "dblink's connection string",
        "seen.beside",
        "SELECT * FROM dblink('host=db2 dbname=crm password=SECRET', 'SELECT a FROM seen.remote') AS t(a int) JOIN seen.beside USING (a)",
    );
    say(Word, "NOTIFY payload", "", "NOTIFY orders, 'SECRET'");
    say(Word, "pg_notify payload", "seen.notify", "SELECT pg_notify('ch', 'SECRET') FROM seen.notify");
    say(
        Word,
        "dblink's URI",
        "seen.uri",
        "SELECT * FROM dblink('postgresql://bob:SECRET@db2/crm', 'SELECT 1') AS t(a int) JOIN seen.uri USING (a)",
    );
    say(
        Mail,
        "name of an advisory lock",
        "seen.locked",
        "SELECT pg_advisory_lock(hashtext('SECRET')) FROM seen.locked",
    );
    say(
        Token,
        "name in the catalogue",
        "seen.probed",
        "SELECT 1 FROM seen.probed, information_schema.tables t WHERE t.table_name = 'SECRET'",
    );
    say(
        Word,
        "width of a window",
        "seen.window",
        "SELECT 1 FROM seen.window WHERE ts > now() - interval 'SECRET'",
    );
    say(Mail, "pg_notify channel", "seen.channel", "SELECT pg_notify('SECRET', 'x') FROM seen.channel");
    say(Card, "advisory lock", "seen.lock", "SELECT pg_advisory_lock(SECRET) FROM seen.lock");
    say(Word, "SET of a custom setting", "", "SET my.secret = 'SECRET'");
    say(
        Word,
        "set_config of a custom setting",
        "seen.config",
        "SELECT set_config('my.secret', 'SECRET', false) FROM seen.config",
    );
    say(Mail, "SET application_name", "", "SET application_name = 'tool of SECRET'");
    say(Mail, "SET search_path", "", "SET search_path = 'SECRET', seen");
    say(Word, "table found by search_path", "found_by_path", "SELECT a FROM found_by_path -- SECRET");
    say(
        Mail,
        "e-mail as the name of a table",
        "seen.named",
        "SELECT a FROM \"SECRET\" JOIN seen.named USING (a)",
    );
    say(Word, "DO block", "", "DO $$ BEGIN PERFORM 1 WHERE 'SECRET' = 'x'; END $$");
    say(Word, "function body", "", "CREATE FUNCTION f() RETURNS text AS $$ SELECT 'SECRET' $$ LANGUAGE sql");
    say(
        Word,
        "PREPARE",
        "seen.prepared",
        "PREPARE p AS SELECT a FROM seen.prepared WHERE b = 'SECRET'; EXECUTE p",
    );
    say(Word, "EXECUTE parameter", "", "EXECUTE p('SECRET')");
    say(Word, "argument of a routine", "seen.routine", "CALL seen.routine('SECRET')");
    say(Word, "JSON path", "seen.json", "SELECT a ->> 'SECRET' FROM seen.json");
    say(
        Word,
        "interval and typed literals",
        "seen.typed",
        "SELECT a FROM seen.typed WHERE b = text 'SECRET'",
    );
    all
}

#[test]
fn a_stderr_log_keeps_its_literals_parameters_and_names() {
    let mut world = World::new();
    let asked = statements(&mut world);
    let mut lines = Vec::new();
    let mut second = 0;
    let mut line = |who: &str, text: &str| {
        second += 1;
        let (minute, second) = (second / 60, second % 60);
        lines.push(format!("2026-10-26 02:{minute:02}:{second:02}.123 UTC [4711] {who} {text}"));
    };
    line("[unknown]@[unknown]", "LOG:  connection received: host=10.20.3.7 port=40000");
    let mail = world.plant(Mail, "application name of an authorized connection");
    line(
        "app@shop",
        &format!("LOG:  connection authorized: user=app database=shop application_name=tool of {mail}"),
    );
    for statement in &asked {
        line("app@shop", &format!("LOG:  statement: {statement}"));
        line("app@shop", "LOG:  duration: 0.071 ms");
    }
    let failed = world.plant(Word, "literal of a statement that failed");
    line("app@shop", "ERROR:  relation \"seen.failed\" does not exist at character 15");
    line("app@shop", &format!("STATEMENT:  SELECT a FROM seen.failed WHERE b = '{failed}'"));
    let message = world.plant(Word, "value in an error's message");
    line("app@shop", &format!("ERROR:  invalid input syntax for type integer: \"{message}\""));
    line("app@shop", "STATEMENT:  SELECT a FROM seen.syntax WHERE b = 'x'");
    let detail = world.plant(Mail, "value in an error's detail");
    line("app@shop", "ERROR:  duplicate key value violates unique constraint \"k\"");
    line("app@shop", &format!("DETAIL:  Key (email)=({detail}) already exists."));
    line("app@shop", "STATEMENT:  INSERT INTO seen.duplicate VALUES (1)");
    let bare = world.plant(Word, "password without quotes in a statement that failed");
    line("app@shop", "ERROR:  syntax error at or near \"hunter\" at character 25");
    line("app@shop", &format!("STATEMENT:  ALTER ROLE app PASSWORD {bare}"));
    let parameter = world.plant(Word, "parameter of a prepared statement");
    line("app@shop", "LOG:  execute <unnamed>: SELECT a FROM seen.bound WHERE b = $1");
    line("app@shop", &format!("DETAIL:  parameters: $1 = '{parameter}'"));
    line("app@shop", "LOG:  duration: 0.071 ms");
    let plan = world.plant(Word, "filter of a plan");
    line(
        "app@shop",
        &format!(
            "LOG:  duration: 3.100 ms  plan:\n\tQuery Text: SELECT a FROM seen.planned WHERE b = '{plan}'\n\
         \tSeq Scan on planned  (cost=0.00..1.00 rows=1 width=4)\n\t  Filter: (b = '{plan}'::text)"
        ),
    );
    for name in ["seen.failed", "seen.syntax", "seen.duplicate", "seen.bound", "seen.planned", "tool of "] {
        world.show(name);
    }
    let user = world.plant(Mail, "login that is an e-mail address");
    line(&format!("{user}@shop"), "LOG:  statement: SELECT a FROM seen.login");
    let database = world.plant(Token, "database that is a token");
    line(&format!("app@{database}"), "LOG:  statement: SELECT a FROM seen.database");
    let refused = world.plant(Mail, "login of a refused connection");
    line(
        &format!("{refused}@shop"),
        &format!("FATAL:  password authentication failed for user \"{refused}\""),
    );
    let authorized = world.plant(Mail, "login of an authorized connection");
    line("[unknown]@[unknown]", "LOG:  connection received: host=10.20.3.8 port=40001");
    line(
        &format!("{authorized}@shop"),
        &format!("LOG:  connection authorized: user={authorized} database=shop"),
    );
    line(&format!("{authorized}@shop"), "LOG:  statement: SELECT a FROM seen.authorized");
    for name in ["seen.login", "seen.database", "seen.authorized"] {
        world.show(name);
    }
    world.write("logs/postgresql.log", &(lines.join("\n") + "\n"));
    // The same with names in the prefix.
    let (user, database) = (world.plant(Mail, "user= of a prefix"), world.plant(Mail, "db= of a prefix"));
    let application = world.plant(Mail, "app= of a prefix");
    let prefix = format!("user={user},db={database},app=of {application},client=10.20.3.7");
    world.write(
        "logs/pairs/postgresql.log",
        &format!(
            "2026-10-26 02:00:01.123 UTC [4712] {prefix} LOG:  statement: SELECT a FROM seen.prefix\n\
         2026-10-26 02:00:02.123 UTC [4712] {prefix} LOG:  statement: SELECT a FROM seen.prefix_more\n"
        ),
    );
    world.show("seen.prefix_more");
    nothing_gets_out(&world, &asked, &[]);
}

#[test]
fn a_csvlog_keeps_its_literals_parameters_and_names() {
    let mut world = World::new();
    let asked = statements(&mut world);
    let mut rows = Vec::new();
    let mut row = |user: &str,
                   database: &str,
                   application: &str,
                   severity: &str,
                   message: &str,
                   more: [&str; 2]| {
        let number = rows.len() + 1;
        let (minute, second) = (number / 60, number % 60);
        let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let [detail, query] = more.map(|text| if text.is_empty() { String::new() } else { quote(text) });
        rows.push(format!(
            "2026-10-26 02:{minute:02}:{second:02}.123 UTC,{},{},4711,\"10.20.3.7:40000\",6add9e66.1267,{number},\
             \"SELECT\",2026-10-26 02:00:00 UTC,4/0,0,{severity},00000,{},{detail},,,,,{query},,,{},\
             \"client backend\",,0",
            quote(user), quote(database), quote(message), quote(application)
        ));
    };
    for statement in &asked {
        let text = format!("duration: 0.071 ms  statement: {}", statement.replace("\n\t", "\n"));
        row("app", "shop", "tool", "LOG", &text, ["", ""]);
    }
    let parameter = world.plant(Word, "parameter in the detail column");
    row(
        "app",
        "shop",
        "tool",
        "LOG",
        "duration: 0.1 ms  execute a: SELECT a FROM seen.bound WHERE b = $1",
        [&format!("parameters: $1 = '{parameter}'"), ""],
    );
    let (message, query) =
        (world.plant(Word, "value in an error's message"), world.plant(Word, "literal in the query column"));
    row(
        "app",
        "shop",
        "tool",
        "ERROR",
        &format!("invalid input syntax for type integer: \"{message}\""),
        ["", &format!("SELECT a FROM seen.failed WHERE b = '{query}'")],
    );
    let (user, database) = (world.plant(Mail, "login"), world.plant(Mail, "database"));
    let application = world.plant(Mail, "application name");
    row(
        &user,
        &database,
        &format!("of {application}"),
        "LOG",
        "duration: 0.1 ms  statement: SELECT a FROM seen.login",
        ["", ""],
    );
    for name in ["seen.bound", "seen.failed", "seen.login"] {
        world.show(name);
    }
    world.write("logs/postgresql.csv", &(rows.join("\n") + "\n"));
    nothing_gets_out(&world, &asked, &[]);
}

#[test]
fn an_access_log_keeps_its_queries_referrers_keys_and_mails() {
    let mut world = World::new();
    let mut lines = String::new();
    let mut line = |user: &str, target: &str, referrer: &str, agent: &str, more: &str| {
        lines.push_str(&format!(
            "10.20.3.7 - {user} [26/Oct/2026:02:00:01 +0000] \"GET {target} HTTP/1.1\" 200 17 \"{referrer}\" \"{agent}\"{more}\n"
        ));
    };
    let (query, name) = (world.plant(Word, "value in a query"), world.plant(Token, "name in a query"));
    line("app", &format!("/seen.query?key={query}&{name}=1&{name}"), "-", "curl/8", "");
    let encoded = world.plant(Word, "query that was encoded twice");
    line("app", &format!("/seen.encoded%3Ftoken={encoded}"), "-", "curl/8", "");
    let whole = world.plant(Word, "login in an absolute target");
    line("app", &format!("http://app:{whole}@seen.example/seen.absolute"), "-", "curl/8", "");
    let (path, mail) = (world.plant(Token, "token in a path"), world.plant(Mail, "mail in a path"));
    line("app", &format!("/seen.path/token/{path}/{mail}"), "-", "curl/8", "");
    let (user, agent) = (world.plant(Mail, "login"), world.plant(Token, "key in a program's name"));
    line(&user, "/seen.login", "-", &format!("tool/1.0 key={agent}"), "");
    let (referrer, sight) =
        (world.plant(Word, "query of a referrer"), world.plant(Token, "path of a referrer"));
    let browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    line("-", "/seen.css", &format!("https://seen.example/{sight}?t={referrer}"), browser, "");
    let cookie = world.plant(Word, "a field nobody asked for");
    line("app", "/seen.field", "-", "curl/8", &format!(" \"session={cookie}\" cookie={cookie}"));
    let garbage = world.plant(Word, "what is no request");
    lines.push_str(&format!("10.20.3.7 - - [26/Oct/2026:02:00:01 +0000] \"{garbage}\" 400 17 \"-\" \"-\"\n"));
    for name in
        ["seen.query", "seen.encoded", "seen.absolute", "seen.path", "seen.login", "seen.css", "seen.field"]
    {
        world.show(name);
    }
    world.write("logs/access.log", &lines);
    nothing_gets_out(&world, &[], &[]);
}

#[test]
fn what_is_wrong_with_an_inventory_is_told_without_its_values() {
    let mut world = World::new();
    let secret = world.plant(Word, "a key the inventory does not know");
    let yaml = world.plant(Word, "a compose file that is no YAML");
    world.write(
        "whodepends.toml",
        &format!("[[system]]\nkind = \"database\"\nname = \"a\"\npassword = \"{secret}\"\n"),
    );
    world.write("docker-compose.yml", &format!("services:\n  a: [\n  PASSWORD: {yaml}: x\n"));
    let said = run(&["scan", "."], world.folder.path(), "");
    assert!(said.contains("password"), "the key that is wrong is named: {said}");
    for canary in &world.canaries {
        assert!(!said.contains(&canary.parts[0]), "{} got out: {said}", canary.position);
    }
}

#[test]
fn documents_and_catalogues_keep_what_people_put_into_them() {
    let mut world = World::new();
    let mut secret = |shape: Shape, position: &str| world.plant(shape, position);
    let login = secret(Word, "password of a server's address");
    let query = secret(Token, "token of a server's query");
    let variable = secret(Word, "password in a server's variable");
    let path = secret(Token, "token in a documented path");
    let key = secret(Word, "query in a documented path");
    let example = secret(Word, "example of a document");
    let inner = secret(Word, "password of a server in a catalogue's definition");
    let place = secret(Word, "password of a source location");
    let note = secret(Word, "an annotation");
    let name = secret(Token, "a token as a name of the catalogue");
    let reference = secret(Mail, "an address as a reference");
    let owner = secret(Mail, "an address as an owner");
    let broken = secret(Word, "a document that is no YAML");
    world.write(
        "services/api/openapi.yaml",
        &format!(
            "openapi: 3.0.3\nservers:\n- url: https://bob:{login}@10.20.1.11:8080/v1?token={query}\n\
             - {{ url: 'https://{{who}}@far.example', variables: {{ who: {{ default: 'bob:{variable}' }} }} }}\n\
             paths:\n  /seen.openapi/{{id}}:\n    get: {{ example: {{ password: {example} }} }}\n\
             \x20 /hook/{path}:\n    post: {{}}\n  /other?api_key={key}:\n    get: {{}}\n"
        ),
    );
    let entity = |kind: &str, name: &str, more: &str, spec: &str| {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata: {{ name: {name}{more} }}\nspec: {{ {spec} }}\n"
        )
    };
    let more = format!(
        ", annotations: {{ backstage.io/source-location: 'url:https://bob:{place}@git.example/a/b/tree/main/x', example.org/login: '{note}' }}"
    );
    let spec = format!(
        "owner: team-seen, dependsOn: ['resource:{reference}', 'resource:{name}', 'resource:shop-db']"
    );
    let definition = format!(
        "type: openapi, definition: 'openapi: 3.0.0\n\n  servers: [{{ url: \"https://bob:{inner}@in.example/v1\" }}]'"
    );
    let catalogue = entity("Component", "seen-component", &more, &spec)
        + &entity("Resource", &name, "", &format!("type: database, owner: '{owner}'"))
        + &entity("API", "seen-api", "", &definition)
        + &format!("---\napiVersion: backstage.io/v1alpha1\nkind: [\n  password: {broken}: x\n");
    world.write("services/api/catalog-info.yaml", &catalogue);
    world.write("services/api/.env", "PGHOST=db1\nPGDATABASE=shop\nPGUSER=api\n");
    world.write("services/api/a.py", "cursor.execute('SELECT a FROM seen.table')\n");
    world.write("services/broken/openapi.yaml", &format!("openapi: 3.0.3\npassword: {broken}: x\n"));
    world.write(
        "whodepends.toml",
        "[[system]]\nkind = \"service\"\nname = \"api\"\naddresses = [\"10.20.1.11:8080\"]\n[[source]]\npath = \"logs/*\"\nserver = \"api\"\n",
    );
    let asked = |path: &str| {
        format!(
            "10.20.3.7 - - [26/Oct/2026:02:00:01 +0000] \"GET {path} HTTP/1.1\" 200 17 \"-\" \"curl/8\"\n"
        )
    };
    world.write("logs/access.log", &(asked("/v1/seen.openapi/17") + &asked(&format!("/v1/hook/{path}"))));
    for name in ["/v1/seen.openapi/{id}", "seen-component", "team-seen"] {
        world.show(name);
    }
    nothing_gets_out(&world, &[], &[]);
}

#[test]
fn an_inventory_shows_what_its_people_wrote() {
    let mut world = World::new();
    let user = world.plant(Mail, "login of a person in the inventory");
    let other = world.plant(Mail, "login of somebody else");
    world.write("whodepends.toml", &format!(
        "[[system]]\nkind = \"database\"\nname = \"shop-db\"\naddresses = [\"db1\"]\ndatabases = [\"shop\"]\n\
         [[consumer]]\nkind = \"person\"\nname = \"kim\"\nusers = [\"{user}\"]\nuses = [\"shop-db\"]\n\
         [[source]]\npath = \"logs/*\"\nserver = \"shop-db\"\n\
         [[accept]]\nrule = \"shadow-consumer\"\nreason = \"moves with password resets to the new platform\"\n"
    ));
    world.write(
        "logs/postgresql.log",
        &format!(
            "2026-10-26 02:00:01.123 UTC [4712] {user}@shop LOG:  statement: SELECT a FROM seen.known\n\
         2026-10-26 02:00:02.123 UTC [4713] {other}@shop LOG:  statement: SELECT a FROM seen.unknown\n"
        ),
    );
    // The reason of an accepted finding is there to be read, and two people do not become one.
    world.show("moves with password resets to the new platform");
    world.show("person:kim read table:shop-db/shop/seen.known");
    nothing_gets_out(&world, &[], &[]);
    let json = run(&["scan", ".", "--format", "json"], world.folder.path(), "");
    assert!(!json.contains("person:kim read table:shop-db/shop/seen.unknown"), "{json}");
}

#[test]
fn programs_and_statements_of_a_crontab_keep_what_they_are_given() {
    let mut world = World::new();
    let forms = [
        "expdp system/{}",
        "isql -U sa -P {} -S db1",
        "htpasswd -b /etc/seen u {}",
        "mc alias set m http://seen:9000 KEYID {}",
        "curl -H 'Cookie: session={}' http://seen.example/",
        "curl -d x https://hooks.slack.com/services/T0AB/B0CD/{}",
        "export PW={}; psql \"postgresql://u:$PW@seen-db/shop\" -c 'SELECT a FROM seen.table'",
        "mysql -h seen-db shop -e \"SET PASSWORD FOR 'u'@'h' = PASSWORD('{}')\"",
        "keytool -list -storepass {}",
        "ftp -n seen <<< \"user u {}\"",
    ];
    let mut lines = String::new();
    for form in forms {
        let secret = world.plant(Word, form);
        lines.push_str(&format!("0 2 * * * root {}\n", form.replace("{}", &secret)));
    }
    world.write("etc/cron.d/seen", &lines);
    world.show("seen-db");
    world.show("/services/T0AB/B0CD/");
    nothing_gets_out(&world, &[], &[]);
    let listed = run(&["jobs", "."], world.folder.path(), "");
    assert!(listed.contains("htpasswd -b /etc/seen u ‹scrubbed›"), "{listed}");
    for canary in &world.canaries {
        assert!(!listed.contains(&canary.parts[0]), "{} got out: {listed}", canary.position);
    }
}
