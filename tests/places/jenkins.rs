//! Jobs of Jenkins that a clock starts.

use super::*;

const PIPELINE: &str = r#"// cron('0 1 * * *') is what it was
pipeline {
    agent any
    environment {
        PGHOST = 'db1'
    }
    triggers {
        cron('H 2 * * 1-5')
        /* cron('0 0 * * *') */
        pollSCM('H/15 * * * *')
        upstream(upstreamProjects: 'settle', threshold: hudson.model.Result.SUCCESS)
    }
    stages {
        stage('load') {
            steps {
                sh 'psql -d shop -c "SELECT id FROM public.orders"'
                sh(label: 'tell', script: """
                    curl https://api.shop.example/v1/days
                """)
                rtUpload(spec: '''{"files": []}''')
            }
        }
    }
}
"#;

#[test]
fn a_pipelines_triggers_are_jobs_of_its_shell_steps() {
    let report = report(&[("shop/Jenkinsfile", PIPELINE)]);
    let command = "psql -d shop -c \"SELECT id FROM public.orders\"; curl https://api.shop.example/v1/days";
    let told = |line: u8, number: u8, schedule: &str| {
        format!("shop/Jenkinsfile:{line} job:shop/Jenkinsfile ({number}): {schedule} {command}")
    };
    assert_eq!(
        jobs(&report),
        [
            told(10, 2, "H/15 * * * * (jenkins, UTC?) [only if the source has changed]"),
            told(11, 3, "upstream settle (jenkins, UTC)"),
            told(8, 1, "H 2 * * 1-5 (jenkins, UTC?)"),
        ]
    );
    let calls = "endpoint:api.shop.example/GET /v1/days at shop/Jenkinsfile:18";
    let reads = "table:db1/shop/public.orders at shop/Jenkinsfile:16";
    assert_eq!(
        uses(&report),
        [
            format!("job:shop/Jenkinsfile (1) calls {calls}"),
            format!("job:shop/Jenkinsfile (1) reads {reads}"),
            format!("job:shop/Jenkinsfile (2) calls {calls}"),
            format!("job:shop/Jenkinsfile (2) reads {reads}"),
            format!("job:shop/Jenkinsfile (3) calls {calls}"),
            format!("job:shop/Jenkinsfile (3) reads {reads}"),
        ]
    );
    assert_eq!(refused(&report), NOTHING);
}

fn trigger(trigger: &str) -> (Vec<String>, Vec<String>) {
    let text = format!("pipeline {{\n  triggers {{\n    {trigger}\n  }}\n}}\n");
    let report = report(&[("Jenkinsfile", &text)]);
    (jobs(&report), refused(&report))
}

#[test]
fn a_zone_stands_in_the_first_line() {
    let told = trigger("cron('''TZ=Europe/Berlin\n# nights\n0 2 * * *\n0 3 * * 6''')");
    assert_eq!(
        told.0,
        [
            "Jenkinsfile:3 job:Jenkinsfile: 0 2 * * * (jenkins, Europe/Berlin) steps of plugins",
            "Jenkinsfile:3 job:Jenkinsfile: 0 3 * * 6 (jenkins, Europe/Berlin) steps of plugins",
        ]
    );
    assert_eq!(told.1, NOTHING);
}

#[test]
fn a_condition_is_a_guard_and_what_is_computed_is_named() {
    assert_eq!(
        trigger("cron(env.BRANCH_NAME == 'main' ? '@daily' : '')").0,
        [
            "Jenkinsfile:3 job:Jenkinsfile: @daily (jenkins, UTC?) [only if env.BRANCH_NAME=='main'] steps of plugins"
        ]
    );
    for computed in ["cron(schedule())", "cron(NIGHT)", "cron(main ? '@daily' : '@weekly')"] {
        let wanted = vec!["Jenkinsfile:3: the schedule of Jenkinsfile is computed (cron)".to_owned()];
        assert_eq!(trigger(computed), (vec![], wanted), "{computed}");
    }
    assert_eq!(trigger("cron('')"), (vec![], vec![]));
    let given = "def NIGHT = isMain() ? 'H 2 * * *' : ''\nNIGHT\npipeline { triggers { cron(NIGHT) } }\n";
    assert_eq!(
        jobs(&report(&[("Jenkinsfile", given)])),
        ["Jenkinsfile:1 job:Jenkinsfile: H 2 * * * (jenkins, UTC?) [only if isMain()] steps of plugins"]
    );
    let twice = given.replace("\nNIGHT\n", "\nNIGHT = ''\n");
    assert_eq!(
        refused(&report(&[("Jenkinsfile", &twice)])),
        ["Jenkinsfile:3: the schedule of Jenkinsfile is computed (cron)"]
    );
    assert_eq!(
        trigger("cron('0 0 * * MON')").1,
        [
            "Jenkinsfile:3: Jenkins refuses the schedule of Jenkinsfile: day of week: \"MON\": a number is missing"
        ]
    );
}

