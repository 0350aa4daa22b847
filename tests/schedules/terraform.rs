//! Terraform: schedules of Amazon's, Google's and Kubernetes' resources.

use super::*;

#[test]
fn resources_with_schedules_are_jobs() {
    let main = r#"locals {
  night = "cron(0 3 * * ? *)"
}
# resource "aws_scheduler_schedule" "no" { schedule_expression = "rate(1 day)" }
resource "aws_cloudwatch_event_rule" "nightly" {
  name                = "nightly"
  schedule_expression = local.night
}
resource "aws_cloudwatch_event_rule" "events" {
  event_pattern = jsonencode({ schedule = "cron(0 3 * * ? *)" })
}
resource "aws_scheduler_schedule" "often" {
  schedule_expression          = "rate(${var.minutes} minutes)"
  schedule_expression_timezone = "Europe/London"
  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 15
  }
  target {
    arn = aws_lambda_function.x.arn
  }
}
resource "aws_scheduler_schedule" "off" {
  state               = "DISABLED"
  schedule_expression = "rate(1 day)"
}
resource "aws_backup_plan" "all" {
  rule {
    schedule = "cron(0 5 ? * SUN *)"
  }
}
resource "google_cloud_scheduler_job" "daily" {
  schedule  = "30 6 * * 1-5"
  time_zone = "Europe/Berlin"
  http_target {
    uri = "https://run.example/x"
  }
}
resource "kubernetes_cron_job_v1" "clean" {
  metadata {
    name = "clean"
  }
  spec {
    schedule           = "*/5 * * * *"
    timezone           = "Etc/UTC"
    concurrency_policy = "Forbid"
    job_template {
      spec {
        template {
          spec {
            container {
              image   = "x"
              command = ["/bin/clean", "--all"]
            }
          }
        }
      }
    }
  }
}
resource "aws_cloudwatch_event_rule" "wrong" {
  schedule_expression = "cron(0 3 * * * *)"
}
resource "google_bigquery_data_transfer_config" "words" {
  schedule = "every day 07:00"
}
"#;
    let report = World { files: &[("infra/main.tf", main)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:infra/all as -: cron(0 5 ? * SUN *) (UTC): aws_backup_plan.all @ infra/main.tf:29",
            "job:infra/clean as -: */5 * * * * (Etc/UTC) [ConcurrencyPolicy=Forbid]: kubernetes_cron_job_v1.clean starts /bin/clean --all @ infra/main.tf:44",
            "job:infra/daily as -: 30 6 * * 1-5 (Europe/Berlin): google_cloud_scheduler_job.daily starts https://run.example/x @ infra/main.tf:33",
            "job:infra/nightly as -: cron(0 3 * * ? *) (UTC): aws_cloudwatch_event_rule.nightly @ infra/main.tf:7",
            "job:infra/often as -: rate(${var.minutes} minutes) (Europe/London) [maximum_window_in_minutes=15]: aws_scheduler_schedule.often starts ${aws_lambda_function.x.arn} @ infra/main.tf:13",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "bad-schedule infra/main.tf:62: cron(0 3 * * * *): aws rejects it: exactly one of day of month and day of week must be ?",
            "unresolved infra/main.tf:65: google_bigquery_data_transfer_config has a schedule that no dialect here reads: every day 07:00",
        ]
    );
}

#[test]
fn the_scheduler_takes_a_rate_that_rules_refuse() {
    let main = r#"resource "aws_scheduler_schedule" "nightly" {
  schedule_expression = "rate(1 days)"
}
resource "aws_cloudwatch_event_rule" "wrong" {
  schedule_expression = "rate(1 days)"
}
"#;
    let report = World { files: &[("infra/main.tf", main)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        ["job:infra/nightly as -: rate(1 days) (UTC): aws_scheduler_schedule.nightly @ infra/main.tf:2"]
    );
    assert_eq!(
        gaps(&report),
        [
            "bad-schedule infra/main.tf:5: rate(1 days): aws rejects it: rate: \"1 days\": the unit of 1 has no s, that of more has one"
        ]
    );
}
