//! Evidence of an estate that nobody has: servers, services that own tables, jobs that read and fill them, people and
//! tools that read across. It is a function of its size alone.

use super::Noise;
use whodepends::evidence::{
    Action, Activity, Actor, At, Basis, Class, Confidence, Evidence, Fact, Mention, MentionKind, Outcome,
    Place, Places, Resource, Says, Scope, Sees, SessionSketch, Shape, Span, Stamp, Text, Trait, Use, Vantage,
    What, Zone,
};

/// Servers, each with one log.
const SERVERS: u64 = 24;
/// Tables of each server.
const TABLES: u64 = 180;
/// Who comes to each server.
const CLIENTS: u64 = 140;
/// The first day, as 2026-09-21.
const BEGIN: i64 = 1_790_000_000;
/// How many days were watched.
const DAYS: u64 = 30;

/// Small numbers are much more frequent than large ones, as tables and statements are in logs.
fn skewed(noise: &mut Noise, below: u64) -> u64 {
    let (one, other) = (noise.below(below), noise.below(below));
    one.min(other)
}

fn client(server: u64, number: u64) -> Actor {
    // A dozen services with pools on several hosts, jobs of two batch hosts, then people and tools.
    let (user, application, address) = match number {
        0..=59 => {
            let service = number % 20;
            (
                format!("svc_{server}_{service}"),
                format!("service-{server}-{service}"),
                format!("10.{server}.1.{number}"),
            )
        }
        60..=99 => (format!("batch_{}", number % 3), "psql".to_owned(), format!("10.{server}.2.{number}")),
        _ => (
            format!("ro_{number}"),
            ["Tableau 2024.1", "DBeaver 24.0", "psql"][number as usize % 3].to_owned(),
            format!("10.{server}.3.{number}"),
        ),
    };
    Actor::new()
        .with(MentionKind::User, user)
        .with(MentionKind::Address, address)
        .with(MentionKind::Application, application)
        .with(MentionKind::Database, "main")
}

/// When somebody came: on some of the days, a few times each, or all day long.
fn activity(noise: &mut Noise, input: &Text) -> (Activity, Places) {
    let (mut activity, mut places) = (Activity::none(), Places::default());
    let often = [1, 1, 2, 3, 8, 24][noise.below(6) as usize];
    let step = 1 + noise.below(7);
    let mut line = noise.below(9_000_000);
    for day in (noise.below(step)..DAYS).step_by(step as usize) {
        for time in 0..often {
            let second = (time * 86_400 / often + noise.below(1800)) as i64;
            let stamp = Stamp::from_seconds(BEGIN + day as i64 * 86_400 + second);
            activity.add(stamp, 0, Some(200 + noise.below(90_000)));
            line += 1 + noise.below(50);
            places.add(Some(stamp), Place { input: input.clone(), at: At::Line(line) });
        }
    }
    (activity, places)
}

/// Evidence of about this many uses, and no two of them alike.
pub fn evidence(uses: u64) -> Evidence {
    let mut noise = Noise(42);
    let mut evidence = Evidence::new();
    let text = |text: String| Text::from(text);
    let inventory = text("whodepends.toml".to_owned());
    let per_server = uses.div_ceil(SERVERS);
    let empty = Text::from("");
    for server in 0..SERVERS {
        let (system, database) = (text(format!("db{server}")), Text::from("main"));
        let input = text(format!("db{server}/postgresql.log"));
        let id = text(format!("postgres-stderr:db{server}/postgresql.log"));
        let clients: Vec<Actor> = (0..CLIENTS).map(|number| client(server, number)).collect();
        for service in 0..20 {
            let about = Mention::new(MentionKind::Declared, format!("service:service-{server}-{service}"));
            let login = Mention::new(MentionKind::User, format!("svc_{server}_{service}"));
            let used = Resource::database(Some(system.clone()), Some(database.clone()));
            for says in [
                Says::SameAs(login),
                Says::OwnedBy(text(format!("team-{service}"))),
                Says::DeclaredUse(None, used),
            ] {
                let place = Place::line(&inventory, 1 + server * 20 + service);
                evidence.add_fact(Fact {
                    about: about.clone(),
                    says,
                    basis: Basis::Declared,
                    scope: Scope::Production,
                    span: None,
                    place,
                });
            }
        }
        let mut made = std::collections::BTreeSet::new();
        let mut rows = Vec::new();
        while (made.len() as u64) < per_server {
            let (who, table) = (noise.below(CLIENTS), skewed(&mut noise, TABLES));
            let write = noise.below(5) == 0 && who < 100;
            let shape = skewed(&mut noise, 1 + per_server / 2_000);
            if !made.insert((who, table, write, shape)) {
                continue;
            }
            let (action, verb) = if write {
                (Action::Write, "update")
            } else {
                (Action::Read, "select id, status, total, note from")
            };
            let sample = format!(
                "{verb} app.table_{table} as t{shape} where t{shape}.id = ? and t{shape}.status in (?) order by t{shape}.id"
            );
            let mut resource = Resource::table(vec![Text::from("app"), text(format!("table_{table}"))]);
            resource = resource.at(Some(&system), Some(&database));
            let mark = (server << 40) ^ (table << 24) ^ (shape << 2) ^ u64::from(write);
            let what = What {
                vantage: id.clone(),
                actor: clients[who as usize].clone(),
                action,
                resource,
                shape: Shape {
                    fingerprint: mark.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
                    sample: text(sample),
                },
                outcome: Outcome::Ok,
                class: Class::App,
                scope: Scope::Production,
                basis: Basis::Observed,
                confidence: Confidence::High,
                traits: if shape % 7 == 3 {
                    [Trait::valued("select-star", empty.clone())].into()
                } else {
                    Default::default()
                },
            };
            let (activity, places) = activity(&mut noise, &input);
            rows.push(Use { what, activity, places });
        }
        evidence.add_uses(rows);
        evidence.add_vantage(Vantage {
            id,
            kind: Text::from("postgres-stderr"),
            of: Mention::new(MentionKind::System, system.clone()),
            zone: Zone { name: Text::from("UTC"), known: true },
            spans: vec![Span {
                first: Stamp::from_seconds(BEGIN),
                last: Stamp::from_seconds(BEGIN + DAYS as i64 * 86_400),
            }],
            sees: Sees::All,
            lost: 0,
            sessions: SessionSketch::default(),
            tried: true,
        });
    }
    evidence
}
