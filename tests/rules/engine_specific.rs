//! `engine-specific`: statements for one engine, and those that every engine takes.

use super::*;

fn with_log(inventory: &str, log: &str) -> Vec<String> {
    titles(&[(INVENTORY, &estate(inventory)), (LOG, log)])
}

fn with_statement(sql: &str) -> Vec<String> {
    with_log(BILLING, &ran("billing", "10.20.1.11", sql))
}

#[test]
fn patterns_of_one_engine_are_one_finding_for_each_system() {
    let log = [
        "SELECT id FROM public.orders WHERE note ILIKE 'x%'",
        "SELECT DISTINCT ON (customer_id) customer_id, total FROM public.orders ORDER BY customer_id, total",
        "INSERT INTO public.daily (day, sum) VALUES ('2026-10-26', 1) ON CONFLICT (day) DO NOTHING",
        "SELECT date_trunc('month', ordered_at), string_agg(note, ',' ORDER BY id) FROM public.orders WHERE note ~ '^a' GROUP BY 1",
        "UPDATE public.orders o SET total = s.total FROM public.sums s WHERE s.id = o.id AND o.tags->>'a' = 'b'",
    ]
    .map(|sql| ran("billing", "10.20.1.11", sql))
    .concat();
    assert_eq!(
        with_log(BILLING, &log),
        [
            "info high engine-specific: service:billing uses date_trunc, distinct-on, ilike, json-arrow, on-conflict, \
             string_agg and 2 more in database:shop-db/shop"
        ]
    );
}

#[test]
fn where_a_row_lies_is_worse() {
    assert_eq!(
        with_statement("DELETE FROM public.orders WHERE ctid = '(0,1)'"),
        ["low high engine-specific: service:billing uses ctid in database:shop-db/shop"]
    );
}

#[test]
fn what_all_engines_have_is_not_meant() {
    for sql in [
        "SELECT id::text, coalesce(note, ''), upper(note), cast(total AS int) FROM public.orders ORDER BY id LIMIT 10",
        "SELECT count(*), sum(total), extract(year FROM ordered_at) FROM public.orders GROUP BY 3 HAVING sum(total) > 1",
        "INSERT INTO public.orders (id) VALUES (1) RETURNING id",
        "UPDATE public.orders SET total = 1 WHERE id IN (SELECT id FROM public.sums) AND note LIKE 'a%'",
        "SELECT row_number() OVER (PARTITION BY day ORDER BY id) AS rownum FROM public.orders WHERE rowid = 7",
        "MERGE INTO public.orders o USING public.sums s ON s.id = o.id WHEN MATCHED THEN UPDATE SET total = s.total",
        "SELECT billing.age(id), shop.to_char(note) FROM public.orders",
        "SELECT decode(note, 'hex') FROM public.orders",
    ] {
        assert_eq!(with_statement(sql), NOTHING, "{sql}");
    }
}

#[test]
fn people_and_their_tools_are_not_meant() {
    let sql = "SELECT id FROM public.orders WHERE note ILIKE 'x%'";
    let person = "[[consumer]]\nkind = \"person\"\nname = \"anna\"\nusers = [\"anna\"]\n";
    assert_eq!(with_log(person, &ran("anna", "10.20.1.11", sql)), NOTHING);
    let log = ran("anna", "10.20.4.9", sql).replace("app=tool", "app=DBeaver 24.0.0 - Main");
    assert_eq!(
        with_log(BILLING, &log),
        [
            "medium high shadow-consumer: client:anna@10.20.4.9 uses database:shop-db/shop, and nothing says who that is"
        ]
    );
}

#[test]
fn a_script_that_nothing_starts_is_not_meant() {
    let script = "#!/bin/sh\npsql -h db1 -d shop -c \"SELECT id FROM public.orders WHERE note ILIKE 'x%'\"\n";
    let text = ("batch1/opt/jobs/try.sh", script);
    assert_eq!(titles(&[(INVENTORY, ESTATE), text]), NOTHING);
    assert_eq!(
        titles(&[(INVENTORY, ESTATE), (CRONTAB, "5 5 * * * /opt/jobs/try.sh\n"), text]),
        ["info medium engine-specific: job:batch1/try uses ilike in database:shop-db/shop"]
    );
}

#[test]
fn tests_and_definitions_are_not_meant() {
    let sql = "CREATE INDEX i ON public.orders (date_trunc('day', ordered_at))";
    assert_eq!(with_statement(sql), NOTHING);
}
