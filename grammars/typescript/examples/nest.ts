import { Controller, Get, NestFactory, Post } from '@nestjs/common';

@Controller('orders')
export class OrdersController {
    @Get() // expect: serves endpoint:GET /api/orders
    all() {}

    @Get(':id/items') // expect: serves endpoint:GET /api/orders/{id}/items
    items() {}

    @Post(['a', 'b']) // expect: serves endpoint:POST /api/orders/a // expect: serves endpoint:POST /api/orders/b
    two() {}
}

// Versions stand in the path, a header or a media type: which, this does not say.
@Controller({ path: 'invoices', version: '1' })
export class InvoicesController {
    @Get()
    all() {}
}

async function start() {
    const app = await NestFactory.create(AppModule);
    app.setGlobalPrefix('api');
}
