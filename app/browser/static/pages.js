// What every page can do with JavaScript: "/" searches, arrows move in grids, exact local times.

const isTyping = (target) => target.closest("input, select, textarea, video, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key.startsWith("Arrow")) {
    moveFocus(event);
  }
});

// A remote control is arrows, enter and back: the nearest link in that direction gets the focus.
function moveFocus(event) {
  const cards = [...document.querySelectorAll("[data-grid] > * > a, [data-grid] > a")];
  const here = cards.includes(document.activeElement) ? document.activeElement : null;
  if (!here) {
    if (event.key === "ArrowDown" && document.activeElement === document.body && cards[0]) {
      event.preventDefault();
      cards[0].focus();
    }
    return;
  }
  const from = here.getBoundingClientRect();
  const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
  const sign = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
  let best = null;
  let bestWay = Infinity;
  for (const card of cards) {
    const to = card.getBoundingClientRect();
    const along = sign * (sideways ? to.left - from.left : to.top - from.top);
    const across = Math.abs(sideways ? to.top - from.top : to.left - from.left);
    if (card === here || along < 8 || (sideways && across > from.height / 2)) continue;
    const way = along + across * 3;
    if (way < bestWay) [best, bestWay] = [card, way];
  }
  if (!best) return;
  event.preventDefault();
  best.focus();
  best.scrollIntoView({ block: "nearest" });
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const text = local.format(new Date(time.dateTime));
    time.title = text;
    if (time.dataset.show === "exact") time.textContent = text;
  }
}
localTimes(document);
document.addEventListener("velour:changed", (event) => localTimes(event.target));

// A picture that is not there uncovers the title beneath it.
for (const image of document.querySelectorAll(".still img")) {
  const gone = () => image.remove();
  if (image.complete && !image.naturalWidth && image.currentSrc) gone();
  else image.addEventListener("error", gone);
}

document.querySelector("#errors")?.focus();
