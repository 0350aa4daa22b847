package com.example.prefixed;

class Web implements WebMvcConfigurer {
    public void configurePathMatch(PathMatchConfigurer configurer) {
        configurer.addPathPrefix("/api", type -> type.isAnnotationPresent(RestController.class));
    }
}

// Whether the path stands before it only Spring knows.
@RestController
class Orders {
    @GetMapping("/never")
    void all() {
    }
}
