//! XML with triggers: job_scheduling_data of Quartz (its schema job_scheduling_data_2_0.xsd), and beans of Spring's
//! `CronTriggerFactoryBean` and `SimpleTriggerFactoryBean` (in older applications `CronTriggerBean`).

use crate::collect::schedules::code::JobOf;
use crate::collect::schedules::job::Zone;
use crate::collect::schedules::spring::Properties;
use crate::collect::schedules::xml::Element;
use crate::evidence::Text;
use crate::schedule;

/// Whether a document may hold triggers.
pub(super) fn is_one(head: &str) -> bool {
    [
        "job-scheduling-data",
        "CronTriggerFactoryBean",
        "SimpleTriggerFactoryBean",
        "CronTriggerBean",
        "SimpleTriggerBean",
    ]
    .iter()
    .any(|word| head.contains(word))
}

/// The jobs of a document.
pub fn read(root: &Element, properties: &Properties<'_>) -> Vec<JobOf> {
    let mut jobs = named(root, "job");
    jobs.retain(|it| it.child("job-class").is_some());
    let class_of = |name: &str| {
        let found = jobs.iter().find(|job| job.text_of("name") == Some(name));
        found.and_then(|job| job.text_of("job-class")).map(str::to_owned)
    };
    let triggers = named(root, "trigger");
    let mut out: Vec<JobOf> = triggers
        .into_iter()
        .flat_map(|trigger| trigger.children.iter())
        .filter_map(|trigger| scheduled(trigger, &class_of, properties))
        .collect();
    out.extend(named(root, "bean").into_iter().filter_map(|it| bean(it, root, properties)));
    out
}

fn named<'a>(root: &'a Element, name: &str) -> Vec<&'a Element> {
    let mut found = Vec::new();
    root.all(name, &mut found);
    found
}

fn zone(name: Option<String>) -> Option<Zone> {
    let name = name?;
    Some(match schedule::zone(&name) {
        Some(_) => Zone::Stated(Text::from(name.trim())),
        None => Zone::Unknown(format!("{name}: no zone of that name")),
    })
}

/// `<cron>`, `<simple>`; a `<calendar-interval>` is told as what no dialect reads.
fn scheduled(
    trigger: &Element,
    class_of: &dyn Fn(&str) -> Option<String>,
    properties: &Properties<'_>,
) -> Option<JobOf> {
    let get = |name: &str| trigger.text_of(name).map(|text| properties.fill(text, trigger.line));
    let schedule = match trigger.name.as_str() {
        "cron" => {
            get("cron-expression").ok_or_else(|| "not there: a trigger without cron-expression".to_owned())
        }
        "simple" => Ok(simple(get("repeat-interval").as_deref(), get("repeat-count").as_deref())),
        "calendar-interval" => Err("a calendar-interval, which is not read here".to_owned()),
        _ => return None,
    };
    let job = get("job-name").or_else(|| get("name")).unwrap_or_else(|| "trigger".to_owned());
    let what = class_of(&job).unwrap_or_else(|| job.clone());
    let name = get("job-group")
        .filter(|group| group != "DEFAULT")
        .map_or(job.clone(), |group| format!("{group}.{job}"));
    Some(JobOf {
        name,
        lines: None,
        class: simple_name(&what),
        what,
        schedules: vec![schedule],
        dialect: "quartz",
        zone: zone(get("time-zone")),
        guards: Vec::new(),
        line: trigger.line,
    })
}

/// A class without its package; a name that no class could have is none.
pub(super) fn simple_name(class: &str) -> Option<String> {
    let name = class.rsplit('.').next().unwrap_or(class);
    let is_one = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_one.then(|| name.to_owned())
}

/// An interval in milliseconds and how often it is repeated: -1 means for ever, and nothing said means not at all.
pub(super) fn simple(interval: Option<&str>, count: Option<&str>) -> String {
    let count = count.map_or(0, |count| count.trim().parse::<i64>().unwrap_or(-1));
    match count {
        0 => "repeatCount=0".to_owned(),
        ..0 => format!("repeatInterval={}", interval.unwrap_or("0").trim()),
        count => format!("repeatInterval={} repeatCount={count}", interval.unwrap_or("0").trim()),
    }
}

/// A bean that makes a trigger.
fn bean(bean: &Element, root: &Element, properties: &Properties<'_>) -> Option<JobOf> {
    let class = bean.attribute("class")?.rsplit('.').next()?;
    let get = |name: &str| value(bean, name).map(|value| properties.fill(&value, bean.line));
    let schedule = match class {
        "CronTriggerFactoryBean" | "CronTriggerBean" => {
            get("cronExpression").ok_or_else(|| "not there: a trigger without cronExpression".to_owned())
        }
        "SimpleTriggerFactoryBean" | "SimpleTriggerBean" => {
            // Spring's bean repeats for ever unless told otherwise.
            let count = get("repeatCount").unwrap_or_else(|| "-1".to_owned());
            Ok(simple(get("repeatInterval").as_deref(), Some(&count)))
        }
        _ => return None,
    };
    let detail = reference(bean, "jobDetail").or_else(|| get("jobName"));
    let job = detail
        .clone()
        .or_else(|| bean.attribute("id").map(str::to_owned))
        .unwrap_or_else(|| class.to_owned());
    let what = detail.and_then(|detail| work(root, &detail)).unwrap_or_else(|| job.clone());
    Some(JobOf {
        name: job,
        lines: None,
        class: simple_name(&what),
        what,
        schedules: vec![schedule],
        dialect: "quartz",
        zone: zone(get("timeZone")),
        guards: Vec::new(),
        line: bean.line,
    })
}

/// The value of a property, as an attribute, an element, or in the short form `p:name`.
fn value(bean: &Element, name: &str) -> Option<String> {
    let property =
        bean.children.iter().find(|it| it.name == "property" && it.attribute("name") == Some(name));
    let told = property.and_then(|it| it.attribute("value").or_else(|| it.text_of("value")));
    let short = format!("p:{name}");
    told.or_else(|| bean.attribute(name).or_else(|| bean.attribute(&short))).map(str::to_owned)
}

fn reference(bean: &Element, name: &str) -> Option<String> {
    let property =
        bean.children.iter().find(|it| it.name == "property" && it.attribute("name") == Some(name))?;
    let inside =
        || property.child("ref").and_then(|it| it.attribute("bean").or_else(|| it.attribute("local")));
    property.attribute("ref").or_else(inside).map(str::to_owned)
}

/// What the job bean of a name does: its class, or the method it invokes.
fn work(root: &Element, id: &str) -> Option<String> {
    let mut beans = named(root, "bean").into_iter();
    let bean = beans.find(|it| it.attribute("id") == Some(id) || it.attribute("name") == Some(id))?;
    if let Some(method) = value(bean, "targetMethod") {
        let object = reference(bean, "targetObject").or_else(|| value(bean, "targetBeanName"));
        return Some(object.map_or(method.clone(), |object| format!("{object}.{method}")));
    }
    value(bean, "jobClass")
}
