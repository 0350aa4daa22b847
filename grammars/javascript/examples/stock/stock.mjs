import Router from '@koa/router';

// A plugin is given its server: where that serves it, the one who registers it says.
export default async function stock(fastify, options) {
    fastify.get('/:sku', { schema }, async (request) => one(request)); // expect: serves endpoint:GET /v1/stock/{sku}
    fastify.get(options.extra, all);
}

const koa = new Koa();
const shelves = new Router({ prefix: '/shelves' });
shelves.get('/:id/files/*', files); // expect: serves endpoint:GET /shelves/{id}/files/{}
koa.use(shelves.routes());
