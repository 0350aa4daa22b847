//! Packages of npm that schedule jobs, told from what a file imports.

use super::*;

#[test]
fn calls_and_decorators_of_imported_packages_are_jobs() {
    let world = World {
        files: &[
            (
                "shop/src/cron.js",
                r##"const cron = require('node-cron');
const other = require('./other');
const { scheduleJob, RecurrenceRule, Range } = require('node-schedule');

const NIGHT = '30 2 * * *';
// cron.schedule('0 9 * * *', gone);
cron.schedule(NIGHT, exportOrders, { timezone: 'Europe/Berlin', name: 'export', noOverlap: true });
cron.schedule(process.env.SYNC_CRON || '*/10 * * * *', () => sync());
cron.schedule(process.env.MAIL_CRON, mail);
cron.schedule(`0 ${hour()} * * *`, () => sync());
cron.schedule(config.cron, () => sync());
cron.schedule('61 * * * *', never);
other.schedule('0 1 * * *', nobody);
schedule('0 1 * * *', nobody);

scheduleJob('report', { hour: 14, minute: 30, dayOfWeek: 0, tz: 'Etc/UTC' }, report);
scheduleJob('0 0 * * 1', weekly);
scheduleJob(new Date(2026, 1, 1), once);
const rule = new RecurrenceRule();
rule.dayOfWeek = [0, new Range(4, 6)];
rule.hour = 17;
rule.minute = 0;
rule.tz = 'America/New_York';
scheduleJob(rule, nightly.run);
"##,
            ),
            (
                "shop/src/queues.ts",
                r##"import { Queue } from 'bullmq';
import { CronJob as Job } from 'cron';
import { Agenda } from 'agenda';

const mails = new Queue('mails');
const agenda = new Agenda({ db });

export async function start() {
  await mails.add('digest', {}, { repeat: { pattern: '0 15 3 * * *', tz: 'Asia/Tokyo' } });
  await mails.add('poll', {}, { repeat: { every: 5 * 60 * 1000 } });
  await mails.upsertJobScheduler('nightly', { pattern: '0 4 * * *' }, { name: 'n' });
  await mails.removeRepeatable('old', { repeat: { pattern: '0 5 * * *' } });
  await mails.add('computed', {}, { repeat: { pattern: settings.cron } });
  await agenda.every('1 hour and 30 minutes', 'purge');
  await agenda.every('0 6 * * *', ['a', 'b'], {}, { timezone: 'Europe/Paris' });
  await list.every('1 hour', 'nothing');
}

class Runner {
  boot() {
    new Job('0 */5 * * * *', this.tick, null, true, 'America/Los_Angeles');
    Job.from({ cronTime: '@weekdays', onTick: () => {}, timeZone: 'Mars/Olympus', start: true });
    new Job(new Date(), this.tick);
  }
}
"##,
            ),
            (
                "shop/src/tasks.service.ts",
                r##"import { Injectable } from '@nestjs/common';
import { Cron, CronExpression, Interval, Timeout } from '@nestjs/schedule';

@Injectable()
export class TasksService {
  @Cron(CronExpression.EVERY_DAY_AT_3AM, { timeZone: 'Europe/Rome', waitForCompletion: true })
  async clean(): Promise<void> {}

  @Cron('45 * * * * *', { name: 'beat' })
  beat() {}

  // @Cron('0 0 * * *')
  @Cron('0 0 1 * *', { disabled: true })
  off() {}

  @Cron(process.env.CLEAN_CRON)
  filled() {}

  @Interval('ping', 10_000)
  ping() {}

  @Timeout(5000)
  later() {}
}
"##,
            ),
            (
                "shop/src/foreign.ts",
                r##"import { Cron } from './decorators';
const text = "import cron from 'node-cron'; cron.schedule('0 1 * * *', f)";
class X { @Cron('0 1 * * *') run() {} }
cron.schedule('0 1 * * *', f);
"##,
            ),
            (
                "shop/test/tasks.spec.ts",
                r##"import * as cron from 'node-cron';
cron.schedule('0 2 * * *', () => {});
"##,
            ),
        ],
        links: &[],
    };
    let report = world.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/Runner.boot as -: @weekdays (?): Runner.boot @ shop/src/queues.ts:22",
            "job:shop/Runner.tick as -: 0 */5 * * * * (America/Los_Angeles): Runner.tick @ shop/src/queues.ts:21",
            "job:shop/TasksService.clean as -: 0 3 * * * (Europe/Rome) [waitForCompletion]: TasksService.clean @ shop/src/tasks.service.ts:6",
            "job:shop/TasksService.filled as -: ${CLEAN_CRON} (?): TasksService.filled @ shop/src/tasks.service.ts:16",
            "job:shop/a, b as -: 0 6 * * * (Europe/Paris): queues.start @ shop/src/queues.ts:15",
            "job:shop/beat as -: 45 * * * * * (?): TasksService.beat @ shop/src/tasks.service.ts:9",
            "job:shop/cron as -: */10 * * * * (?): cron @ shop/src/cron.js:8",
            "job:shop/cron 2 as -: 0 #{hour()} * * * (?): cron @ shop/src/cron.js:10",
            "job:shop/digest as -: 0 15 3 * * * (Asia/Tokyo): queues.start @ shop/src/queues.ts:9",
            "job:shop/export as -: 30 2 * * * (Europe/Berlin) [noOverlap]: exportOrders @ shop/src/cron.js:7",
            "job:shop/mail as -: ${MAIL_CRON} (?): mail @ shop/src/cron.js:9",
            "job:shop/nightly as -: 0 4 * * * (?): queues.start @ shop/src/queues.ts:11",
            "job:shop/nightly.run as -: dayOfWeek=0,4,5,6 hour=17 minute=0 (America/New_York): nightly.run @ shop/src/cron.js:24",
            "job:shop/ping as -: every=10000 (UTC): TasksService.ping @ shop/src/tasks.service.ts:19",
            "job:shop/poll as -: every=300000 (UTC): queues.start @ shop/src/queues.ts:10",
            "job:shop/purge as -: every=5400000 (UTC): queues.start @ shop/src/queues.ts:14",
            "job:shop/report as -: dayOfWeek=0 hour=14 minute=30 (Etc/UTC): report @ shop/src/cron.js:16",
            "job:shop/weekly as -: 0 0 * * 1 (?): weekly @ shop/src/cron.js:17",
            "job:tasks as -: 0 2 * * * (?): tasks @ shop/test/tasks.spec.ts:2",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/src/cron.js:11: the schedule of cron is computed: config.cron",
            "bad-schedule shop/src/cron.js:12: 61 * * * *: node-cron rejects it: minute: \"61\" is not in 0-59",
            "unresolved shop/src/queues.ts:13: the schedule of computed is computed: settings.cron",
        ]
    );
}

