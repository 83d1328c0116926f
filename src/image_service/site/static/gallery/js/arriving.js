// The placeholder tiles of pictures that the service is fetching.

import { arrivals } from "./arrivals.js";
import { byId, clone, show } from "./dom.js";
import { say, toast } from "./messages.js";
import { onLanguage, text } from "./texts.js";
import { failure } from "./words.js";

const tiles = new Map(); // arrival -> its tile

// `target()` is the number of the product that is open.
export function startArriving(target) {
  const draw = () => drawArriving(target());
  onLanguage(draw);
  arrivals.addEventListener("change", draw);
  arrivals.addEventListener("failed", ({ detail: { arrival } }) => {
    const words = `${named(arrival)}: ${said(arrival)}`;
    if (arrival.product === target()) say(words);
    else toast(words);
  });
}

export function drawArriving(product) {
  const shown = arrivals.of(product);
  for (const [arrival, tile] of tiles) if (!shown.includes(arrival)) forget(arrival, tile);
  for (const arrival of shown) fill(tiles.get(arrival) ?? made(arrival), arrival);
  show(byId("arriving"), shown.length > 0);
}

function forget(arrival, tile) {
  const hadFocus = tile.contains(document.activeElement);
  tile.remove();
  tiles.delete(arrival);
  if (hadFocus) byId("title").focus();
}

function made(arrival) {
  const tile = clone("arrival");
  for (const name of tile.querySelectorAll(".name")) name.textContent = named(arrival);
  tile.title = arrival.url;
  tile.querySelector("progress").setAttribute("aria-label", named(arrival));
  tile.querySelector(".again").onclick = () => {
    tile.focus(); // the button that had the focus is removed
    arrivals.again(arrival);
  };
  tile.querySelector(".end").onclick = () => arrivals.remove(arrival);
  byId("arriving").append(tile);
  tiles.set(arrival, tile);
  return tile;
}

function fill(tile, arrival) {
  const hasFailed = arrival.state === "failed";
  tile.classList.toggle("is-refused", hasFailed);
  tile.querySelector(".state").textContent = said(arrival);
  tile.querySelector(".again > :first-child").textContent = text("page.try_again");
  tile.querySelector(".end > :first-child").textContent = text("arriving.remove");
  show(tile.querySelector("progress"), !hasFailed);
  show(tile.querySelector(".again"), hasFailed && arrival.mayRetry);
  show(tile.querySelector(".end"), hasFailed);
}

function said(arrival) {
  const { state, message, seconds } = arrival;
  if (state === "failed") return message || failure(arrival);
  if (state === "again") return text("arriving.again", { reason: failure(arrival) });
  if (message) return text(message, { seconds });
  return text(state === "waiting" ? "upload.waiting" : "upload.fetching");
}

// The last part of the URL's path, decoded.
function named({ url }) {
  try {
    const { pathname, host } = new URL(url);
    return decodeURIComponent(pathname.split("/").findLast(Boolean) ?? host);
  } catch {
    return url;
  }
}
