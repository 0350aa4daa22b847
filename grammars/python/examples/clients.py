import httpx
import requests
from urllib.request import Request, urlopen

URL = "http://orders:8080/v1"
shop = requests.Session()


def calls(session, client, base, method):
    requests.post(URL, "https://never/x")  # expect: call endpoint:orders:8080/POST /v1
    requests.request("PUT", url=URL)  # expect: call endpoint:orders:8080/PUT /v1
    requests.request(method="DELETE", url=URL)  # expect: call endpoint:orders:8080/DELETE /v1
    session.get(URL)  # expect: call endpoint:orders:8080/GET /v1
    shop.patch(URL)  # expect: call endpoint:orders:8080/PATCH /v1
    httpx.stream("GET", "http://orders:8080/v2")  # expect: call endpoint:orders:8080/GET /v2
    urlopen("http://orders:8080/v3")  # expect: call endpoint:orders:8080/GET /v3
    urlopen("http://orders:8080/v4", data=base)  # expect: call endpoint:orders:8080/POST /v4
    # The method is only known when it runs, and then the address.
    requests.request(method, URL)
    requests.post(base, "https://never/x")


def nobody_is_called(client_docs, session, redis_client, url):
    client_docs.append("https://never/x")
    log_client_error("see https://never/x")
    redis_client.set("k", "https://never/x")
    redis_client.get("https://never/x")
    session.setdefault("next", "https://never/x")
    session.get(Link, "https://never/x")
    raise requests.HTTPError("https://never/x failed")
