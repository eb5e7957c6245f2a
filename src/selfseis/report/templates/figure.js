// Before, after and removed, side by side with one shared view.

const PANEL_TITLES = { before: "Before", after: "After", removed: "Removed (before − after)" };
const MARGIN = { top: 9, right: 8, bottom: 40 };
const FONT = '12px system-ui, "Liberation Sans", sans-serif';

class SnippetFigure {
  constructor(container, payload, marks) {
    Object.assign(this, { container, payload, marks, gain: 1, panning: false });
    this.shown = new Set(payload.panels.slice(0, 2).map((panel) => panel.name));
    this.view = new View(8 / payload.shape[1], (payload.kind === "wiggles" ? 1 : 4) / payload.shape[0]);
    this.view.listeners.push(() => this.draw());
    this.readout = element("div", { className: "readout" });
    this.grid = element("div", { className: "panels" });
    this.panels = payload.panels.map((panel, index) => this.makePanel(panel, payload.values[index]));
    container.replaceChildren(this.toolbar(), this.grid, this.readout, element("p", { className: "caption", textContent: this.caption() }));
    this.arrange();
    new ResizeObserver(() => this.draw()).observe(this.grid);
  }

  panelTitle(name) {
    if (this.payload.panels.length > 1) return PANEL_TITLES[name];
    return this.payload.panelTitle ?? "As recorded";
  }

  makePanel(panel, values) {
    const surface = element("div", { className: "surface", tabIndex: 0 });
    surface.setAttribute("role", "group");
    surface.setAttribute("aria-label", `${this.panelTitle(panel.name)}: arrow keys move, plus and minus zoom, 0 shows all`);
    const canvas = element("canvas");
    const hairs = ["vertical", "level"].map((kind) => surface.appendChild(element("i", { className: `hair ${kind}`, hidden: true })));
    const figure = element("figure", { className: "panel" }, [
      element("figcaption", { textContent: this.panelTitle(panel.name) }),
      element("div", { className: "plot" }, [canvas, surface]),
    ]);
    figure.dataset.panel = panel.name;
    attachControls(surface, this.view, { panning: () => this.panning });
    surface.addEventListener("pointermove", (event) => this.point(event, surface));
    surface.addEventListener("pointerleave", () => this.unpoint());
    return { name: panel.name, values, figure, canvas, surface, hairs };
  }

  toolbar() {
    const toggle = (label, pressed, action) => {
      const button = pushButton(label, () => button.setAttribute("aria-pressed", String(action())));
      button.setAttribute("aria-pressed", String(pressed));
      return button;
    };
    const shows = this.payload.panels.map(({ name }) => toggle(name === "removed" ? "Removed" : PANEL_TITLES[name], this.shown.has(name), () => {
      if (!this.shown.delete(name)) this.shown.add(name);
      if (!this.shown.size) this.shown.add(name);
      this.arrange();
      return this.shown.has(name);
    }));
    const pan = toggle("Drag moves", false, () => {
      this.panning = !this.panning;
      this.panels.forEach(({ surface }) => surface.classList.toggle("panning", this.panning));
      return this.panning;
    });
    pan.title = "Dragging moves the view instead of drawing a zoom box";
    const contrast = (label, factor, title) => pushButton(label, () => {
      this.gain = Math.min(64, Math.max(1 / 64, this.gain * factor));
      this.draw();
    }, title);
    return element("div", { className: "toolbar" }, [
      ...(shows.length > 1 ? [element("span", { className: "group" }, shows)] : []),
      zoomButtons(this.view),
      element("span", { className: "group" }, [pan]),
      element("span", { className: "group" }, ["Contrast", contrast("less", 0.5, "Show twice the amplitude range"), contrast("more", 2, "Show half the amplitude range")]),
      this.scale(),
    ]);
  }

  scale() {
    this.scaleText = element("span");
    const nodata = [element("i", { className: "nodata" }), "no data"];
    if (this.payload.kind === "wiggles") return element("span", { className: "scale" }, [this.scaleText, ...nodata]);
    const bar = element("canvas", { width: N_COLOURS, height: 1 });
    const context = bar.getContext("2d");
    const picture = context.createImageData(N_COLOURS, 1);
    new Uint32Array(picture.data.buffer).set(paletteOf(this.payload));
    context.putImageData(picture, 0, 0);
    return element("span", { className: "scale" }, [bar, this.scaleText, ...nodata]);
  }

