/* The stage: join code and turnout while people vote; then the outcome, from the last place to the first, one key each. */
(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent), texts = data.texts;
  var now = document.getElementById("now"), list = document.getElementById("order"), foot = document.getElementById("foot");
  /* What decided a tie: a mark at the place, the words once below. */
  var MARKS = { head_to_head: "†", first_ranks: "‡", lot: "*" };
  var shown = 0, places = [], drawn = "";

  function element(tag, text) {
    var made = document.createElement(tag);
    if (text) made.textContent = text;
    return made;
  }
  function many(parts, holder) {
    parts.forEach(function (part, i) {
      if (i) holder.appendChild(document.createTextNode(" · "));
      var span = element("span", part.text);
      span.lang = part.lang;
      span.dir = "auto";
      holder.appendChild(span);
    });
  }
  function line(text, kind) {
    /* One line in every language of the stage. */
    texts.forEach(function (said) {
      var made = element("p", text(said));
      made.lang = said.lang;
      made.dir = said.dir;
      if (kind) made.className = kind;
      now.appendChild(made);
    });
  }
  function number(value) { return Number(value).toLocaleString(texts[0].lang); }
  function rules(state) {
    /* What an open place means, the rule and how ties are broken: fixed before the round opens. */
    line(function (said) {
      var open = state.method === "ranking" ? said.open_places[state.policy] : [];
      return open.concat(said.counting[state.method]).join(" ").replace("%(seed)s", state.seed);
    }, "rules");
  }
  function turnout(state) {
    line(function (said) {
      var text = state.turnout ? said.turnout.least.replace("%(num)s", state.turnout) : said.turnout.few;
      return text + (state.quorum ? " (" + said.quorum.replace("%(num)s", state.quorum) + ")" : "");
    }, "turnout");
  }
  function clock(time, exact) {
    var parts = { hour: "2-digit", minute: "2-digit" };
    if (exact) parts.second = "2-digit";
    return new Date(time).toLocaleTimeString([], parts);
  }
  function draw(state) {
    now.textContent = "";
    var listed = state.focus || state.order;
    document.body.classList.toggle("outcome", !!listed && listed.length > 0);
    if (state.round_title) { var title = element("p"); many(state.round_title, title); now.appendChild(title); }
    if (!state.round || state.state === "announced") {
      line(function (said) { return said.waiting; });
      if (state.round) rules(state);
    }
    else if (state.state === "open") {
      if (state.practice) line(function (said) { return said.practice; });
      turnout(state);
      if (state.closes) now.appendChild(element("p", clock(state.closes)));
      rules(state);
    } else if (state.state === "closing") {
      line(function (said) { return said.closing.replace("%(time)s", clock(state.until, true)); });
      turnout(state);
    } else if (!listed) {
      line(function (said) { return said.closed; });
      turnout(state);
    }
    if (listed && !listed.length) line(function (said) { return said.none; });
    foot.textContent = "";
    if (listed) texts.forEach(function (said, i) { legend(said, state, i); });
    var key = JSON.stringify(listed || []);
    if (key !== drawn) { drawn = key; if (state.focus) together(state.focus); else build(state.order || []); }
    fit();
  }
  function legend(said, state, i) {
    var parts = [said.ballots.replace("%(num)s", state.ballots)];
    if (state.focus) {
      parts.push(said.no_order);
      if (state.by_lot) parts.push(said.by_lot);
    } else {
      if (state.order.some(function (place) { return place.reach; })) parts.push("1–3: " + said.places);
      Object.keys(MARKS).forEach(function (step) {
        if (state.order.some(function (place) { return place.step === step; })) parts.push(MARKS[step] + " " + said[step]);
      });
    }
    if (i) foot.appendChild(element("br"));
    var made = element("bdi", parts.join(" · "));
    made.lang = said.lang;
    made.dir = said.dir;
    foot.appendChild(made);
  }
  /* The largest text that leaves everything on the screen; a list that never fits at the smallest size scrolls. */
  function fit() {
    var root = document.documentElement, low = 0.8, high = 2.4;
    if (innerWidth < 640) return;
    for (var look = 0; look < 8; look++) {
      var middle = (low + high) / 2;
      root.style.setProperty("--k", middle);
      var wide = [document.querySelector("h1"), now, list].some(function (part) { return part.scrollWidth > part.clientWidth + 1; });
      if (wide || root.scrollHeight > innerHeight + 1) high = middle; else low = middle;
    }
    root.style.setProperty("--k", low);
  }
  function clear(length) {
    list.textContent = "";
    shown = 0;
    places = [];
    var columns = length > 20 ? 3 : length > 8 ? 2 : 1;
    list.style.setProperty("--columns", columns);
    list.style.setProperty("--rows", Math.ceil(length / columns) || 1);
  }
  function together(topics) {
    /* Focus topics in no order: all at once, without numbers. */
    clear(topics.length);
    topics.forEach(function (topic) {
      var item = element("li"), words = element("span");
      many(topic, words);
      item.appendChild(words);
      item.className = "free";
      list.appendChild(item);
    });
  }
  function build(order) {
    clear(order.length);
    places = order.map(function (place, i) {
      var item = element("li");
      item.appendChild(element("span", String(i + 1)));
      var words = element("span");
      many(place.label, words);
      if (place.step !== "rule") words.appendChild(document.createTextNode("\u00a0" + MARKS[place.step]));
      item.appendChild(words);
      var sure = place.reach ? place.reach.map(number).join("–") : "";
      var small = element("small", sure);
      if (sure) small.title = texts[0].places;
      item.appendChild(small);
      item.className = i ? "coming" : "first coming";
      list.appendChild(item);
      return item;
    });
  }
  function step(by) {
    shown = Math.max(0, Math.min(places.length, shown + by));
    places.forEach(function (item, i) { item.classList.toggle("coming", i < places.length - shown); });
    var newest = places[places.length - shown];
    if (newest && newest.scrollIntoView) newest.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", function (event) {
    if (event.key === " " || event.key === "PageDown" || event.key === "ArrowDown") { event.preventDefault(); step(1); }
    else if (event.key === "PageUp" || event.key === "ArrowUp") { event.preventDefault(); step(-1); }
    else if (event.key === "End") step(places.length);
  });
  document.addEventListener("click", function () { step(1); });
  addEventListener("resize", fit);
  new EventSource(data.events).onmessage = function (event) { draw(JSON.parse(event.data)); };
})();
