// The page as a whole: sign-in, what is open, and the actions on it.

import { arrivals } from "./arrivals.js";
import { drawArriving, startArriving } from "./arriving.js";
import { byId, show } from "./dom.js";
import { closeDetails, openDetails } from "./details.js";
import { draw } from "./grid.js";
import { startIntake } from "./intake.js";
import { closeLarge, openLarge } from "./lightbox.js";
import { toast } from "./messages.js";
import { Lost } from "./http.js";
import { startMoving } from "./moving.js";
import { Conflict, Gallery, Orphans } from "./pictures.js";
import { called, startNaming } from "./naming.js";
import { loadProducts, markCurrent, moreProducts, startFinding } from "./products.js";
import { carryOut, remove, startRemoval } from "./removal.js";
import { canWrite, isSignedIn, signIn, signOut, storeId, storeName } from "./session.js";
import { onLanguage, ready, startLanguages, text } from "./texts.js";
import { startTray } from "./tray.js";
import { uploads } from "./uploads.js";
import { taken } from "./words.js";

let pictures = null; // of the open product, or the unassigned ones
const isOpen = (each) => each === pictures;

// --- what is open ---

function opened() {
  if (location.hash === "#/orphans") return new Orphans();
  const [, product] = /^#\/products\/([1-9][0-9]{0,18})$/.exec(location.hash) ?? [];
  return product ? new Gallery(product) : null;
}

async function route({ isFirst = false } = {}) {
  closeLarge();
  carryOut();
  pictures = opened();
  document.body.dataset.view = pictures ? "pictures" : "list";
  show(byId("welcome"), !pictures);
  show(byId("pictures"), Boolean(pictures));
  show(byId("conflict"), false);
  markCurrent();
  if (!pictures) return;
  nameIt();
  byId("count").textContent = "\u00a0"; // keeps the line's height until the number is known
  show(byId("empty"), false);
  show(byId("hint"), false);
  show(byId("from-url"), pictures.isOrdered);
  show(byId("name-product"), pictures.isOrdered);
  draw([], {});
  drawArriving(pictures.product);
  pictures.addEventListener("change", (event) => isOpen(event.target) && redraw());
  if (!isFirst) byId("title").focus();
  await Promise.all([load(pictures), learnName(pictures)]);
}

const known = () => pictures?.called ?? {};

function nameIt() {
  const number = () => text("products.one", { product: pictures.product });
  const title = pictures ? (pictures.isOrdered ? (known().name ?? known().key ?? number()) : text("products.unassigned")) : text("page.title");
  byId("title").textContent = title;
  document.title = `${title} · image-service`;
}

async function learnName(each) {
  if (!each.isOrdered) return;
  each.called = await called(each.product).catch(() => ({})); // without a name, its number is shown
  if (isOpen(each)) nameIt();
}

async function load(each) {
  if (each.images.length === 0) byId("grid").setAttribute("aria-busy", "true");
  show(byId("skeleton"), !each.isLoaded);
  show(byId("unreachable"), false);
  try {
    await each.load();
    each.isLoaded = true;
    if (!isOpen(each)) return;
    show(byId("conflict"), false);
    showEmpty();
  } catch (error) {
    if (isOpen(each)) unreachable(each, error);
  } finally {
    if (isOpen(each)) byId("grid").removeAttribute("aria-busy");
    if (isOpen(each)) show(byId("skeleton"), false);
  }
}

function unreachable(each, error) {
  const place = byId("unreachable");
  place.querySelector("p").textContent = error.message;
  place.querySelector("button").onclick = () => load(each);
  show(place, true);
}

function redraw() {
  const { visible, isOrdered, hasMore } = pictures;
  const gone = pictures.images.length - visible.length;
  const count = pictures.total - gone;
  byId("count").textContent = text("pictures.count", { count });
  show(byId("hint"), isOrdered && count > 1 && canWrite());
  const onOpen = (image) => openLarge(pictures.visible, pictures.visible.findIndex(({ id }) => id === image.id), edit);
  draw(visible, { isOrdered, onOpen, onEdit: (image) => edit(image), onDelete: (image) => remove(pictures, image) });
  showEmpty();
  byId("empty").querySelector("h2").textContent = text(isOrdered ? "empty.title" : "empty.unassigned_title");
  byId("empty").querySelector("p").textContent = text(isOrdered ? "empty.text" : "empty.unassigned_text");
  show(byId("empty").querySelector("p"), canWrite());
  byId("taken").textContent = taken();
  show(byId("more-orphans"), Boolean(hasMore));
}

