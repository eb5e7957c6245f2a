// Waveforms with the picks on them, one sample at a time.

class PickViewer {
  constructor(nSnippets) {
    Object.assign(this, { nSnippets, chosen: 0 });
    this.container = document.getElementById("pick-figure");
    this.select = document.getElementById("pick-choice");
    this.select.addEventListener("change", () => this.show(Number(this.select.value)));
    document.getElementById("previous-picks").addEventListener("click", () => this.show(this.chosen - 1));
    document.getElementById("next-picks").addEventListener("click", () => this.show(this.chosen + 1));
    this.show(0);
  }

  async show(index) {
    this.chosen = Math.min(this.nSnippets - 1, Math.max(0, index));
    this.select.value = String(this.chosen);
    document.getElementById("previous-picks").disabled = this.chosen === 0;
    document.getElementById("next-picks").disabled = this.chosen === this.nSnippets - 1;
    const wanted = this.chosen;
    const payload = await readSnippet(`pick-snippet-${wanted}`);
    // Another sample may have been chosen while this one was unpacked.
    if (this.chosen !== wanted) return;
    document.getElementById("pick-about").textContent = payload.about;
    this.container.dataset.sample = String(wanted);
    new SnippetFigure(this.container, payload, []);
  }
}

// P in blue and S in vermilion, over all components of their station; the shade is a standard deviation to each side.
function drawPicks(context, area, payload, view) {
  const { start, step, shape, picks } = payload;
  const labelled = payload.kind === "wiggles"; // a waterfall has a pick at every channel
  const toX = (time) => area.left + (((time - start) / (step * shape[1]) - view.x[0]) / (view.x[1] - view.x[0])) * area.width;
  const toY = (row) => area.top + ((row / shape[0] - view.y[0]) / (view.y[1] - view.y[0])) * area.height;
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
  context.textAlign = "right"; // before the onset, where the trace is quiet
  context.textBaseline = "bottom";
  picks.forEach(({ rows, phase, time, probability, sd }) => {
    const [x, top, bottom] = [toX(time), toY(rows[0]) + 1, toY(rows[1] + 1) - 1];
    const shade = toX(time + sd) - x;
    context.fillStyle = context.strokeStyle = phase === "P" ? BLUE : VERMILION;
    context.globalAlpha = 0.2;
    if (shade > 0.5 && labelled) context.fillRect(x - shade, top, 2 * shade, bottom - top);
    context.globalAlpha = 1;
    if (!labelled) return drawDot(context, x, (top + bottom) / 2);
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, bottom);
    context.stroke();
    const label = probability === null ? phase : `${phase} ${probability.toFixed(2)}`;
    context.lineWidth = 3;
    context.strokeStyle = "rgb(255 255 255 / .85)";
    context.strokeText(label, x - shade - 3, bottom - 1);
    context.fillText(label, x - shade - 3, bottom - 1);
    return undefined;
  });
  context.restore();
}

function drawDot(context, x, y) {
  context.beginPath();
  context.arc(x, y, 2.4, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = "white";
  context.lineWidth = 0.6;
  context.stroke();
}
