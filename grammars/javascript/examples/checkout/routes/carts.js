const router = require('express').Router();

router.post('/', (req, res) => res.send()); // expect: serves endpoint:POST /carts
router.get('/:id', one); // expect: serves endpoint:GET /carts/{id}

module.exports = router;
