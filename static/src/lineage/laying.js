// Asks the worker for a layout. Only the answer to the latest question counts: who asked before gets null.
let worker;
let latest = 0;
const waiting = new Map();

function start() {
  worker = new Worker(new URL(LAYOUT_WORKER, import.meta.url));
  worker.addEventListener("message", ({ data }) => {
    waiting.get(data.number)?.resolve(data.number === latest ? data : null);
    waiting.delete(data.number);
  });
  worker.addEventListener("error", (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "The layout failed."));
    waiting.clear();
  });
}

/** {laid, milliseconds} of `lineage/layout.js`, or null where another question came meanwhile. */
export function laidOut(graph) {
  if (!worker) start();
  latest += 1;
  const number = latest;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    worker.postMessage({ number, graph });
  });
}
