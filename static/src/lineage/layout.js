// A layered drawing of a directed graph: layers by longest path, order by barycentres, places by isotonic regression. Pure.
//
// Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures (1981), with places within a
// layer that are the least squares nearest to those of the neighbours (pool adjacent violators): each pass is linear.

const BETWEEN_LAYERS = 84;
const BETWEEN_NODES = 26;
const BESIDE_LINES = 10;
const SWEEPS = 8;
const MOST_BENDS = 20_000;

/**
 * nodes: [{id, width, height}], edges: [{source, target}] by id; `down` lays layers from top to bottom; `before` has the
 * places of an earlier drawing by id, whose order is kept. Gives {places: {id: {x, y, width, height, layer}}, lines: [points
 * of each edge between its ends], width, height}.
 */
export function layout({ nodes, edges, down = false, before = {} }) {
  const flow = down ? "height" : "width";
  const across = down ? "width" : "height";
  const index = new Map(nodes.map((node, number) => [node.id, number]));
  const arcs = edges.map((edge) => [index.get(edge.source), index.get(edge.target)]);
  const forward = acyclic(nodes.length, arcs);
  const layer = layersOf(nodes.length, forward);
  const boxes = nodes.map((node, number) => ({ layer: layer[number], size: node[across], real: true }));
  const { links, chains } = withBends(boxes, forward, layer);
  const rows = rowsOf(boxes, links, nodes.map((node) => before[node.id]?.[down ? "x" : "y"]));
  place(boxes, rows, links);

  const extents = rows.map((row) => Math.max(0, ...row.filter((box) => boxes[box].real).map((box) => nodes[box][flow])));
  const starts = [];
  let reached = 0;
  for (const extent of extents) {
    starts.push(reached);
    reached += extent + BETWEEN_LAYERS;
  }
  const least = Math.min(0, ...boxes.map((box) => box.at - box.size / 2));
  const most = Math.max(0, ...boxes.map((box) => box.at + box.size / 2));
  const places = {};
  for (const [number, node] of nodes.entries()) {
    const along = starts[layer[number]] + (extents[layer[number]] - node[flow]) / 2;
    const beside = boxes[number].at - boxes[number].size / 2 - least;
    places[node.id] = { x: down ? beside : along, y: down ? along : beside, width: node.width, height: node.height, layer: layer[number] };
  }
  const lines = chains.map((chain) => {
    const points = chain.map((box) => {
      const along = starts[boxes[box].layer] + extents[boxes[box].layer] / 2;
      const beside = boxes[box].at - least;
      return { x: down ? beside : along, y: down ? along : beside, room: extents[boxes[box].layer] / 2 };
    });
    return points;
  });
  const size = [Math.max(0, reached - BETWEEN_LAYERS), most - least];
  return { places, lines, width: down ? size[1] : size[0], height: down ? size[0] : size[1] };
}

/** The arcs with those that close a cycle turned round; loops and repetitions stay, and are passed over later. */
function acyclic(count, arcs) {
  const out = Array.from({ length: count }, () => []);
  const into = new Int32Array(count);
  for (const [number, [from, to]] of arcs.entries()) {
    if (from === to) continue;
    out[from].push(number);
    into[to] += 1;
  }
  const turned = new Set();
  const state = new Uint8Array(count);
  const following = new Int32Array(count);
  const roots = [...state.keys()].sort((a, b) => (into[a] > 0) - (into[b] > 0) || a - b);
  for (const root of roots) {
    if (state[root]) continue;
    const path = [root];
    state[root] = 1;
    while (path.length) {
      const node = path.at(-1);
      if (following[node] >= out[node].length) {
        state[node] = 2;
        path.pop();
        continue;
      }
      const arc = out[node][following[node]++];
      const next = arcs[arc][1];
      if (state[next] === 1) turned.add(arc);
      else if (!state[next]) {
        state[next] = 1;
        path.push(next);
      }
    }
  }
  return arcs.map(([from, to], number) => (turned.has(number) ? [to, from, true] : [from, to, false]));
}

/** The longest way to each node; what nothing flows into stands just before what it flows into. */
function layersOf(count, arcs) {
  const out = Array.from({ length: count }, () => []);
  const into = new Int32Array(count);
  const hasInput = new Uint8Array(count);
  for (const [from, to] of arcs) {
    if (from === to) continue;
    out[from].push(to);
    into[to] += 1;
    hasInput[to] = 1;
  }
  const layer = new Int32Array(count);
  const ready = [...into.keys()].filter((node) => !into[node]);
  for (let at = 0; at < ready.length; at += 1) {
    for (const next of out[ready[at]]) {
      layer[next] = Math.max(layer[next], layer[ready[at]] + 1);
      into[next] -= 1;
      if (!into[next]) ready.push(next);
    }
  }
  for (let node = 0; node < count; node += 1) {
    if (!hasInput[node] && out[node].length) layer[node] = Math.min(...out[node].map((next) => layer[next])) - 1;
  }
  return layer;
}

