// Everywhere, therefore small: htmx and the binding of behaviours. Each behaviour is a module that exports
// `attach(element)`; it is bound once to each element that names it in `data-behaviour="one two"`.
import "htmx.org";
import { attach as chooseSome } from "./behaviours/choose-some.js";
import { attach as combobox } from "./behaviours/combobox.js";
import { attach as copy } from "./behaviours/copy.js";
import { attach as dialogOpen } from "./behaviours/dialog-open.js";
import { attach as dismiss } from "./behaviours/dismiss.js";
import { attach as inbox } from "./behaviours/inbox.js";
import { attach as live } from "./behaviours/live.js";
import { attach as log } from "./behaviours/log.js";
import { attach as menu } from "./behaviours/menu.js";
import { attach as relativeTime } from "./behaviours/relative-time.js";
import { attach as review } from "./behaviours/review.js";
import { attach as shortcut } from "./behaviours/shortcut.js";
import { attach as submitOnChange } from "./behaviours/submit-on-change.js";
import { attach as theme } from "./behaviours/theme.js";
import { attach as tree } from "./behaviours/tree.js";

const behaviours = {
  "choose-some": chooseSome,
  combobox,
  copy,
  "dialog-open": dialogOpen,
  dismiss,
  inbox,
  live,
  log,
  menu,
  "relative-time": relativeTime,
  review,
  shortcut,
  "submit-on-change": submitOnChange,
  theme,
  tree,
  "lineage-explorer": async (element) => (await import("./behaviours/lineage-explorer.js")).attach(element),
  plot: async (element) => (await import("./behaviours/plot.js")).attach(element),
};

const bound = new WeakMap();

function bind(scope) {
  const elements = [...scope.querySelectorAll("[data-behaviour]")];
  if (scope.matches?.("[data-behaviour]")) elements.unshift(scope);
  for (const element of elements) {
    const done = bound.get(element) ?? new Set();
    bound.set(element, done);
    for (const name of element.dataset.behaviour.split(/\s+/)) {
      if (done.has(name)) continue;
      done.add(name);
      if (behaviours[name]) behaviours[name](element);
      else console.warn(`Unknown behaviour "${name}"`, element);
    }
  }
}

bind(document);
document.addEventListener("htmx:load", (event) => bind(event.detail.elt));
