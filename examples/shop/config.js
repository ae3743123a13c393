'use strict';
// The shop's settings: the environment first, then .env, as dotenv does it.
// What is missing or misshapen stops the start, with names and never values.

const fs = require('node:fs');
const path = require('node:path');

const shapes = {
  PAYMENTS_URL: /^https?:\/\/[^/]+$/,
  PAYMENTS_KEY: /^pay_(live|test)_[0-9A-Za-z]{24,}$/,
  JWT_SECRET: /^[0-9a-f]{64}$/,
  DATABASE_URL: /^postgres:\/\/[^:@/]+:[^@/]+@[^/]+\/\w+$/,
};

function dotenv(file) {
  if (!fs.existsSync(file)) return {};
  const line = /^([A-Z_]+)=(?:"([^"]*)"|([^\s#]*))/gm;
  const entries = [...fs.readFileSync(file, 'utf8').matchAll(line)];
  return Object.fromEntries(entries.map(([, name, quoted, plain]) => [name, quoted ?? plain]));
}

function load(env = process.env, file = path.join(__dirname, '.env')) {
  const config = { PORT: '3000', ...dotenv(file), ...env };
  const wrong = Object.keys(shapes).filter((name) => !shapes[name].test(config[name] ?? ''));
  if (wrong.length > 0) throw new Error(`missing or misshapen: ${wrong.join(', ')}`);
  return config;
}

module.exports = { load };
