// Unpack a snippet's panels and paint them: waterfalls for fibres and arrays, wiggles for stations.

async function unpack(panel, shape) {
  const packed = Uint8Array.from(atob(panel.data), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = await new Response(stream).arrayBuffer();
  const roots = panel.levels > 127 ? new Int16Array(bytes) : new Int8Array(bytes);
  const values = new Float32Array(shape[0] * shape[1]);
  const unit = panel.peak / panel.levels ** 2;
  for (let index = 0; index < values.length; index += 1) {
    const root = roots[index];
    values[index] = root < -panel.levels ? NaN : root * Math.abs(root) * unit;
  }
  return values;
}

async function readSnippet(scriptId) {
  const payload = JSON.parse(document.getElementById(scriptId).textContent);
  payload.values = await Promise.all(payload.panels.map((panel) => unpack(panel, payload.shape)));
  return payload;
}

// First and last source index behind each of `n` pixels that show the span of a view.
function pixelSources([low, high], size, n) {
  return Array.from({ length: n }, (_, pixel) => {
    const first = Math.min(size - 1, Math.floor((low + ((high - low) * pixel) / n) * size));
    const last = Math.ceil((low + ((high - low) * (pixel + 1)) / n) * size - 1e-9);
    return [first, Math.min(size, Math.max(first + 1, last))];
  });
}

// Every pixel shows the largest amplitude behind it: averages would wash waves out.
function paintWaterfall(context, area, payload, values, view, clip, pixelRatio) {
  const [nRows, nColumns] = payload.shape;
  const [width, height] = [Math.round(area.width * pixelRatio), Math.round(area.height * pixelRatio)];
  const picture = context.createImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  const palette = paletteOf(payload);
  const rows = pixelSources(view.y, nRows, height);
  const columns = pixelSources(view.x, nColumns, width);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const value = largest(values, nColumns, rows[y], columns[x]);
      pixels[y * width + x] = Number.isNaN(value) ? hatchAt(x, y, pixelRatio) : colourOf(value / clip, palette);
    }
  }
  context.putImageData(picture, Math.round(area.left * pixelRatio), Math.round(area.top * pixelRatio));
}

function largest(values, nColumns, [firstRow, lastRow], [firstColumn, lastColumn]) {
  let found = NaN;
  let size = -1;
  for (let row = firstRow; row < lastRow; row += 1) {
    for (let index = row * nColumns + firstColumn; index < row * nColumns + lastColumn; index += 1) {
      const amplitude = Math.abs(values[index]);
      if (amplitude > size) {
        size = amplitude;
        found = values[index];
      }
    }
  }
  return found;
}

function paintWiggles(context, area, payload, values, view, gain, colour) {
  const [nRows, nColumns] = payload.shape;
  const rowHeight = area.height / ((view.y[1] - view.y[0]) * nRows);
  const firstRow = Math.floor(view.y[0] * nRows);
  const lastRow = Math.min(nRows, Math.ceil(view.y[1] * nRows - 1e-9));
  const hatch = hatchPattern(context);
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.width, area.height);
  context.clip();
  for (let row = firstRow; row < lastRow; row += 1) {
    const middle = area.top + (row + 0.5 - view.y[0] * nRows) * rowHeight;
    const unit = (rowHeight * 0.46 * gain) / payload.rowScales[row];
    paintTrace(context, area, values.subarray(row * nColumns, (row + 1) * nColumns), view.x, middle, unit, rowHeight, colour, hatch);
  }
  context.restore();
}

function paintTrace(context, area, trace, [low, high], middle, unit, rowHeight, colour, hatch) {
  const n = trace.length;
  const toX = (index) => area.left + (((index + 0.5) / n - low) / (high - low)) * area.width;
  const first = Math.max(0, Math.floor(low * n) - 1);
  const last = Math.min(n, Math.ceil(high * n) + 1);
  let gapFrom = -1;
  let penDown = false;
  context.beginPath();
  for (let index = first; index <= last; index += 1) {
    const missing = index < last && Number.isNaN(trace[index]);
    if (missing && gapFrom < 0) gapFrom = index;
    if (!missing && gapFrom >= 0) {
      context.fillStyle = hatch;
      context.fillRect(toX(gapFrom - 0.5), middle - rowHeight * 0.42, toX(index - 0.5) - toX(gapFrom - 0.5), rowHeight * 0.84);
      gapFrom = -1;
    }
    if (missing || index === last) penDown = false;
    else {
      const reach = Math.max(-rowHeight, Math.min(rowHeight, trace[index] * unit));
      if (penDown) context.lineTo(toX(index), middle - reach);
      else context.moveTo(toX(index), middle - reach);
      penDown = true;
    }
  }
  context.strokeStyle = colour;
  context.lineWidth = 0.9;
  context.stroke();
}

function paintThumbnail(canvas, payload) {
  const pixelRatio = window.devicePixelRatio || 1;
  const area = { left: 0, top: 0, width: canvas.clientWidth, height: canvas.clientHeight };
  canvas.width = Math.round(area.width * pixelRatio);
  canvas.height = Math.round(area.height * pixelRatio);
  const context = canvas.getContext("2d");
  const shown = payload.values[Math.min(1, payload.values.length - 1)];
  const whole = { x: [0, 1], y: [0, 1] };
  if (payload.kind === "waterfall") {
    paintWaterfall(context, area, payload, shown, whole, payload.clip, pixelRatio);
    return;
  }
  context.scale(pixelRatio, pixelRatio);
  paintWiggles(context, area, payload, shown, whole, 1, INK);
}
