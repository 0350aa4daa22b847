from reportlab.platypus import Table
from pynamodb.models import Model

cells = Table("names")
more = Table("names", style="bold")


# A store without tables of SQL.
class Session(Model):
    class Meta:
        table_name = "sessions"
