//! Workflows that a schedule starts.

use super::*;

const NIGHTLY: &str = r#"name: Nightly
on:
  workflow_dispatch:
  schedule:
    - cron: '17 3 * * *'
    # - cron: '0 4 * * *'
    - cron: "47 15 * * 1-5"
env:
  PGHOST: db1
jobs:
  load:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: psql -d shop -c "SELECT id FROM public.orders"
      - name: tell
        env:
          TOKEN: ${{ secrets.TOKEN }}
        run: |
          echo done
          curl https://api.shop.example/v1/days/${{ github.run_number }}
      - shell: python
        run: print("no shell")
"#;

/// What stands before the command.
fn heads(jobs: Vec<String>) -> Vec<String> {
    jobs.iter().map(|job| job.split(" psql").next().unwrap_or("").to_owned()).collect()
}

#[test]
fn a_scheduled_workflow_is_a_job_in_utc() {
    let report = report(&[("shop/.github/workflows/nightly.yml", NIGHTLY)]);
    assert_eq!(
        heads(jobs(&report)),
        [
            "shop/.github/workflows/nightly.yml:5 job:shop/nightly: 17 3 * * * (github, UTC)",
            "shop/.github/workflows/nightly.yml:5 job:shop/nightly: 47 15 * * 1-5 (github, UTC)",
        ]
    );
    assert_eq!(
        uses(&report),
        [
            "job:shop/nightly calls endpoint:api.shop.example/GET /v1/days/{} at \
             shop/.github/workflows/nightly.yml:21",
            "job:shop/nightly reads table:db1/shop/public.orders at shop/.github/workflows/nightly.yml:15",
        ]
    );
    assert_eq!(refused(&report), NOTHING);
}

#[test]
fn a_zone_of_an_entry_holds_for_its_runs() {
    let first = "    - cron: '17 3 * * *'\n";
    let workflow = NIGHTLY.replace(first, &format!("{first}      timezone: Europe/Berlin\n"));
    assert_eq!(
        heads(jobs(&report(&[(".github/workflows/nightly.yml", &workflow)]))),
        [
            ".github/workflows/nightly.yml:5 job:nightly (Europe/Berlin): 17 3 * * * (github, Europe/Berlin)",
            ".github/workflows/nightly.yml:8 job:nightly (UTC): 47 15 * * 1-5 (github, UTC)",
        ]
    );
}

#[test]
fn a_workflow_without_schedule_and_a_refused_one_are_no_jobs() {
    let pushed = NIGHTLY.replace("  schedule:\n", "  repository_dispatch:\n    types:\n");
    let wrong = NIGHTLY.replace("17 3 * * *", "@daily").replace("    - cron: \"47 15 * * 1-5\"\n", "");
    let report = report(&[
        (".github/workflows/push.yml", &pushed),
        (".github/workflows/wrong.yml", &wrong),
        // Not where GitHub looks.
        ("docs/nightly.yml", NIGHTLY),
    ]);
    assert_eq!(jobs(&report), NOTHING);
    let refusal = "GitHub refuses this schedule: GitHub knows no @keywords";
    assert_eq!(refused(&report), [format!(".github/workflows/wrong.yml:5: {refusal}")]);
}

#[test]
fn a_workflow_is_one_whatever_its_file_is_called_and_its_steps_stand_where_they_begin() {
    let workflow = "on:\n  schedule:\n    - cron: '17 3 * * *'\njobs:\n  load:\n    runs-on: on\n    steps:\n      - uses: shop/act@v1\n        with: {command: load}\n      - run: schedule\n      - run: |\n          set -e\n          curl https://api.shop.example/v1/days\n";
    let report = report(&[("shop/.github/workflows/cron.yml", workflow)]);
    assert_eq!(
        jobs(&report),
        ["shop/.github/workflows/cron.yml:3 job:shop/cron: 17 3 * * * (github, UTC) schedule; set -e; curl \
          https://api.shop.example/v1/days"]
    );
    assert_eq!(
        uses(&report),
        ["job:shop/cron calls endpoint:api.shop.example/GET /v1/days at shop/.github/workflows/cron.yml:13"]
    );
}
