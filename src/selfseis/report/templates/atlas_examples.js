// What the chosen group looks like: its spectrum, and windows of it with waveform and spectrogram.

const KINDS = ["nearest to its centre", "at random", "farthest from its centre"];
const RAREST = 3;
const MAX_CARDS = 6;
const COMPONENT_HEIGHT = 44;

class Spectra {
  constructor(place, choice) {
    Object.assign(this, { choice, atlas: choice.atlas });
    this.picture = new Picture(place, 300, (...canvas) => this.paint(...canvas));
    choice.listeners.push(() => this.picture.draw());
  }

  paint(context, width, height) {
    const { atlas, choice } = this;
    const chosen = choice.groups[choice.chosen];
    const nBands = atlas.frequency_hz.length;
    const spectra = choice.groups.filter((group) => !group.unassigned).map((group) => [group, atlas.spectrumOf(group)]);
    const station = Math.max(0, choice.station);
    const background = Array.from(atlas.background_db.slice(station * nBands, (station + 1) * nBands));
    const all = [...background, ...spectra.flatMap(([, [low, middle, high]]) => [...low, ...middle, ...high])].filter(Number.isFinite);
    const [least, most] = [Math.min(...all), Math.max(...all)];
    const box = { left: 62, right: width - 10, top: 8, bottom: height - 42 };
    const [lowHz, highHz] = [atlas.frequency_hz[0], atlas.frequency_hz[nBands - 1]];
    const toX = (hz) => box.left + (nBands > 1 ? Math.log(hz / lowHz) / Math.log(highHz / lowHz) : 0.5) * (box.right - box.left);
    const toY = (db) => box.bottom - ((db - least) / (most - least || 1)) * (box.bottom - box.top);
    const points = (levels) => levels.map((db, band) => [toX(atlas.frequency_hz[band]), toY(db)]);
    const band = (chosen && !chosen.unassigned) ? atlas.spectrumOf(chosen) : null;
    if (band) {
      context.beginPath();
      [...points(band[0]), ...points(band[2]).reverse()].forEach(([x, y]) => context.lineTo(x, y));
      Object.assign(context, { fillStyle: shadeOf(chosen), globalAlpha: 0.18 });
      context.fill();
      context.globalAlpha = 1;
    }
    strokePath(context, points(background), INK, 1.2, [2, 3]);
    spectra.forEach(([group, [, middle]]) => strokePath(context, points(middle), shadeOf(group), group === chosen ? 3 : 1));
    axisLeft(context, box, numberTicks(least, most, 6), toY, `dB re (${atlas.units})²/Hz`);
    axisBelow(context, box, this.ticks(lowHz, highHz), toX, "frequency (Hz)");
  }

  ticks(low, high) {
    const decades = Array.from({ length: 12 }, (_, power) => 10 ** (power - 5));
    const at = decades.flatMap((decade) => [1, 2, 5].map((mantissa) => mantissa * decade)).filter((hz) => hz >= low * 0.999 && hz <= high * 1.001);
    return at.map((hz) => ({ at: hz, label: formatNumber(hz) }));
  }
}

class Examples {
  constructor(choice, names, pick) {
    Object.assign(this, { choice, names, pick, atlas: choice.atlas, kind: 0 });
    this.place = document.getElementById("example-cards");
    this.heading = document.getElementById("examples-heading");
    this.buttons = [...document.querySelectorAll("#example-kinds button")];
    this.buttons.forEach((button, kind) => button.addEventListener("click", () => {
      this.kind = kind;
      this.fill();
    }));
    choice.listeners.push(() => this.fill());
    this.fill();
  }

  // Of a group that is no class of the run: the examples of its leaves, those of the largest leaves first.
  places(kind) {
    const { atlas, choice } = this;
    const group = choice.groups[choice.chosen];
    const inGroup = (place) => (group.unassigned ? atlas.example_leaf[place] < 0 : choice.groupOfLeaf[atlas.example_leaf[place]] === group.index && atlas.example_leaf[place] >= 0);
    const seen = new Set();
    return Array.from(atlas.example_kind.keys()).filter((place) => {
      const row = atlas.example_window[place];
      return atlas.example_kind[place] === kind && inGroup(place) && !seen.has(row) && seen.add(row);
    });
  }

