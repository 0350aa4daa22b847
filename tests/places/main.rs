//! Places of schedules, each on small worlds through the program: all jobs and all refusals are compared, so that a job
//! too many fails like one too few, and each claim has its near miss.

mod crontabs;
mod crontabs_ignored;
mod github;
mod jenkins;
mod kubernetes;

use std::process::Command;

/// The report of a world.
fn report(files: &[(&str, &str)]) -> serde_json::Value {
    report_with(files, &[])
}

/// The report of a world in which some files may be executed.
fn report_with(files: &[(&str, &str)], executable: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("folders can be made");
        std::fs::write(path, text).expect("files can be written");
    }
    #[cfg(unix)]
    for path in executable {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path().join(path), mode).expect("modes can be set");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_whodepends"))
        .current_dir(folder.path())
        .args(["scan", ".", "--format", "json", "--as-of", "2026-11-24"])
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// The jobs, a line each: place, name, schedule, dialect, zone (`?`: not known), guards, command.
fn jobs(report: &serde_json::Value) -> Vec<String> {
    let jobs = report["jobs"].as_array().expect("jobs are a list").iter().map(|job| {
        let word = |key: &str| job[key].as_str().unwrap_or("").to_owned();
        let guards = job["guards"].as_array().into_iter().flatten();
        let guards: Vec<&str> = guards.filter_map(|it| it.as_str()).collect();
        let known = if job["zone_known"] == true { "" } else { "?" };
        let guards = if guards.is_empty() { String::new() } else { format!(" [{}]", guards.join(", ")) };
        let (place, entity, schedule) = (word("place"), word("entity"), word("schedule"));
        let (dialect, zone, command) = (word("dialect"), word("zone"), word("command"));
        format!("{place} {entity}: {schedule} ({dialect}, {zone}{known}){guards} {command}")
    });
    let mut jobs: Vec<String> = jobs.collect();
    jobs.sort();
    jobs
}

/// What was refused, not understood or computed, a line each.
fn refused(report: &serde_json::Value) -> Vec<String> {
    let gaps = report["gaps"].as_array().expect("gaps are a list").iter();
    let of_schedules = |gap: &&serde_json::Value| {
        ["bad-schedule", "unparsed", "unresolved"].iter().any(|code| gap["code"] == *code)
    };
    let line = |gap: &serde_json::Value| {
        format!("{}: {}", gap["place"].as_str().unwrap_or(""), gap["detail"].as_str().unwrap_or(""))
    };
    gaps.filter(of_schedules).map(line).collect()
}

/// The uses, without logins alone, a line each: who, what, and the place that says so.
fn uses(report: &serde_json::Value) -> Vec<String> {
    let links = report["links"].as_array().expect("links are a list").iter();
    let links = links.filter(|link| link["action"] != "connect").map(|link| {
        let word = |key: &str| link[key].as_str().unwrap_or("").to_owned();
        let place = link["evidence"][0]["place"].as_str().unwrap_or("");
        format!("{} {}s {} at {place}", word("consumer"), word("action"), word("resource"))
    });
    let mut links: Vec<String> = links.collect();
    links.sort();
    links
}

const NOTHING: [&str; 0] = [];
