// Draws every plot of the page. A colour in a figure is the name of a CSS variable, resolved here,
// so that the plots follow the light, the dark and the printed page; so is a line break.
(async () => {
  "use strict";
  const NARROW_PX = 400;
  const hidden = new Set();
  let filtered = [];
  const specs = new Map();
  for (const box of document.querySelectorAll(".plot")) {
    specs.set(box, JSON.parse(box.querySelector("script").textContent));
    box.textContent = "";
  }

  // Plotly travels packed; a script element runs it as if it had stood in the page.
  const unpack = async (packed) => {
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };

  const resolve = (value, style) => {
    if (typeof value === "string") {
      return value
        .replace(/^var\((--[\w-]+)\)$/, (_, name) => style.getPropertyValue(name).trim())
        .replaceAll("\n", "<br>");
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
        const out = hidden.has(trace.meta) || filtered.includes(trace.meta);
        trace.visible = !out && !(narrow && trace.mode === "text");
        // Without it Plotly writes the name of the trace beside what is said of the point.
        if (trace.hovertemplate) trace.hovertemplate += "<extra></extra>";
      }
      for (const note of layout.annotations ?? []) {
        note.visible = !filtered.includes(Number(note.name));
      }
      layout.width = box.clientWidth;
      Plotly.react(box, data, layout, { displayModeBar: false });
    }
    document.documentElement.dataset.plots = "drawn";
  };

  const plotsBeside = (button) =>
    [...specs.keys()].filter((box) => box.closest("section") === button.closest("section"));

  // What the mouse shows over a point, the keyboard shows on the button of its model.
  const point = (button) => {
    for (const box of plotsBeside(button)) {
      const trace = (box.data ?? []).findIndex(
        (one) => one.hovertext && one.visible && one.meta === Number(button.dataset.model),
      );
      if (trace >= 0) Plotly.Fx.hover(box, [{ curveNumber: trace, pointNumber: 0 }]);
    }
  };
  const leave = (button) => {
    for (const box of plotsBeside(button)) if (box.data) Plotly.Fx.unhover(box);
  };

  const toggle = (button) => {
    const model = Number(button.dataset.model);
    if (!hidden.delete(model)) hidden.add(model);
    for (const twin of document.querySelectorAll(`button[data-model="${model}"]`)) {
      twin.setAttribute("aria-pressed", String(!hidden.has(model)));
    }
    draw();
  };

  const print = (on) => () => {
    document.documentElement.toggleAttribute("data-print", on);
    draw();
  };

  if (!specs.size) return;
  document.addEventListener("filtered", (event) => {
    filtered = event.detail;
    if (window.Plotly) draw();
  });
  try {
    await unpack(document.getElementById("plotly").textContent);
  } catch {
    document.querySelector("main").insertAdjacentHTML(
      "afterbegin",
      '<p class="note">This browser is too old for the plots; every table is here.</p>',
    );
    return;
  }
  for (const button of document.querySelectorAll("button[data-model]")) {
    button.addEventListener("click", () => toggle(button));
    for (const name of ["focus", "mouseenter"]) button.addEventListener(name, () => point(button));
    for (const name of ["blur", "mouseleave"]) button.addEventListener(name, () => leave(button));
  }
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