/** Links between neighbouring layers; a long arc bends in each layer on its way, where there are not too many of them. */
function withBends(boxes, arcs, layer) {
  const spans = arcs.reduce((sum, [from, to]) => sum + Math.max(0, layer[to] - layer[from] - 1), 0);
  const links = [];
  const chains = arcs.map(([from, to, turned]) => {
    if (from === to) return [];
    const chain = [];
    let last = from;
    if (spans <= MOST_BENDS) {
      for (let between = layer[from] + 1; between < layer[to]; between += 1) {
        boxes.push({ layer: between, size: BESIDE_LINES, real: false });
        links.push([last, boxes.length - 1]);
        last = boxes.length - 1;
        chain.push(last);
      }
    }
    links.push([last, to]);
    return turned ? chain.reverse() : chain;
  });
  return { links, chains };
}

function neighbours(count, links) {
  const into = Array.from({ length: count }, () => []);
  const out = Array.from({ length: count }, () => []);
  for (const [from, to] of links) {
    into[to].push(from);
    out[from].push(to);
  }
  return { into, out };
}

/** The boxes of each layer in order. What was drawn before stays in its order; the rest goes where its neighbours are. */
function rowsOf(boxes, links, known) {
  const { into, out } = neighbours(boxes.length, links);
  const rows = [];
  for (const [number, box] of boxes.entries()) (rows[box.layer] ??= []).push(number);
  for (let number = 0; number < rows.length; number += 1) rows[number] ??= [];
  const isKnown = known.some((at) => at !== undefined);
  const order = new Float64Array(boxes.length);
  if (isKnown) {
    const settled = new Uint8Array(boxes.length);
    for (const [number, at] of known.entries()) {
      if (at === undefined) continue;
      order[number] = at;
      settled[number] = 1;
    }
    // From what is drawn outwards, until every box has a place.
    let waiting = [...boxes.keys()].filter((number) => !settled[number]);
    while (waiting.length) {
      const next = waiting.filter((number) => [...into[number], ...out[number]].some((other) => settled[other]));
      if (!next.length) break;
      for (const number of next) {
        const beside = [...into[number], ...out[number]].filter((other) => settled[other]);
        order[number] = beside.reduce((sum, other) => sum + order[other], 0) / beside.length + number * 1e-3;
      }
      for (const number of next) settled[number] = 1;
      waiting = waiting.filter((number) => !settled[number]);
    }
    for (const row of rows) row.sort((a, b) => order[a] - order[b] || a - b);
    return rows;
  }
  for (const row of rows) for (const [at, number] of row.entries()) order[number] = at;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const beside = sweep % 2 ? out : into;
    const sequence = sweep % 2 ? [...rows.keys()].reverse() : [...rows.keys()];
    for (const number of sequence) {
      const row = rows[number];
      const centre = new Map(row.map((box, at) => [box, mean(beside[box], order) ?? at]));
      row.sort((a, b) => centre.get(a) - centre.get(b) || order[a] - order[b]);
      // In parts of the row's length, so that rows of different lengths compare.
      for (const [at, box] of row.entries()) order[box] = ((at + 0.5) / row.length) * 1000;
    }
  }
  return rows;
}

function mean(others, value) {
  if (!others.length) return undefined;
  let sum = 0;
  for (const other of others) sum += value[other];
  return sum / others.length;
}

/** Sets `at`, the middle of each box across the flow: as near to its neighbours as the order and the gaps let it. */
function place(boxes, rows, links) {
  const { into, out } = neighbours(boxes.length, links);
  const at = new Float64Array(boxes.length);
  for (const row of rows) {
    let reached = 0;
    for (const box of row) {
      at[box] = reached + boxes[box].size / 2;
      reached += boxes[box].size + (boxes[box].real ? BETWEEN_NODES : BESIDE_LINES);
    }
    const middle = reached / 2;
    for (const box of row) at[box] -= middle;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const last = sweep >= SWEEPS - 2;
    const sequence = sweep % 2 ? [...rows.keys()].reverse() : [...rows.keys()];
    for (const number of sequence) {
      const row = rows[number];
      const wanted = row.map((box) => mean(last ? [...into[box], ...out[box]] : sweep % 2 ? out[box] : into[box], at));
      // Who has no neighbour on that side holds its place, but weakly.
      settle(row, wanted.map((value, place) => value ?? at[row[place]]), wanted.map((value) => (value === undefined ? 0.05 : 1)), boxes, at);
    }
  }
  for (const [number, box] of boxes.entries()) box.at = at[number];
}

/** The nearest places to `wanted` (weighted least squares) that keep order and gaps: pool adjacent violators. */
export function settle(row, wanted, weights, boxes, at) {
  const offsets = [0];
  for (let number = 1; number < row.length; number += 1) {
    const [one, other] = [boxes[row[number - 1]], boxes[row[number]]];
    const gap = one.real && other.real ? BETWEEN_NODES : BESIDE_LINES;
    offsets.push(offsets[number - 1] + (one.size + other.size) / 2 + gap);
  }
  const pools = [];
  for (let number = 0; number < row.length; number += 1) {
    let pool = { sum: (wanted[number] - offsets[number]) * weights[number], weight: weights[number], count: 1 };
    while (pools.length && pools.at(-1).sum / pools.at(-1).weight >= pool.sum / pool.weight) {
      const before = pools.pop();
      pool = { sum: before.sum + pool.sum, weight: before.weight + pool.weight, count: before.count + pool.count };
    }
    pools.push(pool);
  }
  let number = 0;
  for (const pool of pools) {
    const value = pool.sum / pool.weight;
    for (let left = pool.count; left; left -= 1, number += 1) at[row[number]] = value + offsets[number];
  }
}
