// Focuses this field when the key named in `data-shortcut` is pressed outside any field.
export function attach(field) {
  document.addEventListener("keydown", (event) => {
    if (event.key !== field.dataset.shortcut || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    event.preventDefault();
    field.focus();
    field.select?.();
  });
}
