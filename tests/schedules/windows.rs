//! Tasks of the Windows Task Scheduler: their XML, and scripts that create them.

use super::*;

/// A task of these triggers, settings and actions.
fn task(info: &str, triggers: &str, settings: &str, actions: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>
<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">
  <RegistrationInfo>{info}</RegistrationInfo>
  <Triggers>
{triggers}
  </Triggers>
  <Principals><Principal id=\"Author\"><UserId>S-1-5-18</UserId></Principal></Principals>
  <Settings>{settings}</Settings>
  <Actions Context=\"Author\">
    {actions}
  </Actions>
</Task>
"
    )
}

const NIGHTLY: &str = "    <CalendarTrigger>
      <Repetition><Interval>PT15M</Interval><Duration>PT4H</Duration></Repetition>
      <StartBoundary>2026-01-01T02:00:00</StartBoundary>
      <RandomDelay>PT5M</RandomDelay>
      <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>
    </CalendarTrigger>";

#[test]
fn a_task_of_a_host_is_read_in_its_own_encoding_without_an_extension() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tasks = folder.path().join("win1/Windows/System32/Tasks/Shop");
    std::fs::create_dir_all(&tasks).expect("folders can be made");
    let exec = "<Exec><Command>C:\\Tools\\sqlcmd.exe</Command><Arguments>-S db1 -d shop -U etl -P hunter0secret -Q \
                \"SELECT id FROM dbo.orders\"</Arguments></Exec>";
    let settings = "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><StartWhenAvailable>true</StartWhenAvailable>";
    let text = task("<URI>\\Shop\\Nightly</URI>", NIGHTLY, settings, exec);
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(tasks.join("Nightly"), utf16).expect("files can be written");
    let report = scan(folder.path());
    let told = "C:\\Tools\\sqlcmd.exe -S db1 -d shop -U etl -P ‹scrubbed› -Q \"SELECT id FROM dbo.orders\"";
    let schedule = "start=2026-01-01T02:00:00 every 1 day repeat PT15M for PT4H random PT5M";
    let guards = "[MultipleInstancesPolicy=IgnoreNew] [StartWhenAvailable=true]";
    let at = "win1/Windows/System32/Tasks/Shop/Nightly:5";
    assert_eq!(
        jobs(&report),
        [format!("job:win1/Shop/Nightly as SYSTEM: {schedule} (?) {guards}: {told} @ {at}")]
    );
    assert_eq!(gaps(&report), [""; 0]);
    assert_eq!(
        links(&report),
        [
            "job:win1/Shop/Nightly read table:db1/shop/dbo.orders",
            "job:win1/Shop/Nightly connect database:db1/shop"
        ]
    );
}

