// The explorer's layout and the state in its address, without a browser: `node --test tests/browser/scripts/`.
import assert from "node:assert/strict";
import test from "node:test";
import { layout, settle } from "../../../static/src/lineage/layout.js";
import { changed, column, expanded, opened, withOpen, withPages } from "../../../static/src/lineage/state.js";

const boxes = (...ids) => ids.map((id) => ({ id, width: 200, height: 60 }));
const arrows = (text) => text.split(" ").map((pair) => ({ source: pair[0], target: pair[1] }));

function overlaps({ places }) {
  const all = Object.entries(places);
  return all.flatMap(([one, a], at) =>
    all.slice(at + 1).filter(([, b]) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height).map(([other]) => `${one}${other}`),
  );
}

/** The same numbers each time: a linear congruential generator. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

test("every line leads on, from the source of a chain to its end", () => {
  const { places } = layout({ nodes: boxes("c", "a", "b"), edges: arrows("ab bc ac") });
  assert.deepEqual(["a", "b", "c"].map((id) => places[id].layer), [0, 1, 2]);
  assert.ok(places.a.x + places.a.width < places.b.x && places.b.x + places.b.width < places.c.x);
});

test("what nothing flows into stands beside what it flows into", () => {
  const { places } = layout({ nodes: boxes("a", "b", "c", "d"), edges: arrows("ab bc dc") });
  assert.equal(places.d.layer, 1);
});

test("a cycle and a loop are laid out, each node once", () => {
  const laid = layout({ nodes: boxes("a", "b", "c"), edges: arrows("ab bc ca aa") });
  assert.deepEqual(Object.keys(laid.places).sort(), ["a", "b", "c"]);
  assert.deepEqual(overlaps(laid), []);
});

test("boxes never overlap, and all are inside, whatever the graph and the way it runs", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const pick = random(seed);
    const nodes = Array.from({ length: 60 }, (_, id) => ({ id: `n${id}`, width: 236, height: 60 + pick(200) }));
    const edges = Array.from({ length: 110 }, () => ({ source: `n${pick(60)}`, target: `n${pick(60)}` }));
    for (const down of [false, true]) {
      const laid = layout({ nodes, edges, down });
      assert.deepEqual(overlaps(laid), []);
      for (const place of Object.values(laid.places)) {
        assert.ok(place.x >= -0.001 && place.y >= -0.001 && place.x + place.width <= laid.width + 0.001 && place.y + place.height <= laid.height + 0.001);
      }
    }
  }
});

test("a long line bends in each layer on its way, and keeps clear of the boxes there", () => {
  const { places, lines } = layout({ nodes: boxes("a", "b", "c", "d"), edges: arrows("ab bc cd ad") });
  assert.equal(lines[3].length, 2);
  for (const [bend, box] of [[lines[3][0], places.b], [lines[3][1], places.c]]) assert.ok(bend.y < box.y || bend.y > box.y + box.height);
});

test("two crossing lines are untangled", () => {
  const { places } = layout({ nodes: boxes("a", "b", "y", "x"), edges: arrows("ax by") });
  assert.equal(places.a.y < places.b.y, places.x.y < places.y.y);
});

test("what was drawn before keeps its order when more is added", () => {
  const first = layout({ nodes: boxes("a", "p", "q", "r"), edges: arrows("ap aq ar") });
  const order = (laid) => ["p", "q", "r"].sort((one, other) => laid.places[one].y - laid.places[other].y);
  const more = layout({ nodes: boxes("a", "r", "q", "p", "s", "t"), edges: arrows("ar aq ap sq st"), before: first.places });
  assert.deepEqual(order(more), order(first));
});

test("places are the nearest to what is wanted that keep order and gaps", () => {
  const row = [0, 1, 2];
  const at = [0, 0, 0];
  const real = row.map(() => ({ size: 10, real: true }));
  settle(row, [100, 100, 300], [1, 1, 1], real, at);
  // The two that want the same place share it evenly, 36 apart; the third is left alone.
  assert.deepEqual(at, [82, 118, 300]);
});

test("an empty picture and a single node are pictures", () => {
  assert.deepEqual(layout({ nodes: [], edges: [] }).places, {});
  const { width, height } = layout({ nodes: boxes("a"), edges: [] });
  assert.deepEqual([width, height], [200, 60]);
});

test("the state is what the address says, and the next one keeps the rest of it", () => {
  const params = new URLSearchParams("depth=2&expand=12.up.2,h0f0f0f0f0f0f.down.1&open=4,5&column=4:a.b:c&page=3");
  assert.deepEqual([...expanded(params)], [["12.up", 2], ["h0f0f0f0f0f0f.down", 1]]);
  assert.deepEqual([...opened(params)], ["4", "5"]);
  assert.deepEqual(column(params), { dataset: "4", name: "a.b:c" });
  assert.equal(withPages(params, "12", "up", 3).get("expand"), "12.up.3,h0f0f0f0f0f0f.down.1");
  assert.equal(withOpen(params, "4", false).get("open"), "5");
  assert.equal(changed(params, "depth", null).toString().includes("depth"), false);
  assert.equal(changed(params, "depth", 5).get("page"), null);
  assert.equal(params.get("page"), "3");
});
