package com.example.catalog;

import static com.example.catalog.Tables.*;

@RestController
@RequestMapping("/v1/products")
public class ProductController {
    @Value("${partner.url}")
    private String partner;

    @Value("${stock.url:http://stock:8080}")
    private String stock;

    @GetMapping // expect: serves endpoint:GET /catalog/v1/products
    public List<Product> all() {
        return jdbc.query("SELECT id FROM " + PRODUCTS, mapper); // expect: read table:public.products
    }

    @GetMapping("/{id:\\d+}") // expect: serves endpoint:GET /catalog/v1/products/{id}
    public Product one(@PathVariable long id) {
        restTemplate.getForObject(partner + "/v2/products/" + id, Product.class); // expect: call endpoint:partner.example/GET /v2/products/{}
        restTemplate.getForObject(stock + "/stock/" + id, Stock.class); // expect: call endpoint:stock:8080/GET /stock/{}
        return jdbc.query("SELECT id FROM " + Tables.PRICES, mapper); // expect: read table:public.prices
    }

    @RequestMapping(path = {"/a", "/b"}, method = {RequestMethod.POST, RequestMethod.PUT}) // expect: serves endpoint:POST /catalog/v1/products/a // expect: serves endpoint:PUT /catalog/v1/products/a // expect: serves endpoint:POST /catalog/v1/products/b // expect: serves endpoint:PUT /catalog/v1/products/b
    public void several() {
    }

    // What it is called is only known when it runs.
    @GetMapping(Paths.UNKNOWN)
    public void unknown() {
    }
}

@FeignClient(name = "orders-api", path = "/v1")
interface OrdersClient {
    @GetMapping("/orders/{id}") // expect: call endpoint:orders-api/GET /v1/orders/{}
    Order one(@PathVariable long id);
}

// Whoever implements it may say where it is served.
interface ProductApi {
    @GetMapping("/never")
    void never();
}
