//! The steps from a resource to everybody behind it, or from a consumer down to all it stands on.

use super::super::{LinkRow, Report, VantageRow, jobs};
use super::index::{Index, system_of};
use super::pick::{is_watched_id, near, pick};
use super::{Answer, Attempt, By, Dependent, MAX_STEPS, Question, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// How many names of a kind are told of one consumer.
const NAMES: usize = 8;

fn gives(link: &LinkRow) -> bool {
    matches!(link.action.as_str(), "write" | "export" | "publish")
}

fn takes(link: &LinkRow) -> bool {
    matches!(link.action.as_str(), "read" | "import" | "consume" | "call")
}

/// What the next step is about: resources, each with what it hangs on.
type Frontier = BTreeMap<usize, BTreeSet<usize>>;

/// Links of one consumer to one resource, of one class.
type Rows<'a> = BTreeMap<(usize, usize, &'a str), Vec<&'a LinkRow>>;

/// Answers; the error says what to try.
pub fn ask(report: &Report, question: &Question) -> Result<Answer, String> {
    let index = Index::of(report);
    let pattern = question.pattern.as_str();
    let fits = |at: usize| if question.reverse { index.is_consumer(at) } else { index.is_used(at) };
    let found = pick(&index, pattern, &fits);
    let depth = question.depth.clamp(1, MAX_STEPS);
    let mut answer = Answer {
        pattern: pattern.to_owned(),
        reverse: question.reverse,
        depth,
        resources: found.iter().map(|at| index.id(*at).to_owned()).collect(),
        known: true,
        near: Vec::new(),
        verdict: Verdict::NotWatched,
        window: report.window.clone(),
        dependents: Vec::new(),
        more: false,
        by: By::new(),
        attempts: Vec::new(),
        elsewhere: BTreeMap::new(),
        vantages: Vec::new(),
        coverage: Vec::new(),
        jobs_not_due: Vec::new(),
    };
    if found.is_empty() {
        answer.near = near(report, pattern);
        if question.reverse || !is_watched_id(report, pattern) {
            return Err(unknown(question, &answer.near));
        }
        answer.known = false;
        answer.resources.push(pattern.to_owned());
    }
    if question.reverse {
        down(&index, &found, &mut answer);
    } else {
        up(&index, &found, &mut answer);
        beside(&index, &found, &mut answer);
    }
    watched(report, &mut answer);
    if matches!(answer.verdict, Verdict::Stated | Verdict::NotSeen) {
        answer.jobs_not_due = not_due(report);
    }
    answer.by = by(&answer.dependents);
    Ok(answer)
}

fn unknown(question: &Question, near: &[String]) -> String {
    let pattern = &question.pattern;
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
    if question.reverse {
        return format!(
            "{pattern}: no consumer of this scan; an id (service:billing), its end (billing), a name (user:billing_rw) or a glob (job:batch1/*){hint}"
        );
    }
    format!(
        "{pattern}: no resource of this scan; an id (table:shop-db/shop/public.orders), its end (public.orders) or a glob (table:*.orders*){hint}"
    )
}

