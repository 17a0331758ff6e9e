// Keeps a growing log at its end, unless the reader has scrolled up; remembers that across polls.
const away = new Map();

export function attach(box) {
  const place = away.get(box.id);
  box.scrollTop = place === undefined ? box.scrollHeight : place;
  box.addEventListener("scroll", () => {
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    if (atEnd) away.delete(box.id);
    else away.set(box.id, box.scrollTop);
  });
}
