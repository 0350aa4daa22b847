//! Jobs that are code of an application: what stands in the function or class that a job names is the job's and the
//! application's, everything else of the file the application's alone, and a gap says so once for each file.

use super::*;

pub(crate) const OF_THE_APPLICATION: &str = "jobs here are code of an application";

fn told(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let report = World { files, links: &[] }.report();
    let all = report["gaps"].as_array().expect("gaps are a list").iter();
    let said = all.filter(|gap| word(gap, "detail").starts_with(OF_THE_APPLICATION));
    let said = said.map(|gap| format!("{} {}", word(gap, "place"), gap["count"])).collect();
    let links = links(&report).into_iter().filter(|link| !link.contains(" connect ")).collect();
    (links, said)
}

#[test]
fn a_method_that_spring_schedules_is_the_jobs_and_another_is_not() {
    let java = r#"package shop;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.jdbc.core.JdbcTemplate;
public class Billing {
  private final JdbcTemplate jdbc;
  @Scheduled(cron = "0 0 2 * * *")
  public void purge() {
    jdbc.update("DELETE FROM old_orders WHERE id < ?", 1);
  }
  @Scheduled(fixedRate = 5000)
  public void beat() {
    other();
  }
  public void other() {
    jdbc.update("UPDATE heartbeat SET at = now()");
  }
}
"#;
    let (links, said) = told(&[("shop/pom.xml", "<project/>"), ("shop/src/Billing.java", java)]);
    assert_eq!(
        links,
        [
            "job:shop/Billing.purge write table:?/old_orders",
            "service:shop write table:?/heartbeat",
            "service:shop write table:?/old_orders"
        ]
    );
    assert_eq!(said, ["shop/src/Billing.java:6 2"]);
}

#[test]
fn a_callback_of_node_is_the_jobs_by_its_name_or_where_it_stands() {
    let script = r#"const cron = require('node-cron');
const { Pool } = require('pg');
const pool = new Pool();
async function purge() {
  await pool.query('DELETE FROM old_orders');
}
cron.schedule('0 2 * * *', purge);
cron.schedule('0 3 * * *', async () => {
  await pool.query('DELETE FROM old_carts');
});
async function other() {
  await pool.query('DELETE FROM nothing_of_a_job');
}
"#;
    let (links, said) = told(&[("shop/package.json", "{}"), ("shop/src/jobs.js", script)]);
    assert_eq!(
        links,
        [
            "job:shop/jobs write table:?/old_carts",
            "job:shop/purge write table:?/old_orders",
            "service:shop write table:?/nothing_of_a_job",
            "service:shop write table:?/old_carts",
            "service:shop write table:?/old_orders"
        ]
    );
    assert_eq!(said, ["shop/src/jobs.js:7 2"]);
}

#[test]
fn a_task_of_celery_and_a_class_of_quartz_are_found_in_other_files() {
    let beat = "\
from celery import Celery
app = Celery('shop')
app.conf.beat_schedule = {
    'purge': {'task': 'shop.tasks.purge', 'schedule': 60.0},
}
";
    let tasks = "\
import psycopg2
conn = psycopg2.connect('dbname=shop host=db1')
def purge():
    conn.cursor().execute('DELETE FROM old_orders')

def other():
    conn.cursor().execute('DELETE FROM nothing_of_a_job')
";
    let quartz = r#"import org.quartz.*;
class Plan {
  void plan(Scheduler s) {
    JobDetail one = JobBuilder.newJob(Purge.class).withIdentity("purge", "shop").build();
    JobDetail two = JobBuilder.newJob(Other.class).withIdentity("other", "shop").build();
    Trigger t = TriggerBuilder.newTrigger().forJob("purge", "shop")
      .withSchedule(CronScheduleBuilder.cronSchedule("0 0 2 * * ?")).build();
    Trigger u = TriggerBuilder.newTrigger().forJob(JobKey.jobKey("nobody", "shop"))
      .withSchedule(CronScheduleBuilder.cronSchedule("0 0 3 * * ?")).build();
  }
}
"#;
    let purge = r#"import org.springframework.jdbc.core.JdbcTemplate;
class Purge implements Job {
  JdbcTemplate jdbc;
  public void execute(JobExecutionContext c) { jdbc.update("DELETE FROM old_carts"); }
}
"#;
    let files = [
        ("shop/pyproject.toml", ""),
        ("shop/shop/beat.py", beat),
        ("shop/shop/tasks.py", tasks),
        ("plan/pom.xml", "<project/>"),
        ("plan/src/Plan.java", quartz),
        ("plan/src/Purge.java", purge),
    ];
    let (links, said) = told(&files);
    assert_eq!(
        links,
        [
            "job:plan/Purge write table:?/old_carts",
            "job:shop/beat/purge write table:db1/shop/public.old_orders",
            "service:plan write table:?/old_carts",
            "service:shop write table:db1/shop/public.nothing_of_a_job",
            "service:shop write table:db1/shop/public.old_orders"
        ]
    );
    assert_eq!(said, ["plan/src/Plan.java:7 2", "shop/shop/beat.py:4 1"]);
}

#[test]
fn an_inventory_lists_applications_and_not_the_jobs_in_their_code() {
    let script = "const cron = require('node-cron');\nconst { Pool } = require('pg');\nconst pool = new Pool();\n\
                  cron.schedule('0 3 * * *', async () => {\n  await pool.query('DELETE FROM old_carts');\n});\n";
    let system = "[[system]]\nkind = \"database\"\nname = \"shop-db\"\naddresses = [\"db1:5432\"]\ndatabases = [\"shop\"]\n\
                  [[consumer]]\nkind = \"service\"\nname = \"other\"\nuses = [\"shop-db\"]\n";
    let env = "DATABASE_URL=postgres://shop@db1:5432/shop\n";
    let sweep = "0 4 * * * psql -h db1 -U batch shop -c 'DELETE FROM old_logins'\n";
    let told = |more: &str| {
        let inventory = format!("{system}{more}");
        let files = [
            ("whodepends.toml", inventory.as_str()),
            ("shop/package.json", "{}"),
            ("shop/.env", env),
            ("shop/src/jobs.js", script),
            ("b1/var/spool/cron/crontabs/batch", sweep),
        ];
        let report = World { files: &files, links: &[] }.report();
        let all = report["findings"].as_array().expect("findings are a list").iter();
        let found = all.filter(|it| word(it, "rule") == "unofficial-consumer");
        found.map(|it| word(it, "consumer").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(""), ["job:b1/psql", "service:shop"]);
    let listed =
        "[[consumer]]\nkind = \"service\"\nname = \"shop\"\nsource = [\"shop\"]\nuses = [\"shop-db\"]\n";
    assert_eq!(told(listed), ["job:b1/psql"]);
}
