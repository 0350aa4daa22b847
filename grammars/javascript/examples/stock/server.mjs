import Fastify from 'fastify';
import stock from './stock.mjs';

const fastify = Fastify({ logger: true });
fastify.register(stock, { prefix: '/v1/stock' });
fastify.route({ method: ['GET', 'HEAD'], url: '/ready', handler: ready }); // expect: serves endpoint:GET /ready // expect: serves endpoint:HEAD /ready
