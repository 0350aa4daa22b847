//! The pipeline on one screen: inputs, evidence, who is who, graph, findings, report. It knows no command
//! line and prints nothing.

use crate::collect::{self, Window, World, evidence_file};
use crate::decisions;
use crate::evidence::file::Carried;
use crate::evidence::{Apart, Evidence, Gap, GapCode, InputStatus, Place, Stamp, Text};
use crate::findings;
use crate::graph::Graph;
use crate::input::{self, InputFile, Inputs, Shown, WalkError};
use crate::report::on::Question;
use crate::report::{self, Report};
use crate::resolve::{self, Again, Clock, Outline, Resolved};
use crate::settings::{Settings, SourceEntry};
use crate::timing;
use std::collections::BTreeSet;
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
    /// What is kept of each use is when it was seen, not its events.
    #[error("{0}: an evidence file keeps no single events; give --since and --until to `collect`")]
    Window(String),
    /// An input would be lost.
    #[error("{0}: is one of the inputs; write to another file")]
    Overwrites(String),
    /// A day that is none.
    #[error("{0}: not a day; write it as YYYY-MM-DD")]
    Day(String),
}

/// How what is collected is shown and kept.
#[derive(Default)]
pub struct Keep {
    /// A folder that all inputs are shown under, to tell machines apart; empty: none.
    pub under: String,
    /// The file it will be written to, which must be no input.
    pub out: Option<PathBuf>,
}

/// What `collect` gave.
pub struct Collected {
    /// All that was stated, but for what the settings file states.
    pub evidence: Evidence,
    /// The settings that acted, with what their file states.
    pub settings: Vec<Carried>,
    /// Named arguments that could not be read.
    pub errors: Vec<WalkError>,
    /// Whether any reader knew any input.
    pub recognised: bool,
}

/// What a scan gave.
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// Named arguments that could not be read.
    pub errors: Vec<WalkError>,
    /// Whether any reader knew any input.
    pub recognised: bool,
    /// The settings file that acted, where there was one.
    pub settings: Option<PathBuf>,
}

/// The settings that act, and those an evidence file carried, where it is they that do.
struct Acting {
    settings: Settings,
    path: Option<Text>,
    real: Option<PathBuf>,
    carried: Option<Carried>,
}

fn settings(plan: &Plan, inputs: &Inputs, carried: &[Carried]) -> Result<Acting, ScanError> {
    let failed = |path: &str, reason: String| ScanError::Settings { path: path.to_owned(), reason };
    let depth = |path: &str| path.matches('/').count();
    let named = |file: &&InputFile| match &plan.config {
        Some(_) => file.forced.as_deref() == Some("whodepends-toml"),
        None => file.name() == "whodepends.toml",
    };
    if let Some(path) = &plan.config {
        let shown = path.to_string_lossy();
        let text = std::fs::read_to_string(path).map_err(|error| failed(&shown, input::reason(&error)))?;
        let mut settings = Settings::parse(&text).map_err(|reason| failed(&shown, reason))?;
        settings.place(path, inputs.files.iter().map(|file| (&*file.path, &*file.real)));
        let real = Some(path.clone());
        let path = inputs.files.iter().find(named).map(|file| file.path.clone());
        return Ok(Acting { settings, path, real, carried: None });
    }
    if let Some(file) = inputs.files.iter().filter(named).min_by_key(|file| depth(&file.path)) {
        let text = file.text().map_err(|error| failed(&file.path, error.to_string()))?;
        let settings = Settings::parse(&text).map_err(|reason| failed(&file.path, reason))?;
        let folder = file.path.trim_end_matches(file.name()).to_owned();
        let mut settings = Settings { folder, ..settings };
        settings.place(&file.real, inputs.files.iter().map(|file| (&*file.path, &*file.real)));
        let (path, real) = (Some(file.path.clone()), Some(file.real.to_path_buf()));
        return Ok(Acting { settings, path, real, carried: None });
    }
    match carried {
        [] => Ok(Acting { settings: Settings::default(), path: None, real: None, carried: None }),
        [one] => {
            let settings = Settings::from_kept(&one.says, &one.folder);
            let settings = settings.map_err(|reason| failed(&one.path, reason))?;
            Ok(Acting { settings, path: Some(one.path.clone()), real: None, carried: Some(one.clone()) })
        }
        [one, ..] => Err(failed(
            &one.path,
            "the evidence files were collected under different settings: name those that hold with --config"
                .to_owned(),
        )),
    }
}

