"""SELECT nothing FROM a_documentation_string."""
import os
import requests

SCHEMA = "finance"
TABLE = "invoices"
DSN = os.environ.get("DATABASE_URL", "postgresql://billing:secret@db1:5432/shop")  # expect: connect database:db1:5432/shop/


class Order:
    __tablename__ = "orders"  # expect: read table:orders


def work(cursor, wanted):
    cursor.execute("SELECT id FROM public.orders WHERE id = %s", (wanted,))  # expect: read table:public.orders
    cursor.execute(f"UPDATE {SCHEMA}.{TABLE} SET paid = true")  # expect: write table:finance.invoices
    cursor.execute("SELECT id FROM %s.%s" % (SCHEMA, TABLE))  # expect: read table:finance.invoices
    cursor.execute("INSERT INTO " + SCHEMA + ".payments (id) VALUES (%s)", (1,))  # expect: write table:finance.payments
    cursor.execute("SELECT id FROM {}.customers".format(SCHEMA))  # expect: read table:finance.customers
    cursor.execute("DELETE FROM " + wanted)
    print("select a seat from the list")
    requests.get("http://billing.internal:8080/v1/rates?day=1")  # expect: call endpoint:billing.internal:8080/GET /v1/rates


DATABASES = {
    "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "web", "HOST": "db2", "PORT": "5433"},  # expect: connect database:db2:5433/shop/
    "other": {"ENGINE": "django.db.backends.mysql", "NAME": "blog", "USER": "web", "HOST": "db3"},  # expect: connect database:db3:3306/blog/
    "local": {"NAME": "file.sqlite3"},
}


def connect(module, subprocess, wanted):
    module.connect(host="db1", dbname="shop", user="billing", password="hunter2")  # expect: connect database:db1/shop/
    module.connect(host=wanted, dbname="shop", user="billing")
    subprocess.run(["psql", "-h", "db1", "-d", "shop", "-c", "DELETE FROM public.stage"], check=True)  # expect: connect database:db1/shop/  # expect: write table:db1/shop/public.stage
    subprocess.check_call("pg_dump -h db1 shop > /srv/x.sql", shell=True)  # expect: read database:db1/shop/  # expect: write file:/srv/x.sql
    subprocess.run(["echo", wanted])
    module.execute("CALL finance.close_day(%s)", (wanted,))  # expect: call routine:finance.close_day


def beside_tables(cur, key):
    cur.execute("LISTEN orders_new")  # expect: consume topic:orders_new
    cur.execute("NOTIFY orders_done, 'x'")  # expect: publish topic:orders_done
    cur.execute("SELECT pg_notify('orders_done', %s)", (key,))  # expect: publish topic:orders_done
    cur.execute("SELECT pg_advisory_lock(4711)")  # expect: touch lock:4711
    # Which lock and which channel only a run can tell.
    cur.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
    cur.execute("SELECT pg_notify(%s, %s)", (key, key))
    print("Listen carefully", "NOTIFY people")
