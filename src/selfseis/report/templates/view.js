// The part of a figure that is looked at, shared by its panels, and the ways to move it.

const CLICK_SLACK = 5;
const ROW_SLACK = 14;

// Spans are shares of the whole: 0 is the first sample or channel, 1 the end of the last.
class View {
  constructor(shortestX, shortestY) {
    this.shortest = { x: Math.min(1, shortestX), y: Math.min(1, shortestY) };
    this.listeners = [];
    this.x = [0, 1];
    this.y = [0, 1];
  }

  show(x, y) {
    this.x = this.bounded(x, this.shortest.x);
    this.y = this.bounded(y, this.shortest.y);
    this.listeners.forEach((listener) => listener());
  }

  bounded([low, high], shortest) {
    const span = Math.min(1, Math.max(shortest, high - low));
    const start = Math.min(1 - span, Math.max(0, (low + high - span) / 2));
    return [start, start + span];
  }

  zoom(factor, atX = 0.5, atY = 0.5) {
    const about = ([low, high], at) => {
      const span = (high - low) * factor;
      const fixed = low + at * (high - low);
      return [fixed - at * span, fixed + (1 - at) * span];
    };
    this.show(about(this.x, atX), about(this.y, atY));
  }

  pan(shareX, shareY) {
    const moved = ([low, high], share) => [low + share * (high - low), high + share * (high - low)];
    this.show(moved(this.x, shareX), moved(this.y, shareY));
  }

  reset() {
    this.show([0, 1], [0, 1]);
  }
}

// Box zoom or pan by mouse, pinch by touch, wheel with Ctrl, keys when focused. One finger still scrolls the page.
function attachControls(surface, view, { panning = () => false, onClick = () => {} } = {}) {
  const touches = new Map();
  let drag = null;

  const shareAt = (event) => {
    const box = surface.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") touches.set(event.pointerId, shareAt(event));
    if (event.pointerType === "touch" || event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    drag = { from: shareAt(event), last: shareAt(event), band: null };
  });

  surface.addEventListener("pointermove", (event) => {
    if (touches.has(event.pointerId)) return pinch(event);
    if (!drag) return undefined;
    const [x, y] = shareAt(event);
    if (panning()) view.pan(drag.last[0] - x, drag.last[1] - y);
    else stretchBand([x, y]);
    drag.last = [x, y];
    return undefined;
  });

  function pinch(event) {
    const before = [...touches.values()];
    touches.set(event.pointerId, shareAt(event));
    if (touches.size !== 2) return;
    const after = [...touches.values()];
    const centre = (pair, axis) => (pair[0][axis] + pair[1][axis]) / 2;
    const reach = (pair) => Math.hypot(pair[0][0] - pair[1][0], pair[0][1] - pair[1][1]) || 1e-3;
    view.pan(centre(before, 0) - centre(after, 0), centre(before, 1) - centre(after, 1));
    view.zoom(reach(before) / reach(after), centre(after, 0), centre(after, 1));
  }

  function stretchBand([x, y]) {
    drag.band ??= surface.appendChild(Object.assign(document.createElement("div"), { className: "band" }));
    const wholeHeight = Math.abs(y - drag.from[1]) * surface.clientHeight < ROW_SLACK;
    const top = wholeHeight ? 0 : Math.min(y, drag.from[1]);
    const height = wholeHeight ? 1 : Math.abs(y - drag.from[1]);
    drag.box = { x: [Math.min(x, drag.from[0]), Math.max(x, drag.from[0])], y: [top, top + height] };
    Object.assign(drag.band.style, {
      left: `${100 * drag.box.x[0]}%`, width: `${100 * (drag.box.x[1] - drag.box.x[0])}%`,
      top: `${100 * top}%`, height: `${100 * height}%`,
    });
  }

  surface.addEventListener("pointerup", (event) => {
    if (event.pointerType === "touch") {
      touches.delete(event.pointerId);
      return;
    }
    if (!drag) return;
    const { from, box, band } = drag;
    drag = null;
    band?.remove();
    const [x] = shareAt(event);
    if (Math.abs(x - from[0]) * surface.clientWidth < CLICK_SLACK) onClick(from);
    else if (box) {
      const within = ([low, high], share) => low + share * (high - low);
      view.show(box.x.map((share) => within(view.x, share)), box.y.map((share) => within(view.y, share)));
    }
  });

  surface.addEventListener("pointercancel", (event) => {
    touches.delete(event.pointerId);
    drag?.band?.remove();
    drag = null;
  });

  surface.addEventListener("click", (event) => {
    if (event.pointerType === "touch") onClick(shareAt(event));
  });
  surface.addEventListener("dblclick", () => view.reset());

  surface.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view.zoom(Math.exp(event.deltaY / 300), ...shareAt(event));
  }, { passive: false });

  const keys = {
    ArrowLeft: () => view.pan(-0.15, 0), ArrowRight: () => view.pan(0.15, 0),
    ArrowUp: () => view.pan(0, -0.15), ArrowDown: () => view.pan(0, 0.15),
    "+": () => view.zoom(1 / 1.6), "=": () => view.zoom(1 / 1.6), "-": () => view.zoom(1.6), 0: () => view.reset(),
  };
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function element(name, properties = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function pushButton(label, action, title = label) {
  const button = element("button", { type: "button", textContent: label, title });
  button.addEventListener("click", action);
  return button;
}

function zoomButtons(view) {
  return element("span", { className: "group" }, [
    pushButton("+", () => view.zoom(1 / 1.6), "Zoom in"),
    pushButton("−", () => view.zoom(1.6), "Zoom out"),
    pushButton("Whole", () => view.reset(), "Show the whole span again"),
  ]);
}
