/* Waiting for the next round: asks for the live state now and then and offers a link; it never reloads the page. */
(function () {
  "use strict";
  var live = document.getElementById("live");
  function ask() {
    fetch(live.dataset.address, { credentials: "omit", cache: "no-cache" }).then(function (reply) {
      return reply.json();
    }).then(function (state) {
      if (state.version && state.version !== live.dataset.version) document.getElementById("live-link").hidden = false;
    }).catch(function () { /* The hall's network comes and goes; the next question is never far. */ }).then(later);
  }
  function later() { setTimeout(ask, 3000 + Math.random() * 3000); }
  if (live) later();
})();
