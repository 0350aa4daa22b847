//! GitLab: pipeline schedules as the API and Terraform tell them, and pipelines that only say they have some.

use super::*;

const PIPELINE: &str = r##"stages: [test]
.scheduled:
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
nightly:
  extends: .scheduled
  script: [make nightly]
weekly:
  rules:
    - if: '$CI_PIPELINE_SOURCE == "schedule" && $KIND == "weekly"'
  script: [make weekly]
old:
  only: [schedules]
  script: [make old]
borrowed:
  rules:
    - !reference [.scheduled, rules]
  script: [make borrowed]
never:
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
      when: never
    - when: always
  script: [make]
always:
  script: [echo "schedule"]
not:
  except: [schedules]
  script: [make]
other:
  rules:
    - if: $CI_PIPELINE_SOURCE != "schedule"
  script: [make]
"##;
const EXPORT: &str = r##"[
  {"id": 13, "description": "Nightly build", "ref": "refs/heads/main", "cron": "0 1 * * *", "cron_timezone": "Berlin", "next_run_at": "2026-11-25T00:00:00.000Z", "active": true, "owner": {"username": "ann"}},
  {"id": 14, "description": "Off", "ref": "main", "cron": "0 2 * * *", "cron_timezone": "UTC", "active": false},
  {"id": 15, "description": "", "ref": "release", "cron": "30 4 * * 1-5", "cron_timezone": "Pacific Time (US & Canada)", "active": true}
]
"##;
const TERRAFORM: &str = r##"resource "gitlab_pipeline_schedule" "nightly" {
  project       = 12
  description   = "Nightly"
  ref           = "refs/heads/main"
  cron          = "0 3 * * *"
  cron_timezone = "Europe/Rome"
}
resource "gitlab_pipeline_schedule" "off" {
  ref    = "main"
  cron   = "0 4 * * *"
  active = false
}
resource "gitlab_pipeline_schedule" "wrong" {
  ref  = "main"
  cron = "0 25 * * *"
}
resource "gitlab_pipeline_schedule" "samoa" {
  ref           = "main"
  cron          = "0 5 * * *"
  cron_timezone = "Samoa"
}
"##;

#[test]
fn exported_schedules_are_jobs_and_what_is_switched_off_is_none() {
    let files = [("ci/.gitlab-ci.yml", PIPELINE), ("ci/schedules.json", EXPORT)];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:Nightly build as -: 0 1 * * * (Europe/Berlin): pipeline of main @ ci/schedules.json:2",
            "job:schedule 15 as -: 30 4 * * 1-5 (America/Los_Angeles): pipeline of release @ ci/schedules.json:4",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "missing-script ci/schedules.json:2: the jobs of the pipelines that these schedules start were not followed"
        ]
    );
}

#[test]
fn jobs_that_only_the_server_schedules_are_a_gap() {
    let files = [
        ("shop/.gitlab-ci.yml", PIPELINE),
        ("shop/other.json", "{\"cron\": \"0 1 * * *\", \"ref\": \"main\"}"),
    ];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(jobs(&report), [""; 0]);
    assert_eq!(
        gaps(&report),
        [
            "unresolved shop/.gitlab-ci.yml:5: pipeline schedules of GitLab start borrowed, nightly, old, weekly, and when is kept by the server: give the scan the export of /projects/:id/pipeline_schedules",
        ]
    );
}

#[test]
fn schedules_of_terraform_are_jobs() {
    let report =
        World { files: &[("ci/main.tf", TERRAFORM), ("shop/.gitlab-ci.yml", PIPELINE)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:ci/nightly as -: 0 3 * * * (Europe/Rome): gitlab_pipeline_schedule.nightly starts pipeline of main @ ci/main.tf:5",
            "job:ci/samoa as -: 0 5 * * * (?): gitlab_pipeline_schedule.samoa starts pipeline of main @ ci/main.tf:19",
        ]
    );
    assert_eq!(
        gaps(&report),
        ["bad-schedule ci/main.tf:15: 0 25 * * *: gitlab rejects it: hour: 25 is not in 0-23",]
    );
}
