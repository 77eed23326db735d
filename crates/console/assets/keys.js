// @ts-check
// Keys for people who do not reach for the mouse: j and k move through the list, / goes to the filter.

/** Whether the key belongs to a field that is being typed in. */
const typing = () => document.activeElement?.matches("input, select, textarea") ?? false;

/** @param {number} step */
function move(step) {
  const links = [...document.querySelectorAll("#requests tbody a")];
  if (links.length === 0) return;
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1);
  /** @type {HTMLElement} */ (links[next]).focus();
}

export function keys() {
  const hint = document.getElementById("keys");
  if (hint) hint.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing()) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") {
      const field = /** @type {HTMLInputElement | null} */ (document.querySelector(".filters input"));
      if (!field) return;
      event.preventDefault();
      field.select();
    }
  });
}