function showEmpty() {
  if (!pictures?.isLoaded) return;
  const { images, visible, total, product } = pictures;
  show(byId("empty"), total - images.length + visible.length + arrivals.of(product).length === 0);
}

// --- actions ---

// `field`: the id of the field that gets the focus.
function edit(image, field) {
  const each = pictures;
  openDetails(each, each.find(image.id) ?? image, {
    onDelete: (current) => remove(each, current),
    onAssigned: (product) => {
      toast(text("details.assigned", { product }), { action: [text("details.open_product"), () => (location.hash = `#/products/${product}`)] });
      refreshProducts();
    },
  });
  if (field) byId(field)?.focus();
}

async function move(id, place, each = pictures) {
  try {
    await each.move(each.find(id), place);
    if (place === 0) refreshProducts(); // the list shows the main picture, which has changed
  } catch (error) {
    each.changed(); // draws the saved order again
    if (error instanceof Lost) moveAgain(id, place, each);
    else report(each, error);
  }
}

// The connection was lost, perhaps after the move was made: load first, then move only if it is not there yet.
function moveAgain(id, place, each) {
  const again = async () => {
    try {
      await each.load();
    } catch {
      return moveAgain(id, place, each);
    }
    const now = each.visible.findIndex((image) => image.id === id);
    if (now !== -1 && now !== place) await move(id, place, each);
  };
  toast(text("move.undone"), { action: [text("move.repeat"), again], stays: 20_000 });
}

function report(each, error) {
  if (!(error instanceof Conflict)) toast(error.message);
  else if (!isOpen(each)) toast(text("conflict.deletion"));
  else show(byId("conflict"), true);
}

const refreshProducts = () => loadProducts().catch((error) => toast(error.message));

// The language has changed. Details with an unsaved text stay open as they are, so that the text is not lost.
function speak() {
  closeDetails();
  greet();
  nameIt();
  if (pictures?.isLoaded) redraw();
}

function greet() {
  byId("store").textContent = storeName() || text("page.store", { store: storeId() });
  byId("store").title = text("page.store", { store: storeId() });
  document.body.dataset.scope = canWrite() ? "write" : "read";
}

async function start() {
  if (isSignedIn() && opened()) {
    document.body.dataset.view = "pictures";
    show(byId("pictures"), true);
    show(byId("skeleton"), true); // before the texts have loaded
  }
  await ready;
  startLanguages();
  onLanguage(speak);
  byId("sign-out").onclick = async () => {
    await carryOut();
    signOut();
  };
  byId("load-new").onclick = async () => {
    await load(pictures);
    byId("title").focus();
  };
  byId("more-products").onclick = () => moreProducts().catch((error) => toast(error.message));
  byId("more-orphans").onclick = () => pictures.more().catch((error) => toast(error.message));
  byId("open-product").onsubmit = (event) => {
    event.preventDefault();
    location.hash = `#/products/${byId("product-number").value}`;
    byId("product-number").value = "";
  };
  startFinding((error) => toast(error.message));
  startNaming(() => pictures?.product, known, (product, named) => {
    if (pictures?.product === product) {
      pictures.called = named;
      nameIt();
      load(pictures); // naming changes the ETag
    }
    refreshProducts();
  });
  startTray();
  startIntake(() => (pictures ? pictures.product : null));
  uploads.startLooking((product) => (pictures && pictures.product === product ? pictures.visible : []));
  startRemoval(report, refreshProducts);
  startMoving(
    () => canWrite() && pictures?.isOrdered && pictures.visible.length > 1,
    move,
    () => redraw(),
  );
  uploads.addEventListener("added", ({ detail: { upload, image } }) => {
    if (pictures?.product === upload.product) pictures.added(image);
  });
  uploads.addEventListener("drained", () => {
    if (pictures) load(pictures);
    refreshProducts();
  });
  startArriving(() => pictures?.product);
  arrivals.addEventListener("change", showEmpty);
  addEventListener("hashchange", () => route());
  addEventListener("pageshow", (event) => event.persisted && pictures && load(pictures));
  if (!isSignedIn()) await signIn();
  greet();
  arrivals.start(async (here) => {
    if (here.some(({ product }) => product === pictures?.product)) await load(pictures);
    toast(text("upload.added", { count: here.length }));
    refreshProducts();
  });
  await Promise.all([refreshProducts(), route({ isFirst: true })]);
  if (!pictures && matchMedia("(hover: hover)").matches) byId("product-number").focus(); // not on a phone, where the keyboard would open
}

start();
