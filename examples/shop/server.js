'use strict';
// A small web shop: a list of products, and a checkout that takes the money
// through the payments API. No dependencies.

const http = require('node:http');
const { randomUUID } = require('node:crypto');
const { load } = require('./config');
const session = require('./session');

const products = [
  { id: 'mug', name: 'Mug with a motte', cents: 1290 },
  { id: 'flag', name: 'Flag for the keep', cents: 2450 },
  { id: 'key', name: 'Key, does not open anything', cents: 990 },
];

async function charge(config, product) {
  const answer = await fetch(`${config.PAYMENTS_URL}/v1/charges`, {
    method: 'POST',
    headers: { authorization: `Bearer ${config.PAYMENTS_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount: product.cents, currency: 'eur' }),
  });
  if (!answer.ok) throw new Error(`payments API: ${answer.status}`);
  return answer.json();
}

async function read(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return JSON.parse(body || '{}');
}

function send(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body) + '\n');
}

async function checkout(config, request, response) {
  const { product: id } = await read(request);
  const product = products.find((p) => p.id === id);
  if (!product) return send(response, 404, { error: 'no such product' });
  const paid = await charge(config, product);
  const token = session.sign({ customer: randomUUID(), charge: paid.id }, config.JWT_SECRET);
  return send(response, 200, { product: id, charge: paid.id }, { 'set-cookie': `session=${token}; HttpOnly` });
}

function createShop(config) {
  const routes = {
    'GET /': (_, response) => send(response, 200, products),
    'GET /healthz': (_, response) => send(response, 200, { database: new URL(config.DATABASE_URL).host }),
    'POST /checkout': (request, response) => checkout(config, request, response),
  };
  return http.createServer((request, response) => {
    const route = routes[`${request.method} ${request.url}`];
    if (!route) return send(response, 404, { error: 'no such page' });
    return Promise.resolve(route(request, response)).catch((err) => send(response, 502, { error: err.message }));
  });
}

module.exports = { createShop, products };

if (require.main === module) {
  const config = load();
  const shop = createShop(config);
  shop.listen(Number(config.PORT), '127.0.0.1', () => {
    console.log(`shop: http://127.0.0.1:${shop.address().port}`);
  });
}
