const express = require('express');

const server = express();
const pages = express.Router();

server.use(['/one', '/two'], pages);
pages.get('/page', show); // expect: serves endpoint:GET /one/page // expect: serves endpoint:GET /two/page
