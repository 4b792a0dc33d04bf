/* Makes more of links and forms that work without it, with pages and words that anybody gets. */

const MINUTE = 60000;
const DAY = 86400;
const SENT = "forum:sent";
const UNITS = [["day", DAY], ["hour", 3600], ["minute", 60]];

/* Storage may be forbidden or full. */
class Memory {
  constructor(name) { Object.assign(this, { name, page: new Map() }); }
  get(key) { try { return window[this.name].getItem(key) ?? this.page.get(key); } catch { return this.page.get(key); } }
  set(key, value) { this.page.set(key, value); try { window[this.name].setItem(key, value); } catch { /* page */ } }
  drop(key) { this.page.delete(key); try { window[this.name].removeItem(key); } catch { /* page */ } }
}
const tab = new Memory("sessionStorage"); // not for the next user of a shared PC
const device = new Memory("localStorage");

/* Nothing where a policy forbids it. */
const parse = (() => {
  try {
    const policy = window.trustedTypes?.createPolicy("forum", { createHTML: (html) => html });
    const read = (html) => new DOMParser().parseFromString(policy?.createHTML(html) ?? html, "text/html");
    return read("") && read;
  } catch { /* the browser sends the form */ }
})();

async function load(url, options) {
  const answer = await fetch(url, { signal: AbortSignal.timeout?.(MINUTE), ...options });
  return { answer, page: answer.headers.get("Content-Type")?.includes("html") && parse(await answer.text()) };
}

const born = (item) => Date.parse(item.querySelector("time.forum-time")?.dateTime) || 0;

