/* A second of arithmetic for each comment, done unseen beside the page; without it a comment waits for a moderator.
   The page runs this module for the form, and once more as a worker, so that typing stays smooth.
   The protocol is ALTCHA's: which number, behind the salt, has this hash? */

const PATIENCE = 15000; // then the comment goes without, rather than not at all
const AT_ONCE = 250;

async function hash(text) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function solve({ salt, challenge, maxNumber }) {
  for (let first = 0; first <= maxNumber; first += AT_ONCE) {
    const hashes = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => hash(salt + (first + n))));
    const found = hashes.indexOf(challenge);
    if (found >= 0) return first + found;
  }
  return null;
}

/* One field of one form: asks for its challenge when somebody begins to write, and holds the form back if need be. */
class Proof {
  static all = new WeakMap();

  static of(form) {
    const field = form?.matches?.("form.forum-form") && form.querySelector("input[name=proof]");
    if (field && !Proof.all.has(field)) Proof.all.set(field, new Proof(field));
    return field ? Proof.all.get(field) : null;
  }

  constructor(field) {
    this.field = field;
    this.form = field.form;
  }

  begin() {
    this.done ??= this.field.value ? Promise.resolve() : this.work().catch(() => {}).finally(() => { this.over = true; });
    return this.done;
  }

  async work() {
    const stamp = this.form.querySelector("input[name=stamp]").value;
    const seal = stamp.slice(stamp.lastIndexOf(".") + 1);
    const answer = await fetch(this.field.dataset.url.replace("-".repeat(22), seal), { credentials: "same-origin" });
    if (!answer.ok) return;
    const task = await answer.json();
    const number = await this.elsewhere(task);
    const { algorithm, challenge, salt, signature } = task;
    if (number !== null) this.field.value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
  }

  elsewhere(task) {
    const worker = new Worker(import.meta.url, { type: "module" });
    return new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = reject;
      worker.postMessage(task);
    }).finally(() => worker.terminate());
  }

  async submit(event) {
    if (this.field.value || this.over || event.submitter?.name === "preview") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (this.waiting) return;
    this.waiting = true;
    await Promise.race([this.begin(), new Promise((resolve) => { setTimeout(resolve, PATIENCE); })]);
    this.over = true;
    this.form.requestSubmit(event.submitter);
  }
}

if (typeof document === "undefined") {
  onmessage = async (event) => postMessage(await solve(event.data));
} else {
  // Forms come and go; and a form that is not ready has not been submitted, so nobody else hears of it first.
  document.addEventListener("input", (event) => Proof.of(event.target.form)?.begin());
  document.addEventListener("submit", (event) => Proof.of(event.target)?.submit(event), true);
  for (const form of document.forms) if (form.querySelector("textarea")?.value) Proof.of(form)?.begin();
}
