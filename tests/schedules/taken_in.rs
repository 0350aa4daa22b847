//! What of a tree a job does: the file that it runs and what that takes in, and nothing that only lies beside it.

use super::*;

fn told(files: &[(&str, &str)]) -> Vec<String> {
    links(&World { files, links: &[] }.report())
}

fn calls(path: &str) -> String {
    format!("import requests\nrequests.get('https://api.example/{path}')\n")
}

#[test]
fn a_job_does_what_its_file_takes_in_and_no_neighbour_of_it() {
    let run = format!("from . import steps\nimport bin.far\nimport own\n{}", calls("a"));
    let files = [
        ("conf/crontab", "0 3 * * * www python3 /srv/app/bin/a.py\n"),
        ("bin/a.py", &run),
        ("bin/b.py", &calls("b")),
        ("bin/steps.py", "from . import deeper\n"),
        ("bin/deeper.py", &calls("deeper")),
        ("bin/far.py", &calls("far")),
        // A program of its own, from which somebody may take a function.
        ("bin/own.py", &format!("#!/usr/bin/env python3\n{}", calls("own"))),
    ];
    assert_eq!(
        told(&files),
        [
            "job:a call endpoint:api.example/GET /a",
            "job:a call endpoint:api.example/GET /deeper",
            "job:a call endpoint:api.example/GET /far",
            "script:bin/own.py call endpoint:api.example/GET /own",
            "service:bin call endpoint:api.example/GET /b",
        ]
    );
}

#[test]
fn a_folder_of_which_a_job_takes_in_all_is_that_job() {
    let run = "import helper\n";
    let files = [
        ("conf/crontab", "0 3 * * * www python3 /srv/app/report/a.py\n"),
        ("report/a.py", run),
        ("report/helper.py", &calls("helper")),
        ("report/settings.toml", "database_url = 'postgresql://app@db1/shop'\n"),
    ];
    assert_eq!(
        told(&files),
        ["job:a call endpoint:api.example/GET /helper", "job:a connect database:db1/shop"]
    );
}

#[test]
fn what_a_service_takes_in_as_well_is_of_both() {
    let files = [
        ("conf/crontab", "0 3 * * * www python3 /srv/app/shop/nightly.py\n"),
        ("shop/pyproject.toml", "[project]\nname = 'shop'\n"),
        ("shop/nightly.py", "import store\n"),
        ("shop/web.py", "import store\nimport pages\n"),
        ("shop/pages.py", &calls("pages")),
        ("shop/store.py", &calls("store")),
    ];
    assert_eq!(
        told(&files),
        [
            "job:nightly call endpoint:api.example/GET /store",
            "service:shop call endpoint:api.example/GET /pages",
            "service:shop call endpoint:api.example/GET /store",
        ]
    );
}