  caption() {
    const { kind, units, clip, block, panels } = this.payload;
    const parts = kind === "waterfall"
      ? [`Colours saturate at ±${formatNumber(clip)} ${units}, which holds 99% of the samples before${panels.length > 1 ? "; the same scale in every panel" : ""}.`]
      : [`Each trace is scaled by its own amplitude before (99.9% of its samples fit its height)${panels.length > 1 ? ", alike in every panel" : ""}; values in ${units}.`];
    if (block[0] * block[1] > 1) parts.push(`One point here is the largest amplitude of ${block[0]} × ${block[1]} (channels × samples).`);
    if (this.marks.length) parts.push("Orange bars above: detected events.");
    if (this.payload.picks && kind === "waterfall") parts.push("Blue dots: P; orange dots: S, at the channels that are drawn.");
    else if (this.payload.picks) parts.push("Blue: P; orange: S, each with its probability; the shade about it is one standard deviation of its time to each side.");
    parts.push("Drag a box to zoom, double-click for the whole; Ctrl with the wheel or two fingers also zoom.");
    return parts.join(" ");
  }

  arrange() {
    const visible = this.panels.filter(({ name }) => this.shown.has(name));
    this.grid.style.setProperty("--columns", visible.length);
    this.grid.replaceChildren(...visible.map(({ figure }) => figure));
    this.draw();
  }

  seconds(share) {
    return this.payload.start + share * this.payload.shape[1] * this.payload.step;
  }

  // Distances may be uneven: a label stands at the row where its distance lies.
  rowTicks(low, high) {
    const rows = this.payload.rows;
    const at = (share) => rows[Math.min(rows.length - 1, Math.max(0, Math.round(share * rows.length - 0.5)))];
    if (typeof rows[0] === "string") return [];
    const [from, to] = [at(low), at(high)];
    return numberTicks(Math.min(from, to), Math.max(from, to), 6).map(({ at: distance, label }) => {
      let above = rows.findIndex((value) => value >= distance);
      if (above < 0) above = rows.length - 1;
      const below = Math.max(0, above - 1);
      const between = rows[above] > rows[below] ? (distance - rows[below]) / (rows[above] - rows[below]) : 0;
      return { at: (below + between + 0.5) / rows.length, label };
    });
  }

  draw() {
    this.grid.querySelectorAll(".panel").forEach((figure) => {
      this.drawPanel(this.panels.find((panel) => panel.figure === figure));
    });
    const [from, to] = this.view.x.map((share) => this.seconds(share));
    const rows = this.payload.rows;
    const [top, bottom] = [rows[Math.floor(this.view.y[0] * rows.length)], rows[Math.min(rows.length, Math.ceil(this.view.y[1] * rows.length - 1e-9)) - 1]];
    const place = typeof top === "string" ? `${top} to ${bottom}` : `${formatNumber(top, 5)} to ${formatNumber(bottom, 5)} m`;
    this.extent = `${formatDate(from)} ${formatClock(from, (to - from) / 1000)} to ${formatClock(to, (to - from) / 1000)} UTC · ${place}`;
    this.readout.textContent = this.extent;
    this.scaleText.textContent = this.payload.kind === "waterfall"
      ? `±${formatNumber(this.payload.clip / this.gain)} ${this.payload.units}`
      : `amplitude × ${formatNumber(this.gain)}`;
  }

  drawPanel({ name, values, canvas, surface }) {
    const width = canvas.parentElement.clientWidth;
    if (!width) return;
    const { kind, shape } = this.payload;
    const waterfall = kind === "waterfall";
    const height = waterfall ? 340 : Math.min(620, Math.max(190, 60 + 34 * shape[0]));
    const area = { left: waterfall ? 58 : 8, top: MARGIN.top };
    Object.assign(area, { width: width - area.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom });
    const pixelRatio = window.devicePixelRatio || 1;
    const context = prepareCanvas(canvas, width, height, pixelRatio);
    if (waterfall) paintWaterfall(context, area, this.payload, values, this.view, this.payload.clip / this.gain, pixelRatio);
    else paintWiggles(context, area, this.payload, values, this.view, this.gain, name === "after" ? BLUE : INK);
    this.drawAxes(context, area, waterfall);
    if (this.payload.picks) drawPicks(context, area, this.payload, this.view);
    this.drawMarks(context, area);
    Object.assign(surface.style, { left: `${area.left}px`, top: `${area.top}px`, width: `${area.width}px`, height: `${area.height}px` });
  }

