//! Data sources of Java that are written as several settings, by the line of the address: Spring, Quarkus, Hikari,
//! Hibernate. Each document of a file is by itself; placeholders are resolved from the file and by their defaults.

use super::connections::{Said, beside, of_text, starts_like_one};
use super::fold::{UNKNOWN, placeholders};
use super::properties::{Pair, pairs};
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How many addresses of data sources a file may have: each is put together from all of its settings.
pub const MAX_SOURCES: usize = 1000;

/// Settings of Jakarta Persistence, Hibernate and Tomcat.
pub const XML: [&str; 3] = ["persistence.xml", "hibernate.cfg.xml", "context.xml"];

/// An attribute of XML settings: `name="…" value="…"`.
static ATTRIBUTES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"name="([^"]+)"(?:\s+value="([^"]*)"|\s*>([^<]*)<)"#)
        .expect("the pattern is a constant of this file")
});

/// The data sources of a file; also, whether [`MAX_SOURCES`] was reached.
pub fn read(name: &str, text: &str) -> (BTreeMap<u64, Said>, bool) {
    let all = if XML.contains(&name) {
        let lines = text.lines().enumerate();
        let found = lines.filter_map(|(index, line)| Some((index as u64 + 1, ATTRIBUTES.captures(line)?)));
        let value = |it: &regex::Captures<'_>| {
            it.get(2).or(it.get(3)).map_or(String::new(), |value| value.as_str().to_owned())
        };
        found
            .map(|(line, it)| Pair { name: it[1].to_owned(), value: value(&it), line, document: 0 })
            .collect()
    } else {
        pairs(name, text)
    };
    let mut out = BTreeMap::new();
    let names: Vec<String> =
        all.iter().map(|it| it.name.to_ascii_lowercase().replace(['-', '_'], "")).collect();
    let addresses = all.iter().zip(&names).filter_map(|(pair, name)| {
        let (group, last) = name.rsplit_once('.')?;
        matches!(last, "url" | "jdbcurl").then_some((pair, group))
    });
    let full = addresses.clone().nth(MAX_SOURCES).is_some();
    for (pair, group) in addresses.take(MAX_SOURCES) {
        let known = |name: &str| {
            let own = |it: &&Pair| it.name == name && it.document <= pair.document && it.line != pair.line;
            all.iter().rev().find(own).map(|it| it.value.clone())
        };
        let uri = placeholders(&pair.value, &known);
        if !starts_like_one(&uri) {
            continue;
        }
        // `quarkus.datasource.jdbc.url` stands one deeper than its user.
        let groups = [Some(group), group.rsplit_once('.').map(|(above, _)| above)];
        let find = |fits: &dyn Fn(&str) -> bool| {
            let found = groups.iter().flatten().find_map(|group| {
                let own = |name: &String| {
                    name.strip_prefix(*group).and_then(|rest| rest.strip_prefix('.')).is_some_and(fits)
                };
                let mut pairs = all.iter().zip(&names).filter(|(it, _)| it.document == pair.document);
                pairs.find(|(_, name)| own(name)).map(|(it, _)| placeholders(&it.value, &known))
            });
            found.filter(|it| {
                !it.is_empty() && !it.contains(UNKNOWN) && !it.contains(['@', '/', ' ', ':', '&'])
            })
        };
        let user = find(&|own| matches!(own, "username" | "user"));
        // `hikari.data-source-properties.ApplicationName`, pgJDBC's own name for it.
        let application = find(&|own| own.ends_with(".applicationname"));
        let mut said = beside(of_text(&uri), None, user.as_deref());
        if let Said::Known(_, all) = &mut said {
            for one in all.iter_mut().filter(|one| one.application.is_none()) {
                one.application.clone_from(&application);
            }
        }
        out.insert(pair.line, said);
    }
    (out, full)
}

#[cfg(test)]
mod tests {
    use super::super::connections::shown;
    use super::read;

    fn lines(name: &str, text: &str) -> Vec<String> {
        read(name, text).0.iter().map(|(line, said)| format!("{line} {}", shown(said))).collect()
    }

    #[test]
    fn a_data_source_is_put_together_from_its_settings() {
        let text = "spring:\n  datasource:\n    url: ${URL:jdbc:postgresql://db1:5432/shop}\n    username: web\n    \
                    hikari:\n      data-source-properties:\n        ApplicationName: shop-web\n---\nspring:\n  datasource:\n    \
                    url: jdbc:postgresql://db2/shop\nother:\n  datasource:\n    url: jdbc:mysql://db3/shop\n    user: app\n";
        assert_eq!(
            lines("application.yml", text),
            [
                "3 postgresql db1:5432/shop as web called shop-web",
                "11 postgresql db2/shop",
                "14 mysql db3:3306/shop as app"
            ]
        );
        let xml = "<property name=\"jakarta.persistence.jdbc.url\" value=\"jdbc:postgresql://db1/shop\"/>\n\
                   <property name=\"jakarta.persistence.jdbc.user\" value=\"web\"/>\n";
        assert_eq!(lines("persistence.xml", xml), ["1 postgresql db1/shop as web"]);
    }
}
