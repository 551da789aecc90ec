/* A survey is over, and this phone still has answers that were never sent: they are shown, to be printed, kept as a
 * file, or deleted.  It reads what player.js keeps (this tab's sessionStorage; IndexedDB under the phone's own key),
 * sends nothing, and leaves no trace on a phone that has nothing.
 */
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("_d").textContent), words = data.words;
  var storeName = "vielstimmig:" + data.wave, place = document.getElementById("kept");

  function make(tag, attributes, text) {
    var node = document.createElement(tag);
    Object.keys(attributes).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    if (text) node.textContent = text;
    return node;
  }

  /* ------------------------------------------------------------ what lies on this phone */

  /* The base is never made here: who has none gets an error, and has none afterwards. */
  function base() {
    return new Promise(function (resolve, reject) {
      var opening = window.indexedDB.open("vielstimmig-player", 1);
      opening.onupgradeneeded = function () { opening.transaction.abort(); };
      opening.onsuccess = function () { resolve(opening.result); };
      opening.onerror = reject;
    });
  }

  function act(mode, action) {
    return base().then(function (open) {
      return new Promise(function (resolve, reject) {
        var transaction = open.transaction("kept", mode), request = action(transaction.objectStore("kept"));
        transaction.oncomplete = function () { open.close(); resolve(request && request.result); };
        transaction.onerror = transaction.onabort = function () { open.close(); reject(transaction.error); };
      });
    });
  }

  function get(name) {
    return act("readonly", function (kept) { return kept.get(storeName + ":" + name); });
  }

  function read(name) {
    return Promise.all([get("key"), get(name)]).then(function (both) {
      if (!both[0] || !both[1]) return null;
      return window.crypto.subtle.decrypt({ name: "AES-GCM", iv: both[1].nonce }, both[0], both[1].hidden)
        .then(function (text) { return JSON.parse(new TextDecoder().decode(text)); });
    }).catch(function () { return null; });
  }

  function some(answers) {
    return answers && Object.keys(answers).some(function (address) { return address[0] !== "_"; }) ? answers : null;
  }

  /* This tab's answers, else those of the phone's owner, else those that wait to be sent. */
  function find() {
    var inTab = null;
    try { inTab = JSON.parse(window.sessionStorage.getItem(storeName)); } catch (error) { /* forbidden */ }
    if (inTab && some(inTab.answers)) return Promise.resolve(inTab.answers);
    if (!window.indexedDB || !window.crypto || !window.crypto.subtle) return Promise.resolve(null);
    return read("answers").then(function (state) {
      if (state && some(state.answers)) return state.answers;
      return read("queue").then(function (job) { return job && some(job.document.answers); });
    });
  }

  function erase() {
    try { window.sessionStorage.removeItem(storeName); } catch (error) { /* forbidden */ }
    if (window.BroadcastChannel) new BroadcastChannel(storeName).postMessage({ sent: false });
    if (!window.indexedDB) return Promise.resolve();
    return act("readwrite", function (kept) {
      ["key", "answers", "queue"].forEach(function (name) { kept.delete(storeName + ":" + name); });
    }).catch(function () { /* nothing was there */ });
  }

  /* ------------------------------------------------------------ in words */

  function lines(field, answers) {
    var given = answers[field.address];
    if (given === undefined || given.length === 0) given = answers[field.address + "!"];
    if (given === undefined || given.length === 0) return [];
    return [].concat(given).map(function (code, index) {
      var said = field.words[code] || String(code);
      return field.ranked && Array.isArray(given) ? index + 1 + ". " + said : said;
    });
  }

  function list(answers) {
    var all = make("dl", { class: "kept" });
    data.fields.forEach(function (field) {
      var said = lines(field, answers);
      if (said.length) all.appendChild(make("dt", { dir: "auto" }, field.text));
      said.forEach(function (line) { all.appendChild(make("dd", { dir: "auto" }, line)); });
    });
    return all;
  }

  /* A page of its own, made here: any browser shows it, in any script. */
  function keepAsFile(answers) {
    var file = document.implementation.createHTMLDocument(document.title), root = file.documentElement;
    root.lang = document.documentElement.lang;
    root.dir = document.documentElement.dir;
    [{ name: "viewport", content: "width=device-width,initial-scale=1" }, { charset: "utf-8" }]
      .forEach(function (meta) { file.head.insertBefore(make("meta", meta), file.head.firstChild); });
    file.body.appendChild(make("h1", {}, document.title));
    file.body.appendChild(list(answers));
    var blob = new Blob(["<!doctype html>\n" + root.outerHTML], { type: "text/html" });
    var link = make("a", { href: URL.createObjectURL(blob), download: data.survey + ".html" });
    document.body.appendChild(link);
    link.click();
    link.remove();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
  }

  function show(answers) {
    var acts = make("div", { class: "acts" });
    function button(text, action, second) {
      var node = make("button", { type: "button" }, text);
      if (second) node.className = "second";
      node.addEventListener("click", action);
      acts.appendChild(node);
    }
    button(words.print, function () { window.print(); });
    button(words.file, function () { keepAsFile(answers); });
    button(words.erase, function () {
      erase().then(function () {
        place.textContent = "";
        place.appendChild(make("p", { role: "status", tabindex: "-1" }, words.gone)).focus();
      });
    }, true);
    document.getElementById("over").hidden = true;
    var said = make("p", { role: "alert" });
    said.appendChild(make("strong", {}, words.closed));
    [said, acts, make("p", { class: "hint" }, words.careful), make("h2", {}, words.yours), list(answers)]
      .forEach(function (node) { place.appendChild(node); });
  }

  find().then(function (answers) { if (answers) show(answers); });
})();
