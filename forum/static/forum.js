/* What a browser with JavaScript adds to a thread: replying in place, drafts, ages that age, a quick key.
   Everything here enhances a real link or form; without this module the page works the same way, with page loads.
   It stays in the light DOM and holds no words of its own: they come translated in the form's data attributes. */

const DAY = 86400;
const RELATIVE_DAYS = 30; // beyond, "12 years ago" says less than the date
const PAUSE = 400;
const SENT = "forum:sent";
const UNITS = [["day", DAY], ["hour", 3600], ["minute", 60]];

/* Storage may be forbidden or full: drafts then live as long as the page. */
const page = new Map();
const memory = {
  get(key) { try { return sessionStorage.getItem(key) ?? page.get(key); } catch { return page.get(key); } },
  set(key, value) { page.set(key, value); try { sessionStorage.setItem(key, value); } catch { /* the page has it */ } },
  drop(key) { page.delete(key); try { sessionStorage.removeItem(key); } catch { /* nothing was kept */ } },
};

/* What the address names; anybody can write a `%` there that begins nothing. */
function fragment() {
  const name = location.hash.slice(1);
  try { return decodeURIComponent(name); } catch { return name; }
}

class ForumThread extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    // A streaming parser connects the element before its content is there.
    if (document.readyState === "loading") {
      this.on(document, "DOMContentLoaded", () => this.start());
    } else {
      this.start();
    }
  }

  disconnectedCallback() {
    this.stop.abort();
    clearInterval(this.clock);
    clearTimeout(this.pause);
  }

  on(target, event, act) {
    target.addEventListener(event, act, { signal: this.stop.signal });
  }

  start() {
    this.form = this.querySelector("form.forum-form");
    this.text = this.form?.querySelector("textarea");
    this.section = this.querySelector("section[data-key]");
    this.settleSent();
    this.age();
    this.clock = setInterval(() => this.age(), 60000);
    // What scrolls sideways must be reachable by keyboard; not every browser sees to it.
    for (const code of this.querySelectorAll("pre")) if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
    this.reveal();
    this.on(window, "hashchange", () => this.reveal());
    if (this.text) this.enhanceForm();
    // A page of ours between the form and the comment: whoever leaves it by a link has not posted.
    if (!this.section) this.on(this, "click", (event) => event.target.closest("a:not([href^='#'])") && memory.drop(SENT));
  }

  enhanceForm() {
    this.parent = this.form.querySelector("input[name=parent]");
    this.legend = this.form.querySelector("#forum-legend");
    this.heading = this.legend?.textContent;
    this.status = this.form.querySelector("[role=status]");
    this.home = document.createComment("forum-form");
    this.form.before(this.home);
    this.on(this.form, "submit", (event) => this.submit(event));
    this.on(this.text, "input", () => this.typed());
    this.on(this.form, "keydown", (event) => this.key(event));
    this.on(this, "click", (event) => this.click(event));
    // Back from another page: the form may come out of the browser's cache still saying "Posting…".
    this.on(window, "pageshow", () => this.ready());
    this.restore();
    this.grow();
  }

  /* Replying in place: the one form moves below the comment it answers. */

  click(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a.forum-reply, .forum-cancel, a.forum-jump");
    if (!link || !this.section || !this.parent) return;
    event.preventDefault();
    if (link.matches(".forum-reply")) this.reply(link);
    else this.back(link.matches(".forum-jump"));
  }

  reply(link) {
    this.remember();
    this.opener = link;
    link.closest(".forum-article").after(this.form);
    this.aim(link.dataset.parent, this.form.dataset.reply.replace("{name}", () => link.dataset.name));
    this.text.focus();
  }

  back(write) {
    if (!this.opener) return this.text.focus();
    this.remember();
    this.home.after(this.form);
    this.aim("", this.heading);
    (write ? this.text : this.opener).focus();
    this.opener = null;
  }

  aim(parent, title) {
    this.parent.value = parent;
    this.legend.textContent = title;
    this.cancel().hidden = !parent;
    this.clearMistakes();
    this.text.value = "";
    this.restore();
    this.count();
    this.grow();
  }

  cancel() {
    let button = this.form.querySelector(".forum-cancel");
    if (button) return button;
    button = document.createElement("button");
    button.type = "button";
    button.className = "forum-action forum-cancel";
    button.textContent = this.form.dataset.cancel;
    this.form.querySelector(".forum-buttons").append(button);
    return button;
  }

  clearMistakes() {
    for (const node of this.form.querySelectorAll(".forum-summary, .forum-error, .forum-preview")) node.remove();
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  /* Drafts: one for each thing that is answered, kept for this tab only, so the next user of a shared PC sees none. */

  get draft() {
    return this.section && `forum:draft:${this.section.dataset.key}:${this.parent.value}`;
  }

  remember() {
    clearTimeout(this.pause);
    if (!this.draft) return;
    if (this.text.value.trim()) memory.set(this.draft, this.text.value);
    else memory.drop(this.draft);
  }

  restore() {
    const text = this.draft && memory.get(this.draft);
    if (!text || this.text.value) return;
    this.text.value = text;
    this.say(this.form.dataset.restored);
  }

  /* A sent draft is let go only once the posted comment is on the screen. The server leads there by a redirect; all
     else it answers (a mistake, a preview, a question) comes directly, and a lost connection brings no answer. */
  settleSent() {
    const sent = memory.get(SENT);
    if (!sent) return;
    const [how] = performance.getEntriesByType("navigation");
    const led = how?.type === "navigate" && how.redirectCount > 0;
    if (led && (!this.section || location.hash.startsWith("#comment-"))) {
      memory.drop(sent);
      memory.drop(SENT);
      if (this.form) queueMicrotask(() => this.say(this.form.dataset.posted));
    } else if (this.section) {
      memory.drop(SENT); // back among the comments without having posted: the draft stays, nothing is under way
    }
  }

  submit(event) {
    const button = event.submitter ?? this.form.querySelector("button");
    if (this.form.ariaBusy === "true") return event.preventDefault();
    this.remember();
    if (navigator.onLine === false && this.form.dataset.offline) {
      event.preventDefault();
      return this.say(this.form.dataset.offline, true);
    }
    if (this.draft && button.name !== "preview") memory.set(SENT, this.draft);
    this.form.ariaBusy = "true";
    // Not `disabled`: that would take the focus away and leave the button's own value out of the post.
    button.ariaDisabled = "true";
    if (button.name !== "preview" && this.form.dataset.posting) {
      this.label = [button, button.textContent];
      button.textContent = this.form.dataset.posting;
    }
  }

  ready() {
    this.form.ariaBusy = null;
    for (const button of this.form.querySelectorAll("button")) button.ariaDisabled = null;
    if (this.label) this.label[0].textContent = this.label[1];
    this.label = null;
  }

  /* Typing. */

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.form.requestSubmit(this.form.querySelector("button"));
    } else if (event.key === "Escape" && this.opener && !event.isComposing) {
      event.preventDefault();
      this.back();
    }
  }

  typed() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.remember(), PAUSE);
    this.count();
    this.grow();
  }

  /* Says how much room is left, but only to those who come near the end. */
  count() {
    const left = Number(this.text.dataset.max) - [...this.text.value].length;
    const near = left < Number(this.text.dataset.max) / 10;
    if (!this.room && !near) return;
    this.room ??= this.text.parentElement.appendChild(Object.assign(document.createElement("p"), { className: "forum-hint" }));
    this.room.hidden = !near;
    this.room.textContent = (left < 0 ? this.form.dataset.over : this.form.dataset.left).replace("{n}", Math.abs(left));
  }

  /* Browsers without `field-sizing`. */
  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.text.style.blockSize = "auto";
    this.text.style.blockSize = `${this.text.scrollHeight + 2}px`;
  }

  /* Speaking, and telling the time. */

  say(words, alarm = false) {
    if (!this.status || !words) return;
    this.status.className = alarm ? "forum-error" : "forum-sr";
    this.status.textContent = "";
    setTimeout(() => { this.status.textContent = words; }, 50);
  }

  age() {
    const words = new Intl.RelativeTimeFormat(this.closest("[lang]")?.lang || undefined, { numeric: "auto" });
    for (const time of this.querySelectorAll("time.forum-time")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      time.dataset.date ??= time.textContent;
      const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS[2];
      const recent = seconds > -DAY && seconds < RELATIVE_DAYS * DAY;
      time.textContent = recent ? words.format(-Math.max(0, Math.floor(seconds / size)), unit) : time.dataset.date;
    }
  }

  /* A link to a comment inside folded replies unfolds them; some browsers do so by themselves. */
  reveal() {
    const target = location.hash.length > 1 && document.getElementById(fragment());
    if (!target || !this.contains(target)) return;
    let folded = false;
    for (let at = target.parentElement; at !== this; at = at.parentElement) {
      if (at.matches("details:not([open])")) folded = at.open = true;
    }
    if (folded) target.scrollIntoView();
  }
}

if (!customElements.get("forum-thread")) customElements.define("forum-thread", ForumThread);
