const app = require('express')();

app.get('/log', show); // expect: serves endpoint:GET /trail/log

module.exports = { handlers: app };
