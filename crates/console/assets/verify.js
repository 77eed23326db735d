// @ts-check
// Verifies in place, one step after another. Without this the form loads the page again with the same result.
import { fill } from "./live.js";

const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {HTMLFormElement} form */
async function check(form) {
  const place = document.getElementById("verification");
  const steps = place?.querySelector(".steps");
  const verdict = place?.querySelector(".verdict");
  const template = /** @type {HTMLTemplateElement | null} */ (document.getElementById("step"));
  const station = document.getElementById("proof");
  if (!place || !steps || !verdict || !template || !station) return form.submit();

  steps.replaceChildren();
  verdict.textContent = "Checking the ledger on disk";
  place.dataset.result = "running";
  const response = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)])),
  });
  if (!response.ok) {
    place.dataset.result = "pending";
    verdict.textContent = response.status === 401
      ? "You are signed out. Load the page again."
      : "The check could not be made. Load the page and try again.";
    return;
  }
  const result = await response.json();
  for (const step of result.steps) {
    const line = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
    line.dataset.result = step.result;
    fill(line, step);
    steps.append(line);
    if (!still.matches) await pause(120);
  }
  place.dataset.result = result.result;
  station.dataset.tone = { passed: "good", failed: "bad" }[result.result] ?? "warn";
  verdict.textContent = result.sentence;
}

export function verify() {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("verify"));
  const button = form?.querySelector("button");
  if (!form || !button) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    check(form)
      .catch(() => form.submit())
      .finally(() => { button.disabled = false; });
  });
}
