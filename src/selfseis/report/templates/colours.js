// A diverging colour map with perceptually even lightness: blue for negative, white at zero, brown-red for positive.

const NEGATIVE_HUE = 252;
const POSITIVE_HUE = 40;
const N_COLOURS = 255;
const HATCH_LIGHT = packColour([238, 238, 238]);
const HATCH_DARK = packColour([190, 190, 190]);
const INK = "#1a1d21";
const QUIET = "#5b6168";
const LINE = "#d8dadc";
const BLUE = "#0072b2";
const VERMILION = "#d55e00";

function packColour([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

// OKLCH to sRGB: Björn Ottosson, "A perceptual color space for image processing", 2020.
function oklchToRgb(lightness, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((channel) => {
    const bounded = Math.min(1, Math.max(0, channel));
    return Math.round(255 * (bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055));
  });
}

const COLOURS = Uint32Array.from({ length: N_COLOURS }, (_, index) => {
  const t = (2 * index) / (N_COLOURS - 1) - 1;
  const size = Math.abs(t);
  return packColour(oklchToRgb(0.985 - 0.665 * size, 0.165 * Math.sin(Math.PI * Math.min(0.62, size * 0.62)), t < 0 ? NEGATIVE_HUE : POSITIVE_HUE));
});

// Beneath coloured picks waves are grey: black for negative, white for positive.
const GREYS = Uint32Array.from({ length: N_COLOURS }, (_, index) => packColour(oklchToRgb(0.25 + (0.75 * index) / (N_COLOURS - 1), 0, 0)));

function paletteOf(payload) {
  return payload.picks ? GREYS : COLOURS;
}

// `share` is the amplitude as a share of the clip, -1 to 1; anything beyond has the last colour.
function colourOf(share, palette) {
  const bounded = Math.min(1, Math.max(-1, share));
  return palette[Math.round(((bounded + 1) / 2) * (N_COLOURS - 1))];
}

function hatchAt(x, y, pixelRatio) {
  return (x + y) % Math.round(7 * pixelRatio) < 1.5 * pixelRatio ? HATCH_DARK : HATCH_LIGHT;
}

function hatchPattern(context) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 7;
  const pixels = tile.getContext("2d").createImageData(7, 7);
  const colours = new Uint32Array(pixels.data.buffer);
  for (let index = 0; index < 49; index += 1) colours[index] = hatchAt(index % 7, Math.floor(index / 7), 1);
  tile.getContext("2d").putImageData(pixels, 0, 0);
  return context.createPattern(tile, "repeat");
}
