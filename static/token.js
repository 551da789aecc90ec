/* The person's half of the anonymity protocol: RFC 9474, RSABSSA-SHA384-PSS-Randomized, and the access code.
 *
 * One classic script without dependencies, shared by surveys and conferences; it defines `Token`.  It parses on
 * phones that lack BigInt (no literal like 1n), so that Token.missing() can say what is lacking.
 * Section numbers are those of RFC 9474; the register's and collector's half is participation/access/blind.py.
 */
(function (scope) {
  "use strict";

  var ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  var WEIGHTS = [2, 4, 8, 16, 1];
  var OFFSETS = [7, 11, 13, 19, 29];
  var LOOK_ALIKES = {};
  ["I1", "L1", "O0", "UV"].forEach(function (pair) { LOOK_ALIKES[pair[0]] = pair[1]; });
  [["АВЕЗКМНОРСТУХЅІЈ", "ABE3KMH0PCTYXS1J"], ["ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZH1KMN0PTYX"]].forEach(function (script) {
    for (var i = 0; i < script[0].length; i++) LOOK_ALIKES[script[0][i]] = script[1][i];
  });
  /* First digits of the digit rows that keyboards of our languages type. */
  var DIGITS = [0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xe50];

  function failure(code, details) {
    var error = new Error(code);
    error.code = code;
    return Object.assign(error, details || {});
  }

  /* ------------------------------------------------------------ access codes */

  function times(a, b) {
    var product = 0;
    for (; b; b >>= 1) {
      if (b & 1) product ^= a;
      a <<= 1;
      if (a & 32) a ^= 37;
    }
    return product;
  }

  function plain(letter) {
    var point = letter.codePointAt(0);
    for (var i = 0; i < DIGITS.length; i++) {
      if (point >= DIGITS[i] && point < DIGITS[i] + 10) return String(point - DIGITS[i]);
    }
    return LOOK_ALIKES[letter] || (/[\p{L}\p{N}\p{S}]/u.test(letter) ? letter : " ");
  }

  function checkGroup(group, index, found) {
    if (group.length !== 5) throw failure("length", { group: index + 1, found: found });
    var sum = OFFSETS[index];
    for (var i = 0; i < 5; i++) {
      var value = ALPHABET.indexOf(group[i]);
      if (value < 0) throw failure("character", { group: index + 1 });
      sum ^= times(WEIGHTS[i], value);
    }
    if (sum !== 0) throw failure("check", { group: index + 1 });
  }

  /* The code as 25 characters; throws {code: empty|length|character|check, group: 1..5}. */
  function readCode(typed) {
    var letters = Array.from(typed.slice(0, 200).normalize("NFKC").toUpperCase()).map(plain).join("");
    var pieces = letters.split(" ").filter(Boolean);
    var text = pieces.join("");
    if (!text) throw failure("empty", { group: 0 });
    if (pieces.length !== 5) pieces = text.match(/.{1,5}/gu);
    pieces.slice(0, 5).forEach(function (piece, index) { checkGroup(piece, index, text.length); });
    if (pieces.length !== 5) throw failure("length", { group: Math.min(pieces.length + 1, 5), found: text.length });
    return { text: text, mark: text.slice(0, 5), shown: pieces.join("-") };
  }

  /* The code in the address' fragment, which no server sees; the address is cleaned at once. */
  function codeFromAddress() {
    var fragment = decodeURIComponent(scope.location.hash.slice(1));
    if (!fragment) return null;
    try {
      var code = readCode(fragment.replace(/^code=/, ""));
      scope.history.replaceState(scope.history.state, "", scope.location.pathname + scope.location.search);
      return code;
    } catch (error) {
      return null;
    }
  }

  /* ------------------------------------------------------------ bytes and numbers */

  function random(size) { return scope.crypto.getRandomValues(new Uint8Array(size)); }

  function join() {
    var parts = Array.prototype.slice.call(arguments);
    var whole = new Uint8Array(parts.reduce(function (sum, part) { return sum + part.length; }, 0));
    parts.reduce(function (at, part) { whole.set(part, at); return at + part.length; }, 0);
    return whole;
  }

  function toHex(bytes) {
    return Array.from(bytes, function (byte) { return (byte + 256).toString(16).slice(1); }).join("");
  }

  function fromHex(hex) {
    var bytes = new Uint8Array(hex.length / 2);
    for (var i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.substr(2 * i, 2), 16);
    return bytes;
  }

  function number(bytes) { return BigInt("0x" + (toHex(bytes) || "0")); }

  function octets(value, size) { return fromHex(value.toString(16).padStart(2 * size, "0")); }

  function base64url(bytes) {
    return btoa(String.fromCharCode.apply(null, bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function power(base, exponent, modulus) {
    var zero = BigInt(0), one = BigInt(1), result = one;
    for (base %= modulus; exponent > zero; exponent >>= one) {
      if (exponent & one) result = result * base % modulus;
      base = base * base % modulus;
    }
    return result;
  }

  /* Inverse of a modulo n by the extended Euclidean algorithm; throws where they share a factor. */
  function inverse(a, n, code) {
    var zero = BigInt(0), old = a, rest = n, x = BigInt(1), y = zero;
    while (rest !== zero) {
      var quotient = old / rest, kept = rest;
      rest = old - quotient * rest;
      old = kept;
      kept = y;
      y = x - quotient * y;
      x = kept;
    }
    if (old !== BigInt(1)) throw failure(code);
    return x < zero ? x + n : x;
  }

  /* ------------------------------------------------------------ keys, encoding */

  /* {id, n: hex, e} as the register publishes it -> numbers and sizes. */
  function keyOf(published) {
    var n = BigInt("0x" + published.n);
    var bits = n.toString(2).length;
    return { id: published.id, n: n, e: BigInt(published.e), bits: bits, size: (bits + 7) >> 3 };
  }

  function imported(key, hash) {
    var e = key.e.toString(16);
    var jwk = {
      kty: "RSA", n: base64url(octets(key.n, key.size)), e: base64url(fromHex(e.length % 2 ? "0" + e : e)), ext: true
    };
    return scope.crypto.subtle.importKey("jwk", jwk, { name: "RSA-PSS", hash: hash || "SHA-384" }, true, ["verify"]);
  }

  function digest(name, bytes) {
    return scope.crypto.subtle.digest(name, bytes).then(function (out) { return new Uint8Array(out); });
  }

  /* The key's id worked out from the key itself: what the page shows beside the letter's fingerprint. */
  async function keyId(published) {
    var spki = await scope.crypto.subtle.exportKey("spki", await imported(keyOf(published)));
    return toHex((await digest("SHA-256", new Uint8Array(spki))).slice(0, 16));
  }

  /* EMSA-PSS-ENCODE with SHA-384 (RFC 8017, 9.1.1); bits is the modulus' length minus one. */
  async function encode(message, bits, salt) {
    var length = (bits + 7) >> 3, hash = 48;
    if (length < hash + salt.length + 2) throw failure("encoding_error");
    var seed = await digest("SHA-384", join(new Uint8Array(8), await digest("SHA-384", message), salt));
    var block = join(new Uint8Array(length - salt.length - hash - 2), [1], salt);
    for (var counter = 0; counter * hash < block.length; counter++) {
      var mask = await digest("SHA-384", join(seed, [0, 0, counter >> 8, counter & 255]));
      for (var i = 0; i < hash && counter * hash + i < block.length; i++) block[counter * hash + i] ^= mask[i];
    }
    block[0] &= 255 >> (8 * length - bits);
    return join(block, seed, [188]);
  }

  function messageOf(id, token) { return join(new TextEncoder().encode(id), [0], token); }

  /* ------------------------------------------------------------ the protocol */

  /* Section 4.2: blinded message and inverse of the blinding factor. */
  async function blind(key, input, salt, factor) {
    var encoded = number(await encode(input, key.bits - 1, salt));
    inverse(encoded, key.n, "invalid_input");
    var unblinding = inverse(factor, key.n, "blinding_error");
    return {
      blinded: octets(encoded * power(factor, key.e, key.n) % key.n, key.size),
      inverse: octets(unblinding, key.size)
    };
  }

  /* Section 4.4: the finished signature, verified. */
  async function unblind(key, input, reply, unblinding, saltLength) {
    if (reply.length !== key.size) throw failure("unexpected_input_size");
    var signature = octets(number(reply) * number(unblinding) % key.n, key.size);
    var parameters = { name: "RSA-PSS", saltLength: saltLength === undefined ? 48 : saltLength };
    if (!(await scope.crypto.subtle.verify(parameters, await imported(key), signature, input))) {
      throw failure("invalid_signature");
    }
    return signature;
  }

  function uniform(key) {
    for (;;) {
      var candidate = number(random(key.size)) >> BigInt(8 * key.size - key.bits);
      if (candidate > BigInt(0) && candidate < key.n) return candidate;
    }
  }

  /* Draw and blind a token: {key, prefix, token, blinded, inverse}, all hex, ready for IndexedDB. */
  async function start(published) {
    if ((await keyId(published)) !== published.id) throw failure("wrong_key");
    var key = keyOf(published), token = random(32), prefix = random(32);
    var made = await blind(key, join(prefix, messageOf(key.id, token)), random(48), uniform(key));
    return {
      key: key.id, prefix: toHex(prefix), token: toHex(token),
      blinded: toHex(made.blinded), inverse: toHex(made.inverse)
    };
  }

  /* The token from the register's reply (hex): {key, prefix, token, signature}, all hex. */
  async function finish(published, started, reply) {
    var key = keyOf(published);
    var input = join(fromHex(started.prefix), messageOf(started.key, fromHex(started.token)));
    var signature = await unblind(key, input, fromHex(reply), fromHex(started.inverse));
    return { key: started.key, prefix: started.prefix, token: started.token, signature: toHex(signature) };
  }

  /* ------------------------------------------------------------ talking to the two offices */

  /* POST JSON without cookie and referrer; throws {code, retry: whether trying again can help}. */
  async function post(address, document) {
    var reply, body;
    try {
      reply = await scope.fetch(address, {
        method: "POST", credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", mode: "cors",
        headers: { "Content-Type": "application/json" }, body: JSON.stringify(document)
      });
      body = await reply.json();
    } catch (error) {
      throw failure("network", { retry: true });
    }
    if (reply.ok) return body;
    throw failure(body.code || "refused", Object.assign({ retry: reply.status >= 500 || reply.status === 429 }, body));
  }

  /* Whether a code is still good: {state: "good"|"used"|...}; consumes nothing. */
  function ask(address, code, round) { return post(address, { code: code.text, round: round || "" }); }

  /* IndexedDB: one record per name, so that a closed tab or a lost reply burns nothing. */
  function database() {
    return new Promise(function (resolve, reject) {
      var opening = scope.indexedDB.open("vielstimmig-token", 1);
      opening.onupgradeneeded = function () { opening.result.createObjectStore("token"); };
      opening.onsuccess = function () { resolve(opening.result); };
      opening.onerror = function () { reject(failure("storage")); };
    });
  }

  async function kept(mode, action) {
    var open = await database();
    try {
      return await new Promise(function (resolve, reject) {
        var transaction = open.transaction("token", mode, { durability: "strict" });
        var request = action(transaction.objectStore("token"));
        transaction.oncomplete = function () { resolve(request.result); };
        transaction.onerror = transaction.onabort = function () { reject(failure("storage")); };
      });
    } finally {
      open.close();
    }
  }

  function load(name) { return kept("readonly", function (store) { return store.get(name); }); }
  function save(name, record) { return kept("readwrite", function (store) { return store.put(record, name); }); }
  function forget(name) { return kept("readwrite", function (store) { return store.delete(name); }); }

  /* Where a code's record lies: two people may share one phone, and must not share one token. */
  async function placeOf(plan) {
    if (plan.place) return plan.place;
    var named = await digest("SHA-256", new TextEncoder().encode(plan.name + "/" + plan.code.text));
    return plan.name + "/" + toHex(named.slice(0, 16));
  }

  /* From code to token, resumable: the record is written before the code leaves the phone, so the same
   * blinded value is sent again after a lost reply.  plan: {name, keys, code, round, tokenAddress}; a page that
   * let go of the code gives {place} instead, as an earlier record named it. */
  async function obtain(plan) {
    var place = await placeOf(plan), record = await load(place);
    if (record && record.signature) return record;
    if (!record) {
      var published = plan.keys.find(function (key) { return key.mark === plan.code.mark; });
      if (!published) throw failure("other_key");
      record = { published: published, submission: toHex(random(16)), revision: 0 };
      record.started = await start(published);
      record.place = place;
      await save(place, record);
    }
    var reply = await post(plan.tokenAddress, {
      code: plan.code.text, round: plan.round || "", key: record.started.key, blinded: record.started.blinded
    });
    record = Object.assign({}, record, await finish(record.published, record.started, reply.signature));
    await save(place, record);
    return record;
  }

  /* The whole of "Send".  plan as in obtain, and: {answersAddress, document, revise}.  Resolves with the
   * collector's reply after it is durable there; then the token is erased, unless it may still be revised. */
  async function send(plan) {
    var record = await obtain(plan);
    if (plan.revise) {
      record.revision += 1;
      record.submission = toHex(random(16));
      await save(record.place, record);
    }
    var reply = await post(plan.answersAddress, Object.assign({}, plan.document, {
      key: record.key, prefix: record.prefix, token: record.token, signature: record.signature,
      submission: record.submission, revision: record.revision
    }));
    if (!plan.revise) await forget(record.place);
    return reply;
  }

  /* What this browser lacks, by name; an empty list means that the level `sealed` is possible. */
  function missing() {
    var lacks = [];
    if (typeof BigInt !== "function") lacks.push("bigint");
    if (!scope.isSecureContext) lacks.push("secure_context");
    if (!scope.crypto || !scope.crypto.subtle) lacks.push("webcrypto");
    if (!scope.indexedDB) lacks.push("storage");
    if (typeof scope.fetch !== "function") lacks.push("fetch");
    return lacks;
  }

  scope.Token = {
    readCode: readCode, codeFromAddress: codeFromAddress, missing: missing, keyId: keyId, keyOf: keyOf,
    encode: encode, blind: blind, unblind: unblind, start: start, finish: finish,
    ask: ask, obtain: obtain, send: send, load: load, save: save, forget: forget,
    toHex: toHex, fromHex: fromHex
  };
})(typeof self === "undefined" ? globalThis : self);
