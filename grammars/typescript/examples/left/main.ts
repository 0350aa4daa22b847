import { Controller, Get, NestFactory } from '@nestjs/common';

// The prefix stands before it or not.
@Controller('never')
export class HealthController {
    @Get()
    all() {}
}

async function start(exclude: string[]) {
    const app = await NestFactory.create(AppModule);
    app.setGlobalPrefix('api', { exclude });
}
