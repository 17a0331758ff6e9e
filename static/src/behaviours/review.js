// Keys for the review of suggestions: j and k walk, x chooses, a accepts, r rejects, p previews, u undoes, ? shows the keys.
// The form works without them: boxes, fields and buttons.
import { announce } from "../announce.js";

export function attach(form) {
  const groups = [...form.querySelectorAll("[data-review-group]")];
  const boxOf = (group) => group.querySelector("input[type=checkbox]");
  const here = () => groups.findIndex((group) => group.contains(document.activeElement));

  function walk(step) {
    const from = here();
    const next = groups[from < 0 ? (step > 0 ? 0 : groups.length - 1) : Math.min(Math.max(from + step, 0), groups.length - 1)];
    if (!next) return;
    boxOf(next).focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // What is chosen, or else the group that has the focus.
  function choose() {
    if (groups.some((group) => boxOf(group).checked)) return true;
    const index = here();
    if (index < 0) {
      announce("Choose a group first: j walks, x chooses.");
      return false;
    }
    boxOf(groups[index]).checked = true;
    return true;
  }

  const actions = {
    j: () => walk(1),
    k: () => walk(-1),
    x: () => {
      const index = here();
      if (index >= 0) boxOf(groups[index]).click();
    },
    a: () => choose() && form.requestSubmit(form.querySelector("[data-review-accept]")),
    r: () => choose() && form.elements.reason.focus(),
    p: () => choose() && form.requestSubmit(form.querySelector("[data-review-preview]")),
    u: () => document.querySelector("[data-review-undo]")?.click(),
    "?": () => {
      const help = form.querySelector("[data-review-help]");
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
    },
  };

  // After a preview the reader goes on there.
  form.querySelector("#withdrawals")?.focus();

  document.addEventListener("keydown", (event) => {
    if (!form.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === form.elements.reason && event.key === "Enter") {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-review-reject]"));
      return;
    }
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