/// One step up: the links to resources, which grow by the views over them, and those who take something from them. The
/// first step is everybody; behind it only those who take what the step before gave.
fn step_up<'a>(
    index: &Index<'a>,
    at: &mut Frontier,
    seen: &BTreeSet<usize>,
    first: bool,
) -> (Rows<'a>, BTreeSet<usize>) {
    // A view is what it is computed from: who reads it is no step further away.
    let here: BTreeSet<usize> = at.keys().copied().collect();
    for (view, base) in index.views_over(&here) {
        if !seen.contains(&view) {
            at.entry(view).or_default().insert(base);
        }
    }
    let (mut rows, mut takers): (Rows<'_>, BTreeSet<usize>) = Default::default();
    for resource in at.keys().copied() {
        // Who makes it hands it to others, and takes nothing of it.
        let makers: BTreeSet<&str> =
            index.done(resource).filter(|link| gives(link)).map(|link| &*link.consumer).collect();
        for link in index.done(resource) {
            let handed = link.class == "app" && takes(link) && !makers.contains(&*link.consumer);
            let Some(consumer) = index.find(&link.consumer).filter(|_| first || handed) else { continue };
            rows.entry((resource, consumer, &link.class)).or_default().push(link);
            // Who only fills it hands nothing of it on.
            if takes(link) {
                takers.insert(consumer);
            }
        }
    }
    (rows, takers)
}

fn start(index: &Index<'_>, found: &[usize]) -> Frontier {
    index.with_parts(found.iter().copied()).into_iter().map(|it| (it, BTreeSet::new())).collect()
}

/// From what was asked about to everybody behind it.
fn up(index: &Index<'_>, found: &[usize], answer: &mut Answer) {
    let mut at = start(index, found);
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for step in 1..=answer.depth + 1 {
        let (rows, takers) = step_up(index, &mut at, &seen, step == 1);
        let started = if step == 1 { BTreeMap::new() } else { waiting(index, &at) };
        if step > answer.depth {
            answer.more = !rows.is_empty() || !started.is_empty();
            return;
        }
        for ((resource, consumer, class), links) in rows {
            answer.dependents.push(dependent(
                index,
                step,
                (resource, consumer, class),
                &links,
                &at[&resource],
            ));
        }
        let started =
            started.into_iter().map(|(job, (before, how))| held_back(index, step, job, before, how));
        answer.dependents.extend(started);
        seen.extend(at.keys());
        at = given(index, &takers, &seen);
        if at.is_empty() {
            return;
        }
    }
}

/// Everything that hangs behind resources, whatever the steps: resources, and who uses them.
pub(in crate::report) fn reach(index: &Index<'_>, found: &[usize]) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut at = start(index, found);
    let (mut seen, mut consumers): (BTreeSet<usize>, BTreeSet<usize>) = Default::default();
    let mut first = true;
    // Each step sees something new, or is the last.
    while !at.is_empty() {
        let (rows, takers) = step_up(index, &mut at, &seen, first);
        consumers.extend(rows.into_keys().map(|(_, consumer, _)| consumer));
        consumers.extend(waiting(index, &at).into_keys());
        seen.extend(at.keys());
        at = given(index, &takers, &seen);
        first = false;
    }
    (seen, consumers)
}

/// What consumers make of what they take, and the services they are: each with who does.
fn given(index: &Index<'_>, takers: &BTreeSet<usize>, seen: &BTreeSet<usize>) -> Frontier {
    let mut next = Frontier::new();
    for taker in takers.iter().copied() {
        let made = index.does(taker).filter(|link| link.class == "app" && gives(link));
        // What a view holds comes from what it is computed from, and not from all that its maker takes.
        let made = made.filter_map(|link| index.find(&link.resource)).filter(|made| !index.is_view(*made));
        // Who calls a service hangs behind what the service takes, and who waits for a job behind the job.
        let of_it = index.serves(taker).chain((index.entity(taker).kind == "job").then_some(taker));
        for resource in made.chain(of_it).filter(|resource| !seen.contains(resource)) {
            next.entry(resource).or_default().insert(taker);
        }
    }
    next
}

/// Jobs that their scheduler holds back for jobs of this step: for which, and in which words.
fn waiting<'a>(index: &Index<'a>, at: &Frontier) -> BTreeMap<usize, (usize, &'a str)> {
    let mut found = BTreeMap::new();
    for job in &index.report.jobs {
        let Some(own) = index.find(&job.entity) else { continue };
        for wait in &job.waits {
            let first = wait.find(" job:").and_then(|begin| index.find(&wait[begin + 1..]));
            if let Some(first) = first.filter(|first| at.contains_key(first) && *first != own) {
                found.entry(own).or_insert((first, wait.as_str()));
            }
        }
    }
    found
}

/// A job that hangs behind another by its scheduler alone.
fn held_back(index: &Index<'_>, step: usize, job: usize, before: usize, how: &str) -> Dependent {
    let words = how.split(" job:").next().unwrap_or(how).to_owned();
    let row = dependent(index, step, (before, job, "app"), &[], &BTreeSet::from([before]));
    Dependent {
        actions: vec![words],
        bases: vec!["written".to_owned()],
        confidence: "high".to_owned(),
        ..row
    }
}

