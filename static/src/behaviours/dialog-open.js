// Opens the native dialog named by `data-dialog`. Without JavaScript the link leads to a page that asks the same.
// A dialog that several links share is first filled for the one that was pressed: where it POSTs to, what it asks
// (`data-said`) and the values of its fields (`data-fill`).
const closable = new WeakSet();

export function attach(opener) {
  const dialog = document.getElementById(opener.dataset.dialog);
  if (!dialog) return;
  opener.setAttribute("aria-haspopup", "dialog");
  opener.setAttribute("role", "button");
  const open = (event) => {
    event.preventDefault();
    if ("shared" in dialog.dataset) fill(dialog.querySelector("form"), opener);
    dialog.showModal();
  };
  opener.addEventListener("click", open);
  opener.addEventListener("keydown", (event) => {
    if (event.key === " ") open(event);
  });
  if (!closable.has(dialog)) letClose(dialog);
}

function fill(form, opener) {
  // The link tells the page that asks where to go back to; the form has a field for that.
  const [action] = opener.getAttribute("href").split("?");
  // A form's own `action` is hidden by a field of that name.
  form.reset();
  form.setAttribute("action", action);
  const said = form.querySelector("[data-said]");
  if (said) said.textContent = opener.dataset.said;
  for (const [name, value] of Object.entries(JSON.parse(opener.dataset.fill ?? "{}"))) {
    const field = form.elements.namedItem(name);
    if (field.type === "number") field.max = value;
    field.value = value;
  }
}

function letClose(dialog) {
  closable.add(dialog);
  for (const closer of dialog.querySelectorAll("[data-close]")) {
    closer.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
  }
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
