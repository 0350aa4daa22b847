package com.example.catalog;

public final class Tables {
    public static final String PRODUCTS = "public.products";
    public static final String PRICES = "public.prices";
}
