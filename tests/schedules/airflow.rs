//! Airflow: what makes a DAG and its schedule, what its tasks run and wait for, and what only a run can tell.

use super::*;

/// What the jobs of a report are held back for, a line each.
fn waits(report: &serde_json::Value) -> Vec<String> {
    let jobs = report["jobs"].as_array().expect("jobs are a list").iter();
    let each =
        jobs.flat_map(|job| job["waits"].as_array().into_iter().flatten().map(move |wait| (job, wait)));
    each.map(|(job, wait)| format!("{} {wait}", word(job, "entity"))).collect()
}

const SHOP: &str = r#"
"""DAG("docstring", schedule="@daily") is no code."""
from datetime import datetime, timedelta

import pendulum
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sensors.external_task import ExternalTaskSensor

NIGHTLY = "30 2 * * *"
BERLIN = pendulum.timezone("Europe/Berlin")
default_args = {"owner": "shop", "start_date": datetime(2024, 1, 1, tzinfo=BERLIN)}

with DAG("shop_load", schedule=NIGHTLY, default_args=default_args, max_active_runs=1) as dag:
    load = BashOperator(
        task_id="load",
        bash_command="psql -h db1 -d shop -c 'INSERT INTO stock SELECT * FROM orders'",
    )
    # BashOperator(task_id="no", bash_command="psql -d no -c 'SELECT 1'")

report = DAG(dag_id=f"{'shop'}_report", schedule_interval="0 4 * * 1-5", start_date=datetime(2024, 1, 1))
wait = ExternalTaskSensor(
    task_id="wait", external_dag_id="shop_load", execution_delta=timedelta(hours=2), dag=report
)
after = TriggerDagRunOperator(task_id="after", trigger_dag_id="shop_mail", dag=report)

mail = DAG("shop_mail", schedule=None, start_date=datetime(2024, 1, 1))
by_hand = DAG("shop_by_hand", schedule=None, start_date=datetime(2024, 1, 1))
once = DAG("shop_once", schedule="@once", start_date=datetime(2024, 1, 1))
over = DAG("shop_over", schedule="@daily", start_date=datetime(2020, 1, 1), end_date=datetime(2021, 1, 1))
# DAG("shop_commented", schedule="@daily")
"#;

#[test]
fn dags_are_jobs_with_their_zone_and_what_they_wait_for() {
    let report = World { files: &[("dags/shop.py", SHOP)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:shop_load as -: 30 2 * * * (Europe/Berlin) [max_active_runs=1]: psql -h db1 -d shop -c 'INSERT INTO stock SELECT * FROM orders' @ dags/shop.py:15",
            "job:shop_mail as -: None (UTC): tasks @ dags/shop.py:28",
            "job:shop_report as -: 0 4 * * 1-5 (UTC): tasks wait, after @ dags/shop.py:22",
        ]
    );
    assert_eq!(
        waits(&report),
        ["job:shop_mail \"is started by job:shop_report\"", "job:shop_report \"waits for job:shop_load\""]
    );
    assert_eq!(
        links(&report),
        [
            "job:shop_load read table:db1/shop/public.orders",
            "job:shop_load write table:db1/shop/public.stock",
            "job:shop_load connect database:db1/shop",
        ]
    );
    assert_eq!(gaps(&report), [""; 0]);
}