/// From a consumer to what it uses, who fills that, and what those use.
fn down(index: &Index<'_>, found: &[usize], answer: &mut Answer) {
    let mut at: Frontier = found.iter().map(|it| (*it, BTreeSet::new())).collect();
    let mut seen: BTreeSet<usize> = at.keys().copied().collect();
    let mut touched: BTreeSet<usize> = BTreeSet::new();
    for step in 1..=answer.depth + 1 {
        let mut rows: Rows<'_> = BTreeMap::new();
        let mut next = Frontier::new();
        for consumer in at.keys().copied() {
            for link in index.does(consumer) {
                // Beyond the first step only what comes in matters: what is taken, and what it is computed from.
                let Some(resource) = index.find(&link.resource).filter(|_| step == 1 || takes(link)) else {
                    continue;
                };
                if step > 1 && (link.class != "app" || touched.contains(&resource)) {
                    continue;
                }
                rows.entry((resource, consumer, &link.class)).or_default().push(link);
            }
        }
        if step > answer.depth {
            answer.more = !rows.is_empty();
            return;
        }
        let taken: BTreeSet<usize> = rows
            .iter()
            .filter(|(_, links)| links.iter().any(|link| takes(link)))
            .map(|((r, ..), _)| *r)
            .collect();
        for ((resource, consumer, class), links) in rows {
            touched.insert(resource);
            answer.dependents.push(dependent(
                index,
                step,
                (resource, consumer, class),
                &links,
                &at[&consumer],
            ));
        }
        for resource in taken {
            for source in sources(index, resource) {
                if !seen.contains(&source) {
                    next.entry(source).or_default().insert(resource);
                }
            }
        }
        seen.extend(next.keys());
        at = next;
        if at.is_empty() {
            return;
        }
    }
}

/// Who fills a resource, what a view over it is filled from, or who serves it.
fn sources(index: &Index<'_>, resource: usize) -> BTreeSet<usize> {
    let mut all = BTreeSet::from([resource]);
    let mut open = vec![resource];
    while let Some(view) = open.pop() {
        open.extend(index.bases(view).filter(|base| all.insert(*base)));
    }
    let filled = all.iter().filter(|at| !index.is_view(**at));
    let makers = filled.flat_map(|at| index.done(*at)).filter(|link| link.class == "app" && gives(link));
    let mut found: BTreeSet<usize> = makers.filter_map(|link| index.find(&link.consumer)).collect();
    found.extend(index.wholes(resource).into_iter().filter(|whole| index.is_consumer(*whole)));
    found
}

/// What is no use: what failed or was refused, and what stands in tests and examples.
fn beside(index: &Index<'_>, found: &[usize], answer: &mut Answer) {
    let all: BTreeSet<&str> =
        index.with_parts(found.iter().copied()).into_iter().map(|at| index.id(at)).collect();
    let mut elsewhere: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for link in index.report.links.iter().filter(|link| link.outcome != "ok" || link.scope != "production") {
        if !all.contains(&*link.resource) {
            continue;
        }
        if link.scope != "production" {
            elsewhere.entry(link.scope.to_string()).or_default().insert(link.consumer.to_string());
        } else {
            answer.attempts.push(Attempt {
                resource: link.resource.to_string(),
                consumer: link.consumer.to_string(),
                action: link.action.to_string(),
                outcome: link.outcome.to_string(),
                count: link.count,
                last: link.last.as_ref().map(ToString::to_string),
            });
        }
    }
    answer.elsewhere = elsewhere.into_iter().map(|(scope, who)| (scope, who.into_iter().collect())).collect();
}

/// Who looked at the systems asked about, and what can be concluded from it.
fn watched(report: &Report, answer: &mut Answer) {
    let asked: BTreeSet<&str> = if answer.reverse {
        answer.dependents.iter().filter(|row| row.step == 1).map(|row| system_of(&row.resource)).collect()
    } else {
        answer.resources.iter().map(|id| system_of(id)).collect()
    };
    let coverage = report.coverage.iter().filter(|row| asked.contains(row.resource.as_str()));
    answer.coverage = coverage.cloned().collect();
    let looked = report.vantages.iter().filter(|vantage| asked.contains(vantage.of.as_str()));
    answer.vantages = looked.cloned().collect();
    let whole = |system: &&str| {
        let sees = |vantage: &VantageRow| vantage.of == **system && sees_all(vantage);
        report.vantages.iter().any(sees)
    };
    let direct = || answer.dependents.iter().filter(|row| row.step == 1);
    answer.verdict = if direct().any(|row| row.last.is_some() || row.count > 0) {
        Verdict::Seen
    } else if direct().next().is_some() {
        Verdict::Stated
    } else if asked.iter().all(whole) {
        Verdict::NotSeen
    } else {
        Verdict::NotWatched
    };
}

