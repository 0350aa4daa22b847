#!/bin/bash
HOST=db1
OUT=/srv/out
psql -h "$HOST" -U batch -d shop -c "SELECT id FROM public.orders" > "$OUT/orders_$(date +%F).csv"
# expect: connect database:db1/shop/  # expect: read table:db1/shop/public.orders
# expect: write file:/srv/out/orders_{date}.csv
flock -n /run/x.lock psql -h ${HOST} shop <<SQL
INSERT INTO finance.ledger SELECT id FROM public.orders;
SQL
# expect: connect database:db1/shop/  # expect: read table:db1/shop/public.orders  # expect: write table:db1/shop/finance.ledger
scp "$OUT/orders_$(date +%F).csv" ftp@partner.example:/in/
# expect: read file:/srv/out/orders_{date}.csv  # expect: export file:partner.example//in/orders_{date}.csv
curl -s -X POST http://api.example:8080/v1/refresh
# expect: call endpoint:api.example:8080/POST /v1/refresh
echo "psql -c 'SELECT id FROM nothing'"
ln -sfn /srv/out/latest /srv/links/latest
# expect: write file:/srv/links/latest
cp /srv/out/latest.csv /srv/archive/latest.csv
# expect: read file:/srv/out/latest.csv  # expect: write file:/srv/archive/latest.csv
