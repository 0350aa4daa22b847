import { http, HttpResponse } from 'msw';

// An answer for tests, no call.
export const handlers = [http.get('https://never/orders', () => HttpResponse.json([]))];
fetch('https://orders/v1'); // expect: call endpoint:orders/GET /v1
