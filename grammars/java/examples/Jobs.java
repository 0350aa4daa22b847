package com.example.jobs;

@RestController
@RequestMapping(path = "/jobs/{appId:.+}", method = RequestMethod.POST)
class Jobs {
    @RequestMapping("/{job:.*}/start") // expect: serves endpoint:POST /jobs/{appId}/{job}/start
    void start() {
    }

    @RequestMapping("/{*rest}") // expect: serves endpoint:POST /jobs/{appId}/{}
    void rest() {
    }
}

@RestController
class Methods {
    @RequestMapping(path = "/never", method = Constants.METHODS)
    void unknown() {
    }

    @RequestMapping("/any") // expect: serves endpoint:ANY /any
    void any() {
    }
}
