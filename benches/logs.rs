//! How fast query logs are read: a PostgreSQL log of many shapes and sessions is generated, then scanned several
//! times; printed are megabytes a second, the peak memory of the process, and what pgBadger takes for the same log
//! where it is installed. `cargo bench`, or `cargo bench --bench logs -- MEGABYTES [FILE]` to choose the size and to
//! keep the log.

mod measure;

use measure::{Noise, compare, peer};
use std::io::Write;
use std::path::{Path, PathBuf};

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let megabytes: u64 = typed.first().map_or(Ok(64), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = typed.get(1).map_or_else(|| folder.path().join("postgresql.log"), PathBuf::from);
    generate(&path, megabytes * 1_000_000)?;
    let own = measure::measure(&path)?;
    let prefix = "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ";
    let html = folder.path().join("pgbadger.html").to_string_lossy().into_owned();
    compare("pgbadger -j 1", peer("pgbadger", &["-q", "-j", "1", "-p", prefix, "-o", &html], &path), own);
    Ok(())
}