  fill() {
    const group = this.choice.groups[this.choice.chosen];
    if (!group) return;
    this.heading.textContent = `What it looks like: ${this.names.label(group)}`;
    const found = KINDS.map((_, kind) => this.places(kind));
    const kind = found[this.kind].length ? this.kind : Math.max(0, found.findIndex((places) => places.length));
    this.buttons.forEach((button, index) => {
      button.disabled = !found[index].length;
      button.setAttribute("aria-pressed", String(index === kind));
    });
    this.place.replaceChildren(...found[kind].slice(0, MAX_CARDS).map((place) => exampleCard(this.atlas, place, this.pick)));
    if (!found[kind].length) this.place.append(element("p", { className: "empty" }, "No example of this group is kept on the page."));
  }
}

function exampleCard(atlas, place, pick) {
  const row = atlas.example_window[place];
  const more = element("button", { type: "button" }, "Like this one");
  more.addEventListener("click", () => pick(row));
  const drawing = element("div", { className: "drawing" });
  const components = atlas.components[place].filter((name) => name);
  new Picture(drawing, components.length * COMPONENT_HEIGHT + 150, (...canvas) => drawExample(atlas, place, components, ...canvas));
  const head = element("figcaption", {}, `${atlas.moment(row)}`, element("small", {}, `${atlas.stations[atlas.station[row]]} · novelty ${formatNumber(atlas.novelty[row])}`));
  return element("figure", { className: "example" }, head, drawing, more);
}

function drawExample(atlas, place, components, context, width, height) {
  const box = { left: 70, right: width - 4, top: 2, bottom: height - 34 };
  const wide = box.right - box.left;
  const [, nComponents, nSamples] = atlas.example_waveform.shape;
  components.forEach((name, component) => {
    const first = (place * nComponents + component) * nSamples;
    const middle = box.top + (component + 0.5) * COMPONENT_HEIGHT;
    const points = [];
    for (let sample = 0; sample < nSamples; sample += 1) {
      const value = atlas.example_waveform[first + sample];
      if (value !== NO_DATA) points.push([box.left + (sample / (nSamples - 1 || 1)) * wide, middle - (value / 32767) * 0.46 * COMPONENT_HEIGHT]);
    }
    strokePath(context, points, INK, 0.8);
    writeText(context, name, box.left - 6, middle, "right");
  });
  const top = box.top + components.length * COMPONENT_HEIGHT + 6;
  drawSpectrogram(atlas, place, context, { ...box, top });
  const peak = atlas.example_peak[place * nComponents];
  const [low, high] = [atlas.example_db[2 * place], atlas.example_db[2 * place + 1]];
  const seconds = atlas.exampleSeconds;
  axisBelow(context, box, numberTicks(0, seconds, 5), (at) => box.left + (at / seconds) * wide);
  writeText(context, `s · peak ${formatNumber(peak, 2)} ${atlas.units} · ${Math.round(low)} to ${Math.round(high)} dB`, (box.left + box.right) / 2, box.bottom + 27);
}

function drawSpectrogram(atlas, place, context, box) {
  const [, nHz, nTimes] = atlas.example_spectrogram.shape;
  const tile = new OffscreenCanvas(nTimes, nHz);
  const pixels = tile.getContext("2d").createImageData(nTimes, nHz);
  for (let hz = 0; hz < nHz; hz += 1) {
    for (let time = 0; time < nTimes; time += 1) {
      const shade = VIRIDIS_OF[atlas.example_spectrogram[(place * nHz + hz) * nTimes + time]];
      pixels.data.set([...shade, 255], 4 * ((nHz - 1 - hz) * nTimes + time));
    }
  }
  tile.getContext("2d").putImageData(pixels, 0, 0);
  context.drawImage(tile, box.left, box.top, box.right - box.left, box.bottom - box.top);
  const highest = atlas.spectrogram_hz[nHz - 1] + atlas.spectrogram_hz[0];
  axisLeft(context, box, numberTicks(0, highest, 4), (at) => box.bottom - (at / highest) * (box.bottom - box.top), "Hz");
}
