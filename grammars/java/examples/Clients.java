package com.example.clients;

class Clients {
    private static final HttpMethod SEND = HttpMethod.POST;

    void calls(RestTemplate restTemplate, HttpMethod method, HttpEntity body) {
        restTemplate.exchange("http://orders:8080/v1", HttpMethod.PATCH, body, String.class); // expect: call endpoint:orders:8080/PATCH /v1
        restTemplate.put("http://orders:8080/v2", "http://never/x"); // expect: call endpoint:orders:8080/PUT /v2
        new Request.Builder().url("http://orders:8080/v3").post(body).build(); // expect: call endpoint:orders:8080/POST /v3
        HttpRequest.newBuilder().uri(URI.create("http://orders:8080/v4")).header("a", "b").build(); // expect: call endpoint:orders:8080/GET /v4
        // The method is only known when it runs.
        restTemplate.exchange("http://orders:8080/never", method, body, String.class);
        HttpRequest.newBuilder().uri(URI.create("http://orders:8080/never"));
    }

    void nobodyIsCalled() {
        new License().url("https://never/x");
        new Contact().url("https://never/x");
        new Server().url("https://never/x");
        settings.setKey("rss.url").setDefaultValue("https://never/x");
        routes.route(it -> it.path("/x").uri("http://never/x"));
    }
}
