// Bring the atlas to life: the parts know each other only here.

const atlas = await Atlas.read("atlas-data");
const choice = new Choice(atlas);
const names = new Names(atlas);
const search = new Search(choice, names);
const pick = (row) => search.like(row);
const slider = document.getElementById("cut");
const stations = document.getElementById("station");
const zone = document.getElementById("zone");
const day = document.getElementById("day");

atlas.stations.forEach((name, number) => stations.append(element("option", { value: String(number) }, name)));
for (let hours = -12; hours <= 14; hours += 1) {
  const label = hours ? `UTC${hours > 0 ? "+" : "−"}${Math.abs(hours)}` : "UTC";
  zone.append(element("option", { value: String(hours), selected: hours === 0 }, label));
}
slider.max = String(Math.max(1, atlas.mostGroups));
slider.addEventListener("input", () => choice.cutAt(Number(slider.value)));
stations.addEventListener("change", () => choice.set({ station: Number(stations.value) }));
zone.addEventListener("change", () => choice.set({ offsetHours: Number(zone.value) }));
day.addEventListener("change", () => choice.set({ dayHours: Number(day.value) > 0 ? Number(day.value) : EARTH_DAY }));
document.getElementById("cut-of-run").addEventListener("click", () => choice.cutAt(atlas.nClasses));
choice.listeners.push(() => {
  slider.value = String(choice.nGroups);
  document.getElementById("n-groups").textContent = String(choice.groups.filter((group) => !group.unassigned).length);
});

if (atlas.nLeaves > 1) new Tree(document.getElementById("tree"), choice);
new ClassTable(document.getElementById("class-rows"), choice, names);
new Times(document.getElementById("times"), choice, names);
new GapStrip(document.getElementById("gaps"), atlas);
if (atlas.nLeaves) new Spectra(document.getElementById("spectra"), choice);
new Examples(choice, names, pick);
new WindowMap(document.getElementById("map"), choice, pick);
document.querySelectorAll("[data-window]").forEach((button) => button.addEventListener("click", () => pick(Number(button.dataset.window))));
choice.tell();
document.getElementById("atlas").dataset.ready = "true";
