/* The ballot on a phone: tap to rank, buttons, a select per line; half-filled ballots stay on the phone.
 *
 * The page works without this script as a plain form. Nothing the server sends ever resets a ballot: the live state
 * only shows a line with a link. */
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var form = document.getElementById("ballot");
  var list = document.getElementById("options");
  var texts = data.texts;
  var place = "ballot/" + data.access;
  var state = load() || { classes: [], order: null, values: {}, pairs: [], receipt: null, sent: 0 };
  document.documentElement.classList.add("scripted");

  function load() {
    try {
      var kept = JSON.parse(localStorage.getItem(place));
      /* Topics may have been reworded since; then the ballot stays, and what is gone drops out. */
      if (kept && kept.classes) {
        kept.classes = kept.classes.map(function (tied) {
          return tied.filter(function (id) { return id in data.labels; });
        }).filter(function (tied) { return tied.length; });
      }
      return kept;
    } catch (error) { return null; }
  }
  function keep() { try { localStorage.setItem(place, JSON.stringify(state)); } catch (error) { /* private mode */ } }
  function fill(text, values) {
    return text.replace(/%\((\w+)\)s/g, function (whole, name) { return name in values ? values[name] : ""; });
  }
  function element(tag, attributes, text) {
    var made = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { made.setAttribute(name, attributes[name]); });
    if (text) made.textContent = text;
    return made;
  }
  function say(text) { document.getElementById("said").textContent = text; }
  function rows() { return list ? Array.prototype.slice.call(list.children) : []; }

  /* ------------------------------------------------------------ ranking */

  function classOf(id) {
    for (var i = 0; i < state.classes.length; i++) if (state.classes[i].indexOf(id) >= 0) return i;
    return -1;
  }
  function placeOf(id) {
    var index = classOf(id);
    return index < 0 ? 0 : index + 1;
  }
  function count() { return state.classes.reduce(function (sum, tied) { return sum + tied.length; }, 0); }
  function remove(id) {
    state.classes = state.classes.map(function (tied) {
      return tied.filter(function (other) { return other !== id; });
    }).filter(function (tied) { return tied.length; });
  }
  function tap(id) {
    if (classOf(id) >= 0) remove(id);
    else if (data.places && count() >= data.places) {
      return say(fill(data.sentences.too_many_places, { places: data.places }));
    } else state.classes.push([id]);
    changed(id);
  }
  function move(id, by) {
    var from = classOf(id), to = from + by;
    if (to < 0 || to >= state.classes.length) return;
    var tied = state.classes.splice(from, 1)[0];
    state.classes.splice(to, 0, tied);
    changed(id);
  }
  function equal(id) {
    var index = classOf(id);
    if (index < 0) return;
    if (state.classes[index].length > 1 && state.classes[index][0] !== id) {
      remove(id);
      state.classes.splice(index + 1, 0, [id]);
    } else if (index > 0) {
      state.classes[index - 1] = state.classes[index - 1].concat(state.classes[index]);
      state.classes.splice(index, 1);
    }
    changed(id);
  }
  function select(id, number) {
    remove(id);
    if (number) {
      if (data.places && count() >= data.places) {
        say(fill(data.sentences.too_many_places, { places: data.places }));
      } else state.classes.splice(Math.min(number - 1, state.classes.length), 0, [id]);
    }
    changed(id);
  }
  function changed(id) {
    keep();
    var focused = document.activeElement && document.activeElement.dataset.role;
    draw();
    var row = rows().filter(function (one) { return one.dataset.id === id; })[0];
    var target = focused && row.querySelector('[data-role="' + focused + '"]');
    if (target && !target.disabled) target.focus();
    else if (focused) row.querySelector('[data-role="tap"]').focus();
    say(data.labels[id] + ": " + (placeOf(id) ? fill(texts.place, { num: placeOf(id) }) : texts.open));
  }
  function buildRanking() {
    rows().forEach(function (row) {
      var id = row.dataset.id;
      var words = row.querySelector(".words"), label = words.querySelector(".label");
      var button = element("button", { type: "button", "class": "tap", "data-role": "tap", "aria-pressed": "false" });
      button.appendChild(element("span", { "class": "place", "aria-hidden": "true" }));
      button.appendChild(label);
      button.appendChild(element("span", { "class": "unseen spoken" }));
      words.insertBefore(button, words.firstChild);
      button.addEventListener("click", function () { tap(id); });
      var moves = element("div", { "class": "moves" });
      [["up", "↑", -1], ["down", "↓", 1]].forEach(function (kind) {
        var arrow = element("button", { type: "button", "data-role": kind[0] }, kind[1]);
        arrow.setAttribute("aria-label", fill(texts[kind[0]], { topic: data.labels[id] }));
        arrow.addEventListener("click", function () { move(id, kind[2]); });
        moves.appendChild(arrow);
      });
      var same = element("button", { type: "button", "data-role": "equal", "aria-pressed": "false" }, "=");
      same.setAttribute("aria-label", fill(texts.equal, { topic: data.labels[id] }));
      same.addEventListener("click", function () { equal(id); });
      moves.appendChild(same);
      row.appendChild(moves);
      row.querySelector("select").dataset.role = "select";
      row.querySelector("select").addEventListener("change", function (event) { select(id, +event.target.value); });
    });
  }
  function drawRanking() {
    var flat = [].concat.apply([], state.classes);
    var rest = rows().map(function (row) { return row.dataset.id; }).filter(function (id) { return flat.indexOf(id) < 0; });
    rest.sort(function (a, b) { return state.order.indexOf(a) - state.order.indexOf(b); });
    var byId = {};
    rows().forEach(function (row) { byId[row.dataset.id] = row; });
    flat.concat(rest).forEach(function (id) { list.appendChild(byId[id]); });
    rows().forEach(function (row) {
      var id = row.dataset.id, index = classOf(id), ranked = index >= 0;
      row.classList.toggle("chosen", ranked);
      row.querySelector(".place").textContent = ranked ? index + 1 : "";
      row.querySelector(".tap").setAttribute("aria-pressed", String(ranked));
      row.querySelector(".spoken").textContent = ", " + (ranked ? fill(texts.place, { num: index + 1 }) : texts.open);
      row.querySelector(".moves").hidden = !ranked;
      row.querySelector('[data-role="up"]').disabled = index <= 0;
      row.querySelector('[data-role="down"]').disabled = !ranked || index >= state.classes.length - 1;
      var same = row.querySelector('[data-role="equal"]');
      var tied = ranked && state.classes[index].length > 1 && state.classes[index][0] !== id;
      same.disabled = !ranked || (index === 0 && !tied);
      same.setAttribute("aria-pressed", String(tied));
      row.querySelector("select").value = ranked ? String(index + 1) : "";
    });
  }

  /* ------------------------------------------------------------ numbers and ticks */

  function buildFields() {
    rows().forEach(function (row) {
      var field = row.querySelector("input");
      var kept = state.values[row.dataset.id];
      if (field.type === "checkbox") { if (kept !== undefined) field.checked = !!kept; }
      else if (kept !== undefined) field.value = kept;
      field.addEventListener("input", function () {
        state.values[row.dataset.id] = field.type === "checkbox" ? field.checked : field.value;
        keep();
        draw();
      });
    });
  }
  function drawFields() {
    var used = 0;
    rows().forEach(function (row) {
      var field = row.querySelector("input");
      var on = field.type === "checkbox" ? field.checked : +field.value > 0;
      row.classList.toggle("chosen", on);
      if (on) used += data.method === "budget" ? data.costs[row.dataset.id] : +field.value || 0;
    });
    var left = document.getElementById("left");
    if (left) left.textContent = fill(texts.left, { num: (data.method === "budget" ? data.budget : data.dots) - used });
  }

  /* ------------------------------------------------------------ pairs: ask next where it is closest */

  function nextPair() {
    var ids = Object.keys(data.labels), met = {}, won = {}, seen = {};
    ids.forEach(function (id) { met[id] = 0; won[id] = 1; });
    state.pairs.forEach(function (pair) {
      met[pair[0]] += 1; met[pair[1]] += 1; won[pair[0]] += 1;
      seen[pair.slice().sort().join("|")] = true;
    });
    var best = null, least = Infinity;
    ids.forEach(function (a, i) {
      ids.slice(i + 1).forEach(function (b) {
        if (seen[[a, b].sort().join("|")]) return;
        var apart = Math.abs(won[a] / (met[a] + 2) - won[b] / (met[b] + 2));
        var cost = met[a] + met[b] + 2 * apart + Math.random() * 0.5;
        if (cost < least) { least = cost; best = Math.random() < 0.5 ? [a, b] : [b, a]; }
      });
    });
    return state.pairs.length < 60 ? best : null;
  }
  function drawPairs() {
    var holder = document.getElementById("plain-pairs"), pair = nextPair();
    holder.textContent = "";
    var duel = element("div", { "class": "duel", role: "group", "aria-label": texts.pair });
    (pair || []).forEach(function (id, i) {
      var button = element("button", { type: "button", "class": "second" }, data.labels[id]);
      button.addEventListener("click", function () {
        state.pairs.push([id, pair[1 - i]]);
        keep();
        drawPairs();
        var first = holder.querySelector("button");
        if (first) first.focus();
        say(String(state.pairs.length));
      });
      duel.appendChild(button);
    });
    holder.appendChild(duel);
  }

  function draw() {
    if (data.method === "ranking") drawRanking();
    else if (data.method === "pairwise") drawPairs();
    else drawFields();
  }

  /* ------------------------------------------------------------ sending */

  function ballot() {
    var found = { version: data.version, receipt: state.receipt };
    if (data.method === "ranking") found.ranking = state.classes;
    else if (data.method === "pairwise") found.pairs = state.pairs;
    else if (data.method === "approval" || data.method === "budget") {
      found.approve = rows().filter(function (row) { return row.querySelector("input").checked; })
        .map(function (row) { return row.dataset.id; });
    } else {
      var key = { dots: "dots", score: "score", consensing: "resistance" }[data.method];
      found[key] = {};
      rows().forEach(function (row) {
        var text = row.querySelector("input").value;
        if (text !== "") found[key][row.dataset.id] = parseInt(text, 10) || 0;
      });
    }
    return found;
  }
  function receipt() {
    /* One element per word, for the lines; spaces between them, for whoever copies it. */
    var shown = element("span", { "class": "receipt" });
    state.receipt.forEach(function (n) {
      shown.appendChild(element("span", {}, data.words.length ? data.words[n] : String(n + 1)));
      shown.appendChild(document.createTextNode(" "));
    });
    return shown;
  }
  function answer(text, good) {
    var box = document.getElementById("answer");
    box.textContent = "";
    box.className = good ? "done" : "error-summary";
    box.appendChild(element("span", {}, text));
    if (good) {
      box.appendChild(element("br"));
      box.appendChild(document.createTextNode(texts.receipt + ": "));
      box.appendChild(receipt());
      box.appendChild(element("span", { "class": "hint" }, texts.receiptHint));
    }
  }
  function refused(error) {
    var code = ["length", "character", "check"].indexOf(error.code) >= 0 ? "typed" : error.code;
    answer(fill(data.sentences[code] || data.sentences.refused, error.params || { group: error.group || "" }), false);
  }

  var slip = "slip/" + data.conference;
  function readSlip() {
    var typed = document.getElementById("code"), code = Token.codeFromAddress();
    if (code) { try { localStorage.setItem(slip, code.text); } catch (error) { /* private mode */ } }
    try { code = code || (localStorage.getItem(slip) && Token.readCode(localStorage.getItem(slip))); } catch (error) { code = null; }
    if (code && typed) {
      typed.value = code.shown;
      var note = document.getElementById("slip-read");
      note.textContent = texts.slip;
      note.hidden = false;
    }
    return code;
  }

  async function open(document_) {
    if (!state.submission) {
      var bytes = crypto.getRandomValues(new Uint8Array(16));
      state.submission = Array.from(bytes, function (b) { return (b + 256).toString(16).slice(1); }).join("");
      keep();
    }
    var reply, body;
    try {
      reply = await fetch(data.answersAddress, {
        method: "POST", credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(Object.assign({ submission: state.submission }, document_))
      });
      body = await reply.json();
    } catch (error) { throw { code: "network" }; }
    if (!reply.ok) throw body;
    return body;
  }

  /* An empty ballot is sent when it is sent twice. */
  var blank = false;
  function isBlank(found) {
    var kept = ["ranking", "approve", "pairs", "dots", "score", "resistance"].map(function (key) { return found[key]; });
    return !kept.some(function (part) { return part && Object.keys(part).length; });
  }

  async function send() {
    var button = document.getElementById("send");
    if (isBlank(ballot()) && !blank) {
      blank = true;
      return refused({ code: "blank" });
    }
    button.disabled = true;
    answer(texts.sending, false);
    document.getElementById("answer").className = "";
    if (!state.receipt) {
      state.receipt = Array.from(crypto.getRandomValues(new Uint8Array(data.receiptLength)));
      keep();
    }
    try {
      if (data.level === "open") await open(ballot());
      else {
        var code = Token.readCode(document.getElementById("code").value);
        try { localStorage.setItem(slip, code.text); } catch (error) { /* private mode */ }
        await Token.send({
          name: data.access, keys: data.keys, code: code, round: data.round, tokenAddress: data.tokenAddress,
          answersAddress: data.answersAddress, document: ballot(), revise: true
        });
      }
      state.sent += 1;
      keep();
      answer(data.level === "open" ? texts.final : texts.received, true);
      if (data.level !== "open") button.textContent = texts.change;
      var other = document.getElementById("other");
      if (other) other.hidden = false;
    } catch (error) {
      refused(error);
    }
    button.disabled = data.level === "open" && state.sent > 0;
  }

  /* ------------------------------------------------------------ live state: a line and a link, nothing more */

  var version = null;
  function poll() {
    fetch(data.stateAddress, { credentials: "omit", cache: "no-cache" }).then(function (reply) {
      return reply.json();
    }).then(function (live) {
      var box = document.getElementById("gone"), ours = live.round === data.round;
      if (ours && live.state === "closing" && live.version !== version) {
        var until = new Date(live.until).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
        box.textContent = fill(texts.closing, { time: until });
        box.hidden = false;
      } else if (version && live.version !== version && !(ours && live.state === "open")) {
        box.textContent = texts.closed + " ";
        box.appendChild(element("a", { href: data.here }, texts.next));
        box.hidden = false;
        if (ours && window.Token && data.level !== "open") forget();
      } else if (ours && live.state === "open") box.hidden = true;
      version = live.version;
    }).catch(function () { /* no connection: the ballot is here */ }).then(function () {
      setTimeout(poll, 3000 + Math.random() * 3000);
    });
  }
  /* After the close the token has done its work. */
  function forget() {
    try {
      var code = Token.readCode(document.getElementById("code").value);
      crypto.subtle.digest("SHA-256", new TextEncoder().encode(data.access + "/" + code.text)).then(function (bytes) {
        return Token.forget(data.access + "/" + Token.toHex(new Uint8Array(bytes).slice(0, 16)));
      }).catch(function () {});
    } catch (error) { /* no code was ever typed */ }
  }

  /* ------------------------------------------------------------ begin */

  var ids = rows().map(function (row) { return row.dataset.id; });
  if (!state.order || state.order.slice().sort().join() !== ids.slice().sort().join()) state.order = ids;
  if (list) {
    var byId = {};
    rows().forEach(function (row) { byId[row.dataset.id] = row; });
    state.order.forEach(function (id) { list.appendChild(byId[id]); });
  }
  if (data.method === "ranking") {
    if (!state.classes.length) rows().map(function (row) {
      return [+row.querySelector("select").value, row.dataset.id];
    }).filter(function (pair) { return pair[0]; }).sort(function (a, b) { return a[0] - b[0]; })
      .forEach(function (pair) { state.classes.push([pair[1]]); });
    buildRanking();
  } else if (data.method !== "pairwise") buildFields();
  draw();
  keep();

  var lacking = data.level === "open" ? [] : Token.missing();
  if (!lacking.length) {
    form.addEventListener("submit", function (event) { event.preventDefault(); send(); });
    if (data.level !== "open") readSlip();
    if (state.sent) {
      answer(data.level === "open" ? texts.final : texts.received, true);
      document.getElementById("send").disabled = data.level === "open";
      if (data.level !== "open") document.getElementById("send").textContent = texts.change;
      if (document.getElementById("other")) document.getElementById("other").hidden = false;
    }
    var other = document.getElementById("other-slip");
    if (other) other.addEventListener("click", function () {
      try { localStorage.removeItem(place); localStorage.removeItem(slip); } catch (error) { /* private mode */ }
      location.assign(data.here);
    });
  } else {
    /* This phone cannot keep both offices apart; the plain form does what it can. */
    document.documentElement.classList.remove("scripted");
  }
  setTimeout(poll, 1000 + Math.random() * 2000);
})();
