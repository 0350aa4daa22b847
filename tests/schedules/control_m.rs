//! Jobs of Control-M: exports as XML and jobs as code.

use super::*;

const EXPORT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<DEFTABLE>
  <FOLDER FOLDER_NAME="NIGHT" DATACENTER="PROD">
    <JOB JOBNAME="EXTRACT" TASKTYPE="Command" NODEID="h1" RUN_AS="etl" TIMEFROM="0300" TIMETO="&gt;" DAYS="ALL"
         JAN="1" FEB="1" MAR="1" APR="1" MAY="1" JUN="1" JUL="1" AUG="1" SEP="1" OCT="1" NOV="1" DEC="1" DAYS_AND_OR="O"
         TIMEZONE="GMT" CMDLINE="psql -h db1 -d shop -c 'SELECT id FROM public.orders' -o %%OUT.%%$ODATE..csv">
      <VARIABLE NAME="%%OUT" VALUE="/out/orders_"/>
      <OUTCOND NAME="EXTRACT-OK" ODATE="ODAT" SIGN="+"/>
      <OUTCOND NAME="OLD-OK" ODATE="ODAT" SIGN="-"/>
    </JOB>
    <JOB JOBNAME="LOAD" TASKTYPE="Job" NODEID="h2" RUN_AS="etl" MEMNAME="load.sh" MEMLIB="/opt/jobs" WEEKDAYS="1,5"
         JAN="1" JUL="1">
      <INCOND NAME="EXTRACT-OK" ODATE="ODAT" AND_OR="A"/>
      <OUTCOND NAME="LOAD-OK" ODATE="ODAT" SIGN="+"/>
    </JOB>
    <JOB JOBNAME="EITHER" TASKTYPE="Dummy" DAYS="1" TIMEFROM="0600">
      <INCOND NAME="EXTRACT-OK" ODATE="ODAT" AND_OR="O"/>
      <INCOND NAME="LOAD-OK" ODATE="ODAT" AND_OR="O"/>
    </JOB>
    <JOB JOBNAME="YESTERDAY" TASKTYPE="Dummy" DAYS="1" TIMEFROM="0600">
      <INCOND NAME="LOAD-OK" ODATE="PREV" AND_OR="A"/>
      <INCOND NAME="NOBODY-OK" ODATE="ODAT" AND_OR="A"/>
    </JOB>
    <JOB JOBNAME="POLL" TASKTYPE="Command" NODEID="h1" CYCLIC="1" INTERVAL="00015M" IND_CYCLIC="S" TIMEFROM="0800"
         TIMETO="1800" WEEKDAYS="1,2,3,4,5" CMDLINE="/opt/poll.sh"/>
    <JOB JOBNAME="CAL" TASKTYPE="Command" NODEID="h1" DAYS="ALL" CONFCAL="WORK DAYS" TIMEFROM="0800" CMDLINE="/opt/cal.sh"/>
    <JOB JOBNAME="BAD" TASKTYPE="Command" NODEID="h1" DAYS="SA" TIMEFROM="0800" CMDLINE="/opt/bad.sh"/>
  </FOLDER>
  <SMART_FOLDER FOLDER_NAME="WEEKLY" JOBNAME="WEEKLY" TIMEFROM="2200" TIMEZONE="EST">
    <RULE_BASED_CALENDAR NAME="SAT" WEEKDAYS="6"/>
    <JOB JOBNAME="SWEEP" TASKTYPE="Command" NODEID="w1" CMDLINE="C:\Tools\sqlcmd.exe -S db2 -d shop -Q &quot;DELETE FROM dbo.carts&quot;">
      <RULE_BASED_CALENDARS NAME="SAT"/>
    </JOB>
    <JOB JOBNAME="HOST" TASKTYPE="Job" MEMNAME="CLOSE" MEMLIB="PROD.JCL">
      <RULE_BASED_CALENDARS NAME="ELSEWHERE"/>
    </JOB>
  </SMART_FOLDER>
</DEFTABLE>
"#;

