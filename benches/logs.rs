//! How fast query logs are read: a PostgreSQL log of many shapes and sessions is generated, then scanned several
//! times; printed are megabytes a second, the peak memory of the process, and what pgBadger takes for the same log
//! where it is installed. `cargo bench`, or `cargo bench --bench logs -- MEGABYTES [FILE]` to choose the size and to
//! keep the log.

#![allow(clippy::print_stdout)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;
use whodepends::scan::{Plan, scan};

/// A small generator of reproducible noise (SplitMix64).
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Writes a log of about this many bytes: 40 sessions at a time, 12 logins, 300 shapes over 60 tables.
fn generate(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut noise = Noise(7);
    let (mut written, mut second) = (0, 0u64);
    while written < bytes {
        second += noise.below(3);
        let session = noise.below(40);
        let (login, day) = (session % 12, 1 + second / 86_400);
        let (hour, minute) = (second / 3600 % 24, second / 60 % 60);
        let head = format!(
            "2026-10-{day:02} {hour:02}:{minute:02}:{:02}.{:03} UTC [{}]: [{}-1] user=app_{login},db=shop,app=svc-{login},client=10.0.{login}.7 ",
            second % 60,
            noise.below(1000),
            4000 + session,
            1 + noise.below(900),
        );
        let (table, shape) = (noise.below(60), noise.below(7));
        let text = match shape {
            0 => format!("SELECT id, status, total FROM s.t{table} WHERE id = {}", noise.below(1_000_000)),
            1 => format!(
                "UPDATE s.t{table} SET status = 'paid {}' WHERE id = {}",
                noise.below(999),
                noise.below(99)
            ),
            2 => format!("INSERT INTO s.t{table} (a, b, c) VALUES ({}, 'x', now())", noise.below(1_000_000)),
            3 => format!(
                "WITH late AS (\n\t  SELECT id FROM s.t{table}\n\t   WHERE day > '2026-10-01'\n\t)\n\tSELECT l.id, count(*) FROM late l JOIN s.t{} u ON u.id = l.id GROUP BY l.id",
                (table * 7 + 3) % 60
            ),
            4 => "BEGIN".to_owned(),
            5 => "COMMIT".to_owned(),
            _ => {
                format!("DELETE FROM s.t{table} WHERE id IN ({}, {}, 7)", noise.below(999), noise.below(999))
            }
        };
        let line = format!("{head}LOG:  duration: 0.{:03} ms  statement: {text}\n", noise.below(1000));
        written += line.len() as u64;
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

/// Peak resident memory in megabytes, where the system says.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

/// How long another program takes for the log, in seconds; `None` where it is not installed or fails.
fn peer(program: &str, arguments: &[&str], log: &Path) -> Option<f64> {
    let start = Instant::now();
    let mut command = std::process::Command::new(program);
    let status = command.args(arguments).arg(log).stdout(std::process::Stdio::null()).status().ok()?;
    status.success().then(|| start.elapsed().as_secs_f64())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let megabytes: u64 = typed.first().map_or(Ok(64), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = typed.get(1).map_or_else(|| folder.path().join("postgresql.log"), PathBuf::from);
    generate(&path, megabytes * 1_000_000)?;
    let mut own = f64::MAX;
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(16 << 20).build()?;
        let mut best = f64::MAX;
        for _ in 0..3 {
            let plan = Plan {
                paths: vec![path.clone()],
                config: None,
                as_of: Some("2026-11-24".to_owned()),
                since: None,
                until: None,
                kinds: Vec::new(),
                filter: None,
                block_bytes: whodepends::collect::BLOCK_BYTES,
            };
            let start = Instant::now();
            let outcome = pool.install(|| scan(&plan, &|_, _| {}))?;
            assert!(!outcome.report.links.is_empty(), "the log gives links");
            best = best.min(start.elapsed().as_secs_f64());
        }
        let size = std::fs::metadata(&path)?.len() as f64 / 1e6;
        println!(
            "{threads} thread(s): {size:.0} MB in {best:.2} s, {:.0} MB/s; peak {:?} MB",
            size / best,
            peak()
        );
        own = own.min(best);
    }
    let prefix = "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ";
    let html = folder.path().join("pgbadger.html").to_string_lossy().into_owned();
    match peer("pgbadger", &["-q", "-j", "1", "-p", prefix, "-o", &html], &path) {
        Some(seconds) => println!("pgbadger -j 1: {seconds:.2} s, {:.0} times as long", seconds / own),
        None => println!("pgbadger is not installed"),
    }
    Ok(())
}
