import { Controller, Get } from '@nestjs/common';

@Controller('orders')
export class OrdersController {
    @Get() // expect: serves endpoint:GET /shop/orders
    all() {}
}
