package com.example.catalog;

@Entity
public class ProductItem { // expect: read table:product_item
}
