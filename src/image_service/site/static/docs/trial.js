// "Try it": a form for one operation, made of what the page says of it, and what the service answers.

let number = 0;

export function openTrial(pressed) {
  const article = pressed.closest("article");
  const samples = pressed.closest(".samples");
  const open = samples.querySelector(".trial");
  if (open) {
    open.remove();
    pressed.setAttribute("aria-expanded", "false");
    return;
  }
  const form = make("form", {className: "trial"});
  const inputs = [...article.querySelectorAll("[data-parameter]")].map(each => parameterInput(form, each.dataset));
  const body = bodyInput(form, article);
  const send = make("button", {className: "send", textContent: `Send ${article.dataset.method}`});
  const answer = make("div", {ariaLive: "polite"});
  form.append(send, answer);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    send.disabled = true;
    answer.replaceChildren("Sending…");
    try {
      await show(answer, await call(article, inputs, body));
    } catch (error) {
      answer.replaceChildren(`No answer: ${error.message}`);
    }
    send.disabled = false;
  });
  samples.append(form);
  pressed.setAttribute("aria-expanded", "true");
  form.querySelector("input, textarea, select, button").focus();
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function labelled(form, text, input) {
  input.id = `trial-${++number}`;
  const place = make("div", {});
  place.append(make("label", {htmlFor: input.id, textContent: text}), input);
  form.append(place);
  return input;
}

function parameterInput(form, {parameter, in: place, example, required}) {
  const input = make("input", {value: example, required: required !== undefined, autocomplete: "off"});
  return {name: parameter, place, input: labelled(form, `${parameter} (${place})`, input)};
}

// The body's kind may be chosen where there is more than one. Returns what makes the body of a request.
function bodyInput(form, article) {
  const bodies = [...article.querySelectorAll("[data-body]")];
  if (!bodies.length) return () => ({});
  const place = make("div", {});
  const makers = Object.fromEntries(bodies.map(each => [each.dataset.body, each]));
  const kind = make("select", {});
  kind.append(...Object.keys(makers).map(name => make("option", {textContent: name})));
  if (bodies.length > 1) labelled(form, "Body", kind);
  form.append(place);
  let current;
  const choose = () => {
    place.replaceChildren();
    current = kind.value === "multipart/form-data" ? formInput(place, makers[kind.value]) : textInput(place, makers[kind.value]);
  };
  kind.addEventListener("change", choose);
  choose();
  return () => current();
}

function textInput(place, body) {
  const type = body.dataset.body;
  const examples = [...body.querySelectorAll("pre")].map(each => each.textContent);
  const short = examples.find(each => each.length < 400) ?? examples[0] ?? "{}";
  const input = labelled(place, type, make("textarea", {value: short, spellcheck: false}));
  return () => ({body: input.value, headers: {"Content-Type": type}});
}

function formInput(place, body) {
  const fields = [...body.querySelectorAll("[data-field]")].map(({dataset}) => {
    const input = make("input", {type: "file" in dataset ? "file" : "text", required: "required" in dataset});
    return [dataset.field, labelled(place, dataset.field, input)];
  });
  return () => {
    const data = new FormData();
    for (const [name, input] of fields) {
      if (input.type === "file") for (const file of input.files) data.append(name, file);
      else if (input.value) data.append(name, input.value);
    }
    return {body: data, headers: {}};
  };
}

async function call(article, inputs, body) {
  const {method, header, before} = article.dataset;
  const token = document.getElementById("token").value.trim();
  const {body: sent, headers = {}} = body();
  let path = article.dataset.path;
  const query = new URLSearchParams();
  for (const {name, place, input} of inputs) {
    const value = input.value.trim();
    if (place === "path") path = path.replace(`{${name}}`, value.split("/").map(encodeURIComponent).join("/"));
    else if (value && place === "query") query.set(name, value);
    else if (value && place === "header") headers[name] = value;
  }
  if (header && token) headers[header] = before + token;
  const url = path.slice(1) + (query.size ? `?${query}` : ""); // relative: the service may stand behind a prefix
  return fetch(url, {method, headers, body: sent, credentials: "omit"});
}

async function show(place, response) {
  const type = response.headers.get("Content-Type") ?? "";
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const parts = [make("b", {textContent: `${response.status} ${response.statusText}`})];
  if (type.startsWith("image/")) {
    parts.push(make("img", {src: URL.createObjectURL(await response.blob()), alt: "The picture that was answered"}));
  } else {
    const text = await response.text();
    parts.push(make("pre", {textContent: pretty(text, type)}));
  }
  parts.push(make("pre", {textContent: headers}));
  place.replaceChildren(...parts);
}

function pretty(text, type) {
  if (!type.includes("json") || !text) return text;
  return JSON.stringify(JSON.parse(text), null, 2);
}
