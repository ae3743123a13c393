'use strict';
// Cookies of customers: JSON Web Tokens signed with HMAC-SHA256 (RFC 7519).

const { createHmac, timingSafeEqual } = require('node:crypto');

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const mac = (text, secret) => createHmac('sha256', secret).update(text).digest();

function sign(claims, secret) {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${mac(text, secret).toString('base64url')}`;
}

// verify returns the claims, or null where the signature is not ours.
function verify(token, secret) {
  const [head, body, signature] = token.split('.');
  const given = Buffer.from(signature ?? '', 'base64url');
  const right = mac(`${head}.${body}`, secret);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
  return JSON.parse(Buffer.from(body, 'base64url'));
}

module.exports = { sign, verify };