#[test]
fn a_scripted_pipeline_has_its_triggers_in_properties() {
    let text = "properties([\n  pipelineTriggers([cron('0 2 * * *'), [$class: 'TimerTrigger', spec: '0 3 * * *']])\n])\n";
    assert_eq!(
        jobs(&report(&[("Jenkinsfile", text)])),
        [
            "Jenkinsfile:2 job:Jenkinsfile (1): 0 2 * * * (jenkins, UTC?) steps of plugins",
            "Jenkinsfile:2 job:Jenkinsfile (2): 0 3 * * * (jenkins, UTC?) steps of plugins",
        ]
    );
}

const CONFIG: &str = r#"<?xml version='1.1' encoding='UTF-8'?>
<project>
  <disabled>false</disabled>
  <triggers>
    <hudson.triggers.TimerTrigger>
      <spec>TZ=Europe/Berlin
30 2 * * *</spec>
    </hudson.triggers.TimerTrigger>
  </triggers>
  <builders>
    <hudson.tasks.Shell>
      <command>set -e
psql -h db1 -d shop -c &quot;SELECT id FROM public.orders&quot;</command>
    </hudson.tasks.Shell>
  </builders>
</project>
"#;

#[test]
fn a_job_of_the_controller_is_named_by_its_folders() {
    let path = "ci/var/lib/jenkins/jobs/nightly/jobs/settle/config.xml";
    let report = report(&[(path, CONFIG)]);
    let command = "set -e; psql -h db1 -d shop -c \"SELECT id FROM public.orders\"";
    assert_eq!(
        jobs(&report),
        [format!("{path}:6 job:nightly/settle: 30 2 * * * (jenkins, Europe/Berlin) {command}")]
    );
    assert_eq!(
        uses(&report),
        [format!("job:nightly/settle reads table:db1/shop/public.orders at {path}:13")]
    );
}

#[test]
fn a_job_that_is_switched_off_is_none() {
    let off = CONFIG.replace("<disabled>false", "<disabled>true");
    let report = report(&[("jobs/settle/config.xml", &off)]);
    assert_eq!(jobs(&report), NOTHING);
    assert_eq!(refused(&report), NOTHING);
}

#[test]
fn a_job_that_others_start_has_no_clock_and_comes_after_them() {
    let folder = "ci/jobs/nightly/jobs";
    let config = |triggers: &str| format!("<project>\n<triggers>\n{triggers}\n</triggers>\n</project>\n");
    let upstream = |names: &str| {
        config(&format!(
            "<jenkins.triggers.ReverseBuildTrigger><spec/><upstreamProjects>{names}</upstreamProjects></jenkins.triggers.ReverseBuildTrigger>"
        ))
    };
    let report = report(&[
        (&format!("{folder}/settle/config.xml"), CONFIG),
        (&format!("{folder}/load/config.xml"), &upstream("settle, missing")),
        (&format!("{folder}/tell/config.xml"), &upstream("/nightly/load")),
        (&format!("{folder}/none/config.xml"), &upstream("")),
    ]);
    let mut told: Vec<String> = report["jobs"]
        .as_array()
        .expect("jobs are a list")
        .iter()
        .map(|job| format!("{}: {} {}", job["entity"], job["words"], job["waits"]))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "\"job:nightly/load\": \"when settle, missing has run\" [\"is started by job:nightly/settle\"]",
            "\"job:nightly/settle\": \"at 02:30 every day\" []",
            "\"job:nightly/tell\": \"when /nightly/load has run\" [\"is started by job:nightly/load\"]",
        ]
    );
}
