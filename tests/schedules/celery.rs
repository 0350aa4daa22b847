//! Celery beat: tables of all names, calls, decorators, and the zone of the tree.

use super::*;

#[test]
fn entries_are_jobs_in_the_zone_of_the_tree() {
    let settings = r#"
from celery.schedules import crontab, solar
from datetime import timedelta

CELERY_TIMEZONE = "Europe/Berlin"
DAILY = crontab(hour=3, minute=30)
# CELERY_BEAT_SCHEDULE = {"commented": {"task": "no", "schedule": 5}}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_SCHEDULE = {
    "clean": {"task": "shop.tasks.clean", "schedule": DAILY},
    "mail": {"task": "shop.tasks.mail", "schedule": crontab("*/15", "8-18", day_of_week="mon-fri")},
    "list": {"task": "shop.tasks.list", "schedule": crontab(minute=[0, 30], hour=range(1, 4))},
    "poll": {"task": "shop.tasks.poll", "schedule": 30.0},
    "sync": {"task": "shop.tasks.sync", "schedule": timedelta(minutes=5)},
    "dusk": {"task": "shop.tasks.dusk", "schedule": solar("sunset", 52.5, 13.4)},
    "off": {"task": "shop.tasks.off", "schedule": 60, "enabled": False},
    "computed": {"task": "shop.tasks.computed", "schedule": every(INTERVAL)},
    "wrong": {"task": "shop.tasks.wrong", "schedule": crontab(minute=60)},
}
if DEBUG:
    CELERY_BEAT_SCHEDULE["debug"] = {"task": "shop.tasks.debug", "schedule": crontab()}
CELERY_BEAT_SCHEDULE.update(load_more())
"#;
    let tasks = r#"
from celery.schedules import crontab

@app.on_after_configure.connect
def setup(sender, **kwargs):
    sender.add_periodic_task(crontab(hour=7, minute=0, day_of_week=1), report.s("week"), name="weekly")
    sender.add_periodic_task(10.0, ping.s())

@periodic_task(run_every=crontab(minute=0))
def hourly():
    """add_periodic_task(5, no.s())"""
"#;
    let report =
        World { files: &[("shop/settings.py", settings), ("shop/tasks.py", tasks)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/settings/clean as -: 30 3 * * * (Europe/Berlin): shop.tasks.clean @ shop/settings.py:10",
            "job:shop/settings/debug as -: * * * * * (Europe/Berlin): shop.tasks.debug @ shop/settings.py:21",
            "job:shop/settings/dusk as -: solar(sunset, 52.5, 13.4) (UTC): shop.tasks.dusk @ shop/settings.py:15",
            "job:shop/settings/list as -: 0,30 1,2,3 * * * (Europe/Berlin): shop.tasks.list @ shop/settings.py:12",
            "job:shop/settings/mail as -: */15 8-18 * * mon-fri (Europe/Berlin): shop.tasks.mail @ shop/settings.py:11",
            "job:shop/settings/poll as -: 30 (UTC): shop.tasks.poll @ shop/settings.py:13",
            "job:shop/settings/sync as -: timedelta(minutes=5) (UTC): shop.tasks.sync @ shop/settings.py:14",
            "job:shop/tasks/hourly as -: 0 * * * * (Europe/Berlin): hourly @ shop/tasks.py:9",
            "job:shop/tasks/ping as -: 10 (UTC): ping @ shop/tasks.py:7",
            "job:shop/tasks/weekly as -: 0 7 * * 1 (Europe/Berlin): report @ shop/tasks.py:6",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/settings.py:17: the schedule of shop/settings/computed is computed: every(…)",
            "bad-schedule shop/settings.py:18: Celery refuses the schedule of shop/settings/wrong: minute: \"60\" is not in 0-59",
            "unresolved shop/settings.py:22: the periodic tasks of shop/settings are computed: load_more()",
        ]
    );
}

#[test]
fn without_a_zone_it_is_utc_and_what_is_no_table_is_none() {
    let app = r#"
app.conf.beat_schedule = {"nightly": {"task": "t", "schedule": crontab(hour=0, minute=0)}}
celery_beat_schedule_filename = "/var/run/celerybeat-schedule"
other = {"task": "t", "schedule": crontab()}
"#;
    let report = World { files: &[("app/celery.py", app)], links: &[] }.report();
    assert_eq!(jobs(&report), ["job:app/celery/nightly as -: 0 0 * * * (UTC): t @ app/celery.py:2"]);
    assert_eq!(gaps(&report), [""; 0]);
}
