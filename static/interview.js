/* Interviews in a row: answers are sent without leaving the page, and the form is cleared for the next person.
 *
 * What cannot be sent waits in the memory of this page and nowhere else: code and answers must not lie on the
 * disk of a device that many people answer on.  It is listed by time of day and the end of its code, is sent by
 * itself, and one that is refused stays in the list with the reason until the interviewer corrects or discards it.
 * Codes are checked here (token.js), so a slip of the pen or the same code twice is said at once, also without a
 * network.  Leaving the page while something is listed is asked about.
 */
(function () {
  "use strict";
  var form = document.getElementById("_f"), data = JSON.parse(document.getElementById("_d").textContent);
  var words = data.words, entries = [], busy = false, count = 0;
  var ABOUT_CODE = ["empty", "length", "character", "check", "unknown", "other_key", "used", "spent", "withdrawn"];

  function make(tag, attributes, text) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    if (text) node.textContent = text;
    return node;
  }

  function fill(text, values) {
    return text.replace(/%\((\w+)\)s/g, function (whole, name) { return values[name]; });
  }

  /* The interviewer's words, in the interviewer's language; the page around them is the other person's. */
  var desk = make("section", { lang: data.language, dir: data.direction });
  var live = desk.appendChild(make("p", { role: "status", class: "o", tabindex: "-1" }));
  var list = desk.appendChild(make("div"));
  form.parentNode.insertBefore(desk, form);

  function say(text) { live.textContent = text; }

  /* ------------------------------------------------------------ talking to the server */

  function fresh() {
    return fetch(data.token, { credentials: "same-origin", cache: "no-store" }).then(function (reply) {
      if (!reply.ok || reply.redirected) throw new Error("signed out");
      return reply.json();
    });
  }

  function post(fields) {
    return fresh().then(function (found) {
      fields.set("csrf_token", found.csrf_token);
      return fetch(form.action, {
        method: "POST", credentials: "same-origin", body: fields, headers: { Accept: "application/json" }
      });
    }).then(function (reply) { return reply.json().then(function (body) { return { ok: reply.ok, status: reply.status, body: body }; }); });
  }

  /* ------------------------------------------------------------ what can be said without the server */

  function read(typed) {
    if (!window.Token) return { code: { text: typed, shown: typed } };
    try {
      return { code: window.Token.readCode(typed) };
    } catch (error) {
      return { fault: error.group > 0 ? fill(words.codeGroup, { group: error.group }) : words.codeMissing };
    }
  }

  function duplicate(code, self) {
    return entries.some(function (one) { return one !== self && one.code.text === code.text; }) ? words.duplicate : "";
  }

  function tooMany() {
    return Array.prototype.filter.call(form.querySelectorAll("[data-n]"), function (field) {
      return field.querySelectorAll("input:checked").length > +field.getAttribute("data-n");
    })[0];
  }

  /* ------------------------------------------------------------ the list of what waits and what was refused */

  function draw() {
    var waiting = entries.filter(function (one) { return !one.reason; });
    var refused = entries.filter(function (one) { return one.reason; });
    list.textContent = "";
    if (waiting.length) {
      var box = list.appendChild(make("div", { class: "o", id: "_waiting" })), lines = make("ul");
      box.appendChild(make("p")).appendChild(make("strong", {}, fill(words.waiting, { num: waiting.length })));
      box.appendChild(make("p", {}, words.leave));
      waiting.forEach(function (one) { lines.appendChild(make("li", {}, one.name)); });
      box.appendChild(lines);
    }
    if (refused.length) {
      var frame = list.appendChild(make("div", { class: "z", id: "_refused" }));
      frame.appendChild(make("h2", {}, fill(words.refused, { num: refused.length })));
      refused.forEach(function (one) { frame.appendChild(refusedBox(one)); });
    }
  }

  function refusedBox(one) {
    var box = make("div", { class: "q", role: "group", "aria-label": one.name }), acts = make("div", { class: "p" });
    var said = make("p");
    said.appendChild(make("strong", {}, one.name));
    said.appendChild(make("br"));
    said.appendChild(document.createTextNode(one.reason));
    box.appendChild(said);
    function button(text, act) {
      var node = acts.appendChild(make("button", { type: "button", class: "u" }, text));
      node.addEventListener("click", act);
    }
    if (one.aboutCode) {
      var label = make("label", { class: "l" }, words.code);
      var field = label.appendChild(make("input", { class: "i", autocomplete: "off", maxlength: "60", dir: "ltr" }));
      box.appendChild(label);
      button(words.again, function () { correct(one, field.value); });
    }
    if (one.place) button(words.back, function () { putBack(one); });
    button(words.discard, function () {
      if (!window.confirm(one.name + "\n" + words.sure)) return;
      drop(one);
      say("");
    });
    box.appendChild(acts);
    return box;
  }

  function drop(one) {
    entries = entries.filter(function (other) { return other !== one; });
    draw();
  }

  function correct(one, typed) {
    var found = read(typed), fault = found.fault || duplicate(found.code, one);
    if (fault) return say(fault);
    one.fields.set("_code", found.code.shown);
    one.code = found.code;
    one.reason = "";
    name(one);
    draw();
    flush();
  }

  /* Answers that cannot be right are mended in the form, when nobody else's are in it. */
  function putBack(one) {
    if (Array.prototype.some.call(form.elements, answered)) return say(words.notEmpty);
    Array.prototype.forEach.call(form.elements, function (field) {
      var values = field.name && field.type !== "hidden" ? one.fields.getAll(field.name) : [];
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.indexOf(field.value) >= 0;
      else if (values.length) field.value = values[0];
    });
    drop(one);
    say(one.reason);
    goTo(one.place);
  }

  function answered(field) {
    if (field.type === "hidden" || field.tagName === "BUTTON" || field.tagName === "FIELDSET") return false;
    return field.type === "checkbox" || field.type === "radio" ? field.checked : field.value !== "";
  }

  /* ------------------------------------------------------------ sending */

  /* The next person begins with an empty page; another variant is drawn where there are several. */
  function next() {
    form.reset();
    Array.prototype.forEach.call(form.querySelectorAll("input:not([type=hidden]),textarea"), function (field) {
      if (field.type === "checkbox" || field.type === "radio") field.checked = false; else field.value = "";
    });
    window.scrollTo(0, 0);
  }

  function nextVariant() {
    if (data.variants > 1 && !entries.length) window.location.reload();
  }

  function name(one) { one.name = fill(words.name, { time: one.time, end: one.code.text.slice(-5) }); }

  function hold(fields, code) {
    var now = new Date().toLocaleTimeString(data.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    var one = { fields: fields, code: code, time: now, reason: "", number: ++count };
    name(one);
    entries.push(one);
    next();
    say(words.kept);
    draw();
  }

  function flush() {
    var first = entries.filter(function (one) { return !one.reason; })[0];
    if (busy || !first) return;
    busy = true;
    post(first.fields).then(function (reply) {
      busy = false;
      if (reply.ok) {
        drop(first);
        say(fill(words.sent, { name: first.name }));
        nextVariant();
      } else if (reply.status >= 500 || reply.status === 429) {
        if (reply.body.token) first.fields.set("_token", reply.body.token);
        return;
      } else {
        first.reason = reply.body.text;
        first.aboutCode = ABOUT_CODE.indexOf(reply.body.code) >= 0;
        first.place = reply.body.place;
        say(words.oneRefused);
        draw();
      }
      flush();
    }, function () { busy = false; });
  }

  function goTo(id) {
    (document.getElementById(id) || form).scrollIntoView();
    live.focus({ preventScroll: true });
  }

  function faulty(text, place) {
    say(text);
    goTo(place);
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (busy) return;
    var fields = new FormData(form), found = read(fields.get("_code"));
    var fault = found.fault || duplicate(found.code), many = tooMany();
    if (fault) return faulty(fault, "_c");
    if (!form.elements._consent.checked) return faulty(words.consent, "_consent");
    if (many) return faulty(fill(words.most, { num: many.getAttribute("data-n") }), many.id);
    if (!fields.get("_submission")) {
      fields.set("_submission", Array.prototype.map.call(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
        return (byte + 256).toString(16).slice(1);
      }).join(""));
    }
    busy = true;
    post(fields).then(function (reply) {
      busy = false;
      if (reply.ok) {
        next();
        say(words.received);
        nextVariant();
        flush();
      } else if (reply.status >= 500 || reply.status === 429) {
        if (reply.body.token) fields.set("_token", reply.body.token);
        hold(fields, found.code);
      } else {
        faulty(reply.body.text, reply.body.place || "_c");
      }
    }, function () {
      busy = false;
      hold(fields, found.code);
    });
  });

  window.addEventListener("online", flush);
  window.setInterval(flush, 15000);
  window.addEventListener("beforeunload", function (event) {
    if (entries.length) event.preventDefault();
  });
})();
