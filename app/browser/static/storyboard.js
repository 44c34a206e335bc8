// A time line that shows where it leads: pictures of the film above the place under the pointer.

const film = document.querySelector("#film");
const scrub = document.querySelector("#scrub");
const seek = document.querySelector("#seek");
const picture = document.querySelector("#scrub-picture");
const time = document.querySelector("#scrub-time");
const STEPS = 1000;

const clock = (seconds) => {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};

function show(layout, share) {
  const at = share * film.duration;
  const number = Math.min(layout.count - 1, Math.max(0, Math.round(at / layout.interval_s)));
  const [column, row] = [number % layout.columns, Math.floor(number / layout.columns)];
  picture.style.width = `${layout.tile_width}px`;
  picture.style.height = `${layout.tile_height}px`;
  picture.style.backgroundPosition = `-${column * layout.tile_width}px -${row * layout.tile_height}px`;
  const room = scrub.clientWidth - layout.tile_width;
  picture.style.left = `${Math.min(Math.max(share * scrub.clientWidth - layout.tile_width / 2, 0), Math.max(room, 0))}px`;
  time.textContent = clock(at);
  picture.hidden = false;
}

function tell() {
  seek.setAttribute("aria-valuetext", `${clock(film.currentTime)} of ${clock(film.duration || 0)}`);
}

async function begin() {
  const answer = await fetch(film.dataset.storyboard);
  if (!answer.ok) return;
  const layout = await answer.json();
  if (!(layout.count > 0 && layout.columns > 0 && layout.interval_s > 0)) return;
  const image = new Image();
  image.src = film.dataset.pictures;
  await image.decode();
  picture.style.backgroundImage = `url("${image.src}")`;
  scrub.hidden = false;
  let isHeld = false;
  scrub.addEventListener("pointermove", (event) => {
    const box = seek.getBoundingClientRect();
    if (film.duration) show(layout, Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
  });
  scrub.addEventListener("pointerleave", () => { picture.hidden = !isHeld; });
  seek.addEventListener("pointerdown", () => { isHeld = true; });
  addEventListener("pointerup", () => { isHeld = false; });
  seek.addEventListener("input", () => {
    if (!film.duration) return;
    show(layout, seek.value / STEPS);
    film.currentTime = (seek.value / STEPS) * film.duration;
  });
  seek.addEventListener("blur", () => { picture.hidden = true; });
  film.addEventListener("timeupdate", () => {
    if (!isHeld && film.duration) seek.value = (film.currentTime / film.duration) * STEPS;
    tell();
  });
  tell();
}

begin().catch(() => {}); // without pictures the player's own time line is there
