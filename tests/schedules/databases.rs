//! Schedules that databases keep: in SQL that makes them, and in exports of the tables that hold them.

use super::*;

/// The jobs' own links.
fn job_links(report: &serde_json::Value) -> Vec<String> {
    links(report).into_iter().filter(|link| link.starts_with("job:")).collect()
}

/// The gaps that the places of this file raise; what the parser of SQL does not take is another reader's.
fn told(report: &serde_json::Value) -> Vec<String> {
    gaps(report).into_iter().filter(|gap| !gap.starts_with("unparsed")).collect()
}

#[test]
fn what_pg_cron_keeps_is_the_same_in_both_exports_and_in_the_sql_that_made_it() {
    let sql = include_str!("../../fixtures/databases/record/jobs.sql");
    let csv = include_str!("../../fixtures/databases/pg_cron/job.csv");
    let txt = include_str!("../../fixtures/databases/pg_cron/job.txt");
    // Of the same server, both exports tell the same.
    let of_export = |name: &str, text: &str| {
        let path = format!("db1/srv/{name}");
        let files = [("db1/etc/timezone", "Europe/Berlin\n"), (path.as_str(), text)];
        let report = World { files: &files, links: &[] }.report();
        let cut = |job: &String| job.split(" @ ").next().unwrap_or("").to_owned();
        (jobs(&report).iter().map(cut).collect::<Vec<_>>(), job_links(&report), told(&report))
    };
    let (csv, txt) = (of_export("job.csv", csv), of_export("job.txt", txt));
    assert_eq!(csv, txt);
    assert_eq!(
        csv.0,
        [
            "job:db1/shop/beat as -: 30 seconds (UTC): SELECT 1",
            "job:db1/shop/job 3 as -: 0 3 * * 6 (UTC): VACUUM public.orders",
            "job:db1/shop/month-end as -: 0 0 $ * * (UTC): INSERT INTO public.totals SELECT day, count(*) FROM public.orders GROUP BY day",
            "job:db1/shop/reindex as -: 15 4 * * 0 (UTC): REINDEX TABLE public.orders",
            "job:db1/shop/sessions as -: */5 * * * * (UTC): DELETE FROM public.sessions WHERE seen < now() - interval '1 day'",
        ]
    );
    assert_eq!(
        csv.1,
        [
            "job:db1/shop/beat connect database:?/shop",
            "job:db1/shop/job 3 connect database:?/shop",
            "job:db1/shop/job 3 touch table:?/shop/public.orders",
            "job:db1/shop/month-end read table:?/shop/public.orders",
            "job:db1/shop/month-end write table:?/shop/public.totals",
            "job:db1/shop/month-end connect database:?/shop",
            "job:db1/shop/reindex connect database:?/shop",
            "job:db1/shop/reindex touch table:?/shop/public.orders",
            "job:db1/shop/sessions write table:?/shop/public.sessions",
            "job:db1/shop/sessions connect database:?/shop",
        ]
    );
    assert_eq!(csv.2, Vec::<String>::new());

    let report = World { files: &[("shop/jobs.sql", sql)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/VACUUM public.orders as -: 0 3 * * 6 (UTC): VACUUM public.orders @ shop/jobs.sql:7",
            "job:shop/beat as -: 30 seconds (UTC): SELECT 1 @ shop/jobs.sql:12",
            "job:shop/month-end as -: 0 0 $ * * (UTC): INSERT INTO public.totals SELECT day, count(*) FROM public.orders GROUP BY day @ shop/jobs.sql:8",
            "job:shop/reindex as -: 15 4 * * 0 (UTC): REINDEX TABLE public.orders @ shop/jobs.sql:13",
            "job:shop/sessions as -: */5 * * * * (UTC): DELETE FROM public.sessions WHERE seen < now() - interval '1 day' @ shop/jobs.sql:6",
        ]
    );
}

#[test]
fn pg_crons_zone_is_a_setting_and_text_is_no_call() {
    let sql = r#"SELECT cron.schedule('sessions', '*/10 * * * *', $$DELETE FROM public.sessions$$);
-- SELECT cron.schedule('comment', '0 0 * * *', 'SELECT 1');
SELECT cron.schedule('wrong', '60 * * * *', 'SELECT 1');
SELECT 'cron.schedule(''text'', ''0 0 * * *'', ''SELECT 1'')';
INSERT INTO notes VALUES ($$SELECT cron.schedule('noted', '0 0 * * *', 'SELECT 1')$$);
"#;
    let files = [
        ("db1/etc/timezone", "UTC\n"),
        (
            "db1/etc/postgresql/15/main/postgresql.conf",
            "cron.timezone = 'Europe/Berlin' # as the shop has it\n",
        ),
        ("db1/srv/jobs.sql", sql),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:db1/sessions as -: */10 * * * * (Europe/Berlin): DELETE FROM public.sessions @ db1/srv/jobs.sql:1"
        ]
    );
    assert_eq!(
        told(&report),
        ["bad-schedule db1/srv/jobs.sql:3: wrong: 60 * * * *: pg-cron rejects it: minute: 60 is not in 0-59"]
    );
}

