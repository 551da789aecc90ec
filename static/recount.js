/* Recounts the published list on the reader's own device, by the announced rule. */
(function () {
  "use strict";
  var button = document.getElementById("recount"), out = document.getElementById("recounted");
  if (!button) return;
  button.hidden = false;

  function borda(data, ids) {
    var score = {};
    ids.forEach(function (id) { score[id] = 0; });
    data.ballots.forEach(function (ballot) {
      var place = {};
      ballot.ranking.forEach(function (tied, n) { tied.forEach(function (id) { place[id] = n; }); });
      if (data.policy !== "no_opinion") ids.forEach(function (id) { if (!(id in place)) place[id] = ids.length; });
      Object.keys(place).forEach(function (x) {
        Object.keys(place).forEach(function (y) { score[x] += (place[x] < place[y]) - (place[x] > place[y]); });
      });
    });
    return score;
  }
  function total(data, ids, key) {
    var score = {};
    ids.forEach(function (id) { score[id] = 0; });
    data.ballots.forEach(function (ballot) {
      if (Array.isArray(ballot[key])) ballot[key].forEach(function (id) { score[id] += 1; });
      else Object.keys(ballot[key]).forEach(function (id) { score[id] += ballot[key][id]; });
    });
    return score;
  }
  function mean(data, ids) {
    var sum = total(data, ids, "score"), base = {};
    ids.forEach(function (id) { base[id] = 0; });
    data.ballots.forEach(function (ballot) { Object.keys(ballot.score).forEach(function (id) { base[id] += 1; }); });
    ids.forEach(function (id) { sum[id] = base[id] ? sum[id] / base[id] : -1; });
    return sum;
  }
  button.addEventListener("click", function () {
    fetch(button.dataset.list, { credentials: "omit" }).then(function (reply) { return reply.json(); }).then(function (data) {
      var ids = data.options.map(function (option) { return option.id; }), names = {};
      data.options.forEach(function (option) {
        names[option.id] = option.label[document.documentElement.lang] || option.label[Object.keys(option.label)[0]];
      });
      var score = {
        ranking: borda, score: mean,
        dots: function (d, i) { return total(d, i, "dots"); },
        approval: function (d, i) { return total(d, i, "approve"); },
        budget: function (d, i) { return total(d, i, "approve"); },
        consensing: function (d, i) { var s = total(d, i, "resistance"); i.forEach(function (id) { s[id] = -s[id]; }); return s; }
      }[data.method];
      var counted = button.dataset.ballots.replace("%(num)s", data.ballots.length);
      if (!score) { out.textContent = counted; return; }
      score = score(data, ids);
      Object.keys(data.wall || {}).forEach(function (id) { score[id] += Number(data.wall[id]); });
      ids.sort(function (a, b) { return score[b] - score[a]; });
      out.textContent = counted + "\n" + ids.map(function (id, n) { return (n + 1) + ". " + names[id] + ": " + Math.abs(score[id]); }).join("\n");
    });
  });
})();
