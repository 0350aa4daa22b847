//! `<task:scheduled>` of Spring's task namespace ("The task Namespace"): `cron`, `fixed-rate`, `fixed-delay`,
//! `initial-delay`, and a trigger bean by its name, which is another element's to tell.

use super::settings::Properties;
use crate::collect::schedules::code::JobOf;
use crate::collect::schedules::xml::Element;

/// Whether a document may hold schedules of Spring's.
pub(super) fn is_one(head: &str) -> bool {
    head.contains("springframework.org/schema/task") && head.contains("scheduled")
}

/// The tasks of a document.
pub(super) fn tasks(root: &Element, properties: &Properties<'_>) -> Vec<JobOf> {
    let mut scheduled = Vec::new();
    root.all("scheduled", &mut scheduled);
    scheduled
        .into_iter()
        .filter(|it| it.attribute("ref").is_some())
        .filter_map(|element| task(element, properties))
        .collect()
}

fn task(element: &Element, properties: &Properties<'_>) -> Option<JobOf> {
    let get = |name: &str| element.attribute(name).map(|value| properties.fill(value, element.line));
    let mut parts = Vec::new();
    for (name, spelled) in
        [("fixedRate", "fixed-rate"), ("fixedDelay", "fixed-delay"), ("initialDelay", "initial-delay")]
    {
        parts.extend(get(spelled).map(|value| format!("{name}={value}")));
    }
    let schedule = match get("cron") {
        Some(cron) if cron.trim() == "-" => return None,
        Some(cron) => cron,
        None if parts.is_empty() && element.attribute("trigger").is_some() => return None,
        None => parts.join(" "),
    };
    let bean = element.attribute("ref").unwrap_or("task");
    let name = format!("{bean}.{}", element.attribute("method").unwrap_or("run"));
    Some(JobOf {
        what: name.clone(),
        lines: None,
        class: None,
        name,
        schedules: vec![Ok(schedule)],
        dialect: "spring",
        zone: None,
        guards: Vec::new(),
        line: element.line,
    })
}
