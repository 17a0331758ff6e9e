// Arrow keys in a tree of nested <details>: up and down move, right opens, left closes or goes to the parent.
export function attach(tree) {
  const visible = () =>
    [...tree.querySelectorAll("summary, .dc-tree-leaf > a")].filter((element) => element.checkVisibility());
  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("summary, .dc-tree-leaf > a");
    if (!item) return;
    const items = visible();
    const at = items.indexOf(item);
    const details = item.matches("summary") ? item.parentElement : null;
    if (event.key === "ArrowDown") items[at + 1]?.focus();
    else if (event.key === "ArrowUp") items[at - 1]?.focus();
    else if (event.key === "Home") items[0].focus();
    else if (event.key === "End") items.at(-1).focus();
    else if (event.key === "ArrowRight" && details && !details.open) details.open = true;
    else if (event.key === "ArrowRight" && details) items[at + 1]?.focus();
    else if (event.key === "ArrowLeft" && details?.open) details.open = false;
    else if (event.key === "ArrowLeft") item.closest("li")?.parentElement.closest("li")?.querySelector("summary")?.focus();
    else return;
    event.preventDefault();
  });
}