class ForumThread extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    if (document.readyState === "loading") this.on(document, "DOMContentLoaded", () => this.start());
    else this.start();
  }

  disconnectedCallback() {
    this.remember();
    this.stop.abort();
    clearInterval(this.clock);
    clearTimeout(this.waiting);
  }

  on(target, event, act) { target.addEventListener(event, act, { signal: this.stop.signal }); }
  all(selector) { return [...this.querySelectorAll(selector)]; }
  get section() { return this.querySelector("section[data-key]"); }
  get form() { return this.section?.querySelector(".forum-alarm")?.closest("form"); }
  get text() { return this.form?.elements.body; }
  get parent() { return this.form?.elements.parent; }
  get published() { return this.all("article:not(.forum-held)"); }
  get list() { return this.querySelector("#forum-thread > .forum-list"); }

  start() {
    this.whole = this.section?.id === "forum-thread";
    this.settle();
    if (this.section) this.listen();
    if (this.form) this.place();
    if (this.whole) this.visit();
    this.age();
    this.clock = setInterval(() => this.tick(), 1000);
    this.reveal();
  }

  listen() {
    this.on(this, "submit", (event) => this.submit(event));
    this.on(this, "input", (event) => event.target === this.text && this.typed());
    this.on(this, "keydown", (event) => this.key(event));
    this.on(this, "pointerdown", () => { this.chosen = this.quotation(); });
    this.on(this, "click", (event) => this.click(event));
    this.on(window, "hashchange", () => this.reveal());
    this.on(window, "pagehide", () => this.remember());
    this.on(window, "pageshow", () => this.ready());
    this.on(document, "securitypolicyviolation", (event) => { this.barred ||= event.effectiveDirective === "connect-src"; });
  }

  /* A host may put in a copy that it kept, with the form below a comment. */
  place() {
    if (this.list?.contains(this.form)) {
      this.list.after(this.form);
      this.aim("", "write");
      this.opener = null;
    }
    this.home = document.createComment("");
    this.form.before(this.home);
    this.restore();
  }

  click(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a.forum-reply, .forum-cancel, a.forum-jump, a.forum-more, [data-do]");
    if (!link || !this.whole) return;
    if (link.dataset.do) return this[link.dataset.do](link);
    const more = link.matches(".forum-more");
    if (more ? !parse : !this.parent) return;
    event.preventDefault();
    if (more) this.more(link);
    else if (link.matches(".forum-reply")) this.reply(link, event.detail ? this.chosen : this.quotation());
    else this.back(link.matches(".forum-jump"));
  }

  reply(link, quotation) {
    const article = link.closest("article");
    const name = article.querySelector(".forum-author").textContent;
    this.remember();
    this.opener = link;
    article.after(this.form);
    this.aim(article.parentNode.id.split("-")[1], "reply", name);
    if (quotation?.from === article) this.quote(quotation.words);
    this.text.focus();
  }

  back(write) {
    if (!this.opener) return this.text.focus();
    this.remember();
    this.home.after(this.form);
    this.aim("", "write");
    (write ? this.text : this.opener).focus();
    this.opener = null;
  }

  aim(parent, title, name) {
    const legend = this.querySelector("#forum-legend");
    legend.textContent = legend.dataset[title].replace("{name}", () => name);
    this.parent.value = parent;
    this.form.querySelector("button.forum-cancel").hidden = !parent;
    for (const node of this.form.querySelectorAll(".forum-summary:not([hidden]), .forum-error, .forum-preview")) node.remove();
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    this.text.value = "";
    this.restore();
    this.count();
  }

  quotation() {
    const chosen = getSelection();
    const node = chosen.rangeCount && chosen.getRangeAt(0).commonAncestorContainer;
    const body = node && (node.closest ? node : node.parentElement)?.closest(".forum-body");
    return body && { from: body.closest("article"), words: chosen.toString().trim() };
  }

  quote(words) {
    if (!words) return;
    this.text.value = `${words.replace(/^/gm, "> ")}\n\n${this.text.value}`;
    this.typed();
  }

  get draft() {
    const { key } = this.section?.dataset ?? {};
    return key && this.text && `forum:draft:${key}:${this.parent?.value ?? ""}`;
  }

  remember() {
    clearTimeout(this.pause);
    if (!this.draft) return;
    if (this.text.value.trim()) tab.set(this.draft, this.text.value);
    else tab.drop(this.draft);
  }

  restore() {
    const text = this.draft && tab.get(this.draft);
    // Without a parent it is a comment being changed.
    if (!text || this.text.value !== (this.parent ? "" : this.text.defaultValue)) return;
    this.text.value = text;
    this.say("restored");
  }

  /* What the browser sent is a draft until its comment is seen; only to that a redirect leads. */
  settle() {
    const sent = tab.get(SENT);
    const led = sent === "+" || performance.getEntriesByType("navigation")[0]?.redirectCount;
    const posted = sent && led && (!this.section || location.hash.startsWith("#comment-"));
    if (posted) tab.drop(sent);
    if (posted || this.section) tab.drop(SENT);
    if (posted) this.say("posted");
  }

  submit(event) {
    if (event.target !== this.form) return;
    if (this.form.ariaBusy === "true") return event.preventDefault();
    const button = event.submitter ?? this.form.querySelector(".forum-primary");
    this.remember();
    if (this.plain || !parse) {
      if (button.name !== "preview" && this.draft) tab.set(SENT, this.draft);
      return this.busy(button);
    }
    const body = new URLSearchParams(new FormData(this.form));
    if (button.name) body.set(button.name, button.value);
    event.preventDefault();
    if (navigator.onLine === false) return this.alarm("offline");
    this.busy(button);
    // Of one form there is one comment: it may be sent twice.
    this.send(body, button).catch(() => this.hand(button));
  }

  async send(body, button) {
    const way = { method: "POST", body, headers: { Prefer: "return=minimal" } };
    const { answer, page } = await load(this.form.getAttribute("action"), way).catch(() => ({}));
    const to = answer?.ok && answer.headers.get("Location");
    if (to) return this.arrive(to, answer.status);
    const form = page?.querySelector("section[data-key] form");
    if (form && !answer.redirected) return this.swap(page, form);
    await new Promise((resolve) => { setTimeout(resolve, 50); }); // policies tell late
    if (this.barred || answer?.redirected || (answer?.ok && page?.querySelector("forum-thread"))) return this.hand(button);
    this.alarm("failed");
  }

  hand(button) {
    this.ready();
    this.plain = true;
    this.form.requestSubmit(button);
  }

  async arrive(to, status) {
    tab.drop(this.draft);
    this.text.value = "";
    const [place, id] = new URL(to, location).href.split("#");
    const fresh = this.whole && id && await this.refetch();
    if (!fresh || !fresh.querySelector(`[id="${id}"]`)) {
      tab.set(SENT, "+");
      location.assign(to);
      return place === location.href.split("#")[0] && location.reload();
    }
    this.renew(fresh.querySelector("form"));
    this.mark(this.merge(fresh).filter((article) => article.parentNode.id !== id));
    location.hash = id;
    this.show(document.getElementById(id).firstElementChild);
    if (this.form) this.restore();
    this.say({ 200: "twice", 202: "held" }[status] ?? "posted");
  }

  renew(form) {
    const old = this.form;
    for (const name of ["name", "email", "website"]) if (form?.elements[name]) form.elements[name].value = old.elements[name]?.value ?? "";
    old.remove();
    this.home.after(form ?? "");
    this.opener = null;
  }

  swap(page, form) {
    const target = form.querySelector("[autofocus], .forum-preview") ?? form.elements.body;
    target.autofocus = false;
    if (this.whole) {
      form.querySelector("a.forum-cancel")?.remove();
      form.querySelector(".forum-cancel").hidden = !this.opener;
      this.form.replaceWith(form);
    } else {
      this.section.replaceWith(form.closest("section"));
      document.title = page.title;
    }
    target.focus();
  }

  busy(button) {
    this.form.ariaBusy = "true";
    // `disabled` would take the focus away.
    button.ariaDisabled = "true";
    this.label = [button, button.textContent];
    button.textContent = button.dataset.busy ?? button.textContent;
  }

  ready() {
    if (!this.form) return;
    const [button, textContent] = this.label ?? [];
    this.form.ariaBusy = this.label = null;
    if (button) Object.assign(button, { ariaDisabled: null, textContent });
    this.plain = false;
    this.form.querySelector(".forum-alarm").hidden = true;
  }

  alarm(why) {
    this.ready();
    const box = this.form.querySelector(".forum-alarm");
    box.textContent = box.dataset[why];
    box.hidden = false;
    box.focus();
  }

  async refetch() {
    const { page } = await load(location.href, { cache: "no-cache" }).catch(() => ({}));
    return page?.querySelector("#forum-thread");
  }

  merge(fresh) {
    const known = new Set(this.published);
    const list = fresh.querySelector(".forum-list");
    if (this.list && list) this.weave(list, this.list);
    else if (list) (this.querySelector(".forum-empty") ?? this.home).replaceWith(list);
    this.querySelector(".forum-top").replaceWith(fresh.querySelector(".forum-top"));
    Object.assign(this.section.dataset, fresh.dataset);
    return this.published.filter((article) => !known.has(article));
  }

  weave(fresh, old) {
    let last;
    for (const item of [...fresh.children].filter((each) => each.id)) {
      const here = document.getElementById(item.id);
      here?.querySelector(":scope > .forum-held")?.replaceWith(item.firstElementChild);
      const [mine, its] = [here, item].map((each) => each?.querySelector(":scope > .forum-branch"));
      if (!here && last) last.after(item);
      else if (!here) old.prepend(item);
      else if (mine && its) {
        mine.firstElementChild.replaceWith(its.firstElementChild);
        this.weave(its.lastElementChild, mine.lastElementChild);
      } else if (its) here.append(its);
      last = here ?? item;
    }
  }

  async more(link) {
    try {
      const { page } = await load(link.href);
      const came = [...page.querySelector(".forum-list").children].filter((item) => !document.getElementById(item.id));
      this.list.append(...came);
      link.replaceWith(page.querySelector("a.forum-more") ?? "");
      this.mark(this.unseen());
      this.show(came[0]?.firstElementChild);
    } catch { location.assign(link.href); }
  }

  watch(wait, misses = 0) {
    this.waiting = setTimeout(async () => {
      if (document.hidden) return this.watch(MINUTE, misses);
      const { poll, count } = this.section.dataset;
      try {
        const { comments } = await (await fetch(poll, { signal: this.stop.signal })).json();
        if (comments > count) this.tell("news", comments - count);
        this.watch(comments > count ? MINUTE : Math.min(5 * MINUTE, 2 * wait));
      } catch { if (misses < 2 && this.isConnected) this.watch(wait, misses + 1); }
    }, wait);
  }

  tell(name, n) {
    const button = this.querySelector(`[data-do=${name}]`);
    if (!button) return;
    button.hidden = !n;
    button.textContent = button.dataset.words.replace("{n}", n);
  }

  async news() {
    const fresh = await this.refetch();
    if (!fresh) return;
    const came = this.merge(fresh);
    this.tell("news", 0);
    this.mark(came);
    if (came[0]) this.show(came[0]);
    else location.assign([...fresh.querySelectorAll("a.forum-number")].at(-1) ?? location);
  }

  visit() {
    const key = `forum:seen:${this.section.dataset.key}`;
    const [since, newest, at] = (device.get(key) ?? "0 0 0").split(" ").map(Number);
    this.last = Date.now() - at < 30 * MINUTE ? since : newest;
    this.seen = () => device.set(key, [this.last, Math.max(newest, ...this.all(".forum-comment").map(born)), Date.now()].join(" "));
    this.mark(this.unseen());
    for (const box of this.all("[data-do=keys]")) box.checked = device.get("forum:keys") !== "off";
    if (this.section.dataset.poll) this.watch(MINUTE);
  }

  unseen() { return this.last ? this.published.filter((article) => born(article) > this.last) : []; }

  mark(articles) {
    const badge = this.querySelector(".forum-new[hidden]");
    for (const article of badge ? articles : []) {
      if (article.querySelector(".forum-new, [data-left]")) continue;
      article.querySelector(".forum-head").append(badge.cloneNode(true));
      article.querySelector(".forum-new").hidden = false;
    }
    this.seen();
    this.tell("since", this.querySelector(".forum-news") ? 0 : this.all("article .forum-new").length);
    for (const tools of this.all(".forum-all")) tools.hidden = !this.all(".forum-branch")[1];
    for (const tools of this.all(".forum-keys")) tools.hidden = !this.list;
    this.age();
  }

  since() { this.go("article .forum-new"); }
  fold(button) {
    button.value ^= 1;
    for (const branch of this.all(".forum-branch")) branch.open = button.value < 1 || branch.contains(this.form);
    button.textContent = button.dataset[button.value];
  }

  keys(box) { device.set("forum:keys", box.checked ? "on" : "off"); }

  go(selector, back) {
    const all = this.all(selector).map((node) => node.closest("article"));
    if (back) all.reverse();
    const here = document.activeElement.closest("article") ?? this.at;
    const way = back ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
    this.show(all.find((each) => here && here.compareDocumentPosition(each) & way) ?? all[0]);
  }

  show(article) {
    if (!article) return;
    this.at = article;
    this.open(article);
    article.scrollIntoView({ block: "center" });
    article.focus({ preventScroll: true });
  }

  key(event) {
    const { key, target } = event;
    const command = event.ctrlKey || event.metaKey;
    const inside = this.form?.contains(target);
    if (event.isComposing) return;
    if (inside && key === "Enter" && command) this.form.requestSubmit(this.form.querySelector(".forum-primary"));
    else if (inside && key === "Escape" && this.opener) this.back();
    else if (inside || command || event.altKey || !this.whole || device.get("forum:keys") === "off") return;
    else if (key === "z") this.since();
    else if (/^c$/i.test(key)) this.go("article", key === "C");
    else return;
    event.preventDefault();
  }

  typed() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.remember(), 400);
    this.count();
  }

  count() {
    const { max } = this.text.dataset;
    const left = max - [...this.text.value].length;
    const room = this.form.querySelector(".forum-room");
    if (!room) return;
    room.hidden = left >= max / 10;
    room.textContent = room.dataset[left < 0 ? "over" : "left"].replace("{n}", Math.abs(left));
  }

  say(what) {
    const status = this.querySelector("form .forum-sr[role=status]");
    if (!status) return;
    status.textContent = "";
    setTimeout(() => { status.textContent = status.dataset[what]; }, 50);
  }

  get language() { return this.closest("[lang]")?.lang || undefined; }

  age() {
    const words = new Intl.RelativeTimeFormat(this.language, { numeric: "auto" });
    for (const time of this.all("time.forum-time")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      time.dataset.date ??= time.textContent;
      const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[2];
      time.textContent = seconds > -DAY && seconds < 30 * DAY
        ? words.format(-Math.max(0, Math.floor(seconds / size)), unit) : time.dataset.date;
    }
    // Not every browser lets keys reach what scrolls.
    for (const code of this.all("pre")) if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
  }

  tick() {
    this.ticks = (this.ticks ?? 0) + 1;
    if (this.ticks % 60 === 0) this.age();
    for (const node of this.all("[data-ticking]")) {
      node.until ??= Date.now() + 1000 * node.dataset.left;
      const left = Math.ceil((node.until - Date.now()) / 1000);
      const [n, unit] = left < 60 ? [left, "second"] : [Math.ceil(left / 60), "minute"];
      const time = new Intl.NumberFormat(this.language, { style: "unit", unit, unitDisplay: "long" }).format(n);
      const words = left > 0 ? node.dataset.ticking.replace("{time}", time) : node.dataset.over;
      if (node.textContent !== words) node.textContent = words;
      if (left > 0) continue;
      delete node.dataset.ticking;
      node.removeAttribute("href");
    }
  }

  open(target) { for (let at = target; at !== this; at = at.parentElement) if (at.matches("details")) at.open = true; }

  reveal() {
    const target = document.getElementById(location.hash.slice(1));
    if (!this.contains(target) || !target.closest("details:not([open])")) return;
    this.open(target);
    target.scrollIntoView();
  }
}

if (!customElements.get("forum-thread")) customElements.define("forum-thread", ForumThread);
