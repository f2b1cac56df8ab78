/* Filters change the URL without a reload: the scope's form, its label and the rail's links follow it. */
(() => {
  "use strict";
  const KEYS = ["cluster", "environment", "as_of"];

  function label(query) {
    const clusters = query.getAll("cluster");
    const environment = query.get("environment") || "";
    const day = query.get("as_of");
    let place = environment.charAt(0).toUpperCase() + environment.slice(1);
    if (clusters.length === 1) [place] = clusters;
    else if (clusters.length) place = `${clusters.length} clusters`;
    return `${place || "All clusters"}${day ? ` on ${day}` : ""}`;
  }

  function follow() {
    const query = new URLSearchParams(location.search);
    const kept = new URLSearchParams([...query].filter(([name, value]) => KEYS.includes(name) && value));
    for (const link of document.querySelectorAll(".rail nav a[href]")) {
      link.setAttribute("href", link.pathname + (kept.size ? `?${kept}` : ""));
    }
    for (const place of document.querySelectorAll("[data-scope-label]")) place.textContent = label(query);
    const form = document.querySelector("[data-scope]");
    if (!form) return;
    form.querySelectorAll("input[type=hidden]").forEach((input) => input.remove());
    for (const [name, value] of query) {
      if (!value || KEYS.includes(name) || name === "cursor") continue;
      form.prepend(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    form.elements.environment.value = query.get("environment") || "";
    form.elements.as_of.value = query.get("as_of") || "";
    const chosen = new Set(query.getAll("cluster").filter((name) => name));
    for (const box of form.querySelectorAll("[type=checkbox][name=cluster]")) {
      box.checked = chosen.delete(box.value);
    }
    /* Of many clusters only some are offered: those chosen elsewhere join them. */
    for (const name of chosen) {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "cluster", value: name, checked: true });
      const choice = Object.assign(document.createElement("label"), { className: "choice" });
      choice.append(box, name);
      form.querySelector("#cluster-choices").prepend(choice);
    }
  }

  document.addEventListener("htmx:pushedIntoHistory", follow);
  document.addEventListener("htmx:replacedInHistory", follow);
})();
