//! What the benches of logs share: noise that is the same in every run, scanning a log several times, and how long another
//! program takes for it.

#![allow(clippy::print_stdout)]
// Each bench uses a part.
#![allow(dead_code)]

pub mod estate;

use std::path::Path;
use std::time::Instant;
use whodepends::scan::{Plan, scan};

/// A small generator of reproducible noise (SplitMix64).
pub struct Noise(pub u64);

impl Noise {
    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Peak resident memory in megabytes, where the system says.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

/// How long another program takes for the log, in seconds; `None` where it is not installed or fails.
pub fn peer(program: &str, arguments: &[&str], log: &Path) -> Option<f64> {
    let start = Instant::now();
    let mut command = std::process::Command::new(program);
    let status = command.args(arguments).arg(log).stdout(std::process::Stdio::null()).status().ok()?;
    status.success().then(|| start.elapsed().as_secs_f64())
}

/// A scan of one file, as it is asked for every time.
pub fn plan(path: &Path) -> Plan {
    Plan {
        paths: vec![path.to_path_buf()],
        config: None,
        as_of: Some("2026-11-24".to_owned()),
        since: None,
        until: None,
        kinds: Vec::new(),
        filter: None,
        block_bytes: whodepends::collect::BLOCK_BYTES,
    }
}

/// Scans a log several times with one thread and with two, and prints how fast; gives the best time in seconds.
pub fn measure(path: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let mut own = f64::MAX;
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(16 << 20).build()?;
        let mut best = f64::MAX;
        for _ in 0..3 {
            let plan = plan(path);
            let start = Instant::now();
            let outcome = pool.install(|| scan(&plan, &|_, _| {}))?;
            assert!(!outcome.report.links.is_empty(), "the log gives links");
            best = best.min(start.elapsed().as_secs_f64());
        }
        let size = std::fs::metadata(path)?.len() as f64 / 1e6;
        println!(
            "{threads} thread(s): {size:.0} MB in {best:.2} s, {:.0} MB/s; peak {:?} MB",
            size / best,
            peak()
        );
        own = own.min(best);
    }
    Ok(own)
}

/// Prints how much longer another program took.
pub fn compare(name: &str, took: Option<f64>, own: f64) {
    match took {
        Some(seconds) => println!("{name}: {seconds:.2} s, {:.0} times as long", seconds / own),
        None => println!("{name} is not installed"),
    }
}

/// Processor time of all threads so far in seconds, where the system says: on a busy machine it is what counts.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    // User and system time in ticks, of which Linux shows 100 a second (proc(5), fields 14 and 15).
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|text| text.parse().ok()).collect();
    ticks.iter().sum::<f64>() / 100.0
}

/// A step that is measured.
pub struct Step(Instant, f64);

impl Step {
    /// Begins now; the peak is counted from here on, where the system can (proc_pid_clear_refs(5), since Linux 4.0).
    pub fn begin() -> Step {
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Step(Instant::now(), processor())
    }

    /// Prints what it took.
    pub fn end(&self, what: &str, uses: u64) {
        let (wall, busy) = (self.0.elapsed().as_secs_f64(), processor() - self.1);
        let rate = uses as f64 / busy;
        println!(
            "{what}: {wall:.2} s, {busy:.2} s of processors, {rate:.0} rows per such second; peak {} MB",
            peak().unwrap_or(0)
        );
    }
}
