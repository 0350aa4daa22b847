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