/// The kinds of a scan, with the settings file among them: it is an inventory as well, wherever it lies. Beside them
/// the settings file itself, where it lies in no argument.
fn with_config(plan: &Plan) -> (Vec<(String, PathBuf)>, Option<&Path>) {
    let mut kinds = plan.kinds.clone();
    let mut beside = None;
    if let Some(config) = &plan.config {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let own = real(config);
        if own.is_file() && !plan.paths.iter().any(|path| own.starts_with(real(path))) {
            beside = Some(config.as_path());
        }
        kinds.push(("whodepends-toml".to_owned(), config.clone()));
    }
    (kinds, beside)
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

/// All that was stated, and under which settings.
struct Gathered {
    evidence: Evidence,
    acting: Acting,
    errors: Vec<WalkError>,
}

/// Whether the scan is mostly of evidence files: then what they hold may come by the group, and be read twice.
fn is_kept(inputs: &Inputs) -> bool {
    let (kept, others): (Vec<&InputFile>, Vec<&InputFile>) =
        inputs.files.iter().partition(|file| evidence_file::is_one(file));
    let size = |files: Vec<&InputFile>| files.iter().fold(0u64, |sum, file| sum.saturating_add(file.size));
    size(kept) > size(others)
}

/// Reads everything. `keep` says how and where it is kept, when it is not analysed at once; `apart`, which uses of evidence
/// files are told apart where the others may come by the group.
fn gather(
    plan: &Plan,
    keep: Option<&Keep>,
    apart: Option<&Apart>,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Gathered, ScanError> {
    let (kinds, beside) = with_config(plan);
    let shown = Shown { under: keep.map_or("", |keep| &keep.under), settings: beside };
    let (mut inputs, mut errors) = input::walk_as(&plan.paths, &kinds, &shown);
    drop_other_settings(plan, &mut inputs);
    for error in &errors {
        let place = Place::whole(&Text::from(error.path.as_str()));
        inputs.gaps.push(Gap::new(place, GapCode::Unreadable, format!("cannot be read: {}", error.reason)));
    }
    inputs.gaps.sort();
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    if let Some(out) = keep.and_then(|keep| keep.out.as_deref())
        && real(out)
            .is_some_and(|out| inputs.files.iter().any(|file| real(&file.real).as_ref() == Some(&out)))
    {
        return Err(ScanError::Overwrites(out.display().to_string()));
    }
    let survey = evidence_file::survey(&inputs);
    if let Some(file) = survey.read.first().filter(|_| plan.since.or(plan.until).is_some()) {
        return Err(ScanError::Window(file.to_string()));
    }
    let acting = settings(plan, &inputs, &survey.settings)?;
    let mut world = World::new(&inputs, &acting.settings, progress);
    world.block_bytes = plan.block_bytes;
    world.filter = plan.filter.as_deref();
    world.today = Some(midnight(day(plan, &acting.settings)?));
    world.window = Window { since: plan.since, until: plan.until };
    world.apart = apart.filter(|_| is_kept(&inputs));
    let evidence = collect::collect_all(&world);
    errors.extend(unread(&inputs, &evidence));
    Ok(Gathered { evidence, acting, errors })
}

/// Whether any reader knew any input.
fn recognised(evidence: &Evidence) -> bool {
    evidence.input_records().any(|input| !input.kind.is_empty())
}

/// Entries of the settings that mean no input of the scan.
fn unmatched(settings: &Settings, evidence: &Evidence) -> Vec<Gap> {
    let left_out: BTreeSet<&Text> = evidence.skipped().map(|(path, _)| path).collect();
    let inputs: Vec<&Text> =
        evidence.input_records().map(|input| &input.path).filter(|path| !left_out.contains(path)).collect();
    let meant = |source: &SourceEntry| inputs.iter().any(|path| settings.is_source(source, path));
    let place = Place::whole(&Text::from("whodepends.toml"));
    let gap = |source: &SourceEntry| {
        let detail = format!("[[source]] path = {:?} matches no input", source.path);
        Gap::new(place.clone(), GapCode::BadConfig, detail)
    };
    settings.sources.iter().filter(|source| !meant(source)).map(gap).collect()
}

/// Collects without concluding anything. What the settings file states is taken out: it travels with the settings.
pub fn collect(
    plan: &Plan,
    keep: &Keep,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Collected, ScanError> {
    let Gathered { mut evidence, acting, errors } = gather(plan, Some(keep), None, progress)?;
    let recognised = recognised(&evidence);
    let carried = acting.carried.or_else(|| {
        let path = acting.path?;
        let stated = evidence.take_input(&path);
        let folder = Text::from(acting.settings.folder.as_str());
        Some(Carried::new(path, folder, acting.settings.kept(), &stated))
    });
    Ok(Collected { evidence, settings: carried.into_iter().collect(), errors, recognised })
}

/// What is wanted of a scan.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// Everything.
    All,
    /// Who does what, without what the rules make of it.
    Links,
    /// As much of that as [`report::on::ask`] needs for one question.
    Answer(&'a Question),
}

/// Scans. `progress` is told the path and the bytes done since last told.
pub fn scan(plan: &Plan, progress: &(dyn Fn(&str, u64) + Sync)) -> Result<Outcome, ScanError> {
    scan_for(plan, Wanted::All, progress)
}

/// How often evidence is read by the group: without knowing who must be told apart, and then with it.
const READINGS: usize = 2;

/// Reads and resolves. For one question uses come by the group, and what those do not tell is read again.
fn resolved(
    plan: &Plan,
    wanted: Wanted<'_>,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<(Gathered, Resolved), ScanError> {
    let clock = Clock::new(&timing::job_runs);
    let read = |apart: Option<&Apart>| -> Result<Gathered, ScanError> {
        let mut gathered = gather(plan, None, apart, progress)?;
        if let Some(carried) = &gathered.acting.carried {
            gathered.evidence.merge(carried.stated());
        }
        Ok(gathered)
    };
    if let Wanted::Answer(question) = wanted {
        let mut apart = Apart::default();
        for _ in 0..READINGS {
            let mut gathered = read(Some(&apart))?;
            let touches = |outline: &Outline<'_>| report::on::touch(outline, question);
            match resolve::resolve_for(&mut gathered.evidence, &clock, &touches) {
                Ok(resolved) => return Ok((gathered, resolved)),
                Err(Again::Apart(actors)) => apart.add(actors),
                Err(Again::Whole) => break,
            }
        }
    }
    let mut gathered = read(None)?;
    let resolved = resolve::resolve(&mut gathered.evidence, &clock);
    Ok((gathered, resolved))
}

/// Scans for as much as is wanted.
pub fn scan_for(
    plan: &Plan,
    wanted: Wanted<'_>,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Outcome, ScanError> {
    let all = matches!(wanted, Wanted::All);
    let (Gathered { evidence, acting: Acting { settings, real, path, .. }, errors }, mut resolved) =
        resolved(plan, wanted, progress)?;
    let as_of = day(plan, &settings)?;
    let settings_gaps = unmatched(&settings, &evidence);
    let recognised = recognised(&evidence);
    let settings_path = path.unwrap_or_else(|| Text::from("whodepends.toml"));
    let networks = settings.networks();
    resolved.assign_roles(&|address| networks.hold(address));
    let gaps = std::mem::take(&mut resolved.gaps);
    let target = settings.migration.scheduler.clone();
    let graph = Graph::new(resolved, midnight(as_of)).with_target_scheduler(target);
    let (findings, accepted, stale) = if all {
        let mut findings = findings::check_all(&graph);
        let (accepted, stale) =
            decisions::apply(&graph, &mut findings, &settings.accepts, as_of, &settings_path);
        (findings, accepted, stale)
    } else {
        Default::default()
    };
    let gaps = gaps.into_iter().chain(settings_gaps).chain(stale);
    let mut every = evidence.gaps();
    every.extend(gaps);
    every.sort();
    let mut report = report::build(&report::Parts {
        evidence: &evidence,
        graph: &graph,
        findings: &findings,
        accepted: &accepted,
        gaps: &every,
        as_of,
        brief: !all,
    });
    if all {
        if !settings.migration.systems.is_empty() {
            report::narrow(&mut report, &settings.migration.systems);
        }
        report.audit = report::audit(&report);
    }
    // Whoever waits for the answer need not wait until all this is gone.
    rayon::spawn(move || drop((graph, evidence)));
    Ok(Outcome { report, errors, recognised, settings: real })
}
