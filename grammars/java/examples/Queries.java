package com.example.queries;

import jakarta.persistence.Entity;
import jakarta.persistence.EntityManager;
import jakarta.persistence.Table;

// The pages about it: Jakarta Persistence, "Query Language". A class is never a table.
@Entity
@Table(name = "ORDERS", schema = "sales")
class PurchaseOrder { // expect: read table:sales.orders
    @JoinTable(name = "order_tags") // expect: read table:order_tags
    List<Tag> tags;
}

// A table of its own or that of PurchaseOrder: here the latter.
@Entity
class RushOrder extends PurchaseOrder {
}

// Without a word of the naming strategy nobody knows how this one is spelled.
@Entity
class OrderItem {
}

interface Orders {
    @Query("select o from PurchaseOrder o where o.id = ?1") // expect: read table:sales.orders
    PurchaseOrder one(long id);

    @Query("select i from Elsewhere i")
    List<Elsewhere> unknown();

    @Query(value = "select id from Elsewhere", nativeQuery = true) // expect: read table:elsewhere
    List<Long> plain();

    @Query("select o from PurchaseOrder o join o.items i") // expect: read table:sales.orders
    List<PurchaseOrder> joined();
}

class Store {
    private static final String ALL = "select o from PurchaseOrder o"; // expect: read table:sales.orders
    private static final String LOOKS_LIKE_A_CLASS = "select x from SomeClass x";

    void work(EntityManager manager) {
        manager.createQuery(ALL);
        manager.createQuery("update PurchaseOrder set paid = true"); // expect: write table:sales.orders
        manager.createQuery("from PurchaseOrder where paid = false"); // expect: read table:sales.orders
        manager.createNativeQuery("SELECT * FROM sales.orders"); // expect: read table:sales.orders
    }
}