/// Jobs that had no run while anything was observed: that they were not seen says nothing of them.
fn not_due(report: &Report) -> Vec<String> {
    let question = jobs::Question { count: 0, ..jobs::Question::default() };
    let Ok(all) = jobs::ask(report, &question) else { return Vec::new() };
    let quiet = all.jobs.into_iter().filter(|job| job.runs_observed == Some(0)).map(|job| job.job);
    quiet.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a vantage would have seen everybody, while it looked.
pub(super) fn sees_all(vantage: &VantageRow) -> bool {
    vantage.sees == "all" && vantage.lost == 0 && !vantage.spans.is_empty()
}

/// The direct dependents by user, application, host and owner.
fn by(dependents: &[Dependent]) -> By {
    let mut by = By::new();
    for row in dependents.iter().filter(|row| row.step == 1) {
        let owner: Vec<String> = row.owner.iter().cloned().collect();
        let kinds = [
            ("user", &row.users),
            ("application", &row.applications),
            ("host", &row.hosts),
            ("owner", &owner),
        ];
        for (kind, names) in kinds {
            for name in names {
                let who = by.entry(kind).or_default().entry(name.clone()).or_default();
                if !who.contains(&row.consumer) {
                    who.push(row.consumer.clone());
                }
            }
        }
    }
    by
}

fn dependent(
    index: &Index<'_>,
    step: usize,
    (resource, consumer, class): (usize, usize, &str),
    links: &[&LinkRow],
    through: &BTreeSet<usize>,
) -> Dependent {
    let all = |pick: &dyn Fn(&LinkRow) -> Vec<String>| -> Vec<String> {
        links.iter().flat_map(|link| pick(link)).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let row = index.entity(consumer);
    let named = |kinds: &[&str]| -> Vec<String> {
        let told = row.mentions.iter().filter(|mention| kinds.contains(&mention.kind.as_str()));
        told.map(|mention| mention.text.clone()).take(NAMES).collect()
    };
    // An inventory's path and the same file on its host are one script.
    let mut scripts = named(&["script"]);
    let on_hosts: Vec<String> = scripts.iter().filter(|it| !it.starts_with('/')).cloned().collect();
    scripts.retain(|it| {
        !it.starts_with('/') || !on_hosts.iter().any(|other| other.ends_with(&format!(":{it}")))
    });
    let kinds = ["user", "application", "host", "address", "script"];
    let told = row.mentions.iter().filter(|mention| kinds.contains(&mention.kind.as_str()));
    let sure = ["high", "medium", "low"]
        .into_iter()
        .find(|level| links.iter().any(|link| link.confidence == *level));
    Dependent {
        step,
        resource: index.id(resource).to_owned(),
        consumer: row.id.clone(),
        is: row.class.clone(),
        actions: all(&|link| vec![link.action.to_string()]),
        over: index.entity(resource).derives_from.clone(),
        through: through.iter().map(|at| index.id(*at).to_owned()).collect(),
        class: class.to_owned(),
        bases: all(&|link| link.bases.iter().map(ToString::to_string).collect()),
        shadow: links.iter().any(|link| link.shadow),
        confidence: sure.unwrap_or("low").to_owned(),
        count: links.iter().map(|link| link.count).max().unwrap_or(0),
        first: links.iter().filter_map(|link| link.first.as_ref()).min().map(ToString::to_string),
        last: links.iter().filter_map(|link| link.last.as_ref()).max().map(ToString::to_string),
        owner: row.owner.clone(),
        users: named(&["user"]),
        applications: named(&["application"]),
        hosts: named(&["host", "address"]),
        scripts,
        names: told.map(|mention| format!("{} {}", mention.kind, mention.text)).take(NAMES).collect(),
    }
}