#[test]
fn a_job_that_nothing_starts_is_none() {
    let cron = "\
import { CronJob } from 'cron';
new CronJob('0 1 * * *', never);
const held = new CronJob('0 2 * * *', tick, null, false);
new CronJob('0 3 * * *', started, null, true, 'Europe/Berlin');
CronJob.from({ cronTime: '0 4 * * *', onTick: object, start: true });
CronJob.from({ cronTime: '0 5 * * *', onTick: stopped });
new CronJob('0 6 * * *', asked, null, process.env.ON === '1');
export const given = new CronJob('0 7 * * *', exported);
";
    let started = "\
const { CronJob } = require('cron');
const job = new CronJob('0 1 * * *', later);
job.start();
";
    let node = "\
const cron = require('node-cron');
cron.schedule('0 1 * * *', off, { scheduled: false });
cron.schedule('0 2 * * *', on, { scheduled: true });
cron.schedule('0 3 * * *', plain);
";
    let files = [("app/a/cron.js", cron), ("app/b/started.js", started), ("app/c/node.js", node)];
    let report = World { files: &files, links: &[] }.report();
    let told = jobs(&report);
    let mut names: Vec<&str> = told.iter().filter_map(|job| job.split(" @ ").nth(1)).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "app/a/cron.js:4",
            "app/a/cron.js:5",
            "app/a/cron.js:7",
            "app/a/cron.js:8",
            "app/b/started.js:2",
            "app/c/node.js:3",
            "app/c/node.js:4"
        ]
    );
    assert_eq!(gaps(&report), [""; 0]);
}
