// The page that runs a model in a browser; the server in _web.py hands it everything it loads.
import * as ort from "/ort/ort.wasm.min.mjs";

const WARNINGS_AND_WORSE = "warning";
let session;

/** Open the model, and say what it takes and returns. */
window.openModel = async (threads) => {
  if (!crossOriginIsolated) throw new Error("the page is not isolated, so it has one thread only");
  ort.env.logLevel = WARNINGS_AND_WORSE;
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = threads;
  session = await ort.InferenceSession.create("/model.onnx", { executionProviders: ["wasm"] });
  const ports = (all) => all.map(({ name, type, shape }) => ({ name, type, shape }));
  return {
    inputs: ports(session.inputMetadata),
    outputs: ports(session.outputMetadata),
    version: ort.env.versions.web,
  };
};

/** Fetch images that the server has ready, and return one tensor each. */
const fetchImages = async (shape) => {
  const bytes = await (await fetch("/images", { cache: "no-store" })).arrayBuffer();
  const values = new Float32Array(bytes);
  const size = shape.reduce((product, side) => product * side, 1);
  return Array.from({ length: values.length / size }, (_, row) => {
    const image = values.subarray(row * size, (row + 1) * size);
    return { [session.inputNames[0]]: new ort.Tensor("float32", image, [1, ...shape]) };
  });
};

/** Return the values of an output for each image. */
window.runModel = async (shape, output) => {
  const rows = [];
  for (const feeds of await fetchImages(shape)) {
    rows.push(Array.from((await session.run(feeds))[output].data));
  }
  return rows;
};

/** Return the seconds of at least `least` runs of one image that take `shortest` seconds or more. */
window.timeModel = async (shape, least, shortest) => {
  const [feeds] = await fetchImages(shape);
  const seconds = [];
  const end = performance.now() + 1e3 * shortest;
  while (seconds.length < least || performance.now() < end) {
    const start = performance.now();
    await session.run(feeds);
    seconds.push((performance.now() - start) / 1e3);
  }
  return seconds;
};

window.ready = true;
