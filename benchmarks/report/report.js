// Draws every plot of the page. A colour in a figure is the name of a CSS variable, resolved here,
// so that the plots follow the light, the dark and the printed page.
(() => {
  "use strict";
  const NARROW_PX = 400;
  const hidden = new Set();
  const specs = new Map();
  for (const box of document.querySelectorAll(".plot")) {
    specs.set(box, JSON.parse(box.querySelector("script").textContent));
    box.textContent = "";
  }

  const resolve = (value, style) => {
    if (typeof value === "string") {
      return value.replace(/^var\((--[\w-]+)\)$/, (_, name) => style.getPropertyValue(name).trim());
    }
    if (Array.isArray(value)) return value.map((item) => resolve(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolve(v, style)]));
    }
    return value;
  };

  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    for (const [box, spec] of specs) {
      const { data, layout } = resolve(spec, style);
      const narrow = box.clientWidth < NARROW_PX;
      for (const trace of data) {
        // The names stand in the legend too; beside a point they do not fit a narrow screen.
        trace.visible = !hidden.has(trace.meta) && !(narrow && trace.mode === "text");
      }
      layout.width = box.clientWidth;
      Plotly.react(box, data, layout, { displayModeBar: false });
    }
  };

  for (const button of document.querySelectorAll("button[data-model]")) {
    button.addEventListener("click", () => {
      const model = Number(button.dataset.model);
      if (!hidden.delete(model)) hidden.add(model);
      for (const twin of document.querySelectorAll(`button[data-model="${model}"]`)) {
        twin.setAttribute("aria-pressed", String(!hidden.has(model)));
      }
      draw();
    });
  }

  const print = (on) => () => {
    document.documentElement.toggleAttribute("data-print", on);
    draw();
  };
  addEventListener("beforeprint", print(true));
  addEventListener("afterprint", print(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) {
      width = innerWidth;
      requestAnimationFrame(draw);
    }
  });
  draw();
})();
