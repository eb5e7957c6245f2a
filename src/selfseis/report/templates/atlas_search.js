// Finding windows: by station, class, name or time, by similarity, and on the map.

const MAX_FOUND = 60;
const MAP_HEIGHT = 380;

class Search {
  constructor(choice, names) {
    Object.assign(this, { choice, names, atlas: choice.atlas });
    this.input = document.getElementById("search-text");
    this.list = document.getElementById("found");
    this.about = document.getElementById("found-about");
    this.input.addEventListener("input", () => this.search());
  }

  // What is typed is part of a station's name or of a class (its number or name), or the beginning of a time.
  search() {
    const words = this.input.value.trim().toLowerCase();
    if (!words) return this.show([], "");
    const { atlas, choice } = this;
    const groups = new Set(choice.groups.filter((group) => this.names.label(group).toLowerCase().includes(words)).map((group) => group.index));
    const stations = new Set(atlas.stations.flatMap((name, number) => (name.toLowerCase().includes(words) ? [number] : [])));
    const time = /^\d{4}-\d/.test(words) ? words.replace("t", " ").replace("z", "") : null;
    const found = [];
    let count = 0;
    for (let row = 0; row < atlas.n; row += 1) {
      if (stations.has(atlas.station[row]) || groups.has(choice.groupOf(row)) || (time && this.holds(row, time))) {
        count += 1;
        if (found.length < MAX_FOUND) found.push(row);
      }
    }
    const few = count > MAX_FOUND ? `, the first ${MAX_FOUND} are shown` : "";
    return this.show(found, `${count.toLocaleString("en")} window${count === 1 ? "" : "s"} found${few}`);
  }

  // Whether a window begins at a time that is written so far, or holds that moment where it is written to the second.
  holds(row, time) {
    const { atlas } = this;
    if (atlas.moment(row).startsWith(time)) return true;
    const moment = time.length >= 16 ? Date.parse(`${time.replace(" ", "T")}Z`) / 1000 : NaN;
    return moment >= atlas.start[row] && moment < atlas.start[row] + atlas.windowSeconds;
  }

  // The windows that are most alike one window, itself first.
  like(row) {
    const { atlas } = this;
    const each = atlas.neighbours ? atlas.neighbours.shape[1] : 0;
    const alike = each ? Array.from(atlas.neighbours.slice(row * each, (row + 1) * each)).filter((other) => other >= 0) : [];
    this.input.value = "";
    this.show([row, ...alike], `Most alike ${atlas.moment(row)} at ${atlas.stations[atlas.station[row]]}, which is first:`);
    document.getElementById("search").scrollIntoView({ block: "start" });
  }

  show(rows, about) {
    this.about.textContent = about;
    const pictured = new Map(Array.from(this.atlas.example_window, (row, place) => [row, place]));
    const cards = rows.map((row) => (pictured.has(row) ? exampleCard(this.atlas, pictured.get(row), (of) => this.like(of)) : this.plain(row)));
    this.list.replaceChildren(...cards);
  }

  plain(row) {
    const { atlas, choice } = this;
    const group = choice.groups[choice.groupOf(row)];
    const more = element("button", { type: "button" }, "Like this one");
    more.addEventListener("click", () => this.like(row));
    const facts = `${atlas.stations[atlas.station[row]]} · ${this.names.label(group)} · novelty ${formatNumber(atlas.novelty[row])}`;
    return element("figure", { className: "example" }, element("figcaption", {}, atlas.moment(row), element("small", {}, facts)), more);
  }
}

// Every window as a dot, to be looked at only.
class WindowMap {
  constructor(place, choice, pick) {
    Object.assign(this, { choice, atlas: choice.atlas });
    this.picture = new Picture(place, MAP_HEIGHT, (...canvas) => this.paint(...canvas));
    choice.listeners.push(() => this.picture.draw());
    place.addEventListener("click", (event) => {
      const frame = this.picture.canvas.getBoundingClientRect();
      pick(this.nearest((event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height));
    });
  }

  nearest(x, y) {
    const { map, n } = this.atlas;
    let [best, least] = [0, Infinity];
    for (let row = 0; row < n; row += 1) {
      const distance = (map[2 * row] / 65535 - x) ** 2 + (1 - map[2 * row + 1] / 65535 - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  // Small classes are drawn last, so that the background does not hide them.
  paint(context, width, height) {
    const { atlas, choice } = this;
    const rows = choice.groups.map(() => []);
    for (let row = 0; row < atlas.n; row += 1) {
      if (choice.station < 0 || atlas.station[row] === choice.station) rows[choice.groupOf(row)].push(row);
    }
    const size = atlas.n > 20000 ? 1.6 : 2.6;
    [...choice.groups].sort((a, b) => b.size - a.size).forEach((group) => {
      Object.assign(context, { fillStyle: shadeOf(group), globalAlpha: group.index === choice.chosen ? 0.9 : 0.4 });
      rows[group.index].forEach((row) => context.fillRect((atlas.map[2 * row] / 65535) * (width - size), (1 - atlas.map[2 * row + 1] / 65535) * (height - size), size, size));
    });
    context.globalAlpha = 1;
  }
}
