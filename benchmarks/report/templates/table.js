// Sorts the table of models, and filters the models of the whole page.
(() => {
  "use strict";
  const table = document.querySelector("table.models");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const says = document.createElement("p");
  says.className = "unseen";
  says.setAttribute("role", "status");
  table.parentElement.after(says);

  // "low" and "high" are the values that a reader wants first; a third press takes the order back.
  const OTHER = { low: "high", high: "low" };
  const ARIA = { low: "ascending", high: "descending" };
  const heads = [...table.querySelectorAll("th[data-column]")];

  const compare = (column, order) => (a, b) => {
    const [left, right] = [a, b].map((row) => row.cells[column].dataset);
    if ("text" in left) {
      const found = left.text.localeCompare(right.text, undefined, { numeric: true });
      return order === "low" ? found : -found;
    }
    const missing = ("value" in right) - ("value" in left);
    if (missing || !("value" in left)) return missing;
    return order === "low" ? left.value - right.value : right.value - left.value;
  };

  const sort = (head) => {
    const { first, order } = head.dataset;
    const next = !order ? first : order === first ? OTHER[first] : "";
    for (const one of heads) {
      one.removeAttribute("aria-sort");
      delete one.dataset.order;
    }
    const sorted = next ? [...rows].sort(compare(head.dataset.column, next)) : rows;
    if (next) {
      head.dataset.order = next;
      head.setAttribute("aria-sort", ARIA[next]);
    }
    body.append(...sorted);
    const name = head.textContent;
    says.textContent = next ? `Sorted by ${name}, ${ARIA[next]}.` : "In the order of the report.";
  };

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }

  const form = document.querySelector("form.filters");
  if (!form) return;
  form.hidden = false;

  const shown = (row, words, ticked) =>
    words.every((word) => row.dataset.words.includes(word)) &&
    Object.entries(ticked).every(([name, values]) => values.includes(row.dataset[name]));

  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const ticked = {};
    for (const box of form.querySelectorAll("input:checked")) {
      (ticked[box.name] ||= []).push(box.value);
    }
    const out = rows.filter((row) => !shown(row, words, ticked)).map((row) => row.dataset.place);
    for (const part of document.querySelectorAll("[data-place]")) {
      part.hidden = out.includes(part.dataset.place);
    }
    form.classList.toggle("active", out.length > 0);
    form.querySelector("output").textContent =
      `${rows.length - out.length} of ${rows.length} models`;
    document.dispatchEvent(new CustomEvent("filtered", { detail: out.map(Number) }));
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("button").addEventListener("click", () => {
    form.reset();
    filter();
  });
  filter();
})();
