//! Places of schedules held to small worlds through the program itself: the whole list of jobs is compared, with
//! near misses, because a job too many is as wrong as one too few.

mod airflow;
mod anacron;
mod ansible;
mod apscheduler;
mod at;
mod autosys;
mod calls;
mod celery;
mod chef;
mod control_m;
mod crontab_templates;
mod databases;
mod gitlab;
mod hangfire;
mod installed;
mod laravel;
mod node_timers;
mod parts;
mod puppet;
mod puppet_uses;
mod quartz;
mod ruby_clocks;
mod ruby_queues;
mod runners;
mod salt;
mod spring;
mod systemd;
mod taken_in;
mod terraform;
mod whenever;
mod windows;
mod zones;

use std::process::Command;

/// A world: files with their texts, and links with what they lead to.
struct World<'a> {
    files: &'a [(&'a str, &'a str)],
    links: &'a [(&'a str, &'a str)],
}

impl World<'_> {
    fn report(&self) -> serde_json::Value {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
                .expect("folders can be made");
            path
        };
        for (path, text) in self.files {
            std::fs::write(made(path), text).expect("files can be written");
        }
        for (path, target) in self.links {
            std::os::unix::fs::symlink(target, made(path)).expect("links can be made");
        }
        scan(folder.path())
    }
}

/// What the program says of a folder.
fn scan(folder: &std::path::Path) -> serde_json::Value {
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(folder)
        .args(["scan", ".", "--format", "json", "--as-of", "2026-11-24"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// A word of a record; nothing where it has none.
fn word<'a>(of: &'a serde_json::Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or("-")
}

/// The jobs of a report, a line each: who, account, schedule, zone, guards, command, place.
fn jobs(report: &serde_json::Value) -> Vec<String> {
    let line = |job: &serde_json::Value| {
        let guards = job["guards"].as_array().into_iter().flatten().filter_map(|guard| guard.as_str());
        let guards = guards.map(|guard| format!(" [{guard}]")).collect::<String>();
        let zone = if job["zone_known"] == true { word(job, "zone") } else { "?" };
        let (who, user, schedule) = (word(job, "entity"), word(job, "user"), word(job, "schedule"));
        format!(
            "{who} as {user}: {schedule} ({zone}){guards}: {} @ {}",
            word(job, "command"),
            word(job, "place")
        )
    };
    report["jobs"].as_array().expect("jobs are a list").iter().map(line).collect()
}

/// The gaps of a report that schedules raise, a line each; that jobs are an application's code, `parts` holds.
fn gaps(report: &serde_json::Value) -> Vec<String> {
    let told = report["gaps"].as_array().expect("gaps are a list").iter();
    let of_schedules = told.filter(|gap| !matches!(word(gap, "code"), "unrecognised" | "unknown-zone"));
    of_schedules
        .filter(|gap| !word(gap, "detail").starts_with(parts::OF_THE_APPLICATION))
        .map(|gap| format!("{} {}: {}", word(gap, "code"), word(gap, "place"), word(gap, "detail")))
        .collect()
}

/// The links of a report, a line each.
fn links(report: &serde_json::Value) -> Vec<String> {
    let told = report["links"].as_array().expect("links are a list").iter();
    told.map(|link| format!("{} {} {}", word(link, "consumer"), word(link, "action"), word(link, "resource")))
        .collect()
}

/// What the jobs of a report wait for, a line each.
fn waits(report: &serde_json::Value) -> Vec<String> {
    let told = report["jobs"].as_array().expect("jobs are a list").iter();
    let of_job = |job: &serde_json::Value| -> Vec<String> {
        let waits = job["waits"].as_array().into_iter().flatten().filter_map(|wait| wait.as_str());
        waits.map(|wait| format!("{} {wait}", word(job, "entity"))).collect()
    };
    told.flat_map(of_job).collect()
}