  drawAxes(context, area, waterfall) {
    const [from, to] = this.view.x.map((share) => this.seconds(share));
    drawTimeAxis(context, area, from, to);
    context.strokeStyle = QUIET;
    context.strokeRect(area.left, area.top, area.width, area.height);
    const [low, high] = this.view.y;
    const toY = (share) => area.top + ((share - low) / (high - low)) * area.height;
    if (!waterfall) return this.drawTraceNames(context, area, toY);
    context.textAlign = "right";
    context.textBaseline = "middle";
    this.rowTicks(low, high).forEach(({ at, label }) => {
      if (at < low || at > high) return;
      context.fillRect(area.left - 4, toY(at), 4, 1);
      context.fillText(label, area.left - 7, toY(at));
    });
    context.save();
    context.translate(11, area.top + area.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(this.payload.rowTitle, 0, 0);
    context.restore();
    return undefined;
  }

  drawTraceNames(context, area, toY) {
    const { rows } = this.payload;
    const rowHeight = toY(1 / rows.length) - toY(0);
    const every = Math.ceil(13 / rowHeight);
    context.textAlign = "left";
    context.textBaseline = "top";
    context.lineWidth = 3;
    context.strokeStyle = "rgb(255 255 255 / .85)";
    rows.forEach((row, index) => {
      const y = toY(index / rows.length) + 2;
      if (index % every || y < area.top || y > area.top + area.height - 10) return;
      const label = typeof row === "string" ? row : `${formatNumber(row, 6)} m`;
      context.strokeText(label, area.left + 5, y);
      context.fillText(label, area.left + 5, y);
    });
    context.lineWidth = 1;
  }

  drawMarks(context, area) {
    const [from, to] = this.view.x.map((share) => this.seconds(share));
    const toX = (seconds) => area.left + Math.min(1, Math.max(0, (seconds - from) / (to - from))) * area.width;
    context.fillStyle = VERMILION;
    this.marks.forEach(([start, end]) => {
      if ((end ?? start) < from || start > to) return;
      context.fillRect(toX(start), 1, Math.max(3, toX(end ?? start) - toX(start)), 5);
    });
  }

  point(event, surface) {
    const box = surface.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (x < 0 || x >= 1 || y < 0 || y >= 1) return this.unpoint();
    this.panels.forEach(({ hairs: [vertical, level] }) => {
      vertical.hidden = level.hidden = false;
      vertical.style.left = `${100 * x}%`;
      level.style.top = `${100 * y}%`;
    });
    const { shape, rows, units, step } = this.payload;
    const column = Math.floor((this.view.x[0] + x * (this.view.x[1] - this.view.x[0])) * shape[1]);
    const row = Math.floor((this.view.y[0] + y * (this.view.y[1] - this.view.y[0])) * shape[0]);
    const amplitudes = this.panels.map(({ name, values }) => `${name} ${formatNumber(values[row * shape[1] + column])}`);
    const place = typeof rows[row] === "string" ? rows[row] : `${formatNumber(rows[row], 6)} m`;
    const time = this.payload.start + column * step;
    this.readout.textContent = `${formatDate(time)} ${formatClock(time, step)} UTC · ${place} · ${amplitudes.join(" · ")} (${units})`;
    return undefined;
  }

  unpoint() {
    this.panels.forEach(({ hairs }) => hairs.forEach((hair) => { hair.hidden = true; }));
    this.readout.textContent = this.extent;
  }
}

function prepareCanvas(canvas, width, height, pixelRatio) {
  canvas.width = Math.round(width * pixelRatio);
  canvas.height = Math.round(height * pixelRatio);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(pixelRatio, pixelRatio);
  context.font = FONT;
  context.fillStyle = QUIET;
  context.lineWidth = 1;
  return context;
}

function drawTimeAxis(context, area, from, to) {
  const bottom = area.top + area.height;
  context.fillStyle = QUIET;
  context.textAlign = "center";
  context.textBaseline = "top";
  timeTicks(from, to, Math.max(2, Math.floor(area.width / 95))).forEach(({ at, label }) => {
    const x = area.left + ((at - from) / (to - from)) * area.width;
    const half = context.measureText(label).width / 2;
    context.fillRect(x, bottom, 1, 4);
    context.fillText(label, Math.min(Math.max(x, half), area.left + area.width + MARGIN.right - half), bottom + 6);
  });
  context.fillText(timeAxisTitle(from, to), area.left + area.width / 2, bottom + 23);
}
