const router = require('express').Router();

// Nobody mounts it: where it is served cannot be told.
router.get('/forgotten', one);

module.exports = router;
