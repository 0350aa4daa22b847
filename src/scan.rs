//! The pipeline on one screen: inputs, evidence, who is who, graph, findings, report. It knows no command
//! line and prints nothing.

use crate::collect::{self, Window, World};
use crate::evidence::{Evidence, Gap, GapCode, InputStatus, Place, Stamp, Text};
use crate::findings::{self, Finding};
use crate::graph::Graph;
use crate::input::{self, InputFile, Inputs, WalkError};
use crate::report::{self, Report};
use crate::resolve::{self, Clock};
use crate::settings::{AcceptEntry, Settings, id_glob};
use crate::timing;
use std::path::{Path, PathBuf};

/// What a scan is asked to do.
pub struct Plan {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// A settings file; none: `whodepends.toml` at the root of an argument.
    pub config: Option<PathBuf>,
    /// The day next runs and expiry are counted from, `YYYY-MM-DD`; none: what the settings say, else today.
    pub as_of: Option<String>,
    /// What was observed before this moment is left out.
    pub since: Option<Stamp>,
    /// What was observed after this moment is left out.
    pub until: Option<Stamp>,
    /// Paths that are read as a stated kind, or as files of a stated host (`host:NAME`).
    pub kinds: Vec<(String, PathBuf)>,
    /// Which packets of captures are read (pcap-filter(7)).
    pub filter: Option<String>,
    /// How many bytes of a log are parsed as one unit.
    pub block_bytes: usize,
}

/// A scan that could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The settings cannot be used.
    #[error("{path}: {reason}")]
    Settings {
        /// The file.
        path: String,
        /// What is wrong, where, and what to try.
        reason: String,
    },
    /// A day that is none.
    #[error("{0}: not a day; write it as YYYY-MM-DD")]
    Day(String),
}

/// What a scan gave.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Named arguments that could not be read.
    pub errors: Vec<WalkError>,
    /// Whether any reader knew any input.
    pub recognised: bool,
}

fn settings(plan: &Plan, inputs: &Inputs) -> Result<Settings, ScanError> {
    let failed = |path: String, reason: String| ScanError::Settings { path, reason };
    if let Some(path) = &plan.config {
        let shown = path.to_string_lossy().into_owned();
        let text =
            std::fs::read_to_string(path).map_err(|error| failed(shown.clone(), error.kind().to_string()))?;
        return Settings::parse(&text).map_err(|reason| failed(shown, reason));
    }
    let depth = |path: &str| path.matches('/').count();
    let own = inputs
        .files
        .iter()
        .filter(|file| file.name() == "whodepends.toml")
        .min_by_key(|file| depth(&file.path));
    let Some(file) = own else { return Ok(Settings::default()) };
    let text = file.text().map_err(|error| failed(file.path.to_string(), error.to_string()))?;
    let settings = Settings::parse(&text).map_err(|reason| failed(file.path.to_string(), reason))?;
    Ok(Settings { folder: file.path.trim_end_matches(file.name()).to_owned(), ..settings })
}

/// The paths and kinds of a scan, with the settings file among them: it is an inventory as well, wherever it lies.
fn with_config(plan: &Plan) -> (Vec<PathBuf>, Vec<(String, PathBuf)>) {
    let (mut paths, mut kinds) = (plan.paths.clone(), plan.kinds.clone());
    if let Some(config) = &plan.config {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let own = real(config);
        if own.is_file() && !paths.iter().any(|path| own.starts_with(real(path))) {
            paths.push(config.clone());
        }
        kinds.push(("whodepends-toml".to_owned(), config.clone()));
    }
    (paths, kinds)
}

/// Where one settings file is named, the others of the scan are left out, and said to be.
fn drop_other_settings(plan: &Plan, inputs: &mut Inputs) {
    let Some(config) = &plan.config else { return };
    let text = std::fs::read_to_string(config).ok();
    let other = |file: &InputFile| {
        file.name() == "whodepends.toml" && file.forced.is_none() && file.text().ok() != text
    };
    let (left, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut inputs.files).into_iter().partition(other);
    inputs.files = kept;
    let why = "another settings file was named with --config".to_owned();
    inputs.skipped.extend(left.into_iter().map(|file| (file.path, why.clone())));
}

fn day(plan: &Plan, settings: &Settings) -> Result<jiff::civil::Date, ScanError> {
    match plan.as_of.as_ref().or(settings.as_of.as_ref()) {
        Some(text) => text.parse().map_err(|_| ScanError::Day(text.clone())),
        None => Ok(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()),
    }
}

/// The day's first moment in UTC.
fn midnight(day: jiff::civil::Date) -> Stamp {
    let start = day.to_zoned(jiff::tz::TimeZone::UTC);
    start.map_or(Stamp::from_seconds(0), |start| Stamp::from_seconds(start.timestamp().as_second()))
}

