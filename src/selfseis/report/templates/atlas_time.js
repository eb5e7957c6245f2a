// When each group occurs: through the record, by the hour of the day, and where data are missing.

const MAX_BINS = 240;
const ROW_HEIGHT = 46;
const MAX_STATION_ROWS = 24;

class Times {
  constructor(place, choice, names) {
    Object.assign(this, { place, choice, names, atlas: choice.atlas });
    const { first, last, windowSeconds } = this.atlas;
    this.nBins = Math.max(1, Math.min(MAX_BINS, Math.round((last - first) / windowSeconds)));
    this.width = (last - first) / this.nBins;
    this.pictures = [];
    choice.listeners.push(() => this.fill());
    new ResizeObserver(() => this.fill()).observe(place);
  }

  // Windows of each group in each bin, as a share of all windows in the bin.
  shares() {
    const { atlas, choice } = this;
    const make = (n) => choice.groups.map(() => new Float64Array(n));
    const [inBin, inHour] = [make(this.nBins), make(24)];
    const [allBin, allHour] = [new Float64Array(this.nBins), new Float64Array(24)];
    for (let row = 0; row < atlas.n; row += 1) {
      if (choice.station >= 0 && atlas.station[row] !== choice.station) continue;
      const group = choice.groupOf(row);
      const bin = Math.min(this.nBins - 1, Math.floor((atlas.start[row] + atlas.windowSeconds / 2 - atlas.first) / this.width));
      const hour = Math.floor(24 * this.shareOfDay(atlas.start[row]));
      inBin[group][bin] += 1;
      allBin[bin] += 1;
      inHour[group][hour] += 1;
      allHour[hour] += 1;
    }
    const divide = (counts, all) => counts.map((count, bin) => (all[bin] ? count / all[bin] : NaN));
    return choice.groups.map((_, group) => [divide(inBin[group], allBin), divide(inHour[group], allHour)]);
  }

  // Which part of a day has gone by, counted from 1970 in the chosen time.
  shareOfDay(moment) {
    const days = (moment / 3600 + this.choice.offsetHours) / this.choice.dayHours;
    return days - Math.floor(days);
  }

  // A record that is shorter than a day has nothing to fold.
  folds() {
    return this.atlas.last - this.atlas.first >= 0.99 * 3600 * this.choice.dayHours;
  }

  fill() {
    if (this.place.clientWidth === this.filledWidth && this.filledFor === this.state()) return;
    Object.assign(this, { filledWidth: this.place.clientWidth, filledFor: this.state() });
    const shares = this.shares();
    this.place.classList.toggle("unfolded", !this.folds());
    this.place.replaceChildren(...this.choice.groups.flatMap((group) => this.row(group, ...shares[group.index])), ...this.axes());
  }

  state() {
    const { nGroups, station, offsetHours, dayHours, chosen } = this.choice;
    return JSON.stringify([nGroups, station, offsetHours, dayHours, chosen, this.names.given]);
  }

  row(group, inTime, inHour) {
    const most = (shares) => shares.reduce((highest, share) => (share > highest ? share : highest), 0);
    const label = element("button", { className: "pick-class", type: "button" }, element("i", { style: `background:${shadeOf(group)}` }), this.names.label(group));
    label.addEventListener("click", () => this.choice.set({ chosen: group.index }));
    const cells = (this.folds() ? [inTime, inHour] : [inTime]).map((shares) => {
      const cell = element("div", { className: "bars", title: `${group.label}: up to ${formatNumber(100 * most(shares))}% of the windows` });
      new Picture(cell, ROW_HEIGHT, (context, width, height) => this.bars(context, width, height, shares, most(shares), shadeOf(group)));
      return cell;
    });
    const head = element("div", { className: "time-label" }, label, element("small", {}, `up to ${formatNumber(100 * most(inTime))}% of a bin`));
    return [head, ...cells];
  }

  bars(context, width, height, shares, most, colour) {
    const step = width / shares.length;
    shares.forEach((share, bin) => {
      context.fillStyle = Number.isNaN(share) ? "#e3e3e3" : colour;
      const tall = Number.isNaN(share) ? height : most ? (share / most) * (height - 4) : 0;
      context.fillRect(bin * step, height - tall, Math.max(1, step - (step > 3 ? 0.6 : 0)), tall);
    });
    context.fillStyle = LINE;
    context.fillRect(0, height - 1, width, 1);
  }

  axes() {
    const { first, last } = this.atlas;
    const offset = 3600 * this.choice.offsetHours;
    const zone = offset ? `UTC${offset > 0 ? "+" : "−"}${Math.abs(this.choice.offsetHours)}` : "UTC";
    const time = element("div", {});
    new Picture(time, 40, (context, width) => {
      const toX = (at) => ((at - first - offset) / (last - first)) * width;
      axisBelow(context, { left: 0, right: width, bottom: 2 }, timeTicks(first + offset, last + offset, width / 90), toX, timeAxisTitle(first + offset, last + offset).replace("UTC", zone));
    });
    const hour = element("div", {});
    new Picture(hour, 40, (context, width) => {
      const { dayHours } = this.choice;
      const title = dayHours === EARTH_DAY ? `hour of the day (${zone})` : `hours into a day of ${formatNumber(dayHours, 4)} h, counted from 1970 (${zone})`;
      const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: formatNumber(at * dayHours) }));
      axisBelow(context, { left: 0, right: width, bottom: 2 }, ticks, (at) => Math.min(width - 1, at * width), title);
    });
    return this.folds() ? [element("div", {}), time, hour] : [element("div", {}), time];
  }
}

// A strip a station (or a stretch of a fibre): dark where no window is usable.
class GapStrip {
  constructor(place, atlas) {
    this.atlas = atlas;
    const nStations = atlas.stations.length;
    this.nRows = Math.min(nStations, MAX_STATION_ROWS);
    this.rowOf = (station) => Math.floor((station * this.nRows) / nStations);
    this.names = Array.from({ length: this.nRows }, (_, row) => atlas.stations[Math.ceil((row * nStations) / this.nRows)]);
    new Picture(place, 14 * this.nRows + 44, (...canvas) => this.paint(...canvas));
  }

  paint(context, width, height) {
    const { atlas } = this;
    const [first, last] = [atlas.first, atlas.last];
    const box = { left: Math.min(150, width / 4), right: width - 8, top: 2, bottom: height - 40 };
    const toX = (at) => box.left + (Math.min(1, Math.max(0, (at - first) / (last - first)))) * (box.right - box.left);
    context.fillStyle = "#eef0f1";
    this.names.forEach((name, row) => context.fillRect(box.left, box.top + 14 * row, box.right - box.left, 11));
    context.fillStyle = "#9cc3de";
    for (let row = 0; row < atlas.n; row += 1) {
      const x = toX(atlas.start[row]);
      context.fillRect(x, box.top + 14 * this.rowOf(atlas.station[row]), Math.max(0.6, toX(atlas.start[row] + atlas.windowSeconds) - x + 0.3), 11);
    }
    context.fillStyle = INK;
    atlas.gap_start.forEach((start, gap) => {
      context.fillRect(toX(start), box.top + 14 * this.rowOf(atlas.gap_station[gap]), Math.max(1, toX(atlas.gap_end[gap]) - toX(start)), 11);
    });
    this.names.forEach((name, row) => writeText(context, name, box.left - 8, box.top + 14 * row + 6, "right"));
    axisBelow(context, box, timeTicks(first, last, (box.right - box.left) / 90), toX, timeAxisTitle(first, last));
  }
}