#[test]
fn exports_tell_days_times_and_events() {
    let report = World { files: &[("cm/export.xml", EXPORT)], links: &[] }.report();
    let at = "@ cm/export.xml";
    let extract = "psql -h db1 -d shop -c 'SELECT id FROM public.orders' -o %%OUT.%%$ODATE..csv";
    let sweep = "C:\\Tools\\sqlcmd.exe -S db2 -d shop -Q \"DELETE FROM dbo.carts\"";
    let mut expected = [
        format!("job:h1/NIGHT/EXTRACT as etl: DAYS=ALL TIMEFROM=0300 (GMT): {extract} {at}:4"),
        format!(
            "job:h2/NIGHT/LOAD as etl: MONTHS=JAN,JUL WEEKDAYS=1,5 EVENTS=EXTRACT-OK (UTC): /opt/jobs/load.sh {at}:11"
        ),
        format!("job:NIGHT/EITHER as -: DAYS=1 TIMEFROM=0600 EVENTS=EXTRACT-OK,LOAD-OK (?): nothing {at}:16"),
        format!(
            "job:NIGHT/YESTERDAY as -: DAYS=1 TIMEFROM=0600 EVENTS=LOAD-OK,NOBODY-OK (?): nothing {at}:20"
        ),
        format!(
            "job:h1/NIGHT/POLL as -: WEEKDAYS=1,2,3,4,5 TIMEFROM=0800 TIMETO=1800 EVERY=15M (?): /opt/poll.sh {at}:24"
        ),
        format!("job:h1/NIGHT/CAL as -: DAYS=ALL CALENDAR=WORKDAYS TIMEFROM=0800 (?): /opt/cal.sh {at}:26"),
        format!("job:w1/WEEKLY/SWEEP as -: WEEKDAYS=6 TIMEFROM=2200 (?): {sweep} {at}:31"),
        format!("job:WEEKLY/HOST as -: CALENDAR=ELSEWHERE TIMEFROM=2200 (?): PROD.JCL(CLOSE) {at}:34"),
    ];
    expected.sort();
    let mut told = jobs(&report);
    told.sort();
    assert_eq!(told, expected);
    // One of two events, and one of yesterday, order nothing.
    assert_eq!(waits(&report), ["job:h2/NIGHT/LOAD waits for job:h1/NIGHT/EXTRACT"]);
    let gaps: Vec<String> =
        gaps(&report).into_iter().filter(|gap| !gap.starts_with("missing-script")).collect();
    assert_eq!(
        gaps,
        [
            "unresolved cm/export.xml:20: NIGHT/YESTERDAY waits for NOBODY-OK, which no job of the scan adds",
            "bad-schedule cm/export.xml:27: Control-M has no such schedule (NIGHT/BAD): DAYS: \"SA\" is no day of a month",
        ]
    );
    assert_eq!(
        links(&report),
        [
            "job:h1/NIGHT/EXTRACT read table:db1/shop/public.orders",
            "job:h1/NIGHT/EXTRACT write file:h1:/out/orders_{date}.csv",
            "job:h1/NIGHT/EXTRACT connect database:db1/shop",
            "job:w1/WEEKLY/SWEEP write table:db2/shop/dbo.carts",
            "job:w1/WEEKLY/SWEEP connect database:db2/shop",
        ]
    );
}

const CODE: &str = r#"{
	"Defaults": { "Host": "h1", "RunAs": "etl", "Job": { "When": { "WeekDays": ["MON", "FRI"], "FromTime": "0300" } } },
	"Sales": {
		"Type": "Folder",
		"TimeZone": "GMT",
		"Get": { "Type": "Job:Command", "Command": "curl -o /in/a.csv https://api.example.org/a",
			"done": { "Type": "AddEvents", "Events": [ { "Event": "got" } ] } },
		"Put": { "Type": "Job:Script", "FilePath": "/opt/jobs", "FileName": "put.sh", "Host": "h2",
			"When": { "MonthDays": ["1"], "WeekDays": ["MON"], "DaysRelation": "AND", "Months": ["JAN"], "FromTime": "0400" } },
		"Watch": { "Type": "Job:FileWatcher:Create", "Path": "/in/b.csv", "When": { "Schedule": "Never" } },
		"Again": { "Type": "Job:Command", "Command": "/opt/again.sh", "When": { "FromTime": "0800", "ToTime": "1800" },
			"Rerun": { "Units": "Minutes", "Every": "30" } },
		"Open": { "Type": "Job:Dummy", "When": { "MonthDays": ["1"], "WeekDays": ["MON"], "FromTime": "0400" } },
		"Order": { "Type": "Flow", "Sequence": ["Get", "Put"] },
		"Deep": {
			"Type": "SubFolder",
			"Use": { "Type": "Job:Command", "Command": "/opt/use.sh",
				"when it is there": { "Type": "WaitForEvents", "Events": [ { "Event": "got" } ] } }
		}
	},
	"Profile": { "Type": "ConnectionProfile:Database:PostgreSQL", "User": "u", "Password": "hunter0secret" }
}
"#;

#[test]
fn jobs_as_code_have_defaults_flows_and_events() {
    let files = [("cm/sales.json", CODE), ("cm/package.json", "{\"Type\": \"module\"}\n")];
    let report = World { files: &files, links: &[] }.report();
    let at = "@ cm/sales.json";
    let mut expected = [
        format!(
            "job:h1/Sales/Get as etl: WEEKDAYS=MON,FRI TIMEFROM=0300 (GMT): curl -o /in/a.csv \
             https://api.example.org/a {at}:6"
        ),
        format!(
            "job:h2/Sales/Put as etl: MONTHS=JAN DAYS_AND_OR=A DAYS=1 WEEKDAYS=MON TIMEFROM=0400 (GMT): /opt/jobs/put.sh {at}:8"
        ),
        format!(
            "job:h1/Sales/Watch as etl: ORDER=HAND (UTC) [[ -e \"/in/b.csv\" ]]: waits for the file /in/b.csv {at}:10"
        ),
        format!(
            "job:h1/Sales/Again as etl: TIMEFROM=0800 TIMETO=1800 EVERY=30M (GMT): /opt/again.sh {at}:11"
        ),
        format!("job:h1/Sales/Open as etl: DAYS=1 WEEKDAYS=MON TIMEFROM=0400 (GMT): nothing {at}:13"),
        format!(
            "job:h1/Sales/Deep/Use as etl: WEEKDAYS=MON,FRI TIMEFROM=0300 EVENTS=got (GMT): /opt/use.sh {at}:17"
        ),
    ];
    expected.sort();
    let mut told = jobs(&report);
    told.sort();
    assert_eq!(told, expected);
    assert_eq!(
        waits(&report),
        ["job:h1/Sales/Deep/Use waits for job:h1/Sales/Get", "job:h2/Sales/Put waits for job:h1/Sales/Get"]
    );
    let gaps: Vec<String> =
        gaps(&report).into_iter().filter(|gap| !gap.starts_with("missing-script")).collect();
    assert_eq!(gaps, [""; 0]);
}
