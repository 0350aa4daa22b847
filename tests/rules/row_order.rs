//! `row-order`: rows that happen to come first, and those that are asked for.

use super::*;

fn with_statement(sql: &str) -> Vec<String> {
    findings(&[(INVENTORY, &estate(BILLING)), (LOG, &ran("billing", "10.20.1.11", sql))])
}

#[test]
fn rows_limited_without_an_order_are_found() {
    for sql in [
        "SELECT id, total FROM public.orders WHERE state = 'new' LIMIT 10",
        "SELECT id, total FROM public.orders WHERE state = 'new' LIMIT 1",
        "SELECT id FROM public.orders FETCH FIRST 50 ROWS ONLY",
        "COPY (SELECT id FROM public.orders LIMIT 1000) TO STDOUT",
    ] {
        assert_eq!(
            with_statement(sql),
            ["row-order: service:billing, table:shop-db/shop/public.orders"],
            "{sql}"
        );
    }
}

#[test]
fn an_order_a_key_one_row_of_a_table_and_any_row_are_not() {
    for sql in [
        "SELECT id, total FROM public.orders WHERE state = 'new' ORDER BY id LIMIT 10",
        "SELECT id, total FROM public.orders WHERE id = 17 LIMIT 1",
        "SELECT id, total FROM public.orders WHERE customer_id = 17 LIMIT 1",
        "SELECT id FROM public.orders LIMIT 1",
        "SELECT id FROM public.orders LIMIT 0",
        "SELECT count(*) FROM public.orders LIMIT 10",
        "SELECT id FROM public.orders WHERE state = 'new' LIMIT 5 FOR UPDATE SKIP LOCKED",
        "SELECT id FROM public.orders o WHERE EXISTS (SELECT 1 FROM public.prices p WHERE p.id = o.id LIMIT 1)",
    ] {
        assert_eq!(with_statement(sql), NOTHING, "{sql}");
    }
}

#[test]
fn a_person_is_not() {
    let person = "[[consumer]]\nkind = \"person\"\nname = \"anna\"\nusers = [\"anna\"]\n";
    let log = ran("anna", "10.20.1.11", "SELECT id FROM public.orders LIMIT 200");
    assert_eq!(findings(&[(INVENTORY, &estate(person)), (LOG, &log)]), NOTHING);
}
