const express = require('express');
const carts = require('./routes/carts');
const trail = require('./routes/trail');
const { audit } = require('./tables');

const app = express();
const admin = express.Router();

app.use(express.json());
app.use('/carts', carts);
app.use('/trail', trail.handlers);
app.use('/admin', authenticated, admin);

app.get('/health', (req, res) => res.send('ok')); // expect: serves endpoint:GET /health
app.route('/baskets/:id').get(show).put(change); // expect: serves endpoint:GET /baskets/{id} // expect: serves endpoint:PUT /baskets/{id}
app.get('title');
admin.delete('/carts/:id(\\d+)', async (req, res) => { // expect: serves endpoint:DELETE /admin/carts/{id}
    await pool.query(`INSERT INTO ${audit} (id) VALUES ($1)`, [req.params.id]); // expect: write table:public.audit
});
cache.get('/no/route', callback);
