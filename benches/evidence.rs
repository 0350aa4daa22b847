//! How fast evidence files are written, read, merged and scanned: a body of evidence of many uses is generated, kept in
//! one file and in four; printed are rows a second and the peak memory of the process so far. `cargo bench --bench
//! evidence`, or `cargo bench --bench evidence -- USES [FOLDER]` to choose the size and to keep the files.

#![allow(clippy::print_stdout)]

mod measure;

use measure::{Step, plan};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use whodepends::evidence::{
    Action, Actor, At, Basis, Class, Confidence, Evidence, Mention, MentionKind, Outcome, Place, Resource,
    Scope, Sees, SessionSketch, Shape, Span, Stamp, Text, Vantage, What, Zone, file,
};
use whodepends::report;
use whodepends::scan::{Wanted, scan_for};

/// Logins of each server.
const LOGINS: u64 = 12;
/// Tables of each server.
const TABLES: u64 = 60;
/// Statements of each login for each table.
const SHAPES: u64 = 17;

/// The uses of these numbers: of one server after the other, each seen on five days.
fn evidence(numbers: impl Iterator<Item = u64>) -> Evidence {
    let mut evidence = Evidence::new();
    for n in numbers {
        let (shape, rest) = (n % SHAPES, n / SHAPES);
        let (table, rest) = (rest % TABLES, rest / TABLES);
        let (login, server) = (rest % LOGINS, rest / LOGINS);
        let name = |text: String| Text::from(text);
        let id = name(format!("postgres-stderr:db{server}/postgresql.log"));
        let input = name(format!("db{server}/postgresql.log"));
        let actor = Actor::new()
            .with(MentionKind::User, format!("app_{login}"))
            .with(MentionKind::Address, format!("10.{server}.{login}.7"))
            .with(MentionKind::Application, format!("svc-{login}"))
            .with(MentionKind::Database, "shop");
        let parts = vec![name("s".to_owned()), name(format!("t{table}"))];
        let at = (name(format!("db{server}")), name("shop".to_owned()));
        let sample =
            format!("select id, status, total, c{shape} from s.t{table} where id = ? and c{shape} > ?");
        let mark = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let what = What {
            vantage: id.clone(),
            actor,
            action: Action::Read,
            resource: Resource::table(parts).at(Some(&at.0), Some(&at.1)),
            shape: Shape { fingerprint: mark, sample: name(sample) },
            outcome: Outcome::Ok,
            class: Class::App,
            scope: Scope::Production,
            basis: Basis::Observed,
            confidence: Confidence::High,
            traits: std::collections::BTreeSet::new(),
        };
        let begin = 1_790_000_000;
        for day in 0..5u64 {
            let stamp = Stamp::from_seconds((begin + day * 86_400 + mark % 80_000) as i64);
            let place = Place { input: input.clone(), at: At::Line(n + day) };
            evidence.add_event(what.clone(), stamp, Some(100 + mark % 900), place);
        }
        evidence.add_vantage(Vantage {
            id: id.clone(),
            kind: Text::from("postgres-stderr"),
            of: Mention::new(MentionKind::System, at.0.clone()),
            zone: Zone { name: Text::from("UTC"), known: true },
            spans: vec![Span {
                first: Stamp::from_seconds(begin as i64),
                last: Stamp::from_seconds(begin as i64 + 432_000),
            }],
            sees: Sees::All,
            lost: 0,
            sessions: SessionSketch::default(),
            tried: true,
        });
    }
    evidence
}

fn keep(path: &Path, evidence: &Evidence) -> std::io::Result<()> {
    file::write(evidence, Vec::new(), BufWriter::new(File::create(path)?))?;
    Ok(())
}

fn unpacked(path: &Path) -> std::io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::Decoder::new(BufReader::new(File::open(path)?))?))
}

fn main() -> Result<(), Box<dyn Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let uses: u64 = typed.first().map_or(Ok(500_000), |text| text.parse())?;
    let made = tempfile::tempdir()?;
    let folder = typed.get(1).map_or_else(|| made.path().to_path_buf(), PathBuf::from);
    let parts: Vec<PathBuf> = (0..4).map(|part| folder.join(format!("{part}.evidence.jsonl.zst"))).collect();
    for (part, path) in (0..4).zip(&parts) {
        keep(path, &evidence(uses * part / 4..uses * (part + 1) / 4))?;
    }
    let whole = folder.join("whole.evidence.jsonl.zst");
    let step = Step::begin();
    let open = |path: &PathBuf| Ok((path.display().to_string(), unpacked(path)?));
    let opened = parts.iter().map(open).collect::<std::io::Result<Vec<_>>>()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| file::merge(opened, BufWriter::new(File::create(&whole)?)).map(drop))?;
    step.end("merged from four files, 1 thread", uses);

    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(16 << 20).build()?;
        let step = Step::begin();
        let kept = pool
            .install(|| file::read(&Text::from("whole"), unpacked(&whole).expect("it is there"), &|_| ()))?;
        assert_eq!((kept.rows as i64 - uses as i64) / 1000, 0, "all rows are read");
        step.end(&format!("read, {threads} thread(s)"), uses);
        let step = Step::begin();
        pool.install(|| keep(&folder.join("again"), &kept.evidence))?;
        step.end(&format!("written, {threads} thread(s)"), uses);
        assert!(std::fs::read(&whole)? == std::fs::read(folder.join("again"))?, "it is the same file");
        drop(kept);
        let plan = plan(&whole);
        let step = Step::begin();
        let outcome = pool.install(|| scan_for(&plan, Wanted::Links, &|_, _| ()))?;
        let pattern = "table:db3/shop/s.t7".to_owned();
        let question = report::on::Question { pattern, depth: 2, reverse: false };
        let answer = report::on::ask(&outcome.report, &question)?;
        assert!(report::on::text(&answer).contains("app_"), "it has consumers");
        step.end(&format!("`on` one of its tables, {threads} thread(s)"), uses);
    }
    println!("{:.1} MB on disk", std::fs::metadata(&whole)?.len() as f64 / 1e6);
    Ok(())
}
