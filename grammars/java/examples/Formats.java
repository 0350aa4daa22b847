class Formats {
    // A name that a place of a format goes on with is not the name; one behind a blank is.
    void formats(JdbcTemplate jdbc, String rest) {
        jdbc.query("SELECT id FROM orders" + "%s" + " GROUP BY id");
        jdbc.query("SELECT id FROM refunds WHERE day = " + "%s" + " GROUP BY id"); // expect: read table:refunds
    }

    // Who annotates with SQL may spell its verb as they like; prose may not.
    @SQLDelete(sql = "Update clusters set deleted = true where id = ?") // expect: write table:clusters
    static class Cluster {
        @Tooltip("Update clusters set in the past") String tip;
    }
}
