// Cards of events, a page at a time, and the chosen event's waveforms above them.

const CARDS_ON_A_PAGE = 12;
const ORDERS = {
  pValue: (a, b) => (a.pValue ?? 2) - (b.pValue ?? 2) || (b.score ?? -Infinity) - (a.score ?? -Infinity),
  score: (a, b) => (b.score ?? -Infinity) - (a.score ?? -Infinity),
  start: (a, b) => (a.start ?? Infinity) - (b.start ?? Infinity),
};

class Gallery {
  constructor(events, onChoose) {
    Object.assign(this, { events, onChoose, page: 0, chosen: -1, drawn: new Set() });
    this.items = [...document.querySelectorAll("#gallery > li")];
    this.cards = this.items.map((item) => item.firstElementChild);
    this.cards.forEach((card, index) => card.addEventListener("click", () => this.choose(index)));
    const onClick = (id, action) => document.getElementById(id).addEventListener("click", action);
    onClick("earlier-page", () => this.turnTo(this.page - 1));
    onClick("later-page", () => this.turnTo(this.page + 1));
    onClick("previous-event", () => this.step(-1));
    onClick("next-event", () => this.step(1));
    this.select = document.getElementById("gallery-order");
    this.select.addEventListener("change", () => this.sort());
    this.sort();
    const first = this.order.find((index) => events[index].snippet !== null) ?? this.order[0];
    this.choose(first, { scroll: false });
  }

  sort() {
    const compare = ORDERS[this.select.value];
    this.order = this.events.map((_, index) => index).sort((a, b) => compare(this.events[a], this.events[b]) || a - b);
    document.getElementById("gallery").append(...this.order.map((index) => this.items[index]));
    this.turnTo(0);
  }

  turnTo(page) {
    const nPages = Math.ceil(this.order.length / CARDS_ON_A_PAGE);
    this.page = Math.min(nPages - 1, Math.max(0, page));
    const first = this.page * CARDS_ON_A_PAGE;
    const visible = this.order.slice(first, first + CARDS_ON_A_PAGE);
    this.order.forEach((index) => { this.items[index].hidden = !visible.includes(index); });
    document.getElementById("gallery-page").textContent = `${first + 1} to ${first + visible.length} of ${this.order.length}`;
    document.getElementById("earlier-page").disabled = this.page === 0;
    document.getElementById("later-page").disabled = this.page === nPages - 1;
    visible.forEach((index) => this.drawThumbnail(index));
  }

  async drawThumbnail(index) {
    const { snippet } = this.events[index];
    if (snippet === null || this.drawn.has(index)) return;
    this.drawn.add(index);
    paintThumbnail(this.cards[index].querySelector("canvas"), await readSnippet(`snippet-${snippet}`));
  }

  step(by) {
    const place = this.order.indexOf(this.chosen) + by;
    if (place >= 0 && place < this.order.length) this.choose(this.order[place], { scroll: false });
  }

  async choose(index, { scroll = true } = {}) {
    this.cards[this.chosen]?.setAttribute("aria-pressed", "false");
    this.chosen = index;
    this.cards[index].setAttribute("aria-pressed", "true");
    const place = this.order.indexOf(index);
    this.turnTo(Math.floor(place / CARDS_ON_A_PAGE));
    document.getElementById("previous-event").disabled = place === 0;
    document.getElementById("next-event").disabled = place === this.order.length - 1;
    const textOf = (name) => this.cards[index].querySelector(name)?.textContent ?? "";
    document.getElementById("event-title").textContent = `Event ${this.events[index].id}`;
    document.getElementById("event-facts").textContent = [`${textOf(".card-time")} UTC`, textOf(".card-facts").trim(), textOf(".card-origin")].filter(Boolean).join(" · ");
    this.onChoose(index);
    if (scroll) {
      const viewer = document.getElementById("event-viewer");
      viewer.focus({ preventScroll: true });
      viewer.scrollIntoView({ block: "nearest", behavior: "instant" });
    }
    await this.showWaveforms(index);
  }

  async showWaveforms(index) {
    const container = document.getElementById("event-figure");
    const { snippet, start, end } = this.events[index];
    if (snippet === null) {
      container.replaceChildren(element("p", { className: "empty", textContent: "The waveforms of this event were not kept." }));
      return;
    }
    const payload = await readSnippet(`snippet-${snippet}`);
    // Another event may have been chosen while this one was unpacked.
    if (this.chosen !== index) return;
    const [windowStart, windowEnd] = payload.window[0] === null ? [start, end] : payload.window;
    container.dataset.event = this.events[index].id;
    new SnippetFigure(container, payload, windowStart === null ? [] : [[windowStart, windowEnd]]);
  }
}
