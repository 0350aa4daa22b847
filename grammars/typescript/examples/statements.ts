import { Pool } from 'pg';
import axios from 'axios';

const SCHEMA = 'finance';
const TABLES = { invoices: `${SCHEMA}.invoices`, payments: 'finance.payments' } as const;

const pool = new Pool({ host: 'db1', port: 5433, database: 'shop', user: 'billing', password: 'hunter2' }); // expect: connect database:db1:5433/shop/
const other = new Pool({ connectionString: process.env.DATABASE_URL || 'postgres://billing:hunter2@db2/shop' }); // expect: connect database:db2/shop/
const unknown = new Pool({ host: process.env.HOST, database: 'shop', user: 'billing' });

export async function work(table: string, id: number) {
    await pool.query(`SELECT id FROM ${TABLES.invoices} WHERE id = ${id}`); // expect: read table:finance.invoices
    await pool.query({ text: 'INSERT INTO ' + TABLES.payments + ' (id) VALUES ($1)', values: [id] }); // expect: write table:finance.payments
    await sql`UPDATE public.orders SET paid = true WHERE id = ${id}`; // expect: write table:public.orders
    let text = 'SELECT id '; // expect: read table:public.customers
    text += 'FROM public.customers';
    await pool.query(text);
    await pool.query(`DELETE FROM ${table}`);
    await knex('public.stock').where({ id }); // expect: read table:public.stock
    await knex('public.stock').where({ id }).del(); // expect: write table:public.stock
    await knex.insert({ id }).into('public.bookings'); // expect: write table:public.bookings
    // What is done with the answer is not done with the table.
    await knex('public.seats').select('id').then((found) => cache.insert(found)); // expect: read table:public.seats
    console.log('select a seat from the list');
    render({ tableName: 'rows_of_a_page' });
    const tableName = 'nothing_of_a_class';
    // Quoted as MySQL does, a name keeps its case.
    await pool.query('SELECT id FROM `Namespace`'); // expect: read table:Namespace
    await pool.query('SELECT id FROM Cluster'); // expect: read table:cluster
}

const rates = axios.create({ baseURL: process.env.RATES_URL ?? 'http://rates:8080/v1/' });

export async function calls(id: number) {
    await rates.get('/rates'); // expect: call endpoint:rates:8080/GET /v1/rates
    await axios.post<Invoice>(`http://billing.internal/invoices/${id}`, {}); // expect: call endpoint:billing.internal/POST /invoices/{}
    await fetch('http://billing.internal/invoices', { method: 'PUT', body: '' }); // expect: call endpoint:billing.internal/PUT /invoices
    await axios.get('/relative/to/nobody/knows/what');
    await fetch(process.env.UNKNOWN + '/x');
}
