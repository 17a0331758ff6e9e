// Lays graphs out away from the page: a message {number, graph} is answered by {number, laid, milliseconds}.
import { layout } from "./layout.js";

self.addEventListener("message", ({ data }) => {
  const began = performance.now();
  const laid = layout(data.graph);
  self.postMessage({ number: data.number, laid, milliseconds: performance.now() - began });
});
