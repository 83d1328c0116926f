// The page as a whole: sign-in, what is open, and the actions on it.

import { arrivals } from "./arrivals.js";
import { drawArriving, startArriving } from "./arriving.js";
import { byId, show } from "./dom.js";
import { closeDetails, isWriting, openDetails } from "./details.js";
import { Gallery, moved } from "./gallery.js";
import { draw } from "./grid.js";
import { startIntake } from "./intake.js";
import { closeLarge, openLarge } from "./lightbox.js";
import { toast } from "./messages.js";
import { Lost } from "./http.js";
import { isMoving, startMoving } from "./moving.js";
import { called, startNaming } from "./naming.js";
import { isNumber, startNumbers } from "./numbers.js";
import { Orphans } from "./orphans.js";
import { Conflict, isChanging, resumed, settled } from "./pictures.js";
import { loadProducts, markCurrent, moreProducts, startFinding } from "./products.js";
import { carryOut, remove, startRemoval } from "./removal.js";
import { canWrite, isSignedIn, onSession, signIn, signOut, storeId, storeName } from "./session.js";
import { onLanguage, ready, startLanguages, text } from "./texts.js";
import { startTray } from "./tray.js";
import { uploads } from "./uploads.js";
import { taken } from "./words.js";

let pictures = null; // of the open product, or the unassigned ones
const isOpen = (each) => each === pictures;

// --- what is open ---

function opened() {
  if (location.hash === "#/orphans") return resumed(new Orphans());
  const [, product] = /^#\/products\/(.+)$/.exec(location.hash) ?? [];
  return isNumber(product) ? resumed(new Gallery(product)) : null;
}

const onChange = ({ target }) => isOpen(target) && redraw();

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
  pictures.addEventListener("change", onChange);
  if (pictures.isLoaded) redraw();
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
  const found = await called(each.product).catch(() => ({})); // without a name, its number is shown
  each.called ??= found; // it may have been named meanwhile
  if (isOpen(each)) nameIt();
}

async function load(each) {
  if (each.images.length === 0) byId("grid").setAttribute("aria-busy", "true");
  show(byId("skeleton"), !each.isLoaded);
  show(byId("unreachable"), false);
  try {
    await each.load();
    each.isLoaded = true;
    if (isOpen(each)) showEmpty();
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
  if (!pictures || isMoving()) return; // the tiles stay as they are until the picture is put down
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

// `left`: the ids of the pictures that are then left of it.
async function move(id, left, each = pictures) {
  if (!each?.find(id)) return redraw(); // it was deleted, or something else opened, meanwhile
  try {
    await each.moveBehind(each.find(id), left);
    if (left.length === 0) refreshProducts(); // the list shows the main picture, which has changed
  } catch (error) {
    if (error instanceof Lost) moveAgain(id, left, each);
    else report(each, error);
  }
}

// The connection was lost, perhaps after the move was made: load first, then move only if it is not there yet.
function moveAgain(id, left, each) {
  const again = async () => {
    try {
      await each.load();
    } catch {
      return moveAgain(id, left, each);
    }
    const wanted = moved(each.visible, { id, left });
    if (each.visible.some((image, place) => image !== wanted[place])) await move(id, left, each);
  };
  toast(text("move.undone"), { action: [text("move.repeat"), again], stays: 20_000 });
}

// `elsewhere`: what a conflict means if those pictures are no longer open.
function report(each, error, elsewhere = error.message) {
  if (!(error instanceof Conflict)) toast(error.message);
  else if (!isOpen(each)) toast(elsewhere);
  else show(byId("conflict"), true);
}

// How many pictures this page may be adding to those of `each` right now.
const arriving = ({ product }) =>
  uploads.sending(product) + arrivals.of(product).filter(({ state }) => state !== "failed").length;

let isLeaving = false; // the user has signed out, and need not be asked again

// First all changes that are under way are finished. If one could not be made, the page stays: it says so, and offers it
// again. Uploads may take long: the user decides.
async function leaveTheStore() {
  const label = byId("sign-out").querySelector("span");
  byId("sign-out").disabled = true;
  label.textContent = text("page.saving");
  const areDone = await Promise.all([carryOut(), settled()]);
  label.textContent = text("page.sign_out");
  byId("sign-out").disabled = false;
  if (!areDone.every(Boolean) || (uploads.isBusy && !confirm(text("page.uploads_under_way")))) return;
  isLeaving = true;
  signOut();
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
  onSession(() => {
    greet();
    if (pictures?.isLoaded) redraw();
  });
  byId("sign-out").onclick = leaveTheStore;
  byId("load-new").onclick = async () => {
    await load(pictures);
    show(byId("conflict"), !byId("unreachable").hidden);
    byId("title").focus();
  };
  byId("more-products").onclick = () => moreProducts().catch((error) => toast(error.message));
  byId("more-orphans").onclick = () => pictures.more().catch((error) => toast(error.message));
  byId("open-product").onsubmit = (event) => {
    event.preventDefault();
    location.hash = `#/products/${byId("product-number").value}`;
    byId("product-number").value = "";
  };
  startNumbers();
  startFinding((error) => toast(error.message));
  startNaming(() => pictures?.product, (product, named) => {
    if (pictures?.product === product) {
      pictures.called = named;
      nameIt();
      pictures.made();
      load(pictures); // naming changes the ETag
    }
    refreshProducts();
  });
  startTray();
  startIntake(() => (pictures ? pictures.product : null));
  uploads.startLooking((product) => (pictures && pictures.product === product ? pictures.visible : []));
  startRemoval((each, error) => report(each, error, text("conflict.deletion")), refreshProducts, arriving);
  addEventListener("beforeunload", (event) => !isLeaving && (uploads.isBusy || isChanging() || isWriting()) && event.preventDefault());
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
