/* Charts: <figure data-chart="url">. Loads Plotly once, fills the theme's colours in, follows its changes. */
(() => {
  "use strict";
  const root = document.documentElement;
  const figures = new Set();
  const loaded = new WeakMap();

  const arrived = (element) => new Promise((resolve, reject) => {
    element.onload = resolve;
    element.onerror = () => reject(new Error("The charts' code did not load."));
    document.head.append(element);
  });
  /* Plotly would write <style> elements, which the content security policy refuses, unless elements of their ids exist:
     its own rules then go into our stylesheet through the CSSOM; those of its maps, which we do not draw, go nowhere. */
  function keepStylesOut() {
    const maps = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
    document.head.append(Object.assign(document.createElement("meta"), { id: maps }));
    return Object.assign(document.createElement("link"), { rel: "stylesheet", id: "plotly.js-style-global", href: root.dataset.plotlyStyle });
  }

  let plotly;
  function loadPlotly() {
    plotly ??= arrived(keepStylesOut()).then(async () => {
      await arrived(Object.assign(document.createElement("script"), { src: root.dataset.plotly }));
      return window.Plotly;
    });
    return plotly;
  }

  /* Plotly reads neither oklch() nor light-dark(): a canvas turns any CSS colour into sRGB. */
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const probe = document.createElement("span");
  let colours = new Map();
  function colour(name) {
    if (colours.has(name)) return colours.get(name);
    const [token, percent] = name.split("/");
    document.body.append(probe);
    probe.style.color = `var(--${token})`;
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = getComputedStyle(probe).color;
    pen.fillRect(0, 0, 1, 1);
    probe.remove();
    const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
    const value = `rgba(${r},${g},${b},${percent ? percent / 100 : 1})`;
    colours.set(name, value);
    return value;
  }
  function filled(value) {
    if (typeof value === "string") return value.startsWith("@") ? colour(value.slice(1)) : value;
    if (Array.isArray(value)) return value.map(filled);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filled(inner)]));
    }
    return value;
  }

  function template() {
    const axis = {
      gridcolor: colour("grid"), linecolor: colour("border"), zerolinecolor: colour("border-control"), zerolinewidth: 1,
      tickcolor: colour("border"), ticks: "", tickfont: { color: colour("text-faint"), size: 11 },
      spikecolor: colour("border-control"), spikedash: "solid", spikemode: "across",
      spikethickness: -2, // Plotly adds 2 for a pale border around the line, which 0 leaves out
    };
    return {
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: getComputedStyle(document.body).fontFamily, color: colour("text"), size: 12 },
        xaxis: axis, yaxis: { ...axis, showspikes: false },
        hoverlabel: {
          bgcolor: colour("raised"), bordercolor: colour("border"), align: "left",
          font: { color: colour("text"), size: 12, family: getComputedStyle(document.body).fontFamily },
        },
      },
    };
  }

  function draw(figure) {
    const state = loaded.get(figure);
    const body = figure.querySelector("[data-chart-body]");
    if (!state || body.hidden) return;
    const { data, layout } = filled(state.answer.figure);
    const isNarrow = body.clientWidth < 560;
    const annotations = layout.annotations?.filter(({ name }) => !(isNarrow && name === "event"));
    return window.Plotly.react(body, data, { ...layout, annotations, template: template(), autosize: true, height: body.clientHeight }, {
      displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false, showTips: false,
    });
  }

  function say(body, text, retry) {
    const box = document.createElement("div");
    box.className = "chart-message";
    box.append(Object.assign(document.createElement("p"), { textContent: text }));
    if (retry) {
      const button = Object.assign(document.createElement("button"), { className: "button small", type: "button", textContent: "Try again" });
      button.addEventListener("click", retry);
      box.append(button);
    }
    body.replaceChildren(box);
  }

  async function load(figure) {
    const body = figure.querySelector("[data-chart-body]");
    body.classList.add("loading");
    body.replaceChildren();
    try {
      const [response] = await Promise.all([
        fetch(figure.dataset.chart, { headers: { Accept: "application/json" } }), loadPlotly(),
      ]);
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      const answer = await response.json();
      body.classList.remove("loading");
      if (!answer.table.rows.length) return say(body, answer.empty || "Nothing to draw in this scope yet.");
      loaded.set(figure, { answer });
      await draw(figure);
      body.on("plotly_click", ({ points }) => follow(points[0]?.customdata));
      body.setAttribute("role", "img");
      body.setAttribute("aria-label", `${answer.title}. The same as a table is in the chart's menu.`);
    } catch (error) {
      body.classList.remove("loading");
      say(body, `This chart did not load. ${error.message}`, () => load(figure));
    }
  }
  function follow(url) {
    if (typeof url === "string" && url.startsWith("/")) location.assign(url);
  }

  /* The table twin, and what the menu gives away. */
  function table({ columns, rows }) {
    const element = document.createElement("table");
    element.className = "table";
    const head = element.createTHead().insertRow();
    columns.forEach((text, index) => {
      const cell = Object.assign(document.createElement("th"), { scope: "col", textContent: text });
      if (typeof rows[0]?.[index] === "number") cell.className = "num";
      head.append(cell);
    });
    const body = element.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      for (const value of row) {
        const cell = line.insertCell();
        cell.textContent = value ?? "—";
        if (typeof value === "number") cell.className = "num";
      }
    }
    return element;
  }
  function toggleTable(figure, button) {
    const state = loaded.get(figure);
    if (!state) return;
    const body = figure.querySelector("[data-chart-body]");
    const twin = figure.querySelector("[data-chart-twin]");
    const isShown = twin.hidden;
    twin.replaceChildren(...(isShown ? [table(state.answer.table)] : []));
    twin.hidden = !isShown;
    body.hidden = isShown;
    button.setAttribute("aria-pressed", String(isShown));
    button.querySelector("span").textContent = isShown ? "Show as a chart" : "Show as a table";
    if (!isShown) draw(figure);
  }
  function save(name, url) {
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
  }
  function cell(value) {
    let text = String(value ?? "");
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`; // a spreadsheet would run it
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }
  function saveCsv({ answer }) {
    const lines = [answer.table.columns, ...answer.table.rows].map((row) => row.map(cell).join(","));
    const url = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
    save(`${slug(answer.title)}.csv`, url);
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
  const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");

  /* Plotly's own export needs blob: images, which the content security policy refuses: draw its SVG from a data: URL. */
  async function savePng(figure, { answer }) {
    const body = figure.querySelector("[data-chart-body]");
    const [width, height] = [body.clientWidth || 900, body.clientHeight || 320];
    const svg = await window.Plotly.toImage(body, { format: "svg", width, height });
    const image = new Image();
    image.src = svg;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: width * 2, height: height * 2 });
    const context = canvas.getContext("2d");
    context.fillStyle = colour("page");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    save(`${slug(answer.title)}.png`, canvas.toDataURL("image/png"));
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-chart-table], [data-chart-csv], [data-chart-png]") : null;
    const figure = button?.closest("[data-chart]");
    const state = figure && loaded.get(figure);
    if (!state) return;
    button.closest("details").open = false;
    if ("chartTable" in button.dataset) toggleTable(figure, button);
    else if ("chartCsv" in button.dataset) saveCsv(state);
    else void savePng(figure, state);
  });
  document.addEventListener("themechange", () => {
    colours = new Map();
    figures.forEach((figure) => (figure.isConnected ? draw(figure) : figures.delete(figure)));
  });
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) draw(target.closest("[data-chart]"));
  });
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      void load(target).then(() => resized.observe(target.querySelector("[data-chart-body]")));
    }
  }, { rootMargin: "300px" });
  function adopt(within) {
    for (const figure of within.querySelectorAll("[data-chart]")) {
      if (figures.has(figure)) continue;
      figures.add(figure);
      seen.observe(figure);
    }
  }
  adopt(document);
  document.addEventListener("htmx:load", ({ target }) => adopt(target.parentElement || document));
})();
