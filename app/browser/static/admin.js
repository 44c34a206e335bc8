// Rows of running jobs, kept up to date; without this script a link refreshes the page.

const EVERY_MS = 1000;
const AGAIN_MS = 5000;

async function follow(row) {
  const lost = row.parentElement.querySelector("[data-lost]");
  while (row.isConnected && !row.querySelector("[data-over]")) {
    await new Promise((resolve) => setTimeout(resolve, lost && !lost.hidden ? AGAIN_MS : EVERY_MS));
    if (document.hidden) continue;
    try {
      const answer = await fetch(row.dataset.live, { headers: { Accept: "text/html" } });
      if (answer.redirected || (answer.status >= 400 && answer.status < 500)) return;
      if (!answer.ok) throw new Error(answer.status);
      show(row, await answer.text());
      if (lost) lost.hidden = true;
    } catch {
      if (lost) lost.hidden = false;
    }
  }
  if (row.isConnected) await refresh();
}

// What has the focus keeps it: a link or button is found again by its place.
function show(row, html) {
  const inside = [...row.querySelectorAll("a, button")];
  const place = inside.indexOf(document.activeElement);
  row.innerHTML = html;
  if (place >= 0) row.querySelectorAll("a, button")[place]?.focus();
  row.dispatchEvent(new CustomEvent("velour:changed", { bubbles: true }));
}

// A job is over: the parts of the page that it changed are read again.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const next = fresh.getElementById(part.id);
    if (!next) continue;
    part.replaceWith(next);
    next.dispatchEvent(new CustomEvent("velour:changed", { bubbles: true }));
    next.querySelectorAll("[data-live]").forEach(followOnce);
  }
}

const followed = new WeakSet();
function followOnce(row) {
  if (followed.has(row) || row.querySelector("[data-over]")) return;
  followed.add(row);
  follow(row);
}
document.querySelectorAll("[data-live]").forEach(followOnce);

// On a phone the navigation scrolls sideways: the section one is in must show.
const rail = document.querySelector(".rail-inner");
const here = rail?.querySelector("[aria-current]");
if (here) rail.scrollLeft = here.offsetLeft - (rail.clientWidth - here.offsetWidth) / 2;

const copy = document.querySelector("[data-copy]");
if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.querySelector("[data-copied]").textContent);
    copy.textContent = "Copied";
  });
}
