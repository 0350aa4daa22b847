import boto3
import sqlalchemy as sa
from gettext import gettext as translated
from peewee import CharField, Model
from rich.table import Table as Sheet
from sqlalchemy import Column, Integer, MetaData, Table, text
from sqlalchemy.orm import DeclarativeBase

metadata = MetaData()
orders = Table("orders", metadata, Column("id", Integer), schema="shop")  # expect: read table:shop.orders
tags = sa.Table("tags", metadata)  # expect: read table:tags
lines = db.Table("order_lines", db.metadata)  # expect: read table:order_lines


class Payment(Model):
    method = CharField()

    class Meta:
        table_name = "payments"  # expect: read table:payments


class Invoice(models.Model):
    class Meta:
        db_table = "invoices"  # expect: read table:invoices


# Names of the same spelling that map no class.
table_name = "nothing_of_the_file"
sheet = Sheet("Sheet of orders", metadata_style="bold")
names = Sheet("names")
items = boto3.resource("dynamodb").Table("items")
stock = dynamodb.Table("stock")


class View:
    table_name = "rows_of_a_page"


def upgrade(op, render, wanted):
    op.drop_index("ix_orders", table_name="orders_of_the_migration")
    op.create_index("ix_orders", "orders_of_the_migration", ["id"])
    render("page.html", table_name="page_of_tables", options={"table_name": "more_of_them"})
    Table("archive", metadata, schema=wanted)


def sentences(st, session):
    st.text("Select a country from the list")
    text("Select a country from the list")
    session.execute(text("Select id from countries"))  # expect: read table:countries
    translated("Select id from orders")
