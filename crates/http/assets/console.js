// Live updates and the keyboard. Every page works without this script; every key has a link or a button.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const rows = () => all("[data-row]");
  const selected = () => document.querySelector("[data-row][data-at]");

  const select = (row) => {
    if (!row) return;
    rows().forEach((each) => each.removeAttribute("data-at"));
    row.setAttribute("data-at", "");
    row.querySelector("a.name")?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const move = (by) => {
    const list = rows();
    const at = list.indexOf(selected());
    select(list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)]);
  };
  const press = (key) => {
    const scope = selected() || document;
    const target = scope.querySelector(`[data-key="${key}"]`) || document.querySelector(`main [data-key="${key}"]`);
    target?.click();
    return Boolean(target);
  };

  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape" && inField) return inField.blur();
    if (inField || event.metaKey || event.ctrlKey || event.altKey) return undefined;
    const keys = {
      j: () => move(1),
      k: () => move(-1),
      Enter: () => event.target === document.body && selected()?.querySelector("a.name")?.click(),
      "/": () => document.querySelector("[data-find]")?.focus(),
      "?": () => {
        const help = document.getElementById("keys");
        if (!help) return;
        help.open = !help.open;
        help.scrollIntoView({ block: "nearest" });
      },
      Escape: () => document.querySelector("[data-back]")?.click(),
      e: () => press("e"),
      s: () => press("s"),
      a: () => press("a"),
    };
    if (!Object.hasOwn(keys, event.key)) return undefined;
    if (event.key !== "Enter") event.preventDefault();
    return keys[event.key]();
  });

  // New insights wait behind a count while the pointer is on the list, so that no row moves under it.
  const list = document.querySelector("[data-live]");
  const pulse = document.querySelector(".pulse");
  if (!list || !pulse || !window.EventSource) return;
  const template = document.getElementById("row");
  const more = document.querySelector(".arrivals");
  const waiting = [];
  const seen = new Set(rows().map((row) => row.dataset.row));
  const level = (score) => (score >= 80 ? "top-risk" : score >= 60 ? "high" : score >= 40 ? "mid" : "low");

  const show = (insight) => {
    if (!template) return;
    const row = template.content.firstElementChild.cloneNode(true);
    const put = (name, text) => { const place = row.querySelector(`[data-put="${name}"]`); if (place) place.textContent = text; };
    row.dataset.row = insight.alert_id;
    row.classList.add(level(insight.risk_score), "is-new");
    put("risk", Math.round(insight.risk_score));
    put("name", insight.entity_id);
    put("type", insight.prediction_type.replaceAll("_", " "));
    put("why", insight.explanation);
    put("when", "now");
    row.querySelector("a.name").href = "/insights/" + encodeURIComponent(insight.alert_id);
    list.prepend(row);
    document.querySelector(".empty")?.remove();
  };
  const flush = () => {
    waiting.splice(0).forEach(show);
    if (more) more.hidden = true;
  };
  const arrive = (insight) => {
    if (seen.has(insight.alert_id)) return;
    seen.add(insight.alert_id);
    waiting.push(insight);
    if (!list.matches(":hover") && template) return void flush();
    if (more) {
      more.hidden = false;
      more.textContent = waiting.length === 1 ? "1 new insight: show it" : `${waiting.length} new insights: show them`;
    }
  };
  more?.addEventListener("click", () => (template ? flush() : location.reload()));
  const source = new EventSource("/v1/stream");
  source.addEventListener("open", () => { pulse.dataset.on = ""; pulse.textContent = "live"; });
  source.addEventListener("error", () => { delete pulse.dataset.on; pulse.textContent = "not connected; trying again"; });
  source.addEventListener("insight", (event) => arrive(JSON.parse(event.data)));
})();
