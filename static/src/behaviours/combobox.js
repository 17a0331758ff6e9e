// Suggestions under a search box, after the ARIA combobox pattern: focus stays in the box, arrows move through
// the options, Enter opens the chosen one, Escape closes. htmx fetches the options; without it the form submits.
export function attach(input) {
  const list = document.getElementById(input.dataset.list);
  let active = -1;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const options = () => [...list.querySelectorAll('[role="option"]')];

  function show(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) choose(-1);
  }

  function choose(index) {
    const all = options();
    active = index;
    all.forEach((option, position) => option.setAttribute("aria-selected", String(position === index)));
    if (index < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", all[index].id);
      all[index].scrollIntoView({ block: "nearest" });
    }
  }

  list.addEventListener("htmx:afterSwap", () => {
    active = -1;
    show(document.activeElement === input && input.value.trim() !== "" && options().length > 0);
  });
  input.addEventListener("input", () => {
    if (input.value.trim() === "") show(false);
  });
  input.addEventListener("focus", () => {
    if (input.value.trim() !== "" && options().length) show(true);
  });
  input.addEventListener("blur", (event) => {
    if (!list.contains(event.relatedTarget)) show(false);
  });
  // A click must not blur the box before it reaches the link.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("keydown", (event) => {
    const count = options().length;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show(false);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && count) {
      event.preventDefault();
      if (list.hidden) show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(active < 0 && step < 0 ? count - 1 : (active + step + count) % count);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      options()[active].click();
    }
  });
}