#[test]
fn each_trigger_that_is_on_is_a_schedule_and_a_task_that_is_off_is_none() {
    let exec = "<Exec><Command>C:\\jobs\\run.exe</Command></Exec>";
    let triggers = "<CalendarTrigger><StartBoundary>2026-01-05T06:30:00Z</StartBoundary><ScheduleByWeek>
<DaysOfWeek><Monday /><Friday /></DaysOfWeek><WeeksInterval>2</WeeksInterval></ScheduleByWeek></CalendarTrigger>
<CalendarTrigger><StartBoundary>2026-01-01T05:00:00Z</StartBoundary><ScheduleByMonthDayOfWeek><Weeks><Week>1</Week>
<Week>Last</Week></Weeks><DaysOfWeek><Sunday /></DaysOfWeek><Months><January /><July /></Months>
</ScheduleByMonthDayOfWeek></CalendarTrigger>
<CalendarTrigger><Enabled>false</Enabled><StartBoundary>2026-01-01T01:00:00Z</StartBoundary><ScheduleByDay>
<DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger>
<TimeTrigger><StartBoundary>someday</StartBoundary></TimeTrigger>";
    let logon = "<LogonTrigger><Delay>PT5M</Delay></LogonTrigger>";
    let com = "<ComHandler><ClassId>{0F87369F-A4E5-4CFC-BD3E-73E6154572DD}</ClassId></ComHandler>";
    let files = [
        ("tasks/many.xml", &*task("", triggers, "", exec)),
        ("tasks/logon.xml", &*task("<URI>\\At logon</URI>", logon, "", com)),
        ("tasks/off.xml", &*task("<URI>\\Off</URI>", NIGHTLY, "<Enabled>false</Enabled>", exec)),
        ("tasks/demand.xml", &*task("<URI>\\On demand</URI>", "", "", exec)),
        // Not a task of the scheduler, though it speaks of one.
        ("tasks/note.txt", "xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\" <Triggers>"),
    ];
    let report = World { files: &files, links: &[] }.report();
    let run = "C:\\jobs\\run.exe @ tasks/many.xml";
    assert_eq!(
        jobs(&report),
        [
            "job:tasks/At logon as SYSTEM: logon delay PT5M (UTC): COM {0F87369F-A4E5-4CFC-BD3E-73E6154572DD} @ \
             tasks/logon.xml:5"
                .to_owned(),
            format!(
                "job:tasks/many as SYSTEM: start=2026-01-01T05:00:00Z each month on first,last Sunday of January,July \
                 (UTC): {run}:5"
            ),
            format!("job:tasks/many as SYSTEM: start=2026-01-05T06:30:00Z every 2 weeks on Monday,Friday (UTC): {run}:5"),
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "bad-schedule tasks/many.xml:12: tasks/many: Task Scheduler has no such TimeTrigger: \"someday\" is no time \
             such as 2026-01-01T02:00:00"
        ]
    );
}

#[test]
fn an_export_of_all_tasks_names_each_by_the_comment_before_it() {
    let exec = "<Exec><Command>cmd</Command><Arguments>/c \"psql -h db1 -d shop -c \"\"SELECT 1\"\"\"</Arguments></Exec>";
    let boot = "<BootTrigger><Repetition><Interval>PT1H</Interval></Repetition></BootTrigger>";
    let text =
        format!("<!-- \\A -->\n{}<!-- \\B -->\n{}", task("", NIGHTLY, "", exec), task("", boot, "", exec));
    let files = [("win2/etc/timezone", "Europe/Berlin\n"), ("win2/all.xml", &*text)];
    let report = World { files: &files, links: &[] }.report();
    let command = "cmd /c \"psql -h db1 -d shop -c \"\"SELECT 1\"\"\" @ win2/all.xml";
    let nightly = "start=2026-01-01T02:00:00 every 1 day repeat PT15M for PT4H random PT5M";
    assert_eq!(
        jobs(&report),
        [
            format!("job:win2/A as SYSTEM: {nightly} (Europe/Berlin): {command}:6"),
            format!("job:win2/B as SYSTEM: boot repeat PT1H (UTC): {command}:24"),
        ]
    );
}

