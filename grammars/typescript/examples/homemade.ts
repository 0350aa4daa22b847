import { Controller, Get } from './decorators';

// Whose decorators these are nobody knows.
@Controller('orders')
export class OrdersController {
    @Get('never')
    all() {}
}
