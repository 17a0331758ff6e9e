// Keys for the inbox: j and k walk, a approves, r refuses, ? shows the keys. Without them: links, buttons and forms.
export function attach(list) {
  const items = () => [...list.querySelectorAll("[data-inbox-item]")];
  const here = () => items().findIndex((item) => item.contains(document.activeElement));

  function walk(step) {
    const all = items();
    const from = here();
    const next = all[from < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(from + step, 0), all.length - 1)];
    next?.querySelector("[data-inbox-open]").focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  // The mark is on the button or the summary itself, or on what holds the link that opens a dialog.
  function press(mark) {
    const marked = items()[here()]?.querySelector(`[data-inbox-${mark}]`);
    (marked?.matches("button, summary") ? marked : marked?.querySelector("a"))?.click();
  }

  const actions = {
    j: () => walk(1),
    k: () => walk(-1),
    a: () => press("yes"),
    r: () => press("no"),
    "?": () => {
      const help = list.querySelector("[data-inbox-help]");
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
    },
  };

  document.addEventListener("keydown", (event) => {
    if (!list.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
