//! Batch files and PowerShell.

use super::said_by;
use crate::collect::commands::{WindowsLanguage, read_windows};

fn check(language: WindowsLanguage, cases: &[(&str, &[&str])], files: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (script, want) in cases {
        let said = said_by(files, |context| read_windows(script, language, context));
        if said != *want {
            wrong.push(format!("{script}\n  says {said:#?}\n  not {want:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn batch(cases: &[(&str, &[&str])]) {
    check(WindowsLanguage::Batch, cases, &[]);
}

fn powershell(cases: &[(&str, &[&str])]) {
    check(WindowsLanguage::PowerShell, cases, &[]);
}

#[test]
fn variables_dates_and_the_scripts_own_folder_are_resolved_in_batch_files() {
    batch(&[
        (
            "set OUT=D:\\out\nset \"F=orders_%DATE:~6,4%%DATE:~3,2%.csv\"\r\ncopy %OUT%\\%F% \\\\nas\\in\\%F%",
            &["export file:nas/in/orders_{date}.csv", "read file:h/D:/out/orders_{date}.csv"],
        ),
        ("call \"%~dp0load.bat\" x", &["runs /opt/load.bat"]),
        ("set A=abcdef\necho x > C:\\%A:~1,3%%A:abc=z%.txt", &["write file:h/C:/bcdzdef.txt"]),
        ("echo x > C:\\%UNSET%\\a.txt\necho x > %UNSET%.txt", &["write file:h/C:/{}/a.txt"]),
        ("rem copy a b\n:: copy a b\n@echo copy a b\n", &[]),
        ("type C:\\a^\n.txt", &["read file:h/C:/a.txt"]),
        (
            "for /f \"tokens=1-3 delims=/\" %%a in ('date /t') do set D=%%c%%b%%a\necho x> C:\\x_%D%.log",
            &["write file:h/C:/x_{date}.log"],
        ),
    ]);
}

#[test]
fn what_branches_and_jumps_of_batch_files_set_differently_is_unknown() {
    batch(&[
        (
            "if \"%1\"==\"p\" (set H=a) else (set H=b)\necho x > C:\\%H%.txt\necho x > C:\\y_%H%.txt",
            &["write file:h/C:/y_{}.txt", "write file:h/C:/{}.txt"],
        ),
        ("set H=a\nif x==y echo no\necho x > C:\\%H%.txt", &["write file:h/C:/a.txt"]),
        (
            "if \"%1\"==\"p\" goto p\nset H=a\ngoto run\n:p\nset H=b\n:run\necho x > C:\\x\\%H%.txt",
            &["write file:h/C:/x/{}.txt"],
        ),
        ("goto end\necho x > C:\\never.txt\n:end\necho x > C:\\ever.txt", &["write file:h/C:/ever.txt"]),
        (
            "for %%t in (a b) do echo x > C:\\%%t.txt\nfor %%t in (*.csv) do echo x > C:\\y\\%%~nt.txt",
            &["write file:h/C:/a.txt", "write file:h/C:/b.txt", "write file:h/C:/y/{}.txt"],
        ),
        (
            "call :one a\ncall :one b\nexit /b\n:one\necho x > C:\\%1.txt\ngoto :eof",
            &["write file:h/C:/a.txt", "write file:h/C:/b.txt"],
        ),
        // In a block, values are those from before it.
        ("set H=a\nif x==y (\nset H=b\necho x > C:\\%H%.txt\n)", &["write file:h/C:/a.txt"]),
        (
            "if exist D:\\in\\go.txt (\n call load.cmd\n)",
            &["read file:h/D:/in/go.txt (tests-file)", "runs load.cmd"],
        ),
    ]);
}

#[test]
fn programs_of_batch_files_are_told_by_the_table_of_commands() {
    batch(&[
        (
            "sqlcmd.exe /S db1\\SQL1 -d shop -U etl -P hunter0secret -Q \"SELECT a FROM dbo.t\" -o D:\\o.txt",
            &["read table:db1\\SQL1/shop/dbo.t as user:etl", "write file:h/D:/o.txt"],
        ),
        (
            "bcp shop.dbo.t OUT D:\\t.bcp -S db1 -T -n",
            &["read table:db1/shop.dbo.t", "write file:h/D:/t.bcp"],
        ),
        (
            "echo open ftp1> c.txt\necho put D:\\a.csv in/a.csv>> c.txt\nftp -s:c.txt",
            &["export file:ftp1/in/a.csv", "read file:h/D:/a.csv", "write file:h/c.txt"],
        ),
        (
            "winscp.com /command \"open sftp://u:secret0@sftp1/\" \"put D:\\out\\a.csv /in/\" \"exit\"",
            &["export file:sftp1//in/a.csv", "read file:h/D:/out/a.csv"],
        ),
        (
            "net use Z: \\\\nas\\out secret0 /user:x\ncopy Z:\\a.csv D:\\in\\",
            &["connect host:nas/", "import file:nas/out/a.csv", "write file:h/D:/in/a.csv"],
        ),
        (
            "robocopy D:\\out \\\\srv\\e$\\in *.csv /mir /xf x.csv",
            &["export file:srv/E:/in/{}.csv", "read file:h/D:/out/{}.csv"],
        ),
        ("cmd /c \"sqlcmd -S db1 -i D:\\x.sql > nul\"", &["runs D:/x.sql"]),
        (
            "powershell -ExecutionPolicy Bypass -File D:\\jobs\\x.ps1 -Password hunter0secret\npowershell -c \"Copy-Item D:\\a.csv \\\\srv\\in\\a.csv\"",
            &["export file:srv/in/a.csv", "read file:h/D:/a.csv", "runs D:/jobs/x.ps1"],
        ),
        ("timeout /t 600 /nobreak\ncall D:\\a.bat\ntimeout /t 5", &["after sleep 600", "runs D:/a.bat"]),
        ("powershell -enc AAAA", &["gap unresolved: a command of PowerShell that is only there encoded"]),
        ("(((((echo x > C:\\a.txt\n\"open quote > C:\\b.txt", &["write file:h/C:/a.txt"]),
    ]);
}

#[test]
fn variables_strings_and_tables_of_powershell_are_resolved() {
    powershell(&[
        (
            "$d = Get-Date -Format yyyyMMdd\n$out = \"D:\\out\\orders_$d.csv\"\nCopy-Item $out -Destination \"\\\\nas\\in\\orders_$($d).csv\"",
            &["export file:nas/in/orders_{date}.csv", "read file:h/D:/out/orders_{date}.csv"],
        ),
        (
            "$p = @{ ServerInstance = 'db1'; Database = 'shop'\n Query = 'DELETE FROM dbo.t' }\nInvoke-Sqlcmd @p -Password hunter0secret",
            &["write table:db1/shop/dbo.t"],
        ),
        (
            "# Copy-Item C:\\a.x C:\\b.x\n<# Copy-Item C:\\a.x C:\\b.x #>\nWrite-Host \"Copy-Item C:\\a.x C:\\b.x\"",
            &[],
        ),
        (
            "if ($x) { $f = 'a' } else { $f = 'b' }\n'x' | Out-File C:\\x\\$f.txt",
            &["write file:h/C:/x/{}.txt"],
        ),
        (
            "foreach ($t in 'a','b') { Get-Content \"C:\\$t.txt\" }",
            &["read file:h/C:/a.txt", "read file:h/C:/b.txt"],
        ),
        (
            "function Send($n) { 'x' | Out-File \"C:\\$n.txt\" }\nSend a\nSend -n b",
            &["write file:h/C:/a.txt", "write file:h/C:/b.txt"],
        ),
        ("function Never { 'x' | Out-File C:\\a.txt }", &["write file:h/C:/a.txt"]),
        (
            "$n = '{0:yyyy}_{1}.csv' -f (Get-Date), 'eu'; Export-Csv -Path (Join-Path 'C:\\o' $n)",
            &["write file:h/C:/o/{date}_eu.csv"],
        ),
        ("Copy-Item `\n  C:\\a.x `\n  C:\\b.x", &["read file:h/C:/a.x", "write file:h/C:/b.x"]),
        ("& \"$PSScriptRoot\\load.ps1\"\n. .\\lib.ps1", &["includes lib.ps1", "runs /opt/load.ps1"]),
    ]);
}

#[test]
fn cmdlets_and_objects_of_powershell_are_told() {
    powershell(&[
        (
            "$q = @\"\nSELECT a FROM dbo.t\nGO\nUPDATE dbo.u SET a = 1\n\"@\nInvoke-Sqlcmd -Server db1 -Database shop -Query $q | Export-Csv C:\\t.csv -NoTypeInformation",
            &["read table:db1/shop/dbo.t", "write file:h/C:/t.csv", "write table:db1/shop/dbo.u"],
        ),
        ("Invoke-Sqlcmd -ServerInstance db1 -InputFile .\\x.sql", &["runs x.sql"]),
        (
            "$c = New-Object System.Data.SqlClient.SqlConnection\n$c.ConnectionString = \"Server=db1;Database=shop;User ID=etl;Password=hunter0secret\"\n$c.Open()\n$k = $c.CreateCommand()\n$k.CommandText = 'INSERT INTO dbo.t VALUES (1)'\n$k.ExecuteNonQuery() | Out-Null",
            &["write table:db1/shop/dbo.t as user:etl"],
        ),
        (
            "$a = New-Object Data.SqlClient.SqlDataAdapter('SELECT a FROM t', 'Data Source=db1;Initial Catalog=shop')\n$a.Fill($s)",
            &["read table:db1/shop/t"],
        ),
        (
            "Invoke-Sqlcmd -ServerInstance db1 -Query $args[0]",
            &["gap unresolved: a statement that is only known when it runs"],
        ),
        (
            "Invoke-RestMethod -Uri \"https://api.example/v1/orders\" -Method Post -Body $b -OutFile C:\\r.json",
            &["call endpoint:api.example/POST /v1/orders", "write file:h/C:/r.json"],
        ),
        (
            "Send-MailMessage -To 'Ops <ops@shop.example>' -From a@b.c -Attachments 'C:\\r.csv' -SmtpServer m",
            &["publish external:mailto:ops@shop.example", "read file:h/C:/r.csv"],
        ),
        (
            "Start-Sleep -Seconds 30\nInvoke-Command -ComputerName app1 -ScriptBlock { Get-Content C:\\a.txt }",
            &["after sleep 30", "connect host:app1/", "read file:app1/C:/a.txt"],
        ),
        (
            "New-PSDrive -Name X -PSProvider FileSystem -Root \\\\nas\\out\nGet-ChildItem X:\\day -Filter *.csv | ForEach-Object { Copy-Item $_.FullName D:\\in }",
            &["connect host:nas/", "import file:nas/out/day/{}.csv", "write file:h/D:/in/{}.csv"],
        ),
        (
            "if (Test-Path D:\\in\\go.txt) { & bcp.exe shop.dbo.t in D:\\t.txt -S db1 -T }",
            &["read file:h/D:/in/go.txt (tests-file)", "read file:h/D:/t.txt", "write table:db1/shop.dbo.t"],
        ),
        ("Get-WmiObject -Class x -ComputerName app2; Get-Service -ComputerName .", &["connect host:app2/"]),
        ("@\"\nnever closed $(", &[]),
    ]);
}

#[test]
fn a_file_that_is_dot_sourced_gives_its_names() {
    let lib = "$Server = 'db1'\nfunction Ask($q) { Invoke-Sqlcmd -ServerInstance $Server -Database shop -Query $q }\nCopy-Item a.x b.x\n";
    check(
        WindowsLanguage::PowerShell,
        &[(
            ". \"$PSScriptRoot\\lib.ps1\"\nAsk 'SELECT a FROM t'",
            &["includes /opt/lib.ps1", "read table:db1/shop/t"],
        )],
        &[("/opt/lib.ps1", lib)],
    );
}

#[test]
fn texts_that_are_cut_or_torn_anywhere_are_read_without_harm() {
    let batch = "@set \"A=%DATE:~0,4%\"\nfor /f %%i in ('type a.txt') do (if exist C:\\x.y (copy C:\\a.b !A! 2>&1) else call :l %~nx1)\n:l\necho x>>\"C:\\%A:x=y%.txt\" | sqlcmd -S . <a.sql";
    let power = "param([string]$a = @('x'))\nfunction f($b) { return \"$($b.c)-{0}\" -f (Get-Date) }\n@{ x = 1; 'y' = $a[0] }; & \"$a\\b\" -C:$d 2>&1 *> out.txt `\n | % { f $_ }\n@\"\n$a\n\"@";
    for (text, language) in [(batch, WindowsLanguage::Batch), (power, WindowsLanguage::PowerShell)] {
        for (at, _) in text.char_indices() {
            for between in ["", "é", "\"", "(", "%", "$(", "“"] {
                let torn = format!("{}{between}{}", &text[..at], text.get(at + 2..).unwrap_or(""));
                for script in [&*torn, &format!("{}{between}", &text[..at])] {
                    let said = said_by(&[], |context| read_windows(script, language, context));
                    assert!(said.iter().all(|said| said.len() < 1000), "{script}");
                }
            }
        }
    }
    let deep = "(".repeat(100_000);
    check(
        WindowsLanguage::Batch,
        &[(&*deep, &["gap limit: MAX_DEPTH: blocks that nest deeper were not followed"])],
        &[],
    );
    check(
        WindowsLanguage::PowerShell,
        &[(&*deep, &["gap limit: MAX_DEPTH: blocks and brackets that nest deeper were not followed"])],
        &[],
    );
}
