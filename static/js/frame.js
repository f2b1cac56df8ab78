/* The frame's behaviour: theme, menus, keys, drawer, filters, toasts, copying. Everything works from data-* attributes. */
(() => {
  "use strict";
  const root = document.documentElement;
  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

  /* Theme: system → light → dark. A cookie lets the server render it, so nothing flashes. */
  function changeTheme() {
    const order = ["", "light", "dark"];
    const next = order[(order.indexOf(root.dataset.theme || "") + 1) % order.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${next}; path=/; max-age=${next ? 31536000 : 0}; samesite=lax${secure}`;
    const button = document.querySelector("[data-theme-toggle]");
    if (button) {
      const use = button.querySelector("use");
      const name = { "": "system", light: "sun", dark: "moon" }[next];
      use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
      button.setAttribute("aria-label", `Theme: ${next || "system"}. Change`);
    }
    document.dispatchEvent(new CustomEvent("themechange"));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("themechange")),
  );

  /* Menus are <details>: a click outside closes them. */
  const openMenus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });

  /* Toasts leave by themselves, except those that report an error. */
  function armToast(toast) {
    if (!toast.classList.contains("tone-critical")) setTimeout(() => toast.remove(), 7000);
  }
  function showToast({ text, tone = "good" }) {
    const toast = document.createElement("div");
    toast.className = `toast tone-${tone}`;
    toast.textContent = text;
    document.getElementById("toasts").append(toast);
    armToast(toast);
  }
  document.querySelectorAll("[data-toast]").forEach(armToast);
  document.addEventListener("toast", (event) => showToast(event.detail));

  async function copyText(button) {
    const label = button.querySelector("span") || button;
    const earlier = label.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select and copy it yourself";
    }
    setTimeout(() => { label.textContent = earlier; }, 1800);
  }

  /* Drawer: a plain link marked data-drawer opens its page beside the list, under its own URL. */
  const drawer = document.querySelector("[data-drawer-panel]");
  let listUrl = null;
  let opener = null;
  function openDrawer(link) {
    if (!drawer.open) {
      listUrl = location.href;
      opener = link;
      history.pushState({ drawer: true }, "", link.href);
      drawer.showModal();
    } else {
      history.replaceState({ drawer: true }, "", link.href);
    }
    document.querySelectorAll("tr[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    link.closest("tr")?.setAttribute("aria-current", "true");
    drawer.querySelector("[data-drawer-page]").href = link.href;
    htmx.ajax("GET", link.href, { target: "#drawer-body", swap: "innerHTML" });
  }
  function drawerClosed() {
    document.getElementById("drawer-body").replaceChildren();
    opener?.focus({ preventScroll: true });
  }
  drawer?.addEventListener("close", () => {
    if (history.state?.drawer) history.back();
    drawerClosed();
  });
  drawer?.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
  window.addEventListener("popstate", () => {
    if (!drawer?.open) return;
    if (location.href === listUrl) drawer.close();
    else location.reload();
  });

  document.addEventListener("click", (event) => {
    if (closest(event, "[data-theme-toggle]")) return changeTheme();
    if (closest(event, "[data-toast-close]")) return closest(event, ".toast").remove();
    if (closest(event, "[data-keys]")) return document.getElementById("keys").showModal();
    if (closest(event, "[data-drawer-close]")) return drawer.close();
    const elsewhere = closest(event, "a[data-menu-open]");
    if (elsewhere) {
      event.preventDefault();
      for (const menu of openMenus()) menu.open = false;
      const menu = document.getElementById(elsewhere.dataset.menuOpen);
      menu.open = true;
      return (menu.querySelector("[type=search]") || menu.querySelector("summary")).focus();
    }
    const copier = closest(event, "[data-copy]");
    if (copier) return void copyText(copier);
    const dialogOpener = closest(event, "[data-dialog-open]");
    if (dialogOpener) return document.getElementById(dialogOpener.dataset.dialogOpen).showModal();
    if (closest(event, "[data-dialog-close]")) return closest(event, "dialog").close();
    const link = closest(event, "a[data-drawer]");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (link && drawer && isPlain && window.innerWidth > 760) {
      event.preventDefault();
      openDrawer(link);
    }
  });

  /* Empty fields stay out of the URL. */
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-strip-empty]")) return;
    for (const field of event.target.elements) if (field.name && !field.value) field.disabled = true;
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { parameters, verb } = event.detail;
    if (verb !== "get") return;
    for (const name of new Set(Object.keys(parameters))) {
      const kept = [parameters[name]].flat().filter((value) => value !== "");
      if (kept.length === 0) delete parameters[name];
    }
  });
  document.addEventListener("htmx:responseError", () =>
    showToast({ text: "That did not load. What you see is unchanged; try again.", tone: "critical" }),
  );
  document.addEventListener("htmx:sendError", () =>
    showToast({ text: "The server cannot be reached. What you see is unchanged.", tone: "critical" }),
  );

  /* A marked line is scrolled to inside its own box, never the page. */
  function revealMarked(within) {
    within.querySelectorAll("[data-marked]").forEach((row) => {
      const box = row.closest(".code");
      if (box) box.scrollTop = row.offsetTop - box.clientHeight / 3;
    });
  }
  document.addEventListener("htmx:afterSwap", (event) => revealMarked(event.target));
  document.addEventListener("DOMContentLoaded", () => revealMarked(document));

  /* Keys. */
  function moveRow(step) {
    const rows = [...document.querySelectorAll("main .row-link")].filter((link) => link.offsetParent);
    if (!rows.length) return;
    const present = rows.indexOf(document.activeElement);
    const next = present < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, present + step));
    rows[next].focus();
  }
  let isGoing = false;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of openMenus()) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      return;
    }
    const isTyping = event.target.matches("input, select, textarea, [contenteditable]");
    if (isTyping || event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog:modal:not(.drawer)")) return;
    if (isGoing) {
      isGoing = false;
      const goal = document.querySelector(`.rail [data-key="${CSS.escape(event.key)}"]`);
      if (goal) return goal.click();
    }
    const search = document.querySelector("[data-search]");
    if (event.key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "?") document.getElementById("keys")?.showModal();
    else if (event.key === "t") changeTheme();
    else if (event.key === "g") {
      isGoing = true;
      setTimeout(() => { isGoing = false; }, 1200);
    } else if (event.key === "j") moveRow(1);
    else if (event.key === "k") moveRow(-1);
  });
})();
