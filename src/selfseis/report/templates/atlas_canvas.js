// Drawing: colours that a colour-blind reader tells apart, canvases that follow their width, and axes.

const INK = "#1a1d21";
const QUIET = "#5b6168";
const LINE = "#d8dadc";
const SHADES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b4c9a", "#8c6d31"];
const NO_CLASS = "#8c8c8c";

const shadeOf = (group) => (group.unassigned ? NO_CLASS : SHADES[group.index % SHADES.length]);

// A canvas in `place` that is drawn again whenever its width changes.
class Picture {
  constructor(place, height, draw) {
    this.canvas = document.createElement("canvas");
    this.canvas.style.cssText = `display:block;width:100%;height:${height}px`;
    Object.assign(this, { place, height, paint: draw });
    place.append(this.canvas);
    new ResizeObserver(() => this.draw()).observe(place);
  }

  draw() {
    const [width, ratio] = [this.place.clientWidth, window.devicePixelRatio || 1];
    if (!width) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "12px system-ui, sans-serif";
    this.paint(context, width, this.height);
  }
}

function writeText(context, text, x, y, align = "center", colour = QUIET) {
  Object.assign(context, { fillStyle: colour, textAlign: align, textBaseline: "middle" });
  context.fillText(text, x, y);
}

// Ticks below a box; `box` is {left, top, right, bottom}, `toX` turns a value into a place.
function axisBelow(context, box, ticks, toX, title) {
  context.fillStyle = QUIET;
  context.fillRect(box.left, box.bottom, box.right - box.left, 1);
  let free = -Infinity;
  ticks.forEach(({ at, label }) => {
    const [x, half] = [toX(at), context.measureText(label).width / 2];
    context.fillStyle = QUIET;
    context.fillRect(x, box.bottom, 1, 4);
    const middle = Math.max(half, Math.min(x, box.right - half)); // labels at the ends stay whole
    if (middle - half < free) return;
    writeText(context, label, middle, box.bottom + 12);
    free = middle + half + 6;
  });
  if (title) writeText(context, title, (box.left + box.right) / 2, box.bottom + 28);
}

function axisLeft(context, box, ticks, toY, title) {
  context.fillStyle = QUIET;
  context.fillRect(box.left, box.top, 1, box.bottom - box.top);
  ticks.forEach(({ at, label }) => {
    context.fillStyle = QUIET;
    context.fillRect(box.left - 4, toY(at), 4, 1);
    writeText(context, label, box.left - 7, toY(at), "right");
  });
  if (!title) return;
  context.save();
  context.translate(11, (box.top + box.bottom) / 2);
  context.rotate(-Math.PI / 2);
  writeText(context, title, 0, 0);
  context.restore();
}

function strokePath(context, points, colour, width = 1.5, dash = []) {
  context.beginPath();
  points.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  Object.assign(context, { strokeStyle: colour, lineWidth: width });
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

// An element with its text and its children.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => (key in made ? (made[key] = value) : made.setAttribute(key, value)));
  made.append(...children);
  return made;
}

// Viridis in nine steps: even in lightness, so that it survives print.
const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [253, 231, 37]];
const VIRIDIS_OF = Array.from({ length: 256 }, (_, value) => {
  const place = (value / 255) * (VIRIDIS.length - 1);
  const below = Math.min(VIRIDIS.length - 2, Math.floor(place));
  return VIRIDIS[below].map((part, index) => part + (place - below) * (VIRIDIS[below + 1][index] - part));
});
