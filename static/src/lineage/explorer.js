// The explorer: its address is its state, the server says what that shows, the worker lays it out, the rest draws.
import { announce } from "../announce.js";
import { Drawing } from "./drawing.js";
import { pngOf, save, svgOf } from "./export.js";
import { attachKeys } from "./keyboard.js";
import { laidOut } from "./laying.js";
import { criticalities, graphOf, sceneOf } from "./model.js";
import { Panel } from "./panel.js";
import { forgetFits } from "./shapes.js";
import { changed, column, opened, withOpen, withPages } from "./state.js";
import { Viewport } from "./viewport.js";

// On a telephone a line of boxes runs down the page, where there is room for it.
const NARROW = 560;
const LOW = 400;

/** A number as the page's other numbers are written: "12 345", with a thin space. */
const spaced = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

export class Explorer {
  constructor(host) {
    this.host = host;
    this.stage = this.part("stage");
    this.svg = host.querySelector("svg.dc-explorer-canvas");
    this.graph = JSON.parse(document.getElementById("explorer-data").textContent);
    this.levels = this.graph.levels;
    this.params = new URLSearchParams(location.search);
    this.tall = 0;
    this.columns = new Map();
    this.columnPages = new Map();
    this.icons = { sprite: host.dataset.sprite, kinds: this.graph.icons };
    this.down = this.stage.clientWidth < NARROW;
    this.drawing = new Drawing(this.svg, this.icons, host.id);
    this.viewport = new Viewport(this.svg, this.stage, this.host, (view) => this.drawing.look(view));
    this.panel = new Panel(host, (chosen) => this.change("column", chosen));
    this.bind();
  }

  part(name) {
    return this.host.querySelector(`[data-part="${name}"]`);
  }

  bind() {
    const acts = {
      act: (part, node) => this.act(part, node),
      go: (node) => this.go(node),
      more: (node, way) => this.more(node, way),
      columns: (node) => this.toggleColumns(node),
      line: (source, target) => this.openLine(source, target),
      zoom: (factor) => this.viewport.by(factor),
      fit: () => this.viewport.fit(this.size),
      close: () => this.panel.close(),
    };
    attachKeys(this.svg, this, acts);
    this.svg.addEventListener("click", (event) => this.clicked(event));
    this.svg.addEventListener("focusin", (event) => this.focused(event));
    this.svg.addEventListener("focusout", () => this.drawing.light(null));
    this.svg.addEventListener("pointerover", (event) => {
      // Not while the picture is dragged past the pointer.
      if (!event.buttons) this.drawing.light(event.target.closest("[data-key]")?.dataset.key ?? null);
    });
    this.part("in").addEventListener("click", () => this.viewport.by(1.3));
    this.part("out").addEventListener("click", () => this.viewport.by(1 / 1.3));
    this.part("fit").addEventListener("click", () => this.viewport.fit(this.size));
    this.part("full").addEventListener("click", () => this.toggleFull());
    document.addEventListener("fullscreenchange", () => this.fullChanged());
    this.part("svg").addEventListener("click", () => this.export("svg"));
    this.part("png").addEventListener("click", () => this.export("png"));
    this.bindForm();
    addEventListener("popstate", () => {
      this.params = new URLSearchParams(location.search);
      if (this.params.get("view") === "table") location.reload();
      else this.load();
    });
    document.fonts.addEventListener("loadingdone", () => {
      forgetFits();
      if (this.scene) this.drawing.show(this.scene, { down: this.down });
    });
  }

