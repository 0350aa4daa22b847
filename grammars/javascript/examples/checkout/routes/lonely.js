const app = require('express')();

// One application of several, and nobody says below of which: the path may be longer.
app.get('/lonely', one);

module.exports = () => app;