/// The files that were named as arguments and could not be read as anything: each with the gap that says why.
fn unread(inputs: &Inputs, evidence: &Evidence) -> Vec<WalkError> {
    let gaps = evidence.gaps();
    let records = evidence.inputs();
    let failed = |file: &&InputFile| {
        let record = records.iter().find(|record| record.path == file.path);
        let read = |status| matches!(status, InputStatus::Read | InputStatus::Partly);
        file.named && record.is_some_and(|record| record.kind.is_empty() || !read(record.status))
    };
    let why = |file: &InputFile| {
        let gap = gaps.iter().find(|gap| gap.place.input == file.path);
        gap.map_or("nothing of it was read".to_owned(), |gap| gap.detail.to_string())
    };
    let named = inputs.files.iter().filter(failed);
    named.map(|file| WalkError { path: file.path.to_string(), reason: why(file) }).collect()
}

/// Scans. `progress` is told the path and the bytes done since last told.
pub fn scan(plan: &Plan, progress: &(dyn Fn(&str, u64) + Sync)) -> Result<Outcome, ScanError> {
    let (paths, kinds) = with_config(plan);
    let (mut inputs, mut errors) = input::walk(&paths, &kinds);
    drop_other_settings(plan, &mut inputs);
    for error in &errors {
        let place = Place::whole(&Text::from(error.path.as_str()));
        inputs.gaps.push(Gap::new(place, GapCode::Unreadable, format!("cannot be read: {}", error.reason)));
    }
    inputs.gaps.sort();
    let settings = settings(plan, &inputs)?;
    let mut settings_gaps = Vec::new();
    let as_of = day(plan, &settings)?;
    for source in &settings.sources {
        if !inputs.files.iter().any(|file| settings.is_source(source, &file.path)) {
            let place = Place::whole(&Text::from("whodepends.toml"));
            let detail = format!("[[source]] path = {:?} matches no input", source.path);
            settings_gaps.push(Gap::new(place, GapCode::BadConfig, detail));
        }
    }
    let mut world = World::new(&inputs, &settings, progress);
    world.block_bytes = plan.block_bytes;
    world.filter = plan.filter.as_deref();
    world.window = Window { since: plan.since, until: plan.until };
    let evidence = collect::collect_all(&world);
    let recognised = evidence.inputs().iter().any(|input| !input.kind.is_empty());
    errors.extend(unread(&inputs, &evidence));
    let clock = Clock::new(&timing::job_runs);
    let mut resolved = resolve::resolve(&evidence, &clock);
    let gaps = std::mem::take(&mut resolved.gaps);
    let graph = Graph::new(resolved, midnight(as_of));
    let findings = findings::check_all(&graph);
    let (accepted, stale) = accept(&graph, &findings, &settings.accepts, as_of);
    let report = build(
        &evidence,
        &inputs,
        &graph,
        &findings,
        &accepted,
        gaps.into_iter().chain(settings_gaps).chain(stale),
        as_of,
    );
    Ok(Outcome { report, errors, recognised })
}

fn build(
    evidence: &Evidence,
    inputs: &Inputs,
    graph: &Graph,
    findings: &[Finding],
    accepted: &[Option<String>],
    gaps: impl Iterator<Item = Gap>,
    as_of: jiff::civil::Date,
) -> Report {
    let mut all = evidence.gaps();
    all.extend(gaps);
    all.sort();
    report::build(&report::Parts {
        evidence,
        skipped: &inputs.skipped,
        graph,
        findings,
        accepted,
        gaps: &all,
        as_of,
    })
}

/// Which findings were accepted, and the entries that expired or match nothing.
fn accept(
    graph: &Graph,
    findings: &[Finding],
    entries: &[AcceptEntry],
    as_of: jiff::civil::Date,
) -> (Vec<Option<String>>, Vec<Gap>) {
    let mut accepted = vec![None; findings.len()];
    let mut stale = Vec::new();
    let place = Place::whole(&Text::from("whodepends.toml"));
    for entry in entries {
        let fits = |pattern: Option<&str>, id: &str| {
            pattern.is_none_or(|p| id_glob(p).is_some_and(|g| g.is_match(id)))
        };
        let id =
            |entity: Option<resolve::EntityId>| entity.map_or("", |entity| graph.entity(entity).id.as_str());
        let matches = |finding: &Finding| {
            let consumer = finding.consumer.or(finding.downstream);
            fits(Some(&entry.rule), finding.rule.id)
                && fits(entry.consumer.as_deref(), id(consumer))
                && fits(entry.resource.as_deref(), id(finding.resource))
        };
        let hits: Vec<usize> = (0..findings.len()).filter(|index| matches(&findings[*index])).collect();
        let until: Option<jiff::civil::Date> = entry.until.as_deref().and_then(|text| text.parse().ok());
        let expired = entry.until.is_some() && until.is_none_or(|until| until < as_of);
        let name = format!("[[accept]] rule = {:?}, reason = {:?}", entry.rule, entry.reason);
        if expired {
            let detail = format!("{name} has expired or its day cannot be read; its findings are back");
            stale.push(Gap::new(place.clone(), GapCode::StaleAccept, detail));
        } else if hits.is_empty() {
            stale.push(Gap::new(place.clone(), GapCode::StaleAccept, format!("{name} matches no finding")));
        } else {
            for hit in hits {
                accepted[hit] = Some(entry.reason.clone());
            }
        }
    }
    (accepted, stale)
}
