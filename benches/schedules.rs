//! How fast schedules are expanded and scripts are read: 10,000 schedules over 35 days on one core, with `croner` beside
//! them, and a folder of 1,800 scripts on two. Printed are seconds and how much came of it. `cargo bench --bench
//! schedules -- SCHEDULES SCRIPTS` chooses how many.

#![allow(clippy::print_stdout)]

mod measure;

use measure::{Noise, plan};
use std::error::Error;
use std::path::Path;
use std::time::Instant;
use whodepends::schedule;

/// Schedules as estates have them: most run daily or hourly, many every few minutes, some weekly or monthly.
fn schedules(count: usize) -> Vec<String> {
    let mut noise = Noise(7);
    let mut one = || {
        let (minute, hour) = (noise.below(60), noise.below(24));
        match noise.below(20) {
            0..=7 => format!("{minute} {hour} * * *"),
            8..=10 => format!("{minute} * * * *"),
            11 | 12 => format!("*/{} * * * *", [5, 10, 15, 20, 30][noise.below(5) as usize]),
            13 => "* * * * *".to_owned(),
            14 | 15 => format!("{minute} {hour} * * {}", noise.below(7)),
            16 => format!("{minute} {hour} * * 1-5"),
            17 => format!("{minute} {hour} {} * *", 1 + noise.below(28)),
            18 => format!("{minute} */{} * * *", 2 + noise.below(5)),
            _ => format!("{minute} {hour} {} * {}", 1 + noise.below(28), noise.below(7)),
        }
    };
    (0..count).map(|_| one()).collect()
}

const DAYS: i64 = 35;

fn expand(texts: &[String]) -> Result<(), Box<dyn Error>> {
    let zone = schedule::zone("Europe/Berlin").ok_or("the zone is known")?;
    let from: jiff::Timestamp = "2026-10-01T00:00:00Z".parse()?;
    let to = from.as_second() + DAYS * 86_400;
    let start = Instant::now();
    let mut runs = 0;
    for text in texts {
        let parsed = schedule::parse("vixie", text).map_err(|rejected| rejected.reason)?;
        runs += parsed.next(&zone, from.as_second()).take_while(|run| *run <= to).count();
    }
    let own = start.elapsed().as_secs_f64();
    println!("{} schedules over {DAYS} days: {own:.3} s, {runs} runs, one core", texts.len());
    let (first, last) = (from.to_zoned(zone.clone()), jiff::Timestamp::from_second(to)?.to_zoned(zone));
    let start = Instant::now();
    let mut runs = 0;
    for text in texts {
        let parsed: croner::Cron = text.parse()?;
        runs += parsed.iter_after(first.clone()).take_while(|run| *run <= last).count();
    }
    let peer = start.elapsed().as_secs_f64();
    println!("croner: {peer:.3} s, {runs} runs; {:.1} times as long", peer / own);
    Ok(())
}

/// A script as estates have them: variables, a here-document with SQL, a transfer, a call.
fn script(number: u64) -> String {
    let (table, other) = (number % 97, number % 41);
    format!(
        "#!/bin/bash\n# Copies part {number} to the partner, after the nightly load.\nset -euo pipefail\n\
         DAY=$(date +%Y%m%d)\nOUT=/srv/out/part{number}_$DAY.csv\nDB=${{DB:-shop}}\nHOST=db{other}\n\
         log() {{ echo \"$(date) $*\" >> /var/log/part{number}.log; }}\n\
         psql -h $HOST -d $DB -v ON_ERROR_STOP=1 <<SQL > $OUT\n\
         COPY (SELECT o.id, c.name FROM public.orders_{table} o JOIN public.customers c ON c.id = o.customer) TO STDOUT;\nSQL\n\
         for target in a b c; do\n  curl -fsS -X POST \"http://hooks.example/$target/{number}\" -d @$OUT || log failed\ndone\n\
         gzip -f $OUT && scp $OUT.gz partner{other}.example:/in/ && log done\n"
    )
}

fn read(count: u64) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    for number in 0..count {
        let path = folder.path().join(format!("host{}/opt/jobs/part{number}.sh", number % 30));
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(path, script(number))?;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).stack_size(16 << 20).build()?;
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let outcome = pool.install(|| whodepends::scan::scan(&plan(folder.path()), &|_, _| {}))?;
        best = best.min(start.elapsed().as_secs_f64());
        std::hint::black_box(outcome);
    }
    println!("{count} scripts, scanned whole with two threads: {best:.2} s");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let number = |at: usize, usual: u64| typed.get(at).map_or(Ok(usual), |text| text.parse::<u64>());
    expand(&schedules(usize::try_from(number(0, 10_000)?)?))?;
    read(number(1, 1_800)?)
}
