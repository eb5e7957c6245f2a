// The tree with its cut, the table of classes, and the names that the reader gives them.

const TREE_BOX = { left: 62, top: 10, below: 26 };

class Tree {
  constructor(place, choice) {
    Object.assign(this, { atlas: choice.atlas, choice });
    this.layOut();
    this.picture = new Picture(place, 300, (...canvas) => this.paint(...canvas));
    const move = (event) => event.buttons === 1 && this.cutAtPointer(event);
    place.addEventListener("pointerdown", move);
    place.addEventListener("pointermove", move);
    choice.listeners.push(() => this.picture.draw());
  }

  // Places of all nodes: leaves side by side in the order of the tree, joins above the middle of their branches.
  layOut() {
    const { linkage, nLeaves } = this.atlas;
    const order = [];
    const waiting = [2 * nLeaves - 2];
    while (waiting.length) {
      const node = waiting.pop();
      if (node < nLeaves) order.push(node);
      else waiting.push(linkage[4 * (node - nLeaves) + 1], linkage[4 * (node - nLeaves)]);
    }
    this.place = [];
    order.forEach((leaf, index) => { this.place[leaf] = { x: (index + 0.5) / nLeaves, height: 0 }; });
    this.joins = Array.from({ length: nLeaves - 1 }, (_, join) => [linkage[4 * join], linkage[4 * join + 1], linkage[4 * join + 2]]);
    this.joins.forEach(([a, b, height], join) => { this.place[nLeaves + join] = { x: (this.place[a].x + this.place[b].x) / 2, height }; });
    this.top = Math.max(...this.joins.map((join) => join[2])) * 1.06;
  }

  // The height half-way between the last join below the cut and the first above it.
  cutHeight() {
    const below = this.atlas.nLeaves - this.choice.nGroups;
    const low = below > 0 ? this.joins[below - 1][2] : 0;
    const high = below < this.joins.length ? this.joins[below][2] : this.top;
    return (low + high) / 2;
  }

  cutAtPointer(event) {
    const { top, bottom } = this.box;
    const height = ((bottom - (event.clientY - this.picture.canvas.getBoundingClientRect().top)) / (bottom - top)) * this.top;
    this.choice.cutAt(1 + this.joins.filter((join) => join[2] > height).length);
  }

  paint(context, width, height) {
    const box = { left: TREE_BOX.left, top: TREE_BOX.top, right: width - 8, bottom: height - TREE_BOX.below };
    this.box = box;
    const toX = (share) => box.left + share * (box.right - box.left);
    const toY = (at) => box.bottom - (at / this.top) * (box.bottom - box.top);
    axisLeft(context, box, numberTicks(0, this.top, 5), toY, "distance between groups");
    const cut = this.cutHeight();
    const leafBelow = Array.from({ length: this.atlas.nLeaves }, (_, leaf) => leaf);
    this.joins.forEach(([a, b, at]) => {
      leafBelow.push(leafBelow[a]);
      const [left, right] = [this.place[a], this.place[b]];
      const colour = at > cut ? QUIET : shadeOf(this.choice.groups[this.choice.groupOfLeaf[leafBelow[a]]]);
      [left, right].forEach((end, side) => {
        const below = at > cut && end.height < cut ? shadeOf(this.choice.groups[this.choice.groupOfLeaf[leafBelow[side ? b : a]]]) : colour;
        strokePath(context, [[toX(end.x), toY(end.height)], [toX(end.x), toY(at)]], below, 2);
      });
      strokePath(context, [[toX(left.x), toY(at)], [toX(right.x), toY(at)]], colour, 2);
    });
    strokePath(context, [[box.left, toY(cut)], [box.right, toY(cut)]], INK, 1.5, [6, 4]);
    writeText(context, "cut (drag it)", box.right, toY(cut) - 9, "right", INK);
    this.choice.groups.filter((group) => !group.unassigned).forEach((group) => this.bracket(context, box, toX, group));
  }

