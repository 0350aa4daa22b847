package com.example.statements;

import java.net.URI;
import java.net.http.HttpRequest;

class Statements {
    private static final String SCHEMA = "finance";
    private static final String INVOICES = SCHEMA + ".invoices";
    // Below its use, as a class may have it.
    private final String one = "SELECT id FROM " + CUSTOMERS + " WHERE id = ?"; // expect: read table:finance.customers
    private static final String CUSTOMERS = SCHEMA + ".customers";

    void written(JdbcTemplate jdbc, Connection connection, String table, long id) {
        jdbc.query("SELECT id FROM " + INVOICES + " WHERE id = ?", id); // expect: read table:finance.invoices
        jdbc.update(String.format("UPDATE %s SET paid = %b", INVOICES, true)); // expect: write table:finance.invoices
        connection.prepareStatement("""
            INSERT INTO %s (id)
            VALUES (?)
            """.formatted("public.payments")); // expect: write table:public.payments
        connection.prepareCall("{? = call finance.balance(?)}"); // expect: call routine:finance.balance
        jdbc.queryForObject("select name from branches", String.class); // expect: read table:branches
        StringBuilder sql = new StringBuilder("SELECT id, name "); // expect: read table:public.orders
        sql.append("FROM public.orders");
        if (id > 0) {
            sql.append(" WHERE id = ").append(id);
        }
        String text = "DELETE FROM "; // expect: write table:public.stage
        text += "public.stage";
        jdbc.call("CALL finance.close_day(?)"); // expect: call routine:finance.close_day
        // What a parameter holds is not what a name of the class holds.
        jdbc.update("DELETE FROM " + table);
        log.info("select a seat from the list");
    }

    private final String table = "public.never";

    // A name that goes on with what is only known when it runs is not the name.
    String insert(Config config, List<String> columns) {
        StringBuilder sql = new StringBuilder();
        sql.append("INSERT INTO ").append("archive_").append(config.getName()).append("(");
        for (String column : columns) {
            sql.append(column).append(")");
        }
        return sql.toString();
    }

    private final String rates = System.getenv("RATES_URL");
    private final String billing = "http://billing.internal:8080";

    void calls(RestTemplate restTemplate, WebClient webClient, HttpEntity body, long id) {
        restTemplate.postForObject(billing + "/v1/rates", body, String.class); // expect: call endpoint:billing.internal:8080/POST /v1/rates
        restTemplate.exchange(billing + "/v1/rates/{id}?day=1", HttpMethod.PUT, body, String.class, id); // expect: call endpoint:billing.internal:8080/PUT /v1/rates/{}
        webClient.delete().uri(billing + "/v1/rates/" + id).retrieve(); // expect: call endpoint:billing.internal:8080/DELETE /v1/rates/{}
        HttpRequest.newBuilder().uri(URI.create(billing + "/v1/rates")).POST(body).build(); // expect: call endpoint:billing.internal:8080/POST /v1/rates
        restTemplate.getForObject(rates + "/v1/rates", String.class);
    }

    // An address alone calls nobody.
    static final URI KIND = URI.create("http://problems.example/too-late");

    static final String URL = "jdbc:postgresql://db1:5432/shop?user=billing&ApplicationName=billing"; // expect: connect database:db1:5432/shop/
    static final String OTHER = "jdbc:mysql://db2:3306/blog?user=web"; // expect: connect database:db2:3306/blog/
}
