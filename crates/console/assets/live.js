// @ts-check
// New rows as they come. The server sends texts; each is set as text into a copy of the row's template.

/** How many rows are kept on the page. */
const KEPT = 200;

/** @typedef {{kind: string, count: string}} KindCount */
/** @typedef {Record<string, any> & {id: string, href: string, time: string, findings: KindCount[]}} Row */

/**
 * Puts texts into the places that are named by `data-f`.
 * @param {ParentNode} into
 * @param {Record<string, any>} texts
 */
export function fill(into, texts) {
  for (const place of into.querySelectorAll("[data-f]")) {
    const text = texts[/** @type {HTMLElement} */ (place).dataset.f ?? ""];
    if (typeof text === "string" && place.childElementCount === 0) place.textContent = text;
  }
}

/** @param {KindCount} found */
function kind(found) {
  const mark = document.createElement("span");
  mark.className = "kind";
  mark.dataset.kind = found.kind;
  mark.textContent = `${found.kind} ${found.count}`;
  return mark;
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Row} row
 */
function draw(template, row) {
  const line = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  line.dataset.id = row.id;
  fill(line, row);
  line.querySelector("a")?.setAttribute("href", row.href);
  line.querySelector("time")?.setAttribute("datetime", row.time);
  line.querySelector(".kinds")?.replaceChildren(...row.findings.map(kind));
  /** @type {HTMLElement} */ (line.querySelector(".badge")).dataset.effect = row.effect;
  /** @type {HTMLElement} */ (line.querySelector(".tone")).dataset.tone = row.tone;
  return line;
}

/** @param {Record<string, any>} status */
function show(status) {
  const line = document.getElementById("status");
  const stopped = document.getElementById("stopped");
  if (!line || !stopped) return;
  line.dataset.state = status.state;
  fill(line, status);
  stopped.hidden = status.stopped === null;
  fill(stopped, { stopped: status.stopped ?? "" });
}

export function follow() {
  const table = document.getElementById("requests");
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("row"));
  const button = document.getElementById("live");
  const news = document.getElementById("news");
  const body = table?.querySelector("tbody");
  if (!table?.dataset.events || !template || !button || !news || !body) return;

  /** Rows that came while the view was held, newest last. @type {Map<string, Row>} */
  const held = new Map();
  let live = true;
  let fresh = 0;
  let told = 0;

  const label = (/** @type {string} */ text) => fill(button, { live: text });
  const tell = () => {
    told = 0;
    if (fresh > 0) news.textContent = fresh === 1 ? "1 new request" : `${fresh} new requests`;
    fresh = 0;
  };

  /** @param {Row} row */
  const place = (row) => {
    const old = body.querySelector(`[data-id="${CSS.escape(row.id)}"]`);
    const line = draw(template, row);
    if (old) {
      const focused = old.contains(document.activeElement);
      old.replaceWith(line);
      if (focused) line.querySelector("a")?.focus();
      return;
    }
    line.classList.add("fresh");
    // Ids sort by time, so a row that ends late still goes where it began.
    const after = [...body.children].find((other) => (/** @type {HTMLElement} */ (other).dataset.id ?? "") < row.id);
    body.insertBefore(line, after ?? null);
    while (body.childElementCount > KEPT) body.lastElementChild?.remove();
    const sheet = document.getElementById("sheet");
    if (sheet) sheet.hidden = false;
    document.getElementById("empty")?.remove();
    fresh += 1;
    // One sentence for a burst, so that a screen reader is not drowned.
    if (told === 0) told = window.setTimeout(tell, 1500);
  };

  const release = () => {
    for (const row of held.values()) place(row);
    held.clear();
    label("Live");
  };

  button.hidden = false;
  button.addEventListener("click", () => {
    live = !live;
    button.setAttribute("aria-pressed", String(live));
    if (live) release();
    else label("Paused");
  });

  const source = new EventSource(table.dataset.events);
  source.addEventListener("request", (event) => {
    /** @type {Row} */
    const row = JSON.parse(event.data);
    if (live) place(row);
    else {
      held.delete(row.id);
      held.set(row.id, row);
      if (held.size > KEPT) held.delete(held.keys().next().value ?? "");
      label(`Paused, ${held.size} waiting`);
    }
  });
  source.addEventListener("status", (event) => show(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    button.dataset.state = "open";
    if (live) label("Live");
  });
  source.addEventListener("error", () => {
    button.dataset.state = "lost";
    label(source.readyState === EventSource.CLOSED ? "Ended, load again" : "Reconnecting");
  });
  for (const choice of document.querySelectorAll(".filters select")) {
    choice.addEventListener("change", () => /** @type {HTMLSelectElement} */ (choice).form?.requestSubmit());
  }
}