  bracket(context, box, toX, group) {
    const places = group.leaves.map((leaf) => this.place[leaf].x);
    const half = 0.4 / this.atlas.nLeaves;
    const [left, right] = [toX(Math.min(...places) - half), toX(Math.max(...places) + half)];
    context.fillStyle = shadeOf(group);
    context.fillRect(left, box.bottom + 3, right - left, 4);
    const label = right - left > 90 ? group.label : group.label.replace(/Class(es)? /, "").replace(", part ", "/");
    writeText(context, label, (left + right) / 2, box.bottom + 16, "center", INK);
  }
}

// Names of the classes of the run: from the page, and from this browser where the reader gave newer ones.
class Names {
  constructor(atlas) {
    this.key = `selfseis atlas ${atlas.folder} ${atlas.started} ${atlas.n}`;
    this.given = { ...atlas.names, ...this.stored() };
    const shown = document.getElementById("names-text");
    this.show = () => { shown.value = this.text(); };
    document.getElementById("download-names").addEventListener("click", () => this.download());
    this.show();
  }

  stored() {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "{}");
    } catch {
      return {}; // a browser that forbids storage, or text that is not ours
    }
  }

  text() {
    return JSON.stringify(Object.fromEntries(Object.entries(this.given).filter(([, name]) => name)), null, 2);
  }

  give(number, name) {
    this.given[number] = name.trim();
    try {
      localStorage.setItem(this.key, JSON.stringify(this.given));
    } catch { /* the text below the table still has it */ }
    this.show();
  }

  // The names of the classes that a group is made of, or of the class that it is part of.
  of(group) {
    return (group.classes ?? []).map((number) => this.given[number]).filter((name) => name).join(" + ");
  }

  label(group) {
    return this.of(group) ? `${group.label}: ${this.of(group)}` : group.label;
  }

  download() {
    const address = URL.createObjectURL(new Blob([this.text()], { type: "application/json" }));
    element("a", { href: address, download: "class_names.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }
}

class ClassTable {
  constructor(body, choice, names) {
    Object.assign(this, { body, choice, names, atlas: choice.atlas });
    choice.listeners.push(() => this.fill());
    this.fill();
  }

  fill() {
    this.body.replaceChildren(...this.choice.groups.map((group) => this.row(group)));
  }

  row(group) {
    const known = this.atlas.classes.find((of) => of.class === (group.unassigned ? UNASSIGNED : group.ofClass)) ?? {};
    const name = element("button", { className: "pick-class", type: "button" }, element("i", { style: `background:${shadeOf(group)}` }), group.label);
    name.addEventListener("click", () => this.choice.set({ chosen: group.index }));
    const cells = [
      `${group.size.toLocaleString("en")}`,
      `${formatNumber((100 * group.size) / this.atlas.n)}%`,
      group.unassigned ? "–" : `${formatNumber(this.atlas.peakOf(group))}`,
      known.stability == null ? "–" : `${known.stability.toFixed(2)} (${known.stability_low.toFixed(2)} to ${known.stability_high.toFixed(2)})`,
      known.agreement == null ? "–" : known.agreement.toFixed(2),
      known.stability == null ? "–" : known.trusted ? "yes" : "no",
    ].map((text) => element("td", { className: "n" }, text));
    const row = element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, this.input(group)), ...cells);
    row.setAttribute("aria-selected", String(group.index === this.choice.chosen));
    return row;
  }

  input(group) {
    if (group.ofClass === undefined) return element("small", {}, group.unassigned ? "between classes, or too few alike" : this.names.of(group) || "name the classes of the run");
    const input = element("input", { type: "text", value: this.names.of(group), placeholder: "give it a name", "aria-label": `name of class ${group.ofClass}` });
    input.addEventListener("change", () => {
      this.names.give(group.ofClass, input.value);
      this.choice.tell();
    });
    return input;
  }
}
