/* What a browser with JavaScript adds to the moderators' queue: keys, and acts without leaving the page.
   Every act is the row's own form, sent in the background; the answer is the next page, of which only what differs is
   put in place. Whatever goes wrong, the form is sent in the ordinary way. It holds no words of its own. */

const WHEN = "forum:keys", DRAFT = "forum:reply:";
const TYPED = "input:not([type=checkbox]), textarea, select, dialog";
const desk = document.getElementById("forum-desk");
const bar = document.getElementById("forum-bar");
/* One after the other: each answer shows the page as the one before has left it. */
let queue = Promise.resolve();
const sending = new Set();

const memory = {
  get() { try { return localStorage.getItem(WHEN) ?? "list"; } catch { return this.value ?? "list"; } },
  set(value) { this.value = value; try { localStorage.setItem(WHEN, value); } catch { /* good for this page */ } },
};

/* Answers that were begun, for as long as this window is open. */
const drafts = {
  get(id) { try { return sessionStorage.getItem(DRAFT + id) ?? ""; } catch { return ""; } },
  set(id, text) { try { sessionStorage[text ? "setItem" : "removeItem"](DRAFT + id, text); } catch { /* it stays in its field */ } },
};

const rows = () => [...desk.querySelectorAll("[data-row]")].filter((row) => !row.hidden);
const current = () => document.activeElement?.closest?.("[data-row]") ?? desk.querySelector("[data-current]");

function go(row) {
  for (const other of desk.querySelectorAll("[data-current]")) delete other.dataset.current;
  if (!row) { bar.focus(); return; }
  row.dataset.current = "";
  const head = row.querySelector("article");
  head.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows(), at = all.indexOf(current());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  if (all.length) go(all[next]);
}

/* Rows that are the same stay what they are, with their ticks, their open details and the focus. */
function merge(fresh) {
  const old = new Map(rows().map((row) => [row.dataset.row, row]));
  const list = desk.querySelector("[data-part=rows]"), newer = fresh.querySelector("[data-part=rows]");
  if (list && newer) {
    for (const row of newer.children) {
      if (old.has(row.dataset.row)) row.replaceWith(mark(old.get(row.dataset.row), row));
      else keepAnswer(document.getElementById(row.id), row);
    }
    newer.querySelectorAll("[data-row]").forEach((row) => { row.hidden = sending.has(row.dataset.row); });
  }
  for (const part of ["tabs", "results"]) put(part, fresh);
  document.getElementById("forum-title").replaceWith(fresh.getElementById("forum-title"));
  document.title = fresh.title;
}

/* Where the page now comes back to, and the session that may act, can be others than before. */
function mark(row, newer) {
  for (const name of ["back", "csrf_token"]) {
    const value = newer.querySelector(`input[name=${name}]`).value;
    for (const field of row.querySelectorAll(`input[name=${name}]`)) field.value = value;
  }
  return row;
}

/* Of a comment that has changed another row comes; an answer that was begun there goes on. */
function keepAnswer(old, newer) {
  const box = old?.querySelector("[data-reply]");
  if (!box) return;
  newer.append(box);
  mark(newer, newer);
}

function put(part, fresh) {
  const here = desk.querySelector(`[data-part=${part}]`), there = fresh.querySelector(`[data-part=${part}]`);
  here.replaceWith(there);
}

function say(fresh) {
  const said = fresh.getElementById("forum-bar");
  bar.replaceChildren(...said.childNodes);
  const hint = document.getElementById("forum-undo-key");
  if (memory.get() !== "off" && bar.querySelector("form")) bar.querySelector("p").append(hint.content.cloneNode(true));
}

/* Moving what had the focus has taken it away. */
function land(focused, name, at) {
  if (focused.isConnected && focused !== document.body) focused.focus({ preventScroll: true });
  else go(desk.querySelector(`[data-row="${name}"]`) ?? rows()[Math.max(0, at)] ?? rows()[0]);
}

async function load(url, options) {
  const answer = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

const post = (form, data) => load(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(data) });

async function ask(form, data) {
  const fresh = await post(form, data);
  if (!fresh.getElementById("forum-desk")) throw new Error("not the queue");
  return fresh;
}

function plainly(form, data) {
  for (const [name, value] of data) {
    if (!form.querySelector(`input[name="${name}"]`)) {
      const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      form.append(field);
    }
  }
  if (!form.isConnected) document.body.append(form);
  form.submit();
}

function send(form, data, row) {
  const at = row ? rows().indexOf(row) : -1, had = row?.contains(document.activeElement) || row?.hasAttribute("data-current");
  if (row) {
    sending.add(row.dataset.row);
    row.hidden = true;
    const left = rows();
    if (had) go(left[Math.min(at, left.length - 1)]);
  }
  queue = queue.then(async () => {
    try {
      const fresh = await ask(form, data);
      const focused = document.activeElement, name = focused.closest("[data-row]")?.dataset.row;
      if (row) sending.delete(row.dataset.row);
      merge(fresh);
      say(fresh);
      if (document.activeElement === document.body) land(focused, name, at);
    } catch {
      if (row) { row.hidden = false; sending.delete(row.dataset.row); }
      plainly(form, data);
      await new Promise(() => {});
    }
  });
}

