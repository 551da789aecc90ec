/* A job's page: its state is fetched again every two seconds and replaced in place; the page is never reloaded. */
(function () {
  "use strict";
  function ask() {
    fetch(window.location.href, { credentials: "same-origin", cache: "no-store" }).then(function (reply) {
      if (!reply.ok || reply.redirected) throw new Error("not now");
      return reply.text();
    }).then(function (html) {
      var fresh = new DOMParser().parseFromString(html, "text/html").getElementById("state");
      document.getElementById("state").replaceWith(fresh);
    }).catch(function () { /* A short break of the network says nothing of the job. */ }).then(later);
  }
  function later() {
    if (document.querySelector("#state[data-running]")) window.setTimeout(ask, 2000);
  }
  later();
})();
