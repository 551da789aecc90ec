/* Interviews in a row: answers are sent without leaving the page, and the form is cleared for the next person.
 *
 * What cannot be sent waits in the memory of this page and nowhere else: code and answers must not lie on the
 * disk of a device that many people answer on. Leaving the page while something waits is asked about.
 */
(function () {
  "use strict";
  var form = document.getElementById("_f"), data = JSON.parse(document.getElementById("_d").textContent);
  var waiting = [], busy = false, unsettled = false;
  var live = document.createElement("p");
  live.setAttribute("role", "status");
  live.className = "o";
  form.parentNode.insertBefore(live, form);

  function say(text) { live.textContent = text + (waiting.length ? " (" + waiting.length + ")" : ""); }

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

  /* The next person begins with an empty page; another variant is drawn where there are several. */
  function next() {
    form.reset();
    Array.prototype.forEach.call(form.querySelectorAll("input:not([type=hidden]),textarea"), function (field) {
      if (field.type === "checkbox" || field.type === "radio") field.checked = false; else field.value = "";
    });
    window.scrollTo(0, 0);
  }

  function flush() {
    if (busy || unsettled || !waiting.length) return;
    busy = true;
    var first = waiting[0];
    post(first).then(function (reply) {
      busy = false;
      if (reply.ok) {
        waiting.shift();
        say(data.received);
        if (waiting.length) flush();
        else if (data.variants > 1) window.location.reload();
      } else if (reply.status >= 500 || reply.status === 429) {
        if (reply.body.token) first.set("_token", reply.body.token);
        say(data.waiting);
      } else {
        refused(first, reply.body);
      }
    }, function () {
      busy = false;
      say(data.waiting);
    });
  }

  /* A code that was mistyped is asked for again; the answers stay in memory meanwhile and are not shown. */
  function refused(fields, body) {
    var code = ["length", "character", "check", "empty", "unknown", "other_key", "malformed"].indexOf(body.code) >= 0;
    var typed = code ? window.prompt(body.text + "\n" + data.code, fields.get("_code")) : null;
    if (typed !== null) {
      fields.set("_code", typed);
      return flush();
    }
    /* Who cannot read the code now is asked again with the next interview; a person's answers are not thrown away. */
    if (code) {
      unsettled = true;
      return say(body.text);
    }
    waiting.shift();
    say(body.text);
  }

  function faulty(body) {
    var place = document.getElementById(body.place || "_start");
    say(body.text);
    live.tabIndex = -1;
    (place || live).scrollIntoView();
    live.focus({ preventScroll: true });
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    if (busy) return;
    unsettled = false;
    var fields = new FormData(form);
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
        say(data.received);
        if (data.variants > 1 && !waiting.length) window.location.reload();
      } else if (reply.status >= 500 || reply.status === 429) {
        if (reply.body.token) fields.set("_token", reply.body.token);
        hold(fields);
      } else {
        faulty(reply.body.place ? reply.body : { text: reply.body.text, place: "_c" });
      }
    }, function () {
      busy = false;
      hold(fields);
    });
  });

  function hold(fields) {
    waiting.push(fields);
    next();
    say(data.waiting);
  }

  window.addEventListener("online", function () {
    unsettled = false;
    flush();
  });
  window.setInterval(flush, 15000);
  window.addEventListener("beforeunload", function (event) {
    if (waiting.length) event.preventDefault();
  });
})();
