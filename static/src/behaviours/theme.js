// The theme chooser: light, dark, or whatever the system says. theme.js in the head applies the choice.
const root = document.documentElement;

function apply(choice) {
  if (choice === "auto") delete root.dataset.bsTheme;
  else root.dataset.bsTheme = choice;
  document.dispatchEvent(new CustomEvent("theme-change"));
}

function stored() {
  try {
    return localStorage.getItem("theme") ?? "auto";
  } catch {
    return root.dataset.bsTheme ?? "auto";
  }
}

export function attach(group) {
  for (const input of group.querySelectorAll("input")) {
    input.checked = input.value === stored();
    input.addEventListener("change", () => {
      try {
        localStorage.setItem("theme", input.value);
      } catch {
        // Without storage the choice lasts for this page.
      }
      apply(input.value);
    });
  }
}
