import { Controller, Get } from '@nestjs/common';

// Either application may take it.
@Controller('never')
export class HealthController {
    @Get()
    all() {}
}
