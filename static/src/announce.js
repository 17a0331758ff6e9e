// One polite live region for the whole page; saying the same thing twice is said once.
export function announce(sentence) {
  const region = document.getElementById("announcer");
  if (region && region.textContent !== sentence) region.textContent = sentence;
}
