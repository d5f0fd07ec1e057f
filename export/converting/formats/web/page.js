// Decodes photographs, hands their pixels to the model, and shows the labels. Resizing, normalising
// and thresholds are in the model: a browser resizes in its own way, and each one in another.
// Everything is loaded by <script src>, so the page also works where it is opened as a file.
"use strict";

const MOST_PIXELS = 16e6;
const { model, labels, thresholds } = edgepress;
const find = (id) => document.getElementById(id);
const make = (tag, className, text = "") =>
  Object.assign(document.createElement(tag), { className, textContent: text });
const say = (text) => Object.assign(find("status"), { textContent: text });
const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Open the model. One thread: more need a server that isolates the page. */
const open = async () => {
  const glue = new Blob([new TextDecoder().decode(bytes(edgepressWasm.glue))], { type: "text/javascript" });
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
  ort.env.wasm.wasmBinary = bytes(edgepressWasm.binary).buffer;
  return ort.InferenceSession.create(bytes(model), { executionProviders: ["wasm"] });
};
const session = open();

/** Return a photograph's pixels, upright, as it was stored: `[height, width, 3]`. */
const decode = async (file) => {
  const asStored = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, asStored);
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) throw new Error(`${width}x${height} pixels are too many`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha: false });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let channel = 0; channel < 3; channel++) rgb[to++] = rgba[from + channel];
  }
  return new ort.Tensor("uint8", rgb, [height, width, 3]);
};

/** Return probabilities, and which labels are there. */
const answer = async (file) => {
  const image = await decode(file);
  const { probs, labels: found } = await (await session).run({ image });
  return { probs: Array.from(probs.data), found: Array.from(found.data, Boolean) };
};

/** Return the names of the labels that are there: what the page says of a photograph, in words. */
const named = (found) => {
  const list = make("ul", "found");
  const there = labels.filter((_, row) => found[row]).map((name) => make("li", "", name));
  list.append(...(there.length ? there : [make("li", "none", "none of the labels")]));
  return list;
};

const bar = (prob, threshold) => {
  const line = make("div", "bar");
  line.append(make("i", ""), make("b", ""));
  line.firstChild.style.width = `${100 * prob}%`;
  line.lastChild.style.left = `${100 * threshold}%`;
  return line;
};

/** Add a card for one photograph, and fill it when the model has answered. */
const show = async (file) => {
  const card = find("answers").appendChild(make("li", "card"));
  const picture = Object.assign(make("img", ""), { src: URL.createObjectURL(file), alt: "" });
  card.append(picture, make("h2", "", file.name));
  try {
    const { probs, found } = await answer(file);
    card.append(named(found));
    labels.forEach((name, row) => {
      const line = make("div", found[row] ? "label yes" : "label");
      line.append(make("span", "", name), make("span", "", probs[row].toFixed(3)), bar(probs[row], thresholds[row]));
      card.append(line);
    });
    card.dataset.answer = JSON.stringify({ probs });
  } catch (error) {
    picture.remove();
    card.append(make("p", "problem", `This file cannot be used: ${error.message}`));
    card.dataset.answer = JSON.stringify({ problem: error.message });
  }
};

/** Show files one after the other, and how many are done. */
let queue = Promise.resolve();
let taken = 0;
let done = 0;
const take = (files) => {
  taken += files.length;
  for (const file of files) queue = queue.then(() => show(file)).then(count);
};
const count = () => {
  done += 1;
  const text = done < taken ? `${done} of ${taken} done …` : `${done} of ${taken} done.`;
  return session.then(() => say(text), () => {}); // a model that cannot be opened stays told
};

const drop = find("drop");
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
addEventListener("paste", (event) => take(event.clipboardData.files));
find("files").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});

session.then(
  () => say("Ready.").setAttribute("data-ready", ""),
  (error) => say(`The model cannot be opened: ${error.message}`).classList.add("problem"),
);
