import { Controller, Get, RouterModule } from '@nestjs/common';

// Before which routes the path stands, the modules say.
@Controller('never')
export class AdminController {
    @Get()
    all() {}
}

const modules = RouterModule.register([{ path: 'admin', module: AdminModule }]);
