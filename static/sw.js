/* Keeps the questionnaire readable without a network: pages, scripts and keys of /s/, as they were last fetched.
 *
 * Only GET answers of our own origin that are whole and not meant to stay out of caches; no answers, no sounds.
 * The network comes first where it answers within four seconds, so that a new version is seen at once.
 */
var NAME = "vielstimmig-1";

self.addEventListener("install", function (event) { event.waitUntil(self.skipWaiting()); });
self.addEventListener("activate", function (event) { event.waitUntil(self.clients.claim()); });

function keep(request, reply) {
  var rule = reply.headers.get("Cache-Control") || "";
  if (reply.ok && reply.status === 200 && reply.type === "basic" && rule.indexOf("no-store") < 0) {
    var copy = reply.clone();
    return caches.open(NAME).then(function (cache) { return cache.put(request, copy); }).then(function () { return reply; });
  }
  return reply;
}

function late() {
  return new Promise(function (resolve) { setTimeout(resolve, 4000); });
}

self.addEventListener("fetch", function (event) {
  var request = event.request, address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin) return;
  if (address.pathname.indexOf("/s/") !== 0 || request.destination === "audio" || request.headers.has("Range")) return;
  event.respondWith(caches.match(request, { ignoreVary: true }).then(function (old) {
    var fresh = fetch(request).then(function (reply) { return keep(request, reply); });
    if (!old) return fresh;
    return Promise.race([fresh, late()]).then(function (reply) { return reply || old; }, function () { return old; });
  }));
});