#[test]
fn requests_that_a_job_sends_are_calls() {
    let sql = r#"SELECT cron.schedule('push', '* * * * *', $$
  SELECT net.http_post(url := 'https://app.example/functions/v1/push?x=1', headers := '{}'::jsonb) AS id;
$$);
SELECT cron.schedule('pull', '* * * * *', $$SELECT net.http_get(current_setting('app.url') || '/pull')$$);
SELECT cron.schedule('poll', '* * * * *', $$SELECT net.http_get(url := current_setting('app.url') || '/poll')$$);
"#;
    let report = World { files: &[("shop/jobs.sql", sql)], links: &[] }.report();
    assert_eq!(
        job_links(&report).into_iter().filter(|link| link.contains("endpoint")).collect::<Vec<_>>(),
        ["job:shop/push call endpoint:app.example/POST /functions/v1/push"]
    );
    assert_eq!(
        told(&report),
        ["unresolved shop/jobs.sql:5: a request to an address that is only known when it runs"]
    );
}

#[test]
fn a_later_migration_takes_back_and_makes_anew() {
    let first = "\
SELECT cron.schedule('digest', '0 6 * * *', 'SELECT app.send_digest()');
SELECT cron.schedule('cleanup', '0 3 * * *', 'DELETE FROM app.tokens');
SELECT cron.schedule('gone', '0 4 * * *', 'DELETE FROM app.old');
";
    let second = "\
DO $$
DECLARE
  nightly constant text := '30 3 * * *';
BEGIN
  PERFORM cron.unschedule('gone');
  PERFORM cron.schedule('cleanup', nightly, 'DELETE FROM app.tokens');
  PERFORM cron.schedule('of_' || current_user, nightly, 'SELECT 1');
END $$;
CREATE FUNCTION app.plan() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM cron.schedule('planned', '0 0 * * *', 'SELECT 1');
END $f$;
";
    let at = "shop/supabase/migrations";
    let (one, two) = (format!("{at}/20260101_a.sql"), format!("{at}/20260201_b.sql"));
    let report = World { files: &[(&one, first), (&two, second)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            format!("job:shop/cleanup as -: 30 3 * * * (UTC): DELETE FROM app.tokens @ {two}:6"),
            format!("job:shop/digest as -: 0 6 * * * (UTC): SELECT app.send_digest() @ {one}:1"),
        ]
    );
    assert_eq!(
        told(&report),
        [
            format!("unresolved {two}:7: the name of a job of pg_cron is computed"),
            format!(
                "unresolved {two}:9: FUNCTION app.plan makes jobs of pg_cron when it is called; which, only a call tells"
            ),
        ]
    );
}

