//! How fast slow query logs of MySQL are read: one of many shapes and sessions is generated, then scanned several times;
//! printed are megabytes a second and the peak memory of the process. `cargo bench --bench mysql -- MEGABYTES [FILE]` chooses
//! the size and keeps the log; pt-query-digest reads it in the same run, where it is installed.

mod measure;

use measure::{Noise, compare, peer};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One statement: 7 kinds over 60 tables.
fn statement(noise: &mut Noise) -> String {
    let table = noise.below(60);
    match noise.below(7) {
        0 => format!("SELECT id, status, total FROM t{table} WHERE id = {}", noise.below(1_000_000)),
        1 => format!(
            "UPDATE t{table} SET status = 'paid\\' {}', note = \"it's\" WHERE id = {}",
            noise.below(999),
            noise.below(99)
        ),
        2 => format!("INSERT INTO `t{table}` (a, b, c) VALUES ({}, 'x', now())", noise.below(1_000_000)),
        3 => format!(
            "SELECT l.id, count(*)\n  FROM t{table} l\n  JOIN t{} u ON u.id = l.id\n WHERE l.day > '2026-10-01'\n GROUP BY l.id",
            (table * 7 + 3) % 60
        ),
        4 => "BEGIN".to_owned(),
        5 => "COMMIT".to_owned(),
        _ => format!("DELETE FROM t{table} WHERE id IN ({}, {}, 7)", noise.below(999), noise.below(999)),
    }
}

/// Writes a log of about this many bytes, as MariaDB lays it out: 40 threads at a time, 12 logins.
fn generate(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut noise = Noise(7);
    let (mut written, mut second, mut last) = (0, 0u64, u64::MAX);
    while written < bytes {
        second += noise.below(8) / 7;
        let thread = noise.below(40);
        let login = thread % 12;
        let mut record = String::new();
        if second != last {
            let (day, hour, minute) = (1 + second / 86_400, second / 3600 % 24, second / 60 % 60);
            record = format!("# Time: 2611{day:02} {hour:2}:{minute:02}:{:02}\n", second % 60);
            last = second;
        }
        record.push_str(&format!(
            "# User@Host: app_{login}[app_{login}] @ app{login}.example [10.0.{login}.7]\n\
             # Thread_id: {}  Schema: shop{}  QC_hit: No\n\
             # Query_time: 0.{:06}  Lock_time: 0.000010  Rows_sent: 1  Rows_examined: {}\n\
             # Rows_affected: 0  Bytes_sent: {}\n\
             SET timestamp={};\n{};\n",
            4000 + thread,
            login % 3,
            noise.below(20_000),
            noise.below(5_000),
            noise.below(900),
            1_793_491_200 + second,
            statement(&mut noise),
        ));
        written += record.len() as u64;
        out.write_all(record.as_bytes())?;
    }
    out.flush()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let megabytes: u64 = typed.first().map_or(Ok(64), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = typed.get(1).map_or_else(|| folder.path().join("slow.log"), PathBuf::from);
    generate(&path, megabytes * 1_000_000)?;
    let own = measure::measure(&path)?;
    compare("pt-query-digest", peer("pt-query-digest", &["--limit", "10"], &path), own);
    Ok(())
}
