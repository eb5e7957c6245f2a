// The detector's score against its threshold, the events, and where there were data.

const SCORE_HEIGHT = 170;
const BASELINE_HEIGHT = 80;
const EVENTS_ONLY_HEIGHT = 40;
const PICKS_HEIGHT = 90;
const PICKS_TITLE = "events made of picks: sum of the probabilities of their picks";
const ROOM_BELOW = 12;
const TITLE_HEIGHT = 18;
const WIDE_RANGE = 100;
const PRESENT = "#6f7780";

class Timeline {
  constructor(container, payload, events, onChoose) {
    Object.assign(this, { payload, events, onChoose, chosen: -1 });
    this.span = this.wholeSpan();
    this.rows = this.layRows();
    this.canvas = element("canvas", { role: "img" });
    this.canvas.setAttribute("aria-label", "Score through time, threshold, events and coverage; the gallery below lists the same events");
    this.surface = element("div", { className: "surface", tabIndex: 0 });
    this.surface.setAttribute("role", "group");
    this.surface.setAttribute("aria-label", "Timeline: left and right move, plus and minus zoom, 0 shows all");
    this.view = new View(1e-4, 1);
    this.view.listeners.push(() => this.draw());
    attachControls(this.surface, this.view, { onClick: ([share, shareY]) => this.choose(share, shareY) });
    this.surface.addEventListener("pointermove", (event) => this.point(event));
    this.surface.addEventListener("pointerleave", () => { this.readout.textContent = ""; });
    this.readout = element("div", { className: "readout" });
    this.plot = element("div", { className: "plot" }, [this.canvas, this.surface]);
    container.append(element("div", { className: "toolbar" }, [zoomButtons(this.view), this.legend()]), this.plot, this.readout,
      element("p", { className: "caption", textContent: this.caption() }));
    this.draw();
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  wholeSpan() {
    const moments = this.events.flatMap(({ start, end }) => [start, end]).filter((moment) => moment !== null);
    const { score, coverage } = this.payload;
    if (score) moments.push(score.start, score.start + score.step * score.values.length);
    if (coverage) moments.push(coverage.edges[0], coverage.edges.at(-1));
    const [low, high] = moments.reduce(([least, most], moment) => [Math.min(least, moment), Math.max(most, moment)], [Infinity, -Infinity]);
    return high > low ? [low, high] : [low - 30, low + 30];
  }

  layRows() {
    const { score, baseline_score: baseline, coverage, scoreName, baselineName, threshold } = this.payload;
    const rows = [];
    let top = MARGIN.top;
    const add = (row) => {
      if (row.title) top += TITLE_HEIGHT;
      rows.push({ ...row, top });
      top += row.height + ROOM_BELOW;
    };
    const ofPicks = this.events.filter((event) => event.ofPicks);
    const others = this.events.filter((event) => !event.ofPicks);
    if (score) add({ kind: "score", series: score, height: SCORE_HEIGHT, title: scoreName, threshold, events: others });
    else if (others.length || !ofPicks.length) add({ kind: "events", height: EVENTS_ONLY_HEIGHT, events: others });
    if (ofPicks.length) add({ kind: "picks", height: PICKS_HEIGHT, title: PICKS_TITLE, events: ofPicks, ...picksScale(ofPicks) });
    if (baseline) add({ kind: "baseline", series: baseline, height: BASELINE_HEIGHT, title: baselineName, threshold: null });
    if (coverage) add({ kind: "coverage", height: Math.min(220, Math.max(14, coverage.groups.length * 15)) });
    rows.filter(({ series }) => series).forEach((row) => Object.assign(row, scoreScale(row, row.events ?? [])));
    this.height = top - ROOM_BELOW + MARGIN.bottom;
    return rows;
  }

  legend() {
    const nodata = this.payload.coverage ? [element("i", { className: "nodata" }), "no data"] : [];
    return element("span", { className: "scale" }, nodata);
  }

  caption() {
    const parts = [];
    if (this.events.length) parts.push("Each orange mark is an event; click one to see its waveforms.");
    if (this.payload.score && this.payload.threshold !== null) parts.push(`Dashed: threshold at ${formatNumber(this.payload.threshold)}.`);
    if (this.events.some((event) => event.ofPicks)) parts.push("Events made of picks have their own axis: their score is no detector's.");
    if (this.payload.baseline_score) parts.push("The baseline's score has its own axis: its units differ.");
    if (this.payload.coverage) parts.push("Bottom strip: share of channels with data.");
    return parts.join(" ");
  }

  // The left margin holds the longest station name, but never more than a quarter of a narrow page.
  measureMargin(context) {
    const names = this.payload.coverage?.groups ?? [];
    const longest = Math.max(0, ...names.map((name) => context.measureText(name).width));
    this.left = Math.max(54, Math.min(longest + 14, 120, this.width / 4));
  }

  area(row) {
    return { left: this.left, top: row.top, width: this.width - this.left - MARGIN.right, height: row.height };
  }

  shown() {
    const [low, high] = this.span;
    return this.view.x.map((share) => low + share * (high - low));
  }

  draw() {
    this.width = this.plot.clientWidth;
    if (!this.width) return;
    const context = prepareCanvas(this.canvas, this.width, this.height, window.devicePixelRatio || 1);
    this.measureMargin(context);
    const [from, to] = this.shown();
    this.rows.forEach((row) => {
      const area = this.area(row);
      const toX = (seconds) => area.left + ((seconds - from) / (to - from)) * area.width;
      context.save();
      if (row.kind === "coverage") this.drawCoverage(context, area, toX);
      else if (row.series) this.drawSeries(context, area, toX, row);
      else if (row.kind === "picks") drawScoreAxis(context, area, row, (value) => heightIn(area, row, value));
      context.restore();
      if (row.events) this.drawEvents(context, area, toX, row);
    });
    const first = this.area(this.rows[0]);
    const last = this.area(this.rows.at(-1));
    drawTimeAxis(context, last, from, to);
    Object.assign(this.surface.style, { left: `${first.left}px`, top: `${first.top}px`, width: `${first.width}px`, height: `${last.top + last.height - first.top}px` });
  }

  drawSeries(context, area, toX, row) {
    const { start, step, values } = row.series;
    const toY = (value) => heightIn(area, row, value);
    drawScoreAxis(context, area, row, toY);
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    context.beginPath();
    let penDown = false;
    values.forEach((value, index) => {
      if (value === null || (row.logarithmic && value <= 0)) penDown = false;
      else {
        const [x, y] = [toX(start + index * step), toY(value)];
        if (penDown) context.lineTo(x, y);
        else context.fillRect(x, y - 0.5, 1, 1), context.moveTo(x, y);
        penDown = true;
      }
    });
    context.strokeStyle = row.kind === "score" ? BLUE : QUIET;
    context.stroke();
    if (row.threshold === null) return;
    context.setLineDash([6, 4]);
    context.strokeStyle = INK;
    context.beginPath();
    context.moveTo(area.left, toY(row.threshold));
    context.lineTo(area.left + area.width, toY(row.threshold));
    context.stroke();
  }

  drawCoverage(context, area, toX) {
    const { groups, edges, fractions } = this.payload.coverage;
    const rowHeight = area.height / groups.length;
    const hatch = hatchPattern(context);
    const every = Math.ceil(12 / rowHeight);
    groups.forEach((group, index) => {
      const top = area.top + index * rowHeight;
      const height = Math.max(1, rowHeight - (rowHeight > 4 ? 2 : 0));
      fractions[index].forEach((fraction, bin) => {
        const until = edges[bin + 1] > edges[bin] ? edges[bin + 1] : this.span[1];
        const left = Math.max(area.left, Math.round(toX(edges[bin])));
        const right = Math.min(area.left + area.width, Math.round(toX(until)));
        if (right <= left) return;
        context.fillStyle = hatch;
        context.fillRect(left, top, right - left, height);
        context.fillStyle = PRESENT;
        if (fraction > 0) context.fillRect(left, top + height * (1 - fraction), right - left, height * fraction);
      });
      if (index % every) return;
      context.fillStyle = QUIET;
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(fitted(context, group, area.left - 12), area.left - 7, top + height / 2);
    });
  }

  eventAt(event, area, toX, row) {
    const x = toX(((event.end ?? event.start) + event.start) / 2);
    const y = row.share && event.score !== null ? heightIn(area, row, event.score) : area.top + area.height / 2;
    return [x, Math.min(area.top + area.height, Math.max(area.top, y))];
  }

  drawEvents(context, area, toX, row) {
    if (row.kind === "events") {
      context.fillStyle = QUIET;
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText("events", area.left - 7, area.top + area.height / 2);
    }
    const chosen = this.events[this.chosen];
    row.events.forEach((event) => event !== chosen && this.drawEvent(context, area, toX, row, event));
    if (row.events.includes(chosen)) this.drawEvent(context, area, toX, row, chosen);
  }

  drawEvent(context, area, toX, row, event) {
    if (event.start === null) return;
    const [x, y] = this.eventAt(event, area, toX, row);
    if (x < area.left - 1 || x > area.left + area.width + 1) return;
    const chosen = event === this.events[this.chosen];
    context.beginPath();
    context.arc(x, y, chosen ? 7 : 4.5, 0, 2 * Math.PI);
    context.fillStyle = VERMILION;
    context.fill();
    context.strokeStyle = chosen ? INK : "white";
    context.lineWidth = chosen ? 2 : 1;
    context.stroke();
    context.lineWidth = 1;
  }

  nearest(share) {
    const [from, to] = this.shown();
    const area = this.area(this.rows[0]);
    const distances = this.events.map(({ start, end }) => (start === null ? Infinity : Math.abs(((start + (end ?? start)) / 2 - from) / (to - from) - share) * area.width));
    const least = Math.min(...distances);
    return least < 10 ? distances.flatMap((distance, index) => (distance <= least + 4 ? [index] : [])) : [];
  }

  // Where several events lie at one pixel the click takes the one whose mark is nearest in height.
  choose(share, shareY) {
    const candidates = this.nearest(share);
    if (!candidates.length) return;
    const y = this.area(this.rows[0]).top + shareY * this.surface.clientHeight;
    const height = (index) => {
      const row = this.rows.find(({ events }) => events?.includes(this.events[index]));
      return Math.abs(this.eventAt(this.events[index], this.area(row), () => 0, row)[1] - y);
    };
    this.onChoose(candidates.reduce((best, index) => (height(index) < height(best) ? index : best)));
  }

  mark(index) {
    this.chosen = index;
    this.draw();
  }

  point(event) {
    const box = this.surface.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const [from, to] = this.shown();
    const time = from + share * (to - from);
    const parts = [`${formatDate(time)} ${formatClock(time, (to - from) / 1000)} UTC`];
    this.rows.filter(({ series }) => series).forEach(({ series, title }) => {
      const value = series.values[Math.round((time - series.start) / series.step)];
      if (value !== undefined) parts.push(`${title} ${value === null ? "no data" : formatNumber(value)}`);
    });
    const [near] = this.nearest(share);
    if (near !== undefined) parts.push(`event ${this.events[near].id}`);
    this.surface.style.cursor = near === undefined ? "" : "pointer";
    this.readout.textContent = parts.join(" · ");
  }
}

function heightIn(area, row, value) {
  return area.top + area.height * (1 - row.share(value));
}

function picksScale(events) {
  const high = 1.1 * Math.max(1, ...events.map(({ score }) => score ?? 0));
  return { logarithmic: false, low: 0, high, share: (value) => value / high };
}

// A score that ranges far above its median, never below zero, is read better on a logarithmic axis.
function scoreScale({ series, threshold, kind }, events) {
  const present = series.values.filter((value) => value !== null);
  if (!present.length) return { logarithmic: false, low: 0, high: 1, share: (value) => value };
  const sorted = Float64Array.from(present).sort();
  const logarithmic = sorted[0] > 0 && sorted.at(-1) > WIDE_RANGE * sorted[sorted.length >> 1];
  const bend = logarithmic ? Math.log10 : (value) => value;
  const marked = kind === "score" ? [threshold, ...events.map(({ score }) => score)].filter((value) => value !== null && (!logarithmic || value > 0)) : [];
  const ends = [sorted[0], sorted.at(-1), ...marked].map(bend);
  const room = (Math.max(...ends) - Math.min(...ends) || 1) * 0.06;
  const [low, high] = [Math.min(...ends) - room, Math.max(...ends) + room];
  return { logarithmic, low, high, share: (value) => (bend(value) - low) / (high - low) };
}

function drawScoreAxis(context, area, row, toY) {
  const ticks = row.logarithmic
    ? Array.from({ length: Math.max(0, Math.floor(row.high) - Math.ceil(row.low) + 1) }, (_, n) => 10 ** (Math.ceil(row.low) + n)).map((at) => ({ at, label: formatNumber(at) }))
    : numberTicks(row.low, row.high, Math.max(2, area.height / 34));
  context.textAlign = "right";
  context.textBaseline = "middle";
  ticks.forEach(({ at, label }) => {
    context.fillStyle = LINE;
    context.fillRect(area.left, toY(at), area.width, 1);
    context.fillStyle = QUIET;
    context.fillText(label, area.left - 7, toY(at));
  });
  context.textAlign = "left";
  context.textBaseline = "bottom";
  const unit = /\(.*\)/.test(row.title) ? "" : " (no unit)";
  context.fillText(fitted(context, row.title + unit + (row.logarithmic ? ", logarithmic" : ""), area.width), area.left, area.top - 4);
}

function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
