package com.example.partners;

@RegisterRestClient(baseUri = "http://rates:8080")
@Path("/v1")
interface Rates {
    @GET // expect: call endpoint:rates:8080/GET /v1/rates
    @Path("/rates")
    Rates all();
}

@RegisterRestClient
@Path("/v1")
interface Elsewhere {
    @GET
    @Path("/never")
    Rates all();
}

// Retrofit: an interface of a client.
interface Orders {
    @GET("never/{id}")
    Order one(long id);
}
