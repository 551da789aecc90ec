/* The questionnaire on a phone: one question per screen over the form that works without this script.
 *
 * The form's own inputs hold the answers. They are copied to sessionStorage at every change and, if the phone is the
 * person's own, to IndexedDB under a key that cannot be taken out of the browser. Nothing leaves the phone before
 * "Send". The routing is the same as surveys/routing.py; tests compare the two. `Token` (token.js) obtains
 * the anonymous token; where it is missing or cannot work, the page stays a form and says so.
 */
(function (scope) {
  "use strict";

  /* ------------------------------------------------------------ routing: pure, shared with the tests */

  function substantive(value) {
    if (value === undefined || value === null || value.length === 0) return false;
    return typeof value !== "string" || value[0] !== "!";
  }

  function holds(rule, asked, answers) {
    if (!rule) return true;
    function part(inner) { return holds(inner, asked, answers); }
    if (rule[0] === "&") return rule.slice(1).every(part);
    if (rule[0] === "|") return rule.slice(1).some(part);
    var value = answers[rule[1]];
    if (!asked[rule[1]] || !substantive(value)) return false;
    if (rule[0] === "?") return true;
    var hit = [].concat(value).some(function (code) { return rule.indexOf(String(code), 2) > 0; });
    return hit === (rule[0] === "=");
  }

  /* fields: [{address, item, module}] in order; returns {address: true} of what is asked. */
  function route(fields, rules, modules, answers) {
    var asked = {};
    fields.forEach(function (field) {
      if (field.module && modules.indexOf(field.module) < 0) return;
      var own = field.address === field.item || holds(rules[field.address], asked, answers);
      if (own && holds(rules[field.item], asked, answers)) asked[field.address] = true;
    });
    return asked;
  }

  scope.Player = { route: route };
  var form = document.getElementById("_f");
  if (!form) return carryCode();

  /* ------------------------------------------------------------ the page */

  var root = document.documentElement;
  var data = JSON.parse(document.getElementById("_d").textContent);
  var words = data.words, lacking = scope.Token ? scope.Token.missing() : ["script"];
  var sealed = data.levels.indexOf("sealed") >= 0, open = data.levels.indexOf("open") >= 0;
  var storeName = "vielstimmig:" + data.wave, title = document.title;
  if (!scope.Promise || !scope.history.pushState || !root.closest) return;
  if (!inReach("sessionStorage")) return sealed ? tellOld() : undefined;
  if (sealed && lacking.length) return tellOld();

  var items = all(form, ".q"), fields = [], byAddress = {}, state, here = "_start", live, bar, problem, busy = false, finished = false, timer, pause = 3000, marks = [];
  items.forEach(function (item) {
    var inner = all(item, ".f");
    if (item.classList.contains("f")) inner = [item];
    inner.forEach(function (box) {
      var field = { address: box.id, item: item.id, module: item.getAttribute("data-m"), box: box, owner: item };
      field.kind = kindOf(box);
      fields.push(field);
      byAddress[field.address] = field;
    });
  });

  function all(within, selector) { return Array.prototype.slice.call(within.querySelectorAll(selector)); }
  function get(id) { return document.getElementById(id); }
  function make(tag, attributes, text) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    if (text) node.textContent = text;
    return node;
  }
  function button(text, act, second) {
    var node = make("button", { type: "button" }, text);
    if (second) node.className = "u";
    node.addEventListener("click", act);
    return node;
  }
  function fill(text, values) {
    return text.replace(/%\((\w+)\)s/g, function (whole, name) {
      var value = String(values[name]);
      return data.digits ? value.replace(/\d/g, function (digit) { return data.digits[digit]; }) : value;
    });
  }
  function kindOf(box) {
    if (box.querySelector("select")) return "ranking";
    if (box.querySelector("textarea")) return "text";
    if (box.querySelector("input.i")) return "exact";
    return box.querySelector("[type=checkbox]") ? "multiple" : "single";
  }
  /* Where a browser is told to keep nothing, even to look at its storage is an error. */
  function inReach(storage) {
    try { return scope[storage]; } catch (error) { return null; }
  }

  function tellOld() {
    var note = make("p", { class: "o" }, words.old);
    form.insertBefore(note, form.firstChild);
    /* Who scanned the letter need not type its code, whatever the browser lacks. */
    var arrived = scope.Token && scope.Token.codeFromAddress();
    if (arrived && form.elements._code) form.elements._code.value = arrived.text;
  }

  /* On the page that offers languages the code in the fragment goes along with every link. */
  function carryCode() {
    if (!scope.location.hash) return;
    Array.prototype.forEach.call(document.querySelectorAll("a[hreflang]"), function (link) {
      link.href += scope.location.hash;
    });
  }

  /* ------------------------------------------------------------ reading and writing answers */

  function inputs(field) { return all(field.box, "input,textarea,select"); }

  function value(field) {
    var said = all(field.box, "input:checked").map(function (input) { return input.value; });
    var missing = said.filter(function (code) { return code[0] === "!"; })[0];
    if (missing) return missing;
    if (field.kind === "multiple") return said;
    if (field.kind === "single") return said[0];
    if (field.kind === "ranking") {
      return all(field.box, "select").map(function (select) { return select.value; }).filter(Boolean);
    }
    return field.box.querySelector("textarea,input.i").value.trim();
  }

  function answers() {
    var found = {};
    fields.forEach(function (field) {
      var one = value(field);
      if (one !== undefined && one.length) found[field.address] = one;
    });
    return found;
  }

  function restore(field, kept) {
    var codes = [].concat(kept === undefined ? [] : kept), typed = field.kind === "exact" || field.kind === "text";
    inputs(field).forEach(function (input) {
      if (input.type === "radio" || input.type === "checkbox") input.checked = codes.indexOf(input.value) >= 0;
      else if (typed && !input.hasAttribute("data-typed")) input.value = codes[0] && codes[0][0] !== "!" ? codes[0] : "";
    });
    if (field.kind === "ranking") {
      all(field.box, "select").forEach(function (select, index) {
        select.value = codes[0] && codes[0][0] !== "!" && codes[index] || "";
      });
      if (field.draw) field.draw();
    }
  }

  function modules() { return data.fixed ? data.modules : data.variants[state.variant - 1]; }
  function asked(given) { return route(fields, data.rules, modules(), given); }

  /* ------------------------------------------------------------ keeping: this tab, or this phone encrypted */

  function remember() {
    if (finished) return;
    state.answers = answers();
    state.here = here;
    state.consent = form.elements._consent.checked;
    if (form.elements._code) state.typed = form.elements._code.value;
    keep();
    if (state.mine !== "yes") return;
    vault.write("answers", state);
    tell({ state: state });
  }

  function keep() {
    try { scope.sessionStorage.setItem(storeName, JSON.stringify(state)); } catch (error) { /* full or forbidden */ }
  }

  /* Two tabs on a person's own phone show the same answers, and what one of them sends or deletes is gone in both.
   * Tabs on a shared phone know nothing of each other. */
  var tabs = scope.BroadcastChannel && new scope.BroadcastChannel(storeName);

  function tell(message) { if (tabs) tabs.postMessage(message); }

  function heard(event) {
    if (finished || state.mine !== "yes") return;
    var news = event.data.state;
    if (!news) {
      scope.sessionStorage.removeItem(storeName);
      state.mine = "";
      return event.data.sent ? done() : scope.location.reload();
    }
    news.code = news.code || state.code;
    state = news;
    fields.forEach(function (field) {
      restore(field, state.answers[field.address]);
      all(field.box, "[data-typed]").forEach(function (input) { input.value = state.typedNumbers[field.address] || ""; });
    });
    form.elements._consent.checked = !!state.consent;
    draw(here);
    state.here = here;
    keep();
  }

  var vault = {
    open: function () {
      return new Promise(function (resolve, reject) {
        var opening = scope.indexedDB.open("vielstimmig-player", 1);
        opening.onupgradeneeded = function () { opening.result.createObjectStore("kept"); };
        opening.onsuccess = function () { resolve(opening.result); };
        opening.onerror = reject;
      });
    },
    act: function (mode, action) {
      return vault.open().then(function (base) {
        return new Promise(function (resolve, reject) {
          var transaction = base.transaction("kept", mode), request = action(transaction.objectStore("kept"));
          transaction.oncomplete = function () { base.close(); resolve(request && request.result); };
          transaction.onerror = transaction.onabort = function () { base.close(); reject(transaction.error); };
        });
      });
    },
    key: function () {
      return vault.act("readonly", function (kept) { return kept.get(storeName + ":key"); }).then(function (found) {
        if (found) return found;
        return scope.crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"])
          .then(function (made) {
            return vault.act("readwrite", function (kept) { return kept.put(made, storeName + ":key"); })
              .then(function () { return made; });
          });
      });
    },
    last: Promise.resolve(),
    /* One after the other, so that an older state never overwrites a newer one. */
    write: function (name, content) {
      var text = new TextEncoder().encode(JSON.stringify(content));
      vault.last = vault.last.then(vault.key).then(function (key) {
        var nonce = scope.crypto.getRandomValues(new Uint8Array(12));
        return scope.crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, text).then(function (hidden) {
          return vault.act("readwrite", function (kept) {
            return kept.put({ nonce: nonce, hidden: hidden }, storeName + ":" + name);
          });
        });
      }).catch(function () { say(words.notKept); });
      return vault.last;
    },
    read: function (name) {
      return vault.act("readonly", function (kept) { return kept.get(storeName + ":" + name); }).then(function (found) {
        return found && vault.key().then(function (key) {
          return scope.crypto.subtle.decrypt({ name: "AES-GCM", iv: found.nonce }, key, found.hidden);
        }).then(function (text) { return JSON.parse(new TextDecoder().decode(text)); });
      }).catch(function () { return undefined; });
    },
    erase: function () {
      vault.last = vault.last.then(function () {
        return vault.act("readwrite", function (kept) {
          ["key", "answers", "queue"].forEach(function (name) { kept.delete(storeName + ":" + name); });
        });
      }).catch(function () {});
      return vault.last;
    }
  };

  function forgetAll(sent) {
    if (state.mine === "yes") tell({ sent: sent });
    state.mine = "";
    scope.sessionStorage.removeItem(storeName);
    return scope.indexedDB ? vault.erase() : Promise.resolve();
  }

  /* ------------------------------------------------------------ random order and variant */

  function below(limit) {
    return scope.crypto && scope.crypto.getRandomValues
      ? scope.crypto.getRandomValues(new Uint32Array(1))[0] % limit : Math.floor(Math.random() * limit);
  }

  function drawOrders() {
    items.forEach(function (item) {
      if (!item.hasAttribute("data-o")) return;
      var movable = all(item, item.hasAttribute("data-s") ? ".f" : ".c:not(.m):not([data-z])");
      if (!movable.length) return;
      var order = state.orders[item.id];
      if (!order || order.length !== movable.length) {
        order = movable.map(function (node, index) { return index; });
        for (var last = order.length - 1; last > 0; last--) {
          var other = below(last + 1), kept = order[last];
          order[last] = order[other];
          order[other] = kept;
        }
        state.orders[item.id] = order;
      }
      var marker = document.createTextNode("");
      movable[0].parentNode.insertBefore(marker, movable[0]);
      order.forEach(function (index) { marker.parentNode.insertBefore(movable[index], marker); });
    });
  }

  /* ------------------------------------------------------------ screens */

  /* Every screen on the path: notes, items, of batteries each statement. */
  function screens() {
    var on = asked(answers()), found = ["_start"], notes = {};
    if (scope.indexedDB && scope.crypto && scope.crypto.subtle) found.push("_mine");
    fields.forEach(function (field) { if (on[field.address]) notes[field.item] = true; });
    items.forEach(function (item) {
      var module = item.getAttribute("data-m");
      if (item.tagName === "DIV") {
        var shown = !(module && modules().indexOf(module) < 0) && holds(data.rules[item.id], on, answers());
        if (shown) found.push(item.id);
      } else if (item.hasAttribute("data-s")) {
        all(item, ".f").forEach(function (box) { if (on[box.id]) found.push(box.id); });
      } else if (notes[item.id]) {
        found.push(item.id);
      }
    });
    return found.concat("_end");
  }

  function draw(id) {
    var path = screens(), on = asked(answers()), node;
    if (path.indexOf(id) < 0) id = "_start";
    here = id;
    node = get(id);
    ["_start", "_mine", "_end"].forEach(function (name) { get(name).hidden = name !== id; });
    items.forEach(function (item) { item.hidden = !item.contains(node); });
    fields.forEach(function (field) {
      if (field.box === field.owner) return;
      field.box.hidden = !on[field.address] || (field.owner.hasAttribute("data-s") && field.box !== node);
    });
    all(form, "section:not([id])").forEach(function (section) { section.hidden = !section.contains(node); });
    clearProblem();
    bar.hidden = false;
    bar.back.hidden = path.indexOf(id) === 0;
    bar.next.hidden = id === "_end";
    bar.next.textContent = id === "_start" ? words.begin : words.next;
    bar.erase.hidden = !Object.keys(state.answers || {}).length;
    var questions = path.filter(function (one) { return one[0] !== "_"; }), at = questions.indexOf(id) + 1;
    bar.at.hidden = !at;
    bar.at.textContent = at ? fill("%(at)s / %(of)s", { at: at, of: questions.length }) : "";
    if (id === "_end") summary(path);
    return node;
  }

  function show(id, focus) {
    var node = draw(id);
    remember();
    if (focus) {
      var head = node.querySelector("legend") || node;
      head.tabIndex = -1;
      scope.scrollTo(0, 0);
      head.focus({ preventScroll: true });
    }
  }

  function go(id) {
    scope.history.pushState({ at: id }, "");
    show(id, true);
  }

  function step(by) {
    var path = screens(), at = path.indexOf(here) + by;
    if (path[at]) go(path[at]);
  }

  function next() {
    var wrong = faultOf(here);
    if (wrong) return complain(wrong);
    step(1);
  }

  function summary(path) {
    var given = answers(), on = asked(given), box = get("_open"), list = make("ul"), open = 0;
    fields.forEach(function (field) {
      if (!on[field.address] || given[field.address] !== undefined) return;
      var at = path.indexOf(field.address) < 0 ? field.item : field.address, entry = make("li"), link = make("a", { href: "#" + at });
      link.textContent = get(field.address).querySelector("legend").textContent;
      link.addEventListener("click", function (event) {
        event.preventDefault();
        go(at);
      });
      entry.appendChild(link);
      list.appendChild(entry);
      open++;
    });
    box.textContent = open ? "" : words.complete;
    if (!open) return;
    /* Who left out much reads a number first; who left out little sees at once what. */
    var details = box.appendChild(make("details"));
    details.open = open < 8;
    details.appendChild(make("summary", {}, fill(words.open, { num: open })));
    details.appendChild(list);
  }

  /* ------------------------------------------------------------ faults */

  /* Beside the field too, unless it is said of the field alone that stands below (`once`). */
  function complain(wrong, once) {
    clearProblem();
    var target = get(wrong.at) || get(here);
    problem = make("div", { class: "z", role: "alert", id: "_e", tabindex: "-1" });
    var link = make("a", { href: "#" + wrong.at }, wrong.text);
    link.addEventListener("click", function (event) { event.preventDefault(); first.focus(); });
    var first = target.querySelector("input:not([type=hidden]):not([hidden]),textarea,select") || target;
    problem.appendChild(make("strong", {}, words.problem));
    problem.appendChild(make("br"));
    problem.appendChild(link);
    form.insertBefore(problem, form.firstChild);
    var note = make("p", { class: "e", id: "_w" }, wrong.text);
    first.setAttribute("aria-describedby", once ? "_e" : "_w");
    first.setAttribute("aria-invalid", "true");
    if (once) note = null;
    else if (target.tagName === "LABEL") target.parentNode.insertBefore(note, target);
    else target.insertBefore(note, target.tagName === "FIELDSET" ? target.querySelector("legend").nextSibling : target.firstChild);
    document.title = words.error + ": " + title;
    problem.focus();
  }

  function clearProblem() {
    if (!problem) return;
    problem.remove();
    problem = null;
    all(form, "#_w").forEach(function (note) { note.remove(); });
    all(form, "[aria-invalid]").forEach(function (input) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    });
    document.title = title;
  }

  function faultOf(id) {
    if (id === "_start") return startFault();
    var wrong = null, on = asked(answers());
    fields.forEach(function (field) {
      if (!wrong && on[field.address] && (field.item === id || field.address === id)) {
        var text = fieldFault(field);
        if (text) wrong = { at: field.address, text: text };
      }
    });
    return wrong;
  }

  function startFault() {
    var code = form.elements._code;
    if (code && !state.code) {
      try { state.code = scope.Token ? scope.Token.readCode(code.value) : code.value; } catch (error) {
        state.code = null;
        return { at: "_c", text: error.group > 0 ? fill(words.codeGroup, { group: error.group }) : words.codeMissing };
      }
    }
    if (code && foreign()) return { at: "_c", text: words.refusals.other_key };
    if (code && state.code && !get("_key").textContent) aboutCode();
    return form.elements._consent.checked ? null : { at: "_consent", text: words.consent };
  }

  /* A code begins with its key's mark, and the marks of this survey are known to everyone: no server is asked. */
  function foreign() { return state.code && marks.length > 0 && marks.indexOf(state.code.mark) < 0; }

  /* Whoever took the wrong letter can type another code, where the refusal is said. */
  function askCode() {
    var label = get("_c");
    if (!label) return;
    if (label.hidden && state.code) form.elements._code.value = state.code.shown;
    label.hidden = false;
    if (here === "_end") get("_end").insertBefore(label, get("_status"));
  }

  function fieldFault(field) {
    var given = value(field), most = +field.box.getAttribute("data-n");
    if (field.kind === "multiple" && most && Array.isArray(given) && given.length > most) {
      return fill(words.most, { num: most });
    }
    var typed = field.box.querySelector("[data-typed]");
    if (typed && typed.value.trim() && given === undefined) return numberFault(field.box, typed.value);
    return field.kind === "exact" && substantive(given) ? numberFault(field.box, given) : "";
  }

  function whole(text) {
    var digits = text.trim().replace(/[\u0660-\u0669\u06f0-\u06f9]/g, function (digit) {
      return String(digit.charCodeAt(0) & 15);
    });
    return /^-?\d{1,9}$/.test(digits) ? +digits : NaN;
  }

  function numberFault(box, text) {
    var number = whole(text), low = box.getAttribute("data-a"), high = box.getAttribute("data-b");
    if (isNaN(number)) return words.number;
    if ((low !== null && number < +low) || (high !== null && number > +high)) {
      return fill(words.range, { low: low, high: high });
    }
    return box.querySelector("[data-typed]") ? words.number : "";
  }

  /* ------------------------------------------------------------ typed bands, exclusive options, ranking */

  /* A typed number checks the radio of its band; the number itself never leaves the phone. */
  function typedBands(field) {
    var unit = field.box.getAttribute("data-y");
    if (unit === null) return;
    var bands = all(field.box, ".c:not(.m) input");
    var label = make("label", { class: "l" }, unit || words.type);
    var input = make("input", {
      class: "i", inputmode: "numeric", autocomplete: "off", maxlength: "9", "data-typed": "", id: "_t-" + field.address
    });
    input.value = state.typedNumbers[field.address] || "";
    label.appendChild(input);
    bands[0].parentNode.parentNode.insertBefore(label, bands[0].parentNode);
    bands.forEach(function (radio) { radio.parentNode.hidden = true; });
    input.addEventListener("input", function () {
      var number = whole(input.value), low = field.box.getAttribute("data-a"), high = field.box.getAttribute("data-b");
      var fits = !(low !== null && number < +low) && !(high !== null && number > +high);
      all(field.box, "input:checked").forEach(function (one) { one.checked = false; });
      bands.forEach(function (radio) {
        var from = radio.getAttribute("data-a"), to = radio.getAttribute("data-b");
        if (fits && !isNaN(number) && !(from !== null && number < +from) && !(to !== null && number > +to)) {
          radio.checked = true;
        }
      });
      state.typedNumbers[field.address] = input.value;
    });
  }

  /* A refusal takes the answers back, an answer takes the refusal back, an exclusive option all others. */
  function settle(field, changed) {
    var alone = changed.value[0] === "!" && changed.checked || changed.hasAttribute("data-x");
    var typed = field.box.querySelector("textarea,input.i");
    if (changed.type === "checkbox" || changed.type === "radio") {
      if (!changed.checked) return;
      all(field.box, "input:checked").forEach(function (other) {
        if (other !== changed && (alone || other.value[0] === "!" || other.hasAttribute("data-x"))) other.checked = false;
      });
      if (typed && alone) {
        typed.value = "";
        delete state.typedNumbers[field.address];
      }
      if (field.kind === "ranking" && alone) {
        all(field.box, "select").forEach(function (select) { select.value = ""; });
        field.draw();
      }
    } else if (changed.value) {
      all(field.box, "input:checked").forEach(function (other) {
        if (other.value[0] === "!") other.checked = false;
      });
    }
  }

  function ranking(field) {
    var selects = all(field.box, "select"), lists = make("details"), box = make("div", { class: "r" });
    var options = all(selects[0], "option").slice(1);
    lists.appendChild(make("summary", {}, words.lists));
    selects[0].parentNode.parentNode.insertBefore(box, selects[0].parentNode);
    field.box.insertBefore(lists, box.nextSibling);
    selects.forEach(function (select) { lists.appendChild(select.parentNode); });
    if (field.owner.hasAttribute("data-o")) {
      var order = state.orders[field.item] || options.map(function (option, index) { return index; });
      if (!state.orders[field.item]) {
        for (var last = order.length - 1; last > 0; last--) order.push(order.splice(below(last + 1), 1)[0]);
        state.orders[field.item] = order;
      }
      options = order.map(function (index) { return options[index]; });
    }
    function name(code) {
      return options.filter(function (option) { return option.value === code; })[0].textContent;
    }
    function set(list, told) {
      selects.forEach(function (select, index) { select.value = list[index] || ""; });
      all(field.box, "input:checked").forEach(function (input) { input.checked = false; });
      field.draw();
      say(told);
      remember();
    }
    field.draw = function () {
      var list = selects.map(function (select) { return select.value; }).filter(Boolean);
      var ranked = make("ol"), rest = make("div");
      list.forEach(function (code, index) {
        var line = make("li", {}, name(code) + " ");
        function act(sign, label, change) {
          var control = button(sign, function () {
            change();
            var again = all(box, "ol button,div button")[0];
            if (again) again.focus();
          }, true);
          control.setAttribute("aria-label", label + ": " + name(code));
          line.appendChild(control);
        }
        function move(by) {
          return function () {
            var moved = list.slice();
            moved.splice(index + by, 0, moved.splice(index, 1)[0]);
            set(moved, name(code) + ": " + fill(words.place, { num: index + by + 1 }));
          };
        }
        if (index > 0) act("↑", words.up, move(-1));
        if (index < list.length - 1) act("↓", words.down, move(1));
        act("✕", words.remove, function () {
          set(list.filter(function (other) { return other !== code; }), words.remove + ": " + name(code));
        });
        ranked.appendChild(line);
      });
      options.forEach(function (option) {
        if (list.indexOf(option.value) >= 0 || list.length >= selects.length) return;
        rest.appendChild(button(option.textContent, function () {
          set(list.concat(option.value), option.textContent + ": " + fill(words.place, { num: list.length + 1 }));
          var first = box.querySelector("div button") || box.querySelector("button");
          if (first) first.focus();
        }, true));
      });
      box.textContent = "";
      if (list.length < selects.length) box.appendChild(make("p", { class: "h" }, words.tap));
      box.appendChild(ranked);
      box.appendChild(rest);
    };
    field.draw();
  }

  function say(text) { live.textContent = text; }

  /* ------------------------------------------------------------ sending */

  function payload() {
    var given = answers(), on = asked(given), sent = {};
    Object.keys(given).forEach(function (address) {
      var field = byAddress[address];
      if (!on[address]) return;
      var beside = substantive(given[address]) || field.kind === "single" || field.kind === "multiple" ? "" : "!";
      sent[address + beside] = given[address];
    });
    sent._consent = "yes";
    return { version: data.version, variant: data.fixed || state.variant, answers: sent };
  }

  function hex(size) {
    return Array.prototype.map.call(scope.crypto.getRandomValues(new Uint8Array(size)), function (byte) {
      return (byte + 256).toString(16).slice(1);
    }).join("");
  }

  function post(job) {
    return scope.fetch(data.answers, {
      method: "POST", credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store",
      headers: { "Content-Type": "application/json" }, body: JSON.stringify(job.document)
    }).then(function (reply) {
      return reply.json().catch(function () { return {}; }).then(function (body) {
        if (reply.ok) return body;
        var error = new Error(body.code || "refused");
        error.code = body.code;
        error.retry = reply.status >= 500 || reply.status === 429;
        throw error;
      });
    }, function () {
      var error = new Error("network");
      error.retry = true;
      throw error;
    });
  }

  function deliver(job) {
    if (open) return post(job);
    return scope.fetch(data.keys, { credentials: "omit", referrerPolicy: "no-referrer" })
      .then(function (reply) {
        if (!reply.ok) throw reply;
        return reply.json();
      })
      .catch(function () {
        var error = new Error("network");
        error.retry = true;
        throw error;
      })
      .then(function (found) {
        return scope.Token.send({
          name: data.wave, keys: found.keys, code: job.code, tokenAddress: found.token,
          answersAddress: data.answers, document: job.document
        });
      });
  }

  function attempt(job) {
    if (busy) return;
    busy = true;
    status(words.sending);
    deliver(job).then(function () {
      busy = false;
      return forgetAll(true).then(done);
    }, function (error) {
      busy = false;
      if (finished) return;
      /* Too late: nothing is deleted; the page for that shows the answers, to be printed, kept or deleted. */
      if (error.code === "closed") return tooLate();
      if (error.retry) {
        // "They wait on this phone" is said only once they do.
        var said = function () {
          status(words.queued);
          later();
        };
        return vault.write("queue", job).then(said, said);
      }
      vault.act("readwrite", function (kept) { return kept.delete(storeName + ":queue"); }).catch(function () {});
      state.job = null;
      status("");
      var aboutCode = ["used", "spent", "unknown", "other_key", "withdrawn"].indexOf(error.code) >= 0;
      if (aboutCode) askCode();
      complain({ at: aboutCode ? "_c" : "_end", text: words.refusals[error.code] || words.refusals.other }, aboutCode);
    });
  }

  function tooLate() {
    finished = true;
    scope.location.replace(data.kept);
  }

  function status(text) {
    get("_status").textContent = text;
    get("_send").disabled = busy;
    if (text === words.queued) get("_send").disabled = false;
  }

  function send() {
    var wrong = faultOf("_start");
    if (wrong) {
      if (!get(here).contains(get(wrong.at))) go("_start");
      return complain(wrong);
    }
    var path = screens();
    for (var at = 0; at < path.length; at++) {
      wrong = faultOf(path[at]);
      if (wrong) {
        go(path[at]);
        return complain(wrong);
      }
    }
    if (!sealed && !open) return sendForm();
    /* The same job is sent again after a failure: the same submission is received once. */
    state.job = state.job || { submission: hex(16) };
    var job = { code: state.code, document: payload() };
    if (open) job.document.submission = state.job.submission;
    remember();
    attempt(job);
  }

  /* Without the level `sealed` the form itself is sent; what is not on the path stays behind. */
  function sendForm() {
    var on = asked(answers());
    fields.forEach(function (field) {
      if (!on[field.address]) inputs(field).forEach(function (input) { input.disabled = true; });
    });
    all(form, "[data-typed]").forEach(function (input) { input.disabled = true; });
    form.elements._variant.value = data.fixed || state.variant;
    form.submit();
  }

  function done() {
    if (finished) return;
    finished = true;
    form.hidden = true;
    bar.hidden = true;
    clearProblem();
    form.reset();
    var node = make("div", { tabindex: "-1" });
    node.appendChild(make("h2", {}, words.received));
    if (data.thanks) node.appendChild(make("p", {}, data.thanks));
    node.appendChild(make("p", {}, words.gone));
    form.parentNode.appendChild(node);
    scope.history.replaceState(null, "");
    node.focus();
  }

  /* ------------------------------------------------------------ beginning */

  function build() {
    live = make("div", { role: "status", class: "h" });
    bar = make("div", { class: "p" });
    bar.back = button(words.back, function () { step(-1); }, true);
    bar.next = button(words.next, next);
    bar.erase = button(words.erase, function () {
      forgetAll(false).then(function () { scope.location.reload(); });
    }, true);
    bar.erase.className = "d";
    bar.at = make("span", { class: "h" });
    bar.at.style.alignSelf = "center";
    [bar.back, bar.next, bar.at, bar.erase].forEach(function (one) { bar.appendChild(one); });
    var mine = make("fieldset", { id: "_mine", class: "q" }), legend = make("legend");
    legend.appendChild(make("h2", {}, words.mine));
    mine.appendChild(legend);
    [["yes", words.mineYes], ["no", words.mineNo]].forEach(function (pair) {
      var label = make("label", { class: "c" }), input = make("input", { type: "radio", name: "_mine", value: pair[0] });
      input.checked = state.mine === pair[0];
      input.addEventListener("change", function () {
        state.mine = pair[0];
        if (pair[0] === "no") vault.erase();
        remember();
      });
      label.appendChild(input);
      label.appendChild(document.createTextNode(" " + pair[1]));
      mine.appendChild(label);
    });
    mine.appendChild(make("p", { class: "h" }, words.mineHelp));
    mine.appendChild(make("p", { class: "h" }, words.mineRisk));
    form.insertBefore(mine, get("_start").nextSibling);
    var end = get("_end"), heading = make("legend");
    heading.appendChild(make("h2", {}, words.ready));
    end.insertBefore(make("p", { id: "_status", role: "status", class: "o" }), end.firstChild);
    end.insertBefore(make("div", { id: "_open" }), end.firstChild);
    end.insertBefore(heading.firstChild, end.firstChild);
    form.appendChild(bar);
    form.appendChild(live);
    get("_status").textContent = words.nothing;
    get("_start").appendChild(make("p", { id: "_key", class: "h" }));
  }

  function begin(kept) {
    state = kept || {};
    state.answers = state.answers || {};
    state.orders = state.orders || {};
    state.typedNumbers = state.typedNumbers || {};
    if (!state.variant || state.variant > data.variants.length) state.variant = 1 + below(data.variants.length);
    var arrived = scope.Token && scope.Token.codeFromAddress();
    if (arrived) state.code = arrived;
    root.className = "j";
    build();
    drawOrders();
    fields.forEach(function (field) {
      if (field.kind === "ranking") ranking(field);
      typedBands(field);
      if (state.answers[field.address] !== undefined) restore(field, state.answers[field.address]);
    });
    if (state.consent) form.elements._consent.checked = true;
    if (state.typed && form.elements._code) form.elements._code.value = state.typed;
    if (state.code && get("_c")) get("_c").hidden = true;
    form.addEventListener("change", function (event) {
      var box = event.target.closest(".f");
      if (box) settle(byAddress[box.id], event.target);
      if (box && event.target.tagName === "SELECT") byAddress[box.id].draw();
      remember();
      bar.erase.hidden = false;
    });
    form.addEventListener("input", function (event) {
      var box = event.target.closest(".f");
      if (event.target.name === "_code") {
        state.code = null;
        get("_key").textContent = "";
      }
      if (box && /^(text|textarea)$/.test(event.target.type)) settle(byAddress[box.id], event.target);
      remember();
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      if (here === "_end") send(); else next();
    });
    scope.addEventListener("popstate", function (event) { if (!finished) show(event.state && event.state.at || "_start", true); });
    var at = state.here || "_start";
    scope.history.replaceState({ at: at }, "");
    show(at, at !== "_start");
    aboutCode();
    waiting(true);
    if (tabs) tabs.onmessage = heard;
    all(document, "header a").forEach(function (link) { link.addEventListener("click", stayWithoutNetwork); });
    scope.addEventListener("online", function () {
      pause = 3000;
      waiting(false);
    });
  }

  /* A language that this phone has not loaded yet cannot be shown without a network; say so instead of leaving. */
  function stayWithoutNetwork(event) {
    var link = event.currentTarget;
    if (scope.navigator.onLine !== false || !scope.caches) return;
    event.preventDefault();
    scope.caches.match(link.href, { ignoreVary: true }).then(function (found) {
      if (found) return scope.location.assign(link.href);
      var note = get("_l") || link.parentNode.appendChild(make("p", { id: "_l", role: "status", class: "h" }));
      link.parentNode.appendChild(note);
      note.textContent = words.offline;
    });
  }

  /* The key that the letter names, worked out from the key itself, and whether the code is still good; asking
   * uses nothing up. A code whose token lies on this phone already may well be used. */
  function aboutCode() {
    if (open) return;
    scope.fetch(data.keys, { credentials: "omit", referrerPolicy: "no-referrer" }).then(function (reply) {
      return reply.json();
    }).then(function (found) {
      if (found.wave === data.wave) marks = found.keys.map(function (key) { return key.mark; });
      if (!state.code) return;
      if (foreign()) return tellAtStart("other_key");
      var key = found.keys.filter(function (one) { return one.mark === state.code.mark; })[0];
      if (!key || !sealed) return;
      scope.Token.keyId(key).then(function (id) {
        get("_key").textContent = words.key.replace("%(print)s", id.match(/.{1,4}/g).join(" "));
      });
      if (state.job) return;
      return scope.Token.ask(found.token + "/ask", state.code).then(function (reply) {
        tellAtStart(reply.state);
      }, function (error) {
        if (!error.retry) tellAtStart(error.code);
      });
    }).catch(function () { /* without a network there is nothing to say yet */ });
  }

  function tellAtStart(code) {
    if (!words.refusals[code] || finished) return;
    if (code === "other_key" && here !== "_start") go("_start");
    if (here !== "_start") return;
    askCode();
    complain({ at: "_c", text: words.refusals[code] }, true);
  }

  /* What could not be sent is sent as soon as there is a network again. Not every phone notices that, so it also tries
   * by itself, ever more seldom; not while somebody is changing answers, and then with the answers as they are now. */
  function waiting(atOnce) {
    if (busy || finished || !scope.indexedDB || scope.navigator.onLine === false) return;
    vault.read("queue").then(function (job) {
      if (!job || busy || finished) return;
      if (atOnce) show("_end", false);
      if (here !== "_end") return later();
      if (state.job) send(); else attempt(job);
    });
  }

  function later() {
    scope.clearTimeout(timer);
    timer = scope.setTimeout(waiting, pause);
    pause = Math.min(2 * pause, 60000);
  }

  function kept() {
    try { return JSON.parse(scope.sessionStorage.getItem(storeName)); } catch (error) { return null; }
  }

  function resume() {
    var inTab = kept();
    if (inTab || !scope.indexedDB || !scope.crypto || !scope.crypto.subtle) begin(inTab);
    else vault.read("answers").then(begin, function () { begin(null); });
  }

  /* When the survey is over nothing stays on the phone unseen: who answered something is shown it. But a phone's
   * clock may be years off, so the server says what day it is; who has no network keeps what is there. */
  function afterClose() {
    scope.fetch(data.keys, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store" }).then(function (reply) {
      /* Server and application may both name the day; it always has 29 characters (RFC 9110, 5.6.7). */
      if (!(Date.parse(reply.headers.get("Date").slice(0, 29)) > Date.parse(data.closes))) return undefined;
      return Promise.all([kept(), vault.read("answers"), vault.read("queue")]).then(function (found) {
        var some = found[2] || found.some(function (one) { return one && Object.keys(one.answers || {}).length; });
        if (some) return tooLate();
        state = {};
        return forgetAll();
      });
    }).then(function () { if (!finished) resume(); }, resume);
  }

  function start() {
    if (data.closes && Date.now() > Date.parse(data.closes)) afterClose();
    else resume();
  }

  /* The safest way keeps token and answers until they have arrived; a browser may have a storage and refuse to open it. */
  if (sealed) vault.open().then(function (base) { base.close(); start(); }, tellOld);
  else start();
  if (scope.navigator.serviceWorker && data.worker) {
    scope.navigator.serviceWorker.register(data.worker, { scope: "/s/" }).catch(function () {});
  }
})(typeof self === "undefined" ? globalThis : self);
