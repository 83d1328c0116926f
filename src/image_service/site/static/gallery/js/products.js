// The list of products, and the entry for unassigned pictures.

import { api } from "./http.js";
import { byId, clone, show } from "./dom.js";
import { locale, onLanguage, text } from "./texts.js";

const PER_PAGE = 50;
const PAUSE = 150; // milliseconds after the last key press before the search starts

let products = [];
let total = 0;
let unassigned = 0;
let words = ""; // the search's words; empty: all products are shown
let latest = 0; // the latest search; answers of earlier ones are dropped

onLanguage(draw);

async function page(since) {
  const query = `per_page=${PER_PAGE}&since_id=${since}&fields=id,name,key,images_count,image${words && `&q=${encodeURIComponent(words)}`}`;
  const { body, header } = await api("GET", `products?${query}`);
  return { body, rest: Number(header("X-Total-Count")) };
}

// Loads from the start, as many as were shown before.
export async function loadProducts() {
  const mine = ++latest;
  const before = Math.max(products.length, 1);
  const found = [];
  let all = 0;
  do {
    const { body, rest } = await page(found.at(-1)?.id ?? 0);
    all = found.length + rest;
    found.push(...body);
    if (body.length === 0) break;
  } while (found.length < before && found.length < all);
  const { header } = await api("GET", "images?assigned=false&per_page=1&fields=id");
  if (mine !== latest) return;
  products = found;
  total = all;
  unassigned = Number(header("X-Total-Count"));
  draw();
}

// The list shows what is found as the user types.
export function startFinding(onError) {
  const input = byId("find-products");
  let timer;
  input.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      words = input.value.trim();
      loadProducts().catch(onError);
    }, PAUSE);
  };
}

export async function moreProducts() {
  const mine = ++latest;
  const { body, rest } = await page(products.at(-1).id);
  if (mine !== latest) return;
  total = products.length + rest;
  products.push(...body);
  draw();
}

function draw() {
  byId("products-count").textContent = total.toLocaleString(locale());
  byId("orphans-count").textContent = text("pictures.count", { count: unassigned });
  byId("products").replaceChildren(...products.map(entry));
  byId("no-products").textContent = text(words ? "products.not_found" : "products.none");
  show(byId("no-products"), total === 0);
  show(byId("more-products"), products.length < total);
  markCurrent();
}

function entry({ id, name, key, images_count: count, image }) {
  const item = clone("product-entry");
  const pictures = text("pictures.count", { count });
  item.querySelector("a").href = `#/products/${id}`;
  item.querySelector("strong").textContent = name ?? key ?? id;
  item.querySelector(".what span").textContent = name ?? key ? `${(name && key) ?? id} · ${pictures}` : pictures;
  const img = item.querySelector("img");
  if (!image) {
    img.remove();
    return item;
  }
  // 100 is one of the default sizes. If an installation does not offer it, the list shows the 640 of `image.src`.
  img.addEventListener("error", () => (img.src = image.src), { once: true });
  img.src = image.src.replace(/-640-0(\.\w+)$/, "-100-0$1");
  return item;
}

// Marks the open product.
export function markCurrent() {
  for (const link of document.querySelectorAll(".side .entry")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}
