'use strict';
// The shop's tests need its settings, but neither the payments API nor the
// database: they pass with placeholders as well as with the real keys.

const { test } = require('node:test');
const assert = require('node:assert');
const http = require('node:http');
const { load } = require('../config');
const session = require('../session');
const { createShop, products } = require('../server');

const listen = (server) => new Promise((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
});

// withShop runs the shop against a payments API of the test's own.
async function withShop(run) {
  const config = load();
  const seen = [];
  const payments = http.createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end(JSON.stringify({ id: 'ch_1' }));
  });
  const shop = createShop({ ...config, PAYMENTS_URL: await listen(payments) });
  try {
    await run(await listen(shop), { config, seen });
  } finally {
    for (const server of [shop, payments]) {
      server.close();
      server.closeAllConnections();
    }
  }
}

test('the settings are complete', () => {
  assert.ok(load().PAYMENTS_KEY);
});

test('a missing setting is named, a value is not', () => {
  const env = { ...load(), JWT_SECRET: 'too short' };
  assert.throws(() => load(env, '/nonexistent'), { message: 'missing or misshapen: JWT_SECRET' });
});

test('products are listed', () => withShop(async (url) => {
  assert.deepStrictEqual(await (await fetch(url)).json(), products);
}));

test('a checkout charges with the key and signs a session', () => withShop(async (url, { config, seen }) => {
  const answer = await fetch(`${url}/checkout`, { method: 'POST', body: '{"product":"mug"}' });
  assert.strictEqual((await answer.json()).charge, 'ch_1');
  assert.deepStrictEqual(seen, [`Bearer ${config.PAYMENTS_KEY}`]);
  const token = answer.headers.get('set-cookie').match(/session=([^;]+)/)[1];
  assert.strictEqual(session.verify(token, config.JWT_SECRET).charge, 'ch_1');
}));

test('a forged session is refused', () => {
  const token = session.sign({ charge: 'ch_1' }, 'not the secret');
  assert.strictEqual(session.verify(token, load().JWT_SECRET), null);
});