#[test]
fn events_are_the_same_in_a_dump_an_export_and_the_sql_that_made_them() {
    let want = |path: &str, lines: [u64; 4], paths: [&str; 4]| {
        let [halfway, later, end, sessions] = lines;
        let [a, b, c, d] = paths;
        vec![
            format!(
                "job:db2/shop.halfway as -: {a} (Europe/Berlin) [event_scheduler=OFF]: SELECT 1 @ {path}:{halfway}"
            ),
            format!(
                "job:db2/shop.later as -: {b} (Europe/Berlin) [event_scheduler=OFF]: SELECT 3 @ {path}:{later}"
            ),
            format!(
                "job:db2/shop.month end as -: {c} (Europe/Berlin) [event_scheduler=OFF]: BEGIN INSERT INTO totals SELECT day, COUNT(*) FROM orders GROUP BY day; DELETE FROM orders WHERE day < '2020-01-01'; END @ {path}:{end}"
            ),
            format!(
                "job:db2/shop.sessions as -: {d} (+00:00) [event_scheduler=OFF]: DELETE FROM sessions WHERE seen < NOW() - INTERVAL 1 DAY @ {path}:{sessions}"
            ),
        ]
    };
    let written = [
        "EVERY '1:30' HOUR_MINUTE STARTS '2026-01-01 00:00:00'",
        "AT '2036-01-01 00:00:00'",
        "EVERY 1 MONTH STARTS '2026-01-31 23:00:00' ENDS '2030-12-31 00:00:00'",
        "EVERY 10 MINUTE STARTS '2026-01-01 00:00:00'",
    ];
    let exported = [
        written[0],
        written[1],
        "EVERY '1' MONTH STARTS '2026-01-31 23:00:00' ENDS '2030-12-31 00:00:00'",
        "EVERY '10' MINUTE STARTS '2026-01-01 00:00:00'",
    ];
    let links = [
        "job:db2/shop.halfway connect database:?/shop",
        "job:db2/shop.later connect database:?/shop",
        "job:db2/shop.month end read table:?/shop/shop.orders",
        "job:db2/shop.month end write table:?/shop/shop.orders",
        "job:db2/shop.month end write table:?/shop/shop.totals",
        "job:db2/shop.month end connect database:?/shop",
        "job:db2/shop.sessions write table:?/shop/shop.sessions",
        "job:db2/shop.sessions connect database:?/shop",
    ];
    for (name, text, lines, schedules) in [
        ("events.sql", include_str!("../../fixtures/databases/record/events.sql"), [23, 25, 15, 10], written),
        ("dump.sql", include_str!("../../fixtures/databases/mysql/dump.sql"), [109, 128, 147, 188], written),
        ("events.tsv", include_str!("../../fixtures/databases/mysql/events.tsv"), [2, 3, 4, 6], exported),
    ] {
        let path = format!("db2/srv/{name}");
        let files = [
            ("db2/etc/timezone", "Europe/Berlin\n"),
            ("db2/etc/mysql/my.cnf", "[mysqld]\nevent-scheduler = OFF\n"),
            (path.as_str(), text),
        ];
        let report = World { files: &files, links: &[] }.report();
        assert_eq!(jobs(&report), want(&path, lines, schedules), "{name}");
        assert_eq!(job_links(&report), links, "{name}");
        assert_eq!(told(&report), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn jobs_of_the_agent_have_their_steps_and_their_schedules() {
    let sql = r#"USE [msdb]
GO
DECLARE @ReturnCode INT, @jobId BINARY(16)
DECLARE @db sysname = N'Shop'
EXEC @ReturnCode = msdb.dbo.sp_add_job @job_name=N'Shop - nightly',
    @enabled=1, @owner_login_name=N'sa', @job_id = @jobId OUTPUT
IF (@@ERROR <> 0 OR @ReturnCode <> 0) GOTO QuitWithRollback
EXEC @ReturnCode = msdb.dbo.sp_add_jobstep @job_id=@jobId, @step_name=N'one', @step_id=1, @subsystem=N'TSQL',
    @command=N'INSERT INTO dbo.totals SELECT day, COUNT(*) FROM dbo.orders GROUP BY day', @database_name=@db
EXEC @ReturnCode = msdb.dbo.sp_add_jobstep @job_id=@jobId, @step_name=N'two', @step_id=2, @subsystem=N'CmdExec',
    @command=N'C:\tools\export.bat daily'
EXEC @ReturnCode = msdb.dbo.sp_add_jobschedule @job_id=@jobId, @name=N'night', @enabled=1, @freq_type=4,
    @freq_interval=1, @freq_subday_type=1, @freq_subday_interval=0, @freq_relative_interval=0,
    @freq_recurrence_factor=0, @active_start_date=20260101, @active_end_date=99991231, @active_start_time=23000,
    @active_end_time=235959
EXEC @ReturnCode = msdb.dbo.sp_add_jobschedule @job_id=@jobId, @name=N'paused', @enabled=0, @freq_type=4, @freq_interval=1
EXEC msdb.dbo.sp_add_jobserver @job_id = @jobId, @server_name = N'(local)'
GO
EXEC dbo.sp_add_schedule @schedule_name = N'Sundays', @freq_type = 8, @freq_interval = 1, @freq_recurrence_factor = 1
EXEC dbo.sp_add_job @job_name = N'Shop - weekly'
EXEC dbo.sp_add_jobstep @job_name = N'Shop - weekly', @step_name = N'check',
    @command = N'EXEC dbo.check_all'
EXEC sp_attach_schedule @job_name = N'Shop - weekly', @schedule_name = N'Sundays'
EXEC dbo.sp_add_job @job_name = N'Shop - off', @enabled = 0
EXEC dbo.sp_add_jobschedule @job_name = N'Shop - off', @name = N'x', @freq_type = 4, @freq_interval = 1
EXEC dbo.sp_attach_schedule @job_name = N'Shop - off', @schedule_name = N'Elsewhere'
-- EXEC dbo.sp_add_jobschedule @job_name = N'Commented', @name = N'x', @freq_type = 4, @freq_interval = 1
PRINT N'EXEC dbo.sp_add_jobschedule @job_name = N''Printed'', @freq_type = 4, @freq_interval = 1'
EXEC dbo.sp_add_job @job_name = N'Shop - wrong'
EXEC dbo.sp_add_jobschedule @job_name = N'Shop - wrong', @name = N'x', @freq_type = 2
QuitWithRollback:
"#;
    let files = [("sql1/etc/timezone", "Europe/London\n"), ("sql1/srv/agent.sql", sql)];
    let report = World { files: &files, links: &[] }.report();
    let at = "sql1/srv/agent.sql";
    assert_eq!(
        jobs(&report),
        [
            format!(
                "job:sql1/Shop - nightly as -: freq_type=4 freq_interval=1 freq_subday_type=1 active_start_date=20260101 active_start_time=23000 (Europe/London): INSERT INTO dbo.totals SELECT day, COUNT(*) FROM dbo.orders GROUP BY day; CmdExec: C:\\tools\\export.bat daily @ {at}:9"
            ),
            format!(
                "job:sql1/Shop - weekly as -: freq_type=8 freq_interval=1 freq_recurrence_factor=1 (Europe/London): EXEC dbo.check_all @ {at}:22"
            ),
        ]
    );
    assert_eq!(
        job_links(&report),
        [
            "job:sql1/Shop - nightly read table:?/Shop/dbo.orders",
            "job:sql1/Shop - nightly write table:?/Shop/dbo.totals",
            "job:sql1/Shop - nightly connect database:?/Shop",
            "job:sql1/Shop - weekly call routine:?/dbo.check_all",
        ]
    );
    assert_eq!(
        told(&report),
        [
            format!("unresolved {at}:26: Shop - off runs by Elsewhere, which this script does not make"),
            format!(
                "bad-schedule {at}:30: Shop - wrong: freq_type=2: sql-agent rejects it: freq_type 2 is none that the agent knows"
            ),
        ]
    );
}

#[test]
fn jobs_of_oracle_have_programs_and_schedules_of_the_tree() {
    let jobs_sql = r#"BEGIN
  DBMS_SCHEDULER.CREATE_JOB(
    job_name        => 'SHOP.TOTALS',
    job_type        => 'PLSQL_BLOCK',
    job_action      => 'BEGIN
      INSERT INTO shop.totals SELECT day, COUNT(*) FROM shop.orders GROUP BY day;
    END;',
    start_date      => TO_TIMESTAMP_TZ('2026/01/01 02:30:00.000000 Europe/Berlin','yyyy/mm/dd hh24:mi:ss.ff tzr'),
    repeat_interval => 'FREQ=DAILY; INTERVAL=1',
    end_date        => NULL,
    enabled         => TRUE);
  dbms_scheduler.create_job(job_name => 'SHOP.CHECK', program_name => 'SHOP.CHECKER', schedule_name => 'SHOP.SUNDAYS');
  dbms_scheduler.enable('SHOP.CHECK');
  DBMS_SCHEDULER.CREATE_JOB('SHOP.PURGE', 'STORED_PROCEDURE', 'shop.admin.purge', 0,
    TIMESTAMP '2026-01-01 04:00:00 +01:00', 'FREQ=MONTHLY;BYMONTHDAY=-1', NULL, 'DEFAULT_JOB_CLASS', TRUE);
  DBMS_SCHEDULER.CREATE_JOB(job_name => 'SHOP.ASLEEP', job_type => 'STORED_PROCEDURE', job_action => 'x', repeat_interval => 'FREQ=DAILY');
  DBMS_SCHEDULER.CREATE_JOB(job_name => 'SHOP.OFF', job_type => 'STORED_PROCEDURE', job_action => 'x', repeat_interval => 'FREQ=DAILY', enabled => FALSE);
  DBMS_SCHEDULER.CREATE_JOB(job_name => 'SHOP.WRONG', job_type => 'STORED_PROCEDURE', job_action => 'x', repeat_interval => 'FREQ=DAILY;BYHOUR=25', enabled => TRUE);
  DBMS_SCHEDULER.CREATE_JOB(job_name => 'SHOP.DYN_' || v_kf, job_type => 'STORED_PROCEDURE', job_action => 'x', repeat_interval => 'FREQ=DAILY', enabled => TRUE);
  -- DBMS_SCHEDULER.CREATE_JOB(job_name => 'SHOP.COMMENT', job_type => 'STORED_PROCEDURE', job_action => 'x', repeat_interval => 'FREQ=DAILY', enabled => TRUE);
END;
/
DECLARE j NUMBER;
BEGIN
  DBMS_JOB.SUBMIT(j, 'shop.refresh;', SYSDATE, 'TRUNC(SYSDATE)+1+2/24');
  DBMS_JOB.SUBMIT(job => j, what => 'shop.once;', next_date => SYSDATE);
END;
/
"#;
    let programs = r#"BEGIN
  DBMS_SCHEDULER.CREATE_PROGRAM(program_name => 'SHOP.CHECKER', program_type => 'STORED_PROCEDURE', program_action => 'shop.check_all', enabled => TRUE);
  DBMS_SCHEDULER.CREATE_SCHEDULE(schedule_name => 'SHOP.SUNDAYS', repeat_interval => 'FREQ=WEEKLY;BYDAY=SUN;BYHOUR=3;BYMINUTE=0;BYSECOND=0');
END;
/
"#;
    let files = [("shop/jobs.sql", jobs_sql), ("shop/programs.sql", programs)];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop/SHOP.CHECK as -: FREQ=WEEKLY;BYDAY=SUN;BYHOUR=3;BYMINUTE=0;BYSECOND=0 (?): CALL shop.check_all() @ shop/jobs.sql:12",
            "job:shop/SHOP.PURGE as -: start_date=2026-01-01 04:00:00;FREQ=MONTHLY;BYMONTHDAY=-1 (+01:00): CALL shop.admin.purge() @ shop/jobs.sql:14",
            "job:shop/SHOP.TOTALS as -: start_date=2026-01-01 02:30:00;FREQ=DAILY; INTERVAL=1 (Europe/Berlin): BEGIN INSERT INTO shop.totals SELECT day, COUNT(*) FROM shop.orders GROUP BY day; END; @ shop/jobs.sql:5",
            "job:shop/shop.refresh as -: TRUNC(SYSDATE)+1+2/24 (?): shop.refresh; @ shop/jobs.sql:25",
        ]
    );
    assert_eq!(
        told(&report),
        [
            "unresolved shop/jobs.sql:16: shop/SHOP.ASLEEP is made disabled, and nothing in this script enables it",
            "bad-schedule shop/jobs.sql:18: shop/SHOP.WRONG: FREQ=DAILY;BYHOUR=25: dbms-scheduler rejects it: byhour: \"25\" is out of bounds",
            "unresolved shop/jobs.sql:19: the name of a job is computed",
        ]
    );
}

#[test]
fn an_event_in_a_dump_and_in_an_export_is_one_job() {
    let dump = "\
-- Host: localhost    Database: shop
-- ------------------------------------------------------
/*!50003 SET time_zone = 'Europe/Berlin' */ ;;
CREATE DEFINER=`etl`@`%` EVENT `purge` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 02:00:00' ON COMPLETION NOT PRESERVE ENABLE DO DELETE FROM old_orders ;;
CREATE EVENT `refresh` ON SCHEDULE EVERY 1 HOUR DO DELETE FROM cache ;;
";
    let export = "\
EVENT_SCHEMA\tEVENT_NAME\tDEFINER\tTIME_ZONE\tEVENT_DEFINITION\tINTERVAL_VALUE\tINTERVAL_FIELD\tSTARTS\tENDS\tEXECUTE_AT\tSTATUS
shop\tpurge\tetl@%\tEurope/Berlin\tDELETE FROM old_orders\t1\tDAY\t2026-01-01 02:00:00\tNULL\tNULL\tENABLED
shop\trefresh\tetl@%\tEurope/Berlin\tDELETE FROM cache\t2\tHOUR\tNULL\tNULL\tNULL\tENABLED
";
    let files = [("dumps/shop.sql", dump), ("exports/events.tsv", export)];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:dumps/shop.refresh as -: EVERY 1 HOUR (UTC): DELETE FROM cache @ dumps/shop.sql:5",
            "job:exports/shop.refresh as -: EVERY '2' HOUR (UTC): DELETE FROM cache @ exports/events.tsv:3",
            "job:shop.purge as -: EVERY 1 DAY STARTS '2026-01-01 02:00:00' (Europe/Berlin): DELETE FROM old_orders @ dumps/shop.sql:4"
        ]
    );
}