  bindForm() {
    const form = this.part("form");
    for (const name of ["direction", "depth", "as_of"]) {
      form.elements[name].addEventListener("change", (event) => this.change(name, event.target.value));
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    this.slider = this.part("critical");
    this.slider.addEventListener("input", () => this.slide());
    this.host.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-state]");
      const option = event.target.closest("#lineage-path-list a");
      if (!link && !option) return;
      event.preventDefault();
      event.target.closest("details")?.removeAttribute("open");
      const name = option ? "to" : link.dataset.state;
      if (option) {
        form.elements.find.value = "";
        document.getElementById("lineage-path-list").hidden = true;
      }
      this.change(name, new URL((option ?? link).href).searchParams.get(name));
    });
  }

  /** Another state: into the address, and shown. */
  change(name, value) {
    return this.moveTo(changed(this.params, name, value));
  }

  moveTo(params) {
    this.params = params;
    history.pushState(null, "", this.address(this.host.dataset.action));
    return this.load();
  }

  address(path, params = this.params) {
    const query = params.toString();
    return query ? `${path}?${query}` : path;
  }

  /** Ask for what the address shows, and show it. */
  async load() {
    this.host.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(this.address(this.host.dataset.picture), { headers: { Accept: "application/json" } });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail ?? `The server answered ${answer.status}.`);
      this.graph = { ...body, levels: this.levels };
      this.part("told").innerHTML = body.told;
      await this.show();
      announce(this.counts());
    } catch (error) {
      this.fail(error);
    } finally {
      this.host.removeAttribute("aria-busy");
    }
  }

  fail(error) {
    const state = this.part("state");
    state.hidden = false;
    state.textContent = `The picture could not be drawn. ${error.message} The table shows the same.`;
    this.host.dataset.drawn = "";
    console.warn(error);
  }

  /** Lay out and draw the graph. What stays keeps its order, and what was acted on its place in the
   *  window, as far as the rest stays in view. */
  async show() {
    await this.readColumns();
    this.syncForm();
    const critical = Number(this.params.get("critical") ?? 0);
    const scene = sceneOf({ ...this.graph, levels: this.levels }, { columns: this.columns, critical });
    const before = this.scene ? Object.fromEntries([...this.scene.nodes].map(([key, { x, y }]) => [key, { x, y }])) : {};
    const answer = await laidOut(graphOf(scene, this.down, before));
    if (!answer) return;
    const { laid, milliseconds } = answer;
    for (const [key, node] of scene.nodes) Object.assign(node, laid.places[key]);
    for (const [number, line] of scene.lines.entries()) line.bends = laid.lines[number];
    const anchor = this.anchor && scene.nodes.get(this.anchor) && this.scene?.nodes.get(this.anchor);
    const was = anchor ? { x: anchor.x, y: anchor.y } : null;
    this.scene = scene;
    this.size = laid;
    this.host.dataset.layout = milliseconds.toFixed(1);
    this.part("state").hidden = true;
    this.part("counts").textContent = this.counts();
    const focus = scene.nodes.get(this.graph.focus);
    this.drawing.current = scene.nodes.has(this.drawing.current) ? this.drawing.current : this.graph.focus;
    if (was) {
      const now = scene.nodes.get(this.anchor);
      const { x, y, k } = this.viewport.now;
      this.sizeStage();
      this.drawing.show(scene, { down: this.down });
      this.viewport.set(x + (was.x - now.x) * k, y + (was.y - now.y) * k, k);
      this.viewport.settle(laid);
    } else {
      this.sizeStage();
      this.drawing.show(scene, { down: this.down });
      this.viewport.fit(laid, { x: focus.x + focus.width / 2, y: focus.y + focus.height / 2 });
    }
    this.drawing.makeCurrent(this.drawing.current);
    this.host.dataset.drawn = "";
    this.host.dataset.nodes = String(scene.nodes.size);
  }

  /** A small graph needs no tall stage; one that runs down may nearly fill the window. It never shrinks under the pointer. */
  sizeStage() {
    if (document.fullscreenElement) return;
    const wanted = Math.max(this.size.height + 64, LOW, this.tall);
    this.tall = Math.round(Math.min(wanted, Math.max(innerHeight * (this.down ? 0.8 : 0.68), LOW)));
    this.stage.style.height = `${this.tall}px`;
  }

  counts() {
    const { nodes, lines } = this.scene;
    const count = (number, noun) => `${spaced(number)} ${noun}${number === 1 ? "" : "s"}`;
    const left = this.graph.nodes.length - nodes.size;
    return `${count(nodes.size, "dataset")}, ${count(lines.length, "connection")}${left ? `, ${spaced(left)} less critical left out` : ""}`;
  }

  /** Fields, links and the slider say what the address says. */
  syncForm() {
    const { elements } = this.part("form");
    elements.direction.value = this.params.get("direction") ?? "both";
    elements.depth.value = this.params.get("depth") ?? "1";
    elements.as_of.value = this.asOf();
    const steps = criticalities(this.graph);
    const critical = Number(this.params.get("critical") ?? 0);
    this.steps = steps;
    this.slider.max = String(steps.length - 1);
    this.slider.value = String(Math.max(0, steps.findIndex((step) => step >= critical)));
    this.slider.closest(".dc-explorer-field").hidden = steps.length < 2 && !critical; // nothing to choose
    this.sayCritical(critical);
    const table = changed(this.params, "view", "table");
    this.part("to-table").href = this.address(this.host.dataset.action, table);
    this.part("skip").href = `${this.address(this.host.dataset.action, table)}#lineage-table`;
    this.part("to-picture").href = this.address(this.host.dataset.action);
    this.part("csv").href = this.address(this.part("csv").pathname);
  }

  asOf() {
    const text = this.params.get("as_of");
    if (!text) return "";
    const moment = new Date(/Z|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
    return Number.isNaN(moment.getTime()) ? "" : moment.toISOString().slice(0, 16);
  }

  sayCritical(critical) {
    this.part("critical-text").textContent = spaced(critical);
    this.slider.setAttribute("aria-valuetext", critical ? `${critical} or more depend on it` : "everything");
  }

  slide() {
    const critical = this.steps[Number(this.slider.value)];
    this.params = changed(this.params, "critical", critical || null);
    history.replaceState(null, "", this.address(this.host.dataset.action));
    this.sayCritical(critical);
    this.anchor = this.graph.focus;
    this.show().catch((error) => this.fail(error));
  }

  /** Read the columns of the nodes that are open and were not read yet; those that were closed are forgotten. */
  async readColumns() {
    const open = opened(this.params);
    for (const key of this.columns.keys()) if (!open.has(key)) this.columns.delete(key);
    const shown = new Map(this.graph.nodes.map((node) => [node.key, node]));
    const wanted = [...open].filter((key) => shown.get(key)?.reads && this.columns.get(key)?.page !== (this.columnPages.get(key) ?? 1));
    await Promise.all(
      wanted.map(async (key) => {
        const page = this.columnPages.get(key) ?? 1;
        const answer = await fetch(`${this.host.dataset.columns.replace("/0/", `/${key}/`)}?columns=${page}`);
        if (answer.ok) this.columns.set(key, await answer.json());
      }),
    );
  }

  clicked(event) {
    const part = event.target.closest("[data-act]");
    const node = this.scene?.nodes.get(event.target.closest("[data-key]")?.dataset.key);
    if (part && node) {
      this.drawing.makeCurrent(node.key);
      this.act(part, node);
      return;
    }
    const line = event.target.closest(".dc-line");
    if (line) this.openLine(line.dataset.source, line.dataset.target);
    else if (this.drawing.isFar) this.cameNear(event);
  }

  /** From far away a click leads to what is there. */
  cameNear(event) {
    const { x, y, k } = this.viewport.now;
    const frame = this.svg.getBoundingClientRect();
    const node = this.drawing.nodeAt((event.clientX - frame.left - x) / k, (event.clientY - frame.top - y) / k);
    if (!node) return;
    const near = 0.85;
    this.viewport.set(this.stage.clientWidth / 2 - (node.x + node.width / 2) * near, this.stage.clientHeight / 2 - (node.y + node.height / 2) * near, near);
    this.drawing.focus(node.key);
  }

  focused(event) {
    const group = event.target.closest("[data-key]");
    const node = group && this.scene.nodes.get(group.dataset.key);
    if (!node) return;
    this.drawing.light(node.key);
    if (event.target.matches(":focus-visible")) this.viewport.reveal(node);
  }

  /** Walk to a node, and near enough to read it. */
  go(node) {
    if (this.drawing.isFar) {
      const near = 0.85;
      this.viewport.set(this.stage.clientWidth / 2 - (node.x + node.width / 2) * near, this.stage.clientHeight / 2 - (node.y + node.height / 2) * near, near);
    }
    this.drawing.focus(node.key);
    this.viewport.reveal(node);
  }

  act(part, node) {
    this.anchor = node.key;
    const [act, way] = part.dataset.act.split("-");
    if (act === "open") this.openNode(node);
    else if (act === "more") this.more(node, way);
    else if (act === "fewer") this.moveTo(withPages(this.params, node.key, way, 0));
    else if (act === "columns") this.toggleColumns(node);
    else if (act === "column") this.toggleColumn(node, part.dataset.column);
    else if (act === "page") this.turn(node, way === "next" ? 1 : -1);
  }

  more(node, way) {
    const { shown, total, pages } = node[way];
    if (shown >= total) {
      announce(`All ${total} are shown`);
      return;
    }
    this.anchor = node.key;
    this.moveTo(withPages(this.params, node.key, way, pages + 1));
  }

  toggleColumns(node) {
    this.anchor = node.key;
    this.columnPages.delete(node.key);
    this.params = withOpen(this.params, node.key, !node.isOpen);
    history.pushState(null, "", this.address(this.host.dataset.action));
    this.show().catch((error) => this.fail(error));
  }

  turn(node, by) {
    this.columnPages.set(node.key, node.page.page + by);
    this.show().catch((error) => this.fail(error));
  }

  toggleColumn(node, name) {
    const chosen = column(this.params);
    const isChosen = chosen?.dataset === node.key && chosen.name === name;
    this.change("column", isChosen ? null : `${node.key}:${name}`);
  }

  openNode(node) {
    if (node.hidden) {
      announce("You may not see this dataset.");
      return;
    }
    this.panel.open(this.address(this.host.dataset.node.replace("/0/", `/${node.key}/`))).catch((error) => this.fail(error));
  }

  openLine(source, target) {
    const params = new URLSearchParams(this.params);
    params.set("source", source);
    params.set("target", target);
    this.panel.open(this.address(this.host.dataset.connection, params)).catch((error) => this.fail(error));
  }

  async export(kind) {
    this.host.querySelector(".dc-explorer-actions details[open]")?.removeAttribute("open");
    const name = `lineage-${this.host.dataset.name.replace(/[^\w.-]+/g, "-")}.${kind}`;
    try {
      const file = await svgOf(this.scene, { ...this.size, down: this.down, icons: this.icons, host: this.stage, title: this.svg.getAttribute("aria-label") });
      save(kind === "svg" ? new Blob([file.text], { type: "image/svg+xml" }) : await pngOf(file), name);
      announce(`${name} is saved`);
    } catch (error) {
      announce(`The file could not be made. ${error.message}`);
      console.warn(error);
    }
  }

  toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.host.requestFullscreen?.().catch((error) => announce(`Full screen is not possible here. ${error.message}`));
  }

  fullChanged() {
    const isFull = document.fullscreenElement === this.host;
    this.part("full").setAttribute("aria-pressed", String(isFull));
    if (isFull) this.stage.style.height = "";
    else if (this.scene) this.sizeStage();
  }
}
