// Numbers, times and axis ticks, as the page's Python writes them.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const MICROSECOND = 1e-6;

function superscript(integer) {
  return String(integer).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
}

function formatNumber(value, digits = 3) {
  if (!Number.isFinite(value)) return "no data";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return `${Number(mantissa)} × 10${superscript(Number(exponent))}`.replace("-", "−");
}

function niceStep(span, mostTicks) {
  const rough = span / mostTicks;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((mantissa) => mantissa * power).find((step) => step >= rough * 0.999);
}

function numberTicks(low, high, mostTicks) {
  const step = niceStep(high - low || 1, mostTicks);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) ticks.push({ at: n * step, label: formatNumber(n * step, 6) });
  return ticks;
}

const CALENDAR_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

function timeStep(span, mostTicks) {
  const rough = span / mostTicks;
  if (rough <= 1) return niceStep(span, mostTicks);
  return CALENDAR_STEPS.find((step) => step >= rough) ?? 86400 * Math.ceil(niceStep(span / 86400, mostTicks));
}

function timeTicks(low, high, mostTicks) {
  const step = timeStep(high - low, mostTicks);
  const ticks = [];
  for (let n = Math.ceil((low - MICROSECOND) / step); n * step <= high + MICROSECOND; n += 1) {
    ticks.push({ at: n * step, label: step >= 86400 ? formatDate(n * step) : formatClock(n * step, step) });
  }
  return ticks;
}

// The clock to the digits that tell two moments `resolution` seconds apart.
function formatClock(seconds, resolution) {
  const decimals = resolution >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(resolution) - 1e-9));
  const rounded = Math.round(seconds * 10 ** decimals) / 10 ** decimals;
  const whole = Math.floor(rounded);
  const clock = new Date(whole * 1000).toISOString().slice(11, resolution >= 60 ? 16 : 19);
  return decimals ? clock + (rounded - whole).toFixed(decimals).slice(1) : clock;
}

function formatDate(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

function timeAxisTitle(low, high) {
  const [first, last] = [formatDate(low), formatDate(high)];
  return first === last ? `time (UTC) on ${first}` : `time (UTC), ${first} to ${last}`;
}