#[test]
fn tasks_that_scripts_create() {
    let batch = "@echo off
rem schtasks /create /tn no /sc daily /st 01:00 /tr no.exe
schtasks /create /tn \"Shop\\Load\" /sc weekly /d MON,FRI /st 06:00 /ru SYSTEM ^
  /tr \"\\\"C:\\Python\\python.exe\\\" C:\\jobs\\load.py --all\" /f
schtasks /Create /TN poll /SC MINUTE /MO 10 /TR C:\\jobs\\poll.exe
schtasks /create /tn bad /sc fortnightly /tr x.exe
schtasks /query /fo csv
";
    let powershell = "schtasks.exe /create /s db7 /tn Purge /sc daily /st $when /tr 'curl.exe https://api.example.org/purge' /f\n";
    let files = [
        ("setup/install.cmd", batch),
        ("setup/jobs.ps1", powershell),
        ("setup/jobs/load.py", "print('x')\n"),
        ("setup/readme.txt", "schtasks /create /tn x /sc daily /st 02:00 /tr x.exe\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    let poll = "start=${the time it was created} every 1 day repeat PT600S";
    assert_eq!(
        jobs(&report),
        [
            "job:db7/setup/Purge as -: start=${when} every 1 day (?): curl.exe https://api.example.org/purge @ \
             setup/jobs.ps1:1"
                .to_owned(),
            "job:setup/Shop/Load as SYSTEM: start=06:00 every 1 week on Monday,Friday (?): C:\\Python\\python.exe \
             C:\\jobs\\load.py --all @ setup/install.cmd:3"
                .to_owned(),
            format!("job:setup/poll as -: {poll} (?): C:\\jobs\\poll.exe @ setup/install.cmd:5"),
        ]
    );
    assert_eq!(
        gaps(&report),
        ["bad-schedule setup/install.cmd:6: bad: schtasks has no such schedule: /sc FORTNIGHTLY"]
    );
}

#[test]
fn tasks_that_powershell_registers() {
    let script = "<# Register-ScheduledTask -TaskName no #>
# Register-ScheduledTask -TaskName no -Trigger (New-ScheduledTaskTrigger -Daily -At 1am)
$sql = 'sqlcmd.exe'
$action = New-ScheduledTaskAction -Execute $sql -Argument \"-S db1 -d shop -Q `\"SELECT id FROM dbo.orders`\"\"
$triggers = @(
    (New-ScheduledTaskTrigger -Daily -At 2am),
    (New-ScheduledTaskTrigger -AtStartup)
)
$who = New-ScheduledTaskPrincipal -UserId 'NT AUTHORITY\\SYSTEM' -RunLevel Highest
Register-ScheduledTask -TaskName \"Nightly\" -TaskPath '\\Shop' `
    -Action $action -Trigger $triggers -Principal $who -Force
$params = @{
    TaskName = \"Weekly $env:COMPUTERNAME\"
    Action   = New-ScheduledTaskAction -Execute 'C:\\jobs\\run.exe'
    Trigger  = New-ScheduledTaskTrigger -Weekly -DaysOfWeek Sunday -At '23:30'
    User     = 'svc'
}
Register-ScheduledTask @params | Out-Null
Register-ScheduledTask -TaskName Computed -Action $action -Trigger (Get-Trigger)
Register-ScheduledTask -TaskName FromXml -Xml (Get-Content x.xml | Out-String)
";
    let report = World { files: &[("setup/tasks.ps1", script)], links: &[] }.report();
    let nightly = "sqlcmd.exe -S db1 -d shop -Q \"SELECT id FROM dbo.orders\" @ setup/tasks.ps1:10";
    assert_eq!(
        jobs(&report),
        [
            format!("job:setup/Shop/Nightly as SYSTEM: boot (?): {nightly}"),
            format!("job:setup/Shop/Nightly as SYSTEM: start=02:00:00 every 1 day (?): {nightly}"),
            "job:setup/tasks.ps1 (18) as svc: start=23:30:00 every 1 week on Sunday (?): C:\\jobs\\run.exe @ \
             setup/tasks.ps1:18"
                .to_owned(),
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved setup/tasks.ps1:19: Computed: what starts it is computed by the script that registers it"
        ]
    );
    assert_eq!(
        links(&report),
        [
            "job:setup/Shop/Nightly read table:db1/shop/dbo.orders",
            "job:setup/Shop/Nightly connect database:db1/shop",
            "script:setup/tasks.ps1 read file:x.xml of script:setup/tasks.ps1"
        ]
    );
}

#[test]
fn a_task_runs_the_batch_file_and_the_powershell_that_it_names() {
    let exec = |command: &str, arguments: &str| {
        format!("<Exec><Command>{command}</Command><Arguments>{arguments}</Arguments></Exec>")
    };
    let load = exec("cmd.exe", "/c C:\\jobs\\load.bat prod");
    let ship = exec("powershell.exe", "-NoProfile -File C:\\jobs\\ship.ps1 -Password hunter0secret");
    let inline = exec("powershell", "-Command &quot;Copy-Item C:\\out\\a.csv \\\\nas\\in\\a.csv&quot;");
    let files = [
        ("win3/etc/timezone", "Europe/Berlin\n"),
        ("win3/Windows/System32/Tasks/Load", &*task("", NIGHTLY, "", &load)),
        ("win3/Windows/System32/Tasks/Ship", &*task("", NIGHTLY, "", &ship)),
        ("win3/Windows/System32/Tasks/Inline", &*task("", NIGHTLY, "", &inline)),
        (
            "win3/jobs/load.bat",
            "@set OUT=C:\\out\r\nsqlcmd -S db1 -d shop -Q \"SELECT id FROM dbo.orders\" -o %OUT%\\a.csv\r\n",
        ),
        (
            "win3/jobs/ship.ps1",
            "Invoke-Sqlcmd -ServerInstance db1 -Database shop -Query 'DELETE FROM dbo.sent'\n",
        ),
        // Only spoken of.
        ("win3/jobs/notes.ps1", "# Invoke-Sqlcmd -ServerInstance db1 -Query 'DELETE FROM dbo.no'\n"),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(gaps(&report), [""; 0]);
    assert_eq!(
        links(&report),
        [
            "job:win3/Inline read file:win3:C:/out/a.csv",
            "job:win3/Inline export file:nas:in/a.csv",
            "job:win3/Load read table:db1/shop/dbo.orders",
            "job:win3/Load write file:win3:C:/out/a.csv",
            "job:win3/Load connect database:db1/shop",
            "job:win3/Ship write table:db1/shop/dbo.sent",
            "job:win3/Ship connect database:db1/shop",
        ]
    );
    assert!(!report.to_string().contains("hunter0secret"));
}

#[test]
fn a_task_that_its_script_switches_off_again_is_none() {
    let batch = "\
schtasks /delete /tn fresh /f
schtasks /create /tn fresh /sc daily /st 01:00 /tr fresh.exe
schtasks /create /tn \\Shop\\off /sc daily /st 02:00 /tr off.exe
schtasks /change /tn Shop\\Off /disable
schtasks /create /tn again /sc daily /st 03:00 /tr again.exe
schtasks /change /tn again /disable
schtasks /change /tn again /enable
schtasks /create /tn perhaps /sc daily /st 04:00 /tr perhaps.exe
if \"%1\"==\"off\" schtasks /change /tn perhaps /disable
if \"%1\"==\"off\" (
  schtasks /delete /tn perhaps /f
)
schtasks /create /tn installed /sc daily /st 05:00 /tr installed.exe
goto :eof
:uninstall
schtasks /delete /tn installed /f
";
    let powershell = "\
function Install {
  $a = New-ScheduledTaskAction -Execute x.exe
  $t = New-ScheduledTaskTrigger -Daily -At 3am
  Register-ScheduledTask -TaskName kept -Action $a -Trigger $t
  Register-ScheduledTask -TaskName gone -Action $a -Trigger $t
  Register-ScheduledTask -TaskName piped -Action $a -Trigger $t
  Register-ScheduledTask -TaskName set -Action $a -Trigger $t -Settings (New-ScheduledTaskSettingsSet -Disable)
  Disable-ScheduledTask -TaskName 'Gone'
  Get-ScheduledTask -TaskName piped | Disable-ScheduledTask
}
function Uninstall {
  Unregister-ScheduledTask -TaskName kept -Confirm:$false
}
";
    let files = [("win1/scripts/tasks.cmd", batch), ("win1/scripts/tasks.ps1", powershell)];
    let report = World { files: &files, links: &[] }.report();
    let told = jobs(&report);
    let names: Vec<&str> = told.iter().filter_map(|job| job.split([' ', ':']).nth(1)).collect();
    assert_eq!(
        names,
        ["scripts/again", "scripts/fresh", "scripts/installed", "scripts/kept", "scripts/perhaps"]
    );
    assert_eq!(gaps(&report), [""; 0]);
}
