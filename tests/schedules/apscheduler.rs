//! APScheduler: calls, decorators and tables with a trigger, and near misses of other libraries.

use super::*;

#[test]
fn triggers_are_jobs() {
    let jobs_file = r#"
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

sched = BackgroundScheduler(timezone="Europe/Paris")
HOUR = 5

@sched.scheduled_job("cron", day_of_week="mon-fri", hour=HOUR, id="report", jitter=120)
def report():
    pass

# @sched.scheduled_job("interval", minutes=3)
@sched.scheduled_job("interval", minutes=3)
def ping():
    pass

sched.add_job(dump, CronTrigger.from_crontab("0 4 * * 0", timezone="UTC"), name="dump")
sched.add_job(sweep, trigger=OrTrigger([CronTrigger(hour=1), CronTrigger(hour=13, minute=30)]))
sched.add_job(func=poll, trigger="interval", seconds=30, max_instances=1)
sched.add_job(once, "date", run_date="2026-12-24 18:00:00")
sched.add_job(soon, "date", run_date=datetime.now() + timedelta(seconds=5))
sched.add_job(at_once)
sched.add_job(asked, "cron", hour=settings.HOUR)
sched.add_job(wrong, "cron", hour=25)
printer.add_job("cover.ps", "a4")
JOBS = [{"id": "flask", "func": "shop:refresh", "trigger": "cron", "minute": "*/10"}]
"#;
    let report = World { files: &[("shop/jobs.py", jobs_file)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/jobs/dump as -: 0 4 * * 0 (UTC): dump @ shop/jobs.py:19",
            "job:shop/jobs/flask as -: cron[minute='*/10'] (Europe/Paris): shop:refresh @ shop/jobs.py:28",
            "job:shop/jobs/once as -: date[2026-12-24 18:00:00] (Europe/Paris): once @ shop/jobs.py:22",
            "job:shop/jobs/ping as -: interval[minutes=3] (UTC): ping @ shop/jobs.py:15",
            "job:shop/jobs/poll as -: interval[seconds=30] (UTC) [max_instances=1]: poll @ shop/jobs.py:21",
            "job:shop/jobs/report as -: cron[day_of_week='mon-fri', hour='5', jitter='120'] (Europe/Paris): report @ shop/jobs.py:10",
            "job:shop/jobs/sweep as -: cron[hour='1'] (Europe/Paris): sweep @ shop/jobs.py:20",
            "job:shop/jobs/sweep as -: cron[hour='13', minute='30'] (Europe/Paris): sweep @ shop/jobs.py:20",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/jobs.py:25: the trigger of shop/jobs/asked is computed: hour is settings.HOUR",
            "bad-schedule shop/jobs.py:26: APScheduler refuses the trigger of shop/jobs/wrong: hour: \"25\": it is not in 0-23",
        ]
    );
}

#[test]
fn without_a_zone_it_is_the_clock_of_the_host() {
    let file = "scheduler.add_job(dump, 'cron', hour=4)\n";
    let report = World { files: &[("shop/jobs.py", file)], links: &[] }.report();
    assert_eq!(jobs(&report), ["job:shop/jobs/dump as -: cron[hour='4'] (?): dump @ shop/jobs.py:1"]);
}
