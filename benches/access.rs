//! How fast access logs are read: a combined log of many addresses, paths and programs is generated, then scanned
//! with one and with two threads, and read by `goaccess` where it is installed. Printed are seconds, megabytes a second
//! and the peak memory of the process. `cargo bench --bench access -- MEGABYTES [FILE]` chooses the size and keeps the
//! log.

mod measure;

use measure::{Noise, compare, measure, peer};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Small numbers much more often than large ones, as with pages and visitors.
trait Skewed {
    /// A number below a bound.
    fn skewed(&mut self, bound: u64) -> u64;
}

impl Skewed for Noise {
    fn skewed(&mut self, bound: u64) -> u64 {
        let limit = 1 + self.below(bound);
        self.below(limit)
    }
}

const PARTS: [&str; 16] = [
    "orders",
    "customers",
    "invoices",
    "prices",
    "stock",
    "carts",
    "users",
    "reports",
    "search",
    "items",
    "images",
    "static",
    "pages",
    "news",
    "shops",
    "partners",
];

/// A target: an API's with identifiers, a page, or what a page loads.
fn target(noise: &mut Noise) -> String {
    let part = PARTS[noise.skewed(16) as usize];
    let other = PARTS[noise.below(16) as usize];
    match noise.below(8) {
        0 | 1 => format!("/api/v1/{part}/{}", noise.skewed(2_000_000)),
        2 => format!("/api/v2/{part}?page={}&sort=created", noise.below(50)),
        3 => format!("/api/v1/{part}/{}/{other}", noise.skewed(90_000)),
        4 => format!("/static/{part}/{other}.{:08x}.js", noise.skewed(60)),
        5 => format!("/{part}/{other}-{}.html", noise.skewed(400)),
        6 => format!("/{part}/?utm_source={other}&id={}", noise.below(10_000)),
        _ => format!("/img/{part}/{}.png", noise.skewed(3_000)),
    }
}

/// The program of a client.
fn agent(client: u64) -> String {
    let minor = client % 23;
    match client % 10 {
        0 => format!("okhttp/4.{minor}.0"),
        1 => format!("python-requests/2.{minor}.1"),
        2 => format!("Mozilla/5.0 (compatible; Googlebot/2.{minor}; +http://www.google.com/bot.html)"),
        3 | 4 => format!(
            "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0",
            100 + minor,
            100 + minor
        ),
        5 => "-".to_owned(),
        _ => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
            100 + minor
        ),
    }
}

/// Writes a log of about this many bytes: 60,000 visitors, and 40 services that each do a few things again and again,
/// over some days.
fn generate(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut noise = Noise(11);
    let (mut written, mut tick) = (0, 0u64);
    while written < bytes {
        tick += noise.below(5);
        let (second, client) = (tick / 10, noise.skewed(60_000));
        let (day, hour, minute) = (1 + second / 86_400, second / 3600 % 24, second / 60 % 60);
        let service = (noise.below(5) == 0).then(|| noise.below(40));
        let (address, asked, program) = match service {
            Some(service) => {
                let mut own = Noise(service * 8 + noise.below(8));
                (
                    format!("10.0.1.{service}"),
                    target(&mut own),
                    format!("service-{service}/1.{}", service % 3),
                )
            }
            None => {
                let (b, c) = (client / 7 % 256, client / 256 % 256);
                (format!("{}.{b}.{c}.{}", 11 + client % 180, client % 251), target(&mut noise), agent(client))
            }
        };
        let method = ["GET", "GET", "GET", "GET", "GET", "POST", "HEAD", "PUT"][noise.below(8) as usize];
        let status = [200, 200, 200, 200, 200, 304, 404, 201, 302, 500, 401, 200][noise.below(12) as usize];
        let referrer = match noise.below(3) {
            0 => "-".to_owned(),
            _ => format!("https://shop.example{}", target(&mut noise)),
        };
        let line = format!(
            "{address} - - [{day:02}/Oct/2026:{hour:02}:{minute:02}:{:02} +0000] \"{method} {} HTTP/1.1\" {status} {} \"{referrer}\" \"{}\"\n",
            second % 60,
            asked,
            noise.below(90_000),
            program,
        );
        written += line.len() as u64;
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let typed: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let megabytes: u64 = typed.first().map_or(Ok(200), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = typed.get(1).map_or_else(|| folder.path().join("access.log"), PathBuf::from);
    generate(&path, megabytes * 1_000_000)?;
    let own = measure(&path)?;
    let out = folder.path().join("peer.json").to_string_lossy().into_owned();
    compare(
        "goaccess",
        peer("goaccess", &["--log-format=COMBINED", "--no-progress", "-o", &out], &path),
        own,
    );
    Ok(())
}
