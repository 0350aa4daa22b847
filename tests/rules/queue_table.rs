//! `queue-table`: tables through which one program hands work to another.

use super::*;

const MAILER: &str = "[[consumer]]\nkind = \"service\"\nname = \"mailer\"\nusers = [\"mailer\"]\nhosts = [\"app2\"]\nuses = [\"shop-db/shop\"]\n";
const TAKES: &str =
    "SELECT id, body FROM public.outbox WHERE sent IS NULL ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED";
const PUTS: &str = "INSERT INTO public.outbox (body) VALUES ('x')";
const FOUND: &str = "medium high queue-table: service:billing hands work to service:mailer through table:shop-db/shop/public.outbox";

fn with_log(log: &str) -> Vec<String> {
    titles(&[(INVENTORY, &estate(&format!("{BILLING}{MAILER}"))), (LOG, log)])
}

fn billing(sql: &str) -> String {
    ran("billing", "10.20.1.11", sql)
}

fn mailer(sql: &str) -> String {
    ran("mailer", "10.20.1.12", sql)
}

#[test]
fn a_table_that_another_one_fills_is_found() {
    for takes in [
        TAKES,
        "UPDATE public.outbox SET sent = now() WHERE id = (SELECT id FROM public.outbox WHERE sent IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)",
        "DELETE FROM public.outbox WHERE id IN (SELECT o.id FROM public.outbox o ORDER BY o.id LIMIT 5 FOR UPDATE OF o SKIP LOCKED)",
    ] {
        assert_eq!(with_log(&(billing(PUTS) + &mailer(takes))), [FOUND], "{takes}");
    }
}

#[test]
fn who_works_off_what_it_fills_itself_and_who_waits_are_not() {
    let waits = "SELECT id, body FROM public.outbox WHERE sent IS NULL ORDER BY id LIMIT 10 FOR UPDATE";
    for log in [
        mailer(PUTS) + &mailer(TAKES),
        billing(PUTS) + &mailer(waits),
        mailer(TAKES),
        billing("UPDATE public.outbox SET body = 'y' WHERE id = 7") + &mailer(TAKES),
    ] {
        assert_eq!(with_log(&log), NOTHING, "{log}");
    }
}

#[test]
fn only_the_table_whose_rows_are_taken_is_a_queue() {
    let log = billing(PUTS)
        + &billing("INSERT INTO public.done (id) VALUES (1)")
        + &billing("INSERT INTO public.people (id) VALUES (1)")
        + &mailer(
            "INSERT INTO public.done (id) SELECT o.id FROM public.outbox o JOIN public.people p ON p.id = o.who \
             ORDER BY o.id LIMIT 3 FOR UPDATE OF o SKIP LOCKED",
        );
    assert_eq!(with_log(&log), [FOUND]);
}