#[test]
fn loops_timetables_intervals_and_assets_are_followed_and_the_rest_is_a_gap() {
    let dags = r#"
import pendulum
from datetime import datetime, timedelta
from airflow.sdk import DAG, Asset, dag
from airflow.timetables.trigger import CronTriggerTimetable
from settings import SCHEDULE

ORDERS = Asset("s3://shop/orders")

for team, hour in [("ads", 5), ("web", 6)]:
    DAG(f"load_{team}", schedule=f"0 {hour} * * *", start_date=datetime(2024, 1, 1))

DAG("timed", schedule=CronTriggerTimetable("15 1 * * *", timezone="America/New_York"))
DAG("each_6h", schedule=timedelta(hours=6), start_date=datetime(2024, 1, 1))
DAG("from_0130", schedule=timedelta(hours=6), start_date=datetime(2024, 1, 1, 1, 30))
DAG("from_0130_all", schedule=timedelta(hours=6), start_date=datetime(2024, 1, 1, 1, 30), catchup=True)
DAG("by_assets", schedule=[ORDERS], start_date=datetime(2024, 1, 1))
DAG("by_any", schedule=ORDERS | Asset("s3://shop/stock"), start_date=datetime(2024, 1, 1))

@dag(schedule="@weekly", start_date=pendulum.datetime(2024, 1, 1, tz="Europe/Rome"), is_paused_upon_creation=True)
def decorated():
    pass

decorated()
house_dag(dag_id="by_house", schedule="45 1 * * *", start_date=datetime(2024, 1, 1))

DAG("imported", schedule=SCHEDULE)
DAG("unstated", start_date=datetime(2024, 1, 1))
DAG("wrong", schedule="0 25 * * *", start_date=datetime(2024, 1, 1))
DAG("from_now_on", schedule="@daily", start_date=somewhen())

def make(name):
    return DAG(f"{name}_made", schedule="@daily")
"#;
    let report = World { files: &[("dags/many.py", dags)], links: &[] }.report();
    assert_eq!(
        jobs(&report),
        [
            "job:by_any as -: assets(s3://shop/orders, s3://shop/stock) (UTC): tasks @ dags/many.py:18",
            "job:by_assets as -: assets(s3://shop/orders) (UTC): tasks @ dags/many.py:17",
            "job:by_house as -: 45 1 * * * (UTC): tasks @ dags/many.py:25",
            "job:decorated as -: @weekly (Europe/Rome) [is_paused_upon_creation=True]: tasks @ dags/many.py:20",
            "job:each_6h as -: timedelta(hours=6) since 2024-01-01T00:00:00Z (UTC): tasks @ dags/many.py:14",
            "job:from_0130 as -: timedelta(hours=6) (UTC): tasks @ dags/many.py:15",
            "job:from_0130_all as -: timedelta(hours=6) since 2024-01-01T01:30:00Z (UTC): tasks @ dags/many.py:16",
            "job:from_now_on as -: @daily (?): tasks @ dags/many.py:30",
            "job:load_ads as -: 0 5 * * * (UTC): tasks @ dags/many.py:11",
            "job:load_web as -: 0 6 * * * (UTC): tasks @ dags/many.py:11",
            "job:timed as -: 15 1 * * * (America/New_York): tasks @ dags/many.py:13",
        ]
    );
    assert_eq!(
        gaps(&report),
        [
            "unresolved dags/many.py:27: the schedule of imported is computed: settings.SCHEDULE",
            "unresolved dags/many.py:28: the schedule of unstated is not stated: Airflow 2 runs it once a day, Airflow 3 never by itself",
            "bad-schedule dags/many.py:29: Airflow refuses the schedule of wrong: hour: 25 is not in 0-23",
            "unresolved dags/many.py:33: the id of a DAG is computed, so it was not read: {{ name }}_made",
        ]
    );
}

#[test]
fn sql_of_tasks_is_the_dags_own() {
    let dag = r#"
from datetime import datetime
from airflow import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.postgres.operators.postgres import PostgresOperator

with DAG("shop_sql", schedule="@hourly", start_date=datetime(2024, 1, 1)):
    PostgresOperator(
        task_id="fill",
        database="shop",
        sql="INSERT INTO daily SELECT * FROM orders WHERE day = '{{ ds }}'",
    )
    SQLExecuteQueryOperator(task_id="clean", sql="sql/clean.sql")
"#;
    let files = [("dags/shop_sql.py", dag), ("dags/sql/clean.sql", "DELETE FROM basket;\n")];
    let report = World { files: &files, links: &[] }.report();
    assert_eq!(jobs(&report), ["job:shop_sql as -: @hourly (UTC): tasks fill, clean @ dags/shop_sql.py:7"]);
    assert_eq!(
        links(&report),
        [
            "job:shop_sql read table:?/orders",
            "job:shop_sql read table:?/shop/orders",
            "job:shop_sql write table:?/basket",
            "job:shop_sql write table:?/daily",
            "job:shop_sql write table:?/shop/daily",
            "job:shop_sql connect database:?/shop",
        ]
    );
}
