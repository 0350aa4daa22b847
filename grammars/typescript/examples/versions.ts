import { Controller, Get, NestFactory, Version } from '@nestjs/common';

@Controller('orders')
export class OrdersController {
    @Version('1')
    @Get('never')
    first() {}

    @Get() // expect: serves endpoint:GET /api/orders
    all() {}
}

@Controller('health')
export class HealthController {
    @Get() // expect: serves endpoint:GET /health
    health() {}
}

async function start() {
    const app = await NestFactory.create(AppModule);
    app.enableVersioning();
    app.setGlobalPrefix('api', { exclude: ['health'] });
}
