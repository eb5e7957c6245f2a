// What the page holds of the windows, and the groups that they make at any cut of the tree.

const ARRAYS = {
  int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array,
  float32: Float32Array, float64: Float64Array,
};
const NO_DATA = -32768;
const UNASSIGNED = -1;
const MAX_GROUPS = 30;
const EARTH_DAY = 24; // hours, until the reader says another

async function unpack({ type, shape, data }) {
  const packed = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return Object.assign(new ARRAYS[type](await new Response(stream).arrayBuffer()), { shape });
}

class Atlas {
  static async read(id) {
    const { arrays, ...about } = JSON.parse(document.getElementById(id).textContent);
    const atlas = Object.assign(new Atlas(), about);
    await Promise.all(Object.entries(arrays).map(async ([name, packed]) => { atlas[name] = await unpack(packed); }));
    atlas.n = atlas.leaf.length;
    atlas.nLeaves = atlas.leaf_size.length;
    atlas.mostGroups = Math.min(atlas.nLeaves, MAX_GROUPS);
    atlas.nClasses = new Set(atlas.leaf_class).size;
    atlas.nUnassigned = atlas.leaf.reduce((count, leaf) => count + (leaf < 0), 0);
    atlas.first = atlas.start.reduce((least, time) => Math.min(least, time), Infinity);
    atlas.last = atlas.start.reduce((most, time) => Math.max(most, time), -Infinity) + atlas.windowSeconds;
    return atlas;
  }

  // The groups that are left after all but the last joins of the tree, largest first, and where each leaf went.
  groupsAt(nGroups) {
    const node = Array.from({ length: this.nLeaves }, (_, leaf) => [leaf]);
    const live = new Set(node.keys());
    for (let join = 0; join < this.nLeaves - nGroups; join += 1) {
      const [a, b] = [this.linkage[4 * join], this.linkage[4 * join + 1]];
      live.delete(a);
      live.delete(b);
      live.add(node.push([...node[a], ...node[b]]) - 1);
    }
    const size = (leaves) => leaves.reduce((sum, leaf) => sum + this.leaf_size[leaf], 0);
    const groups = [...live].map((number) => ({ leaves: node[number], size: size(node[number]) })).sort((a, b) => b.size - a.size);
    const groupOfLeaf = new Int16Array(this.nLeaves);
    groups.forEach((group, index) => {
      group.leaves.forEach((leaf) => { groupOfLeaf[leaf] = index; });
      Object.assign(group, this.identity(group.leaves), { index });
    });
    this.numberParts(groups);
    if (this.nUnassigned) groups.push({ leaves: [], size: this.nUnassigned, index: groups.length, unassigned: true, label: "No class" });
    return { groups, groupOfLeaf };
  }

  // A group is a whole class of the run, several of them, or part of one.
  identity(leaves) {
    const classes = [...new Set(leaves.map((leaf) => this.leaf_class[leaf]))].sort((a, b) => a - b);
    const whole = classes.every((name) => this.leaf_class.filter((of) => of === name).length === leaves.filter((leaf) => this.leaf_class[leaf] === name).length);
    if (classes.length > 1) return { classes, label: `Classes ${classes.join(" + ")}` };
    return whole ? { classes, ofClass: classes[0], label: `Class ${classes[0]}` } : { classes, partOf: classes[0] };
  }

  numberParts(groups) {
    const counts = {};
    groups.filter((group) => group.partOf !== undefined).forEach((group) => {
      counts[group.partOf] = (counts[group.partOf] ?? 0) + 1;
      group.label = `Class ${group.partOf}, part ${counts[group.partOf]}`;
    });
  }

  // Average of the percentiles of the leaves, weighted by their windows: [10th, 50th, 90th].
  spectrumOf(group) {
    const nBands = this.frequency_hz.length;
    return [0, 1, 2].map((percentile) => Array.from(this.frequency_hz, (_, band) => group.leaves.reduce(
      (sum, leaf) => sum + (this.leaf_size[leaf] * this.leaf_spectrum_db[(3 * leaf + percentile) * nBands + band]) / group.size, 0)));
  }

  peakOf(group) {
    const median = this.spectrumOf(group)[1];
    return this.frequency_hz[median.indexOf(Math.max(...median))];
  }

  moment(row, offset = 0) {
    return `${formatDate(this.start[row] + offset)} ${formatClock(this.start[row] + offset, this.windowSeconds >= 1 ? 0.1 : 0.001)}`;
  }
}

// What is chosen at present; whoever draws listens.
class Choice {
  constructor(atlas) {
    this.atlas = atlas;
    this.listeners = [];
    this.station = -1;
    this.offsetHours = 0;
    this.dayHours = EARTH_DAY;
    this.chosen = 0;
    this.cutAt(Math.max(1, atlas.nClasses));
  }

  cutAt(nGroups) {
    this.nGroups = Math.min(Math.max(1, nGroups), Math.max(1, this.atlas.mostGroups));
    Object.assign(this, this.atlas.groupsAt(this.nGroups));
    this.chosen = Math.min(this.chosen, this.groups.length - 1);
    this.tell();
  }

  set(changes) {
    Object.assign(this, changes);
    this.tell();
  }

  tell() {
    this.listeners.forEach((listener) => listener());
  }

  groupOf(row) {
    const leaf = this.atlas.leaf[row];
    return leaf < 0 ? this.groups.length - 1 : this.groupOfLeaf[leaf];
  }
}
