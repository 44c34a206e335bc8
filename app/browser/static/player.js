// The player page plays without this. With it: the place is kept, keys work, failures say why.

const film = document.querySelector("#film");
const failure = document.querySelector("#failure");
const source = film.src.split("#")[0];
const SAVE_EVERY_S = 10;
const FRAME_S = 1 / 25;
let saved = Number(film.dataset.start);
let resumeAt = saved;

// Place in the film

function save() {
  const at = film.currentTime;
  if (!film.readyState || Math.abs(at - saved) < 1) return;
  saved = at;
  const body = new URLSearchParams({ position: at.toFixed(1), csrf_token: film.dataset.token });
  fetch(film.dataset.progress, { method: "POST", body, keepalive: true }).catch(() => { saved = 0; });
}

film.addEventListener("loadedmetadata", () => {
  const isNearEnd = film.duration && resumeAt > film.duration * 0.95;
  if (resumeAt > 0 && !isNearEnd) film.currentTime = resumeAt;
  film.play().catch(() => {}); // browsers may want a press of a key first
});
film.addEventListener("timeupdate", () => {
  for (const link of document.querySelectorAll("[data-source]")) {
    const address = new URL(link.href);
    address.searchParams.set("t", film.currentTime.toFixed(0));
    link.href = address;
  }
  if (Math.abs(film.currentTime - saved) >= SAVE_EVERY_S) save();
});
film.addEventListener("pause", save);
film.addEventListener("ended", save);
film.addEventListener("ended", () => document.fullscreenElement || document.querySelector("[data-next]")?.focus());
addEventListener("pagehide", save);
document.addEventListener("visibilitychange", () => document.hidden && save());

// Failures

const WORDS = {
  403: "The link to this film is no longer valid. Reload the page.",
  404: "The file is no longer there.",
  502: "The place that keeps this film does not answer as it should. It is tried again when you press the button.",
  503: "The place that keeps this film does not answer. It is tried again when you press the button.",
  504: "The place that keeps this film does not answer in time. It is tried again when you press the button.",
};

const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;

async function explain() {
  resumeAt = film.currentTime || resumeAt;
  let text = "This browser cannot play the file. Another version or a video player may.";
  try {
    const answer = await fetch(source, { headers: { Range: "bytes=0-0" }, cache: "no-store" });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      const detail = problem.detail && problem.detail !== problem.title ? problem.detail : "";
      text = [WORDS[answer.status] ?? "The film cannot be had at the moment.", sentence(detail)].join(" ");
    } else if (film.error?.code === MediaError.MEDIA_ERR_NETWORK) {
      text = "The film was cut off on its way. Your place is kept.";
    }
  } catch {
    text = "This node does not answer. Check the network; your place is kept.";
  }
  document.querySelector("#failure-text").textContent = text;
  failure.hidden = false;
}
film.addEventListener("error", explain);
if (film.error) explain();
document.querySelector("#again").addEventListener("click", () => {
  failure.hidden = true;
  film.src = source;
  film.load();
  film.focus();
});

// Keys

const move = (seconds) => {
  film.currentTime = Math.min(Math.max(film.currentTime + seconds, 0), film.duration || 0);
};
const louder = (step) => {
  film.muted = false;
  film.volume = Math.min(Math.max(film.volume + step, 0), 1);
};
const step = (direction) => {
  film.pause();
  move(direction * FRAME_S);
};
const toggle = () => (film.paused ? film.play() : film.pause());
const fullScreen = () =>
  document.fullscreenElement ? document.exitFullscreen() : film.requestFullscreen?.();
// One track after the other, then none.
const captions = () => {
  const tracks = [...film.textTracks];
  const now = tracks.findIndex((track) => track.mode === "showing");
  for (const [place, track] of tracks.entries()) track.mode = place === now + 1 ? "showing" : "disabled";
};
const following = document.querySelector("[data-next]");
const next = () => following?.click();
const KEYS = {
  " ": toggle, k: toggle, f: fullScreen, c: captions, n: next,
  m: () => { film.muted = !film.muted; },
  ArrowLeft: () => move(-10), ArrowRight: () => move(10), j: () => move(-10), l: () => move(10),
  ArrowUp: () => louder(0.1), ArrowDown: () => louder(-0.1),
  ",": () => step(-1), ".": () => step(1),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isControl = event.target !== film && event.target.closest("a, button, summary, input");
  if (isControl && (event.key === " " || event.key === "Enter")) return;
  const isTenth = event.key >= "0" && event.key <= "9" && event.key.length === 1;
  const action = isTenth ? () => { film.currentTime = film.duration * event.key * 0.1; } : KEYS[event.key];
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}, { capture: true });
