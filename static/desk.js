/* The desk's live line: turnout in steps, and a word when the page should be looked at again. */
(function () {
  "use strict";
  var live = document.getElementById("live"), last = null;
  if (!live || !window.EventSource) return;
  new EventSource(live.dataset.address).onmessage = function (event) {
    var state = JSON.parse(event.data);
    var turnout = document.getElementById("turnout-" + state.round);
    if (state.state === "open" && turnout) turnout.textContent = state.turnout ? live.dataset.least.replace("%(num)s", state.turnout) : live.dataset.few;
    var key = [state.round, state.state, state.counted].join();
    if (last !== null && last !== key && !document.querySelector("input:focus, textarea:focus")) location.reload();
    last = key;
  };
})();
