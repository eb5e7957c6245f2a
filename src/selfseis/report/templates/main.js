// Bring the page to life: the overview, the timeline and the galleries know each other only here.

const { events, overviewEvents, nPickSnippets } = JSON.parse(document.getElementById("page-data").textContent);
const overviewPlace = document.querySelector('[data-payload="overview-data"]');
const timelinePlace = document.getElementById("timeline-figure");
let gallery = null;
let timeline = null;

if (overviewPlace) readSnippet("overview-data").then((payload) => new SnippetFigure(overviewPlace, payload, overviewEvents));
if (timelinePlace) {
  timeline = new Timeline(timelinePlace, JSON.parse(document.getElementById("timeline-data").textContent), events, (index) => gallery?.choose(index));
}
if (events.length) gallery = new Gallery(events, (index) => timeline?.mark(index));
if (nPickSnippets) new PickViewer(nPickSnippets);