/* The form to answer with stands below its row: it comes from its own page, and goes there where anything is wrong. */
async function answer(row, url) {
  const box = row.querySelector("[data-reply]");
  if (box) { box.hidden = false; write(box); return; }
  try {
    const fresh = boxIn(await load(url));
    if (!row.querySelector("[data-reply]")) row.append(fresh);
    write(row.querySelector("[data-reply]"));
  } catch {
    location.assign(url);
  }
}

/* The form in a page, without what would take the focus by itself. */
function boxIn(page) {
  const box = page.querySelector("[data-reply]");
  for (const field of box?.querySelectorAll("[autofocus]") ?? []) field.autofocus = false;
  return box;
}

function write(box) {
  const field = box.querySelector("textarea");
  field.value ||= drafts.get(box.dataset.reply);
  (box.querySelector("[aria-invalid]") ?? field).focus();
}

function close(box) {
  box.hidden = true;
  go(box.closest("[data-row]"));
}

function reply(form, data) {
  const box = form.closest("[data-reply]"), id = box.dataset.reply, at = rows().indexOf(box.closest("[data-row]"));
  if (sending.has(box)) return;
  sending.add(box);
  queue = queue.then(async () => {
    try {
      const fresh = await post(form, data), again = boxIn(fresh);
      if (again) {
        box.replaceWith(again);
        if (fresh.querySelector("#forum-bar .forum-bar")) say(fresh);
        write(again);
      } else if (fresh.getElementById("forum-desk")) {
        drafts.set(id, "");
        const name = box.closest("[data-row]").dataset.row;
        box.remove();
        merge(fresh);
        say(fresh);
        land(document.body, name, at);
      } else plainly(form, data);
    } catch {
      // Nothing was answered: the text stays where it is.
      form.querySelector("[data-offline]").hidden = false;
      form.querySelector("textarea").focus();
    }
    sending.delete(box);
  });
}

function submitted(event) {
  const form = event.target;
  if (form.closest("[data-reply]") && !event.defaultPrevented) {
    event.preventDefault();
    reply(form, new FormData(form, event.submitter));
    return;
  }
  const row = form.matches(".forum-acts") ? form.closest("[data-row]") : null;
  if (event.defaultPrevented || !(row || form.id === "forum-undo")) return;
  event.preventDefault();
  send(form, new FormData(form, event.submitter), row);
}

function press(key) {
  // What was pressed just now may still be on its way.
  if (key === "z") { queue = queue.then(() => bar.querySelector("form")?.requestSubmit()); return true; }
  const row = current(), target = row?.querySelector(`[data-key="${key}"]`);
  if (!target) return false;
  if (target.dataset.act) {
    const form = target.closest("form"), data = new FormData(form);
    data.set("action", target.dataset.act);
    send(form, data, row);
  } else {
    target.click();
  }
  return true;
}

/* Keys of whoever writes an answer. */
function writing(event) {
  const box = event.target.closest?.("[data-reply]");
  if (!box || event.isComposing) return;
  if (event.key === "Escape") close(box);
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) box.querySelector("form").requestSubmit();
  else return;
  event.preventDefault();
}

/* A link to answer opens the form here, unless another window is asked for. */
function clicked(event) {
  const link = event.target.closest("[data-key=r], [data-cancel]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.matches("[data-cancel]")) close(link.closest("[data-reply]"));
  else answer(link.closest("[data-row]"), link.href);
}

function help() {
  document.getElementById("forum-keys").showModal();
}

const COMMANDS = { j: () => step(1), k: () => step(-1), "/": () => document.getElementById("forum-text").focus(), "?": help };

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest(TYPED)) return;
  const when = memory.get();
  const near = event.target.closest(".forum-results, #forum-bar") || event.target.closest("#forum-content") === event.target;
  if (when === "off" || (when === "list" && !near)) return;
  const command = COMMANDS[event.key];
  // A key held down walks through the list; it does not decide about all of it.
  if (event.repeat && !(event.key === "j" || event.key === "k")) return;
  if (command) command();
  if (command || (/^[asudzerx]$/.test(event.key) && press(event.key))) event.preventDefault();
}

function start() {
  const button = document.getElementById("forum-keys-button"), when = document.getElementById("forum-keys-when");
  button.hidden = false;
  button.addEventListener("click", help);
  when.value = memory.get();
  when.addEventListener("change", () => memory.set(when.value));
  document.addEventListener("submit", submitted);
  document.addEventListener("keydown", key);
  desk.addEventListener("keydown", writing);
  desk.addEventListener("click", clicked);
  desk.addEventListener("input", (event) => {
    const box = event.target.closest("[data-reply]");
    if (box && event.target.matches("textarea")) drafts.set(box.dataset.reply, event.target.value);
  });
  desk.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    for (const other of desk.querySelectorAll("[data-current]")) if (other !== row) delete other.dataset.current;
    if (row) row.dataset.current = "";
  });
}

if (desk) start();
document.querySelector("form[data-continue]")?.requestSubmit();
