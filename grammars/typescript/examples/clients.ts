import axios from 'axios';
import https from 'https';

const api = axios.create({ baseURL: 'http://orders:8080/v1' });
const plain = axios.create();
const send = { method: 'POST', body: '' };

export async function calls(url: string, base: string, method: string, init: RequestInit) {
    await api.get<Order>('/orders'); // expect: call endpoint:orders:8080/GET /v1/orders
    await plain.delete('http://orders:8080/v2/orders'); // expect: call endpoint:orders:8080/DELETE /v2/orders
    await fetch('http://orders:8080/a', send); // expect: call endpoint:orders:8080/POST /a
    await axios({ method: 'PUT', url: 'http://orders:8080/b' }); // expect: call endpoint:orders:8080/PUT /b
    await fetch('http://orders:8080/c', { headers: {} }); // expect: call endpoint:orders:8080/GET /c
    await fetch('http://orders:8080/d', { ...init, method: 'PATCH' }); // expect: call endpoint:orders:8080/PATCH /d
    https.get('http://orders:8080/e', (answer) => answer.resume()); // expect: call endpoint:orders:8080/GET /e
    await this.http.post('http://orders:8080/f', { url: 'http://never/x' }); // expect: call endpoint:orders:8080/POST /f
}

// The method is only known when it runs.
export async function methods(method: string, init: RequestInit) {
    await fetch('http://orders:8080/never', { ...init });
    await fetch('http://orders:8080/never', { method });
    await fetch('http://orders:8080/never', init);
    await axios({ method, url: 'http://orders:8080/never' });
}

// What is sent is no address.
export async function bodies(base: string) {
    await axios.post(base, 'https://target/payload');
    await axios.post(base, { url: 'https://target/payload' });
}

// Nobody is called.
parseRequest('https://never/x');
validateRequestUrl('https://never/x');
logRequest('https://never/x');
prefetch('https://never/x');
skyWriter('https://never/x');
this.fetch('https://never/x');
axios.isCancel('https://never/x');
