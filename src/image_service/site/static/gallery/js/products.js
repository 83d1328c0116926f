// The list beside: products that have pictures, and those that are on none.

import { api } from "./http.js";
import { byId, clone, show } from "./dom.js";
import { locale, onLanguage, text } from "./texts.js";

const PER_PAGE = 50;

let products = [];
let total = 0;
let unassigned = 0;

onLanguage(draw);

async function page(since) {
  const { body, header } = await api("GET", `products?per_page=${PER_PAGE}&since_id=${since}&fields=id,images_count,image`);
  return { body, rest: Number(header("X-Total-Count")) };
}

// From the start, as far as it was shown before.
export async function loadProducts() {
  const before = Math.max(products.length, 1);
  const found = [];
  do {
    const { body, rest } = await page(found.at(-1)?.id ?? 0);
    total = found.length + rest;
    found.push(...body);
    if (body.length === 0) break;
  } while (found.length < before && found.length < total);
  products = found;
  const { header } = await api("GET", "images?assigned=false&per_page=1&fields=id");
  unassigned = Number(header("X-Total-Count"));
  draw();
}

export async function moreProducts() {
  const { body, rest } = await page(products.at(-1).id);
  total = products.length + rest;
  products.push(...body);
  draw();
}

function draw() {
  byId("products-count").textContent = total.toLocaleString(locale());
  byId("orphans-count").textContent = text("pictures.count", { count: unassigned });
  byId("products").replaceChildren(...products.map(entry));
  show(byId("no-products"), total === 0);
  show(byId("more-products"), products.length < total);
  markCurrent();
}

function entry({ id, images_count: count, image }) {
  const item = clone("product-entry");
  item.querySelector("a").href = `#/products/${id}`;
  item.querySelector("strong").textContent = id;
  item.querySelector(".what span").textContent = text("pictures.count", { count });
  const img = item.querySelector("img");
  // The size is one of those that the service comes with. An installation that offers others has the larger one.
  img.addEventListener("error", () => (img.src = image.src), { once: true });
  img.src = image.src.replace(/-640-0(\.\w+)$/, "-100-0$1");
  return item;
}

// The one that is open is marked as such.
export function markCurrent() {
  for (const link of document.querySelectorAll(".side .entry")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
