import { Controller, Get } from '@nestjs/common';

@Controller('shelves')
export class ShelvesController {
    @Get() // expect: serves endpoint:GET /shelves
    all() {}
}
