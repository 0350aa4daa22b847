import { Controller, Get, NestFactory, Post, Version } from '@nestjs/common';

@Controller('orders')
export class OrdersController {
    @Version('1')
    @Get('first') // expect: serves endpoint:GET /api/v1/orders/first
    first() {}

    // A version that is only known when it runs.
    @Version(VERSION_NEUTRAL)
    @Get('never')
    never() {}

    @Get() // expect: serves endpoint:GET /api/orders
    all() {}
}

@Controller('health')
export class HealthController {
    @Get() // expect: serves endpoint:GET /health
    health() {}

    @Get('live') // expect: serves endpoint:GET /health/live
    live() {}

    @Post('live') // expect: serves endpoint:POST /api/health/live
    change() {}
}

async function start() {
    const app = await NestFactory.create(AppModule);
    app.enableVersioning();
    app.setGlobalPrefix('api', { exclude: ['health', { path: 'health/live', method: RequestMethod.GET }] });
}
